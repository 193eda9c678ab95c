// Idea: half of a padded grid is zeros, and half of a result is not asked for, so rows are transformed where charges
// are, and a strip of columns goes forward, is multiplied and comes back while it is in the cache. A real and even
// kernel has a real transform: two charges go through as one complex number and need not be taken apart.
// M nodes a side, n = 2 M.
#include "core/grid_convolution.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/instruction_set.h"
#include "core/parallel.h"
#include "kernels/embedding.h"

namespace brightcell {
namespace {

constexpr double pi = 3.14159265358979323846;

// One strip of transforms in its scratch memory: [n][re, im][lanes].
struct Strip {
  int64_t n, lanes;
  std::vector<double> first, second;

  Strip(int64_t n, int64_t lanes)
      : n(n), lanes(lanes), first(static_cast<size_t>(2 * n * lanes)), second(static_cast<size_t>(2 * n * lanes)) {}
  double* at(int64_t k) { return first.data() + k * 2 * lanes; }
  void clear(int64_t from) { std::fill(first.begin() + static_cast<ptrdiff_t>(from * 2 * lanes), first.end(), 0.0); }
  // Afterwards the result is in `first`.
  void transform(const std::vector<double>& twiddles, bool inverse) {
    double* result = kernels().embedding->transformStrip(first.data(), second.data(), n, twiddles.data(), inverse);
    if (result != first.data()) std::swap(first, second);
  }
};

}  // namespace

int64_t GridConvolution::sideFor(int64_t nodes) {
  for (int64_t power = 32; power < largestSide; power *= 2)
    for (const int64_t side : {power, power / 4 * 5, power / 2 * 3})
      if (side >= nodes) return side;
  return largestSide;
}

void GridConvolution::prepare(int64_t side, double spacing) {
  const int64_t lanes = kernels().lanes / 2;
  if (side == side_ && spacing == spacing_ && lanes == lanes_) return;
  const int64_t n = 2 * side;
  if (side != side_) {
    twiddles_.resize(static_cast<size_t>(2 * n));
    for (int64_t k = 0; k < n; ++k) {
      twiddles_[static_cast<size_t>(2 * k)] = std::cos(2 * pi * static_cast<double>(k) / static_cast<double>(n));
      twiddles_[static_cast<size_t>(2 * k + 1)] = -std::sin(2 * pi * static_cast<double>(k) / static_cast<double>(n));
    }
    kernel_.reserve((side + 1) * n);
    charges_.reserve(gridCharges * side * side);
    spectra_.reserve(4 * side * n);
  }
  side_ = side;
  spacing_ = spacing;
  lanes_ = lanes;
  transformKernel();
}

// Rows of distance 0 .. M; those beyond mirror them.
void GridConvolution::transformKernel() {
  const int64_t M = side_, n = 2 * M, L = lanes_;
  const double scale = 1.0 / static_cast<double>(n * n);
  parallelFor((M + L) / L, [&](int64_t task, int) {
    Strip strip(n, L);
    for (int64_t k = 0; k < n; ++k)
      for (int64_t lane = 0; lane < L; ++lane) {
        const double x = spacing_ * static_cast<double>(std::min(k, n - k));
        const double y = spacing_ * static_cast<double>(std::min(task * L + lane, M));
        const double q = 1 / (1 + x * x + y * y);
        strip.at(k)[lane] = scale * q * q;
        strip.at(k)[L + lane] = 0;
      }
    strip.transform(twiddles_, false);
    for (int64_t lane = 0; lane < L && task * L + lane <= M; ++lane)
      for (int64_t k = 0; k < n; ++k) kernel_.data()[(task * L + lane) * n + k] = strip.at(k)[lane];
  });
  parallelFor(n / L, [&](int64_t task, int) {
    Strip strip(n, L);
    for (int64_t k = 0; k < n; ++k) {
      std::memcpy(strip.at(k), kernel_.data() + std::min(k, n - k) * n + task * L, static_cast<size_t>(L) * sizeof(double));
      std::fill_n(strip.at(k) + L, L, 0.0);
    }
    strip.transform(twiddles_, false);
    for (int64_t k = 0; k <= M; ++k)
      std::memcpy(kernel_.data() + k * n + task * L, strip.at(k), static_cast<size_t>(L) * sizeof(double));
  });
}

void GridConvolution::convolve() {
  for (int pair = 0; pair < 2; ++pair) forwardRows(pair);
  columns();
  for (int pair = 0; pair < 2; ++pair) inverseRows(pair);
}

void GridConvolution::forwardRows(int pair) {
  const int64_t M = side_, n = 2 * M, L = lanes_;
  const double* source = charges_.data() + 2 * pair * M * M;
  double* target = spectra_.data() + 2 * pair * M * n;
  parallelFor(M / L, [&](int64_t task, int) {
    Strip strip(n, L);
    for (int part = 0; part < 2; ++part)
      for (int64_t lane = 0; lane < L; ++lane) {
        const double* row = source + (part * M + task * L + lane) * M;
        for (int64_t k = 0; k < M; ++k) strip.at(k)[part * L + lane] = row[k];
      }
    strip.transform(twiddles_, false);
    for (int part = 0; part < 2; ++part)
      for (int64_t lane = 0; lane < L; ++lane) {
        double* row = target + (part * M + task * L + lane) * n;
        for (int64_t k = 0; k < n; ++k) row[k] = strip.at(k)[part * L + lane];
      }
  });
}

void GridConvolution::columns() {
  const int64_t M = side_, n = 2 * M, L = lanes_;
  const size_t bytes = static_cast<size_t>(L) * sizeof(double);
  const auto& inner = *kernels().embedding;
  parallelFor(2 * (n / L), [&](int64_t task, int) {
    const int64_t pair = task % 2, column = task / 2 * L;
    double* plane = spectra_.data() + 2 * pair * M * n + column;
    Strip strip(n, L);
    for (int64_t k = 0; k < M; ++k) {
      std::memcpy(strip.at(k), plane + k * n, bytes);
      std::memcpy(strip.at(k) + L, plane + (M + k) * n, bytes);
    }
    strip.transform(twiddles_, false);
    inner.scaleStrip(strip.at(0), kernel_.data() + column, n, M + 1);
    inner.scaleStrip(strip.at(M + 1), kernel_.data() + (M - 1) * n + column, -n, M - 1);
    strip.transform(twiddles_, true);
    for (int64_t k = 0; k < M; ++k) {
      std::memcpy(plane + k * n, strip.at(k), bytes);
      std::memcpy(plane + (M + k) * n, strip.at(k) + L, bytes);
    }
  });
}

void GridConvolution::inverseRows(int pair) {
  const int64_t M = side_, n = 2 * M, L = lanes_;
  const double* source = spectra_.data() + 2 * pair * M * n;
  double* target = charges_.data() + 2 * pair * M * M;
  parallelFor(M / L, [&](int64_t task, int) {
    Strip strip(n, L);
    for (int part = 0; part < 2; ++part)
      for (int64_t lane = 0; lane < L; ++lane) {
        const double* row = source + (part * M + task * L + lane) * n;
        for (int64_t k = 0; k < n; ++k) strip.at(k)[part * L + lane] = row[k];
      }
    strip.transform(twiddles_, true);
    for (int part = 0; part < 2; ++part)
      for (int64_t lane = 0; lane < L; ++lane) {
        double* row = target + (part * M + task * L + lane) * M;
        for (int64_t k = 0; k < M; ++k) row[k] = strip.at(k)[part * L + lane];
      }
  });
}

}  // namespace brightcell
