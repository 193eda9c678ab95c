#include "core/svm_probability.h"

#include <algorithm>
#include <cmath>

namespace brightcell {
namespace {

// log(1 + e^z) and 1 / (1 + e^z) without overflow.
double softplus(double z) { return z > 0 ? z + std::log1p(std::exp(-z)) : std::log1p(std::exp(z)); }
double fall(double z) { return z >= 0 ? std::exp(-z) / (1 + std::exp(-z)) : 1 / (1 + std::exp(z)); }

}  // namespace

double Sigmoid::at(double value) const { return fall(slope * value + offset); }

Sigmoid fitSigmoid(const std::vector<double>& values, const std::vector<char>& positive) {
  const auto count = static_cast<double>(values.size());
  const auto positives = static_cast<double>(std::count(positive.begin(), positive.end(), 1));
  const double high = (positives + 1) / (positives + 2), low = 1 / (count - positives + 2);
  const auto target = [&](size_t n) { return positive[n] ? high : low; };
  const auto loss = [&](const Sigmoid& s) {
    double sum = 0;
    for (size_t n = 0; n < values.size(); ++n) {
      const double z = s.slope * values[n] + s.offset;
      sum += target(n) * softplus(z) + (1 - target(n)) * softplus(-z);
    }
    return sum;
  };
  Sigmoid now{0, std::log((count - positives + 1) / (positives + 1))};
  double best = loss(now);
  for (int iteration = 0; iteration < 100; ++iteration) {
    double slope = 0, offset = 0, xx = 1e-12, x1 = 0, oo = 1e-12;
    for (size_t n = 0; n < values.size(); ++n) {
      const double p = now.at(values[n]), difference = target(n) - p, weight = p * (1 - p);
      slope += values[n] * difference;
      offset += difference;
      xx += values[n] * values[n] * weight;
      x1 += values[n] * weight;
      oo += weight;
    }
    if (std::abs(slope) < 1e-5 && std::abs(offset) < 1e-5) break;
    const double determinant = xx * oo - x1 * x1;
    const double alongSlope = -(oo * slope - x1 * offset) / determinant;
    const double alongOffset = -(xx * offset - x1 * slope) / determinant;
    const double descent = slope * alongSlope + offset * alongOffset;
    double step = 1;
    for (; step >= 1e-10; step /= 2) {
      const Sigmoid next{now.slope + step * alongSlope, now.offset + step * alongOffset};
      const double reached = loss(next);
      if (!(reached < best + 1e-4 * step * descent)) continue;
      now = next;
      best = reached;
      break;
    }
    if (step < 1e-10) break;
  }
  return now;
}

void couple(const double* pairwise, int classes, double* dst) {
  if (classes == 2) {
    dst[0] = pairwise[1];
    dst[1] = pairwise[2];
    return;
  }
  const int k = classes;
  std::vector<double> q(static_cast<size_t>(k) * k), product(static_cast<size_t>(k));
  for (int t = 0; t < k; ++t)
    for (int j = 0; j < k; ++j) {
      if (j == t) continue;
      q[t * k + t] += pairwise[j * k + t] * pairwise[j * k + t];
      q[t * k + j] = -pairwise[j * k + t] * pairwise[t * k + j];
    }
  std::fill_n(dst, k, 1.0 / k);
  for (int round = 0; round < std::max(1000, k); ++round) {
    double energy = 0, worst = 0;
    for (int t = 0; t < k; ++t) {
      product[t] = 0;
      for (int j = 0; j < k; ++j) product[t] += q[t * k + j] * dst[j];
      energy += dst[t] * product[t];
    }
    for (int t = 0; t < k; ++t) worst = std::max(worst, std::abs(product[t] - energy));
    if (worst < 1e-6 / k) break;
    // One coordinate after the other, each time brought back to a sum of 1.
    for (int t = 0; t < k; ++t) {
      const double change = (energy - product[t]) / q[t * k + t], total = 1 + change;
      dst[t] += change;
      energy = (energy + change * (change * q[t * k + t] + 2 * product[t])) / (total * total);
      for (int j = 0; j < k; ++j) {
        product[j] = (product[j] + change * q[t * k + j]) / total;
        dst[j] /= total;
      }
    }
  }
  double sum = 0;
  for (int t = 0; t < k; ++t) sum += dst[t] = std::max(0.0, dst[t]);
  for (int t = 0; t < k; ++t) dst[t] /= sum;
}

}  // namespace brightcell
