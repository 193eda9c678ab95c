// Magnitudes of Zernike moments up to order 8 of the stretched cell, over the disc around its centre that just holds
// the centres of all its pixels; divided by the sum of the stretched values, as Boland and Murphy (1998) do.
//
// Z_nm = (n + 1) / pi x sum of f V*_nm over sum of f. The sums come from geometric moments, made row by row without
// a term that depends on the order of the sum: sum of x^p y^q f, with coordinates in radii of the disc.
#include <algorithm>
#include <array>
#include <cmath>
#include <complex>

#include "core/features_families.h"

namespace brightcell {
namespace {

constexpr int order = 8;
constexpr int powers = order + 1;
constexpr double pi = 3.141592653589793;
using Geometric = std::array<std::array<double, powers>, powers>;  // [p of x][q of y]

double discRadius(const Cell& cell) {
  double largest = 0;
  for (const Run& run : cell.runs) {
    const double dy = run.y - cell.centreY;
    for (const int x : {run.x, run.x + run.length - 1}) {
      const double dx = x - cell.centreX;
      largest = std::max(largest, dx * dx + dy * dy);
    }
  }
  return std::max(std::sqrt(largest), 0.5);
}

Geometric sumPowers(const Cell& cell, CellPixels& pixels) {
  const double radius = discRadius(cell);
  const size_t width = static_cast<size_t>(cell.width);
  pixels.columns.assign(powers * width, 0.0);
  for (const Run& run : cell.runs) {
    const double y = (run.y - cell.centreY) / radius;
    const uint8_t* src = pixels.stretched.data() + run.place;
    double factors[powers] = {1};
    for (int q = 1; q < powers; ++q) factors[q] = factors[q - 1] * y;
    for (int q = 0; q < powers; ++q) {
      double* dst = pixels.columns.data() + static_cast<size_t>(q) * width + run.x;
      const double factor = factors[q];
      for (int i = 0; i < run.length; ++i) dst[i] += factor * src[i];
    }
  }
  Geometric sums{};
  for (size_t x = 0; x < width; ++x) {
    const double step = (static_cast<double>(x) - cell.centreX) / radius;
    for (size_t q = 0; q < powers; ++q) {
      double term = pixels.columns[q * width + x];
      for (size_t p = 0; p < powers; ++p) {
        sums[p][q] += term;
        term *= step;
      }
    }
  }
  return sums;
}

double factorial(int n) { return n < 2 ? 1 : n * factorial(n - 1); }
double choose(int n, int k) { return factorial(n) / (factorial(k) * factorial(n - k)); }

// Conjugated V_nm = R_nm(r) e^(-im angle) as a polynomial in x and y: r^2 = x^2 + y^2, r e^(-i angle) = x - iy.
struct Polynomial {
  int n, m;
  std::array<std::array<std::complex<double>, powers>, powers> terms{};
};

Polynomial expand(int n, int m) {
  Polynomial polynomial{n, m, {}};
  for (int s = 0; s <= (n - m) / 2; ++s) {
    const int squares = (n - m) / 2 - s;
    const double radial = (s % 2 ? -1 : 1) * factorial(n - s) / (factorial(s) * factorial((n + m) / 2 - s) * factorial((n - m) / 2 - s));
    for (int a = 0; a <= squares; ++a)
      for (int b = 0; b <= m; ++b) {
        constexpr std::complex<double> turns[4] = {{1, 0}, {0, -1}, {-1, 0}, {0, 1}};  // (-i)^b
        polynomial.terms[static_cast<size_t>(2 * (squares - a) + m - b)][static_cast<size_t>(2 * a + b)] +=
            radial * choose(squares, a) * choose(m, b) * turns[b % 4];
      }
  }
  return polynomial;
}

const std::vector<Polynomial>& polynomials() {
  static const std::vector<Polynomial> all = [] {
    std::vector<Polynomial> made;
    for (int n = 1; n <= order; ++n)
      for (int m = n % 2; m <= n; m += 2) made.push_back(expand(n, m));
    return made;
  }();
  return all;
}

}  // namespace

const FeatureNames& zernikeNames() {
  static const FeatureNames names = [] {
    FeatureNames all;
    for (const Polynomial& polynomial : polynomials())
      all.push_back(nameOf({"zernike", std::to_string(polynomial.n), "m", std::to_string(polynomial.m)}));
    return all;
  }();
  return names;
}

void measureZernike(const Cell& cell, CellPixels& pixels, float* dst) {
  const Geometric sums = sumPowers(cell, pixels);
  for (const Polynomial& polynomial : polynomials()) {
    std::complex<double> moment = 0;
    for (size_t p = 0; p < powers; ++p)
      for (size_t q = 0; p + q < powers; ++q) moment += polynomial.terms[p][q] * sums[p][q];
    *dst++ = sums[0][0] > 0 ? static_cast<float>((polynomial.n + 1) / pi * std::abs(moment) / sums[0][0]) : 0;
  }
}

}  // namespace brightcell
