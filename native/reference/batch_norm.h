// dst = (src - mean[c]) / sqrt(variance[c] + epsilon) * gamma[c] + beta[c], with mean and biased variance over N, H, W.
#pragma once
#include <cmath>

#include "reference/maps.h"

namespace brightcell::reference {

template <typename T>
struct Statistics {
  std::vector<T> mean, variance;
};

template <typename T>
struct BatchNormGradients {
  Maps<T> src;
  std::vector<T> gamma, beta;
};

template <typename T, typename Visit>
void visitChannel(const Maps<T>& maps, int c, Visit visit) {
  for (int64_t n = 0; n < maps.count; ++n)
    for (int y = 0; y < maps.shape.height; ++y)
      for (int x = 0; x < maps.shape.width; ++x) visit(n, y, x);
  (void)c;
}

template <typename T>
Statistics<T> measure(const Maps<T>& src) {
  Statistics<T> s{std::vector<T>(src.shape.channels), std::vector<T>(src.shape.channels)};
  const T number = static_cast<T>(src.count * src.shape.positions());
  for (int c = 0; c < src.shape.channels; ++c) {
    visitChannel(src, c, [&](int64_t n, int y, int x) { s.mean[c] += src.at(n, c, y, x) / number; });
    visitChannel(src, c, [&](int64_t n, int y, int x) {
      const T distance = src.at(n, c, y, x) - s.mean[c];
      s.variance[c] += distance * distance / number;
    });
  }
  return s;
}

template <typename T>
Maps<T> normalise(const Maps<T>& src, const Statistics<T>& s, const std::vector<T>& gamma, const std::vector<T>& beta,
                  T epsilon) {
  Maps<T> dst(src.count, src.shape);
  for (int c = 0; c < src.shape.channels; ++c)
    visitChannel(src, c, [&](int64_t n, int y, int x) {
      dst.at(n, c, y, x) = (src.at(n, c, y, x) - s.mean[c]) / std::sqrt(s.variance[c] + epsilon) * gamma[c] + beta[c];
    });
  return dst;
}

// Through the statistics too: with x' the normalised source and M the number of values in a channel,
// diffSrc = gamma / deviation * (diff - sum(diff) / M - x' * sum(diff * x') / M).
template <typename T>
BatchNormGradients<T> normaliseBackward(const Maps<T>& src, const std::vector<T>& gamma, T epsilon,
                                        const Maps<T>& diffDst) {
  const Statistics<T> s = measure(src);
  const int channels = src.shape.channels;
  BatchNormGradients<T> diff{Maps<T>(src.count, src.shape), std::vector<T>(channels), std::vector<T>(channels)};
  const T number = static_cast<T>(src.count * src.shape.positions());
  for (int c = 0; c < channels; ++c) {
    const T deviation = std::sqrt(s.variance[c] + epsilon);
    const auto normal = [&](int64_t n, int y, int x) { return (src.at(n, c, y, x) - s.mean[c]) / deviation; };
    visitChannel(src, c, [&](int64_t n, int y, int x) {
      diff.beta[c] += diffDst.at(n, c, y, x);
      diff.gamma[c] += diffDst.at(n, c, y, x) * normal(n, y, x);
    });
    visitChannel(src, c, [&](int64_t n, int y, int x) {
      diff.src.at(n, c, y, x) =
          gamma[c] / deviation *
          (diffDst.at(n, c, y, x) - diff.beta[c] / number - normal(n, y, x) * diff.gamma[c] / number);
    });
  }
  return diff;
}

}  // namespace brightcell::reference
