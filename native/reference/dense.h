// dst[n, u] = bias[u] + sum over i of src[n, i] * weights[u, i]; src flattened in the order C, H, W.
#pragma once
#include "reference/maps.h"

namespace brightcell::reference {

template <typename T>
struct DenseGradients {
  Maps<T> src;
  std::vector<T> weights, bias;
};

template <typename T>
Maps<T> dense(const Maps<T>& src, const std::vector<T>& weights, const std::vector<T>& bias, int units) {
  const int64_t inputs = src.shape.size();
  Maps<T> dst(src.count, {units, 1, 1});
  for (int64_t n = 0; n < src.count; ++n)
    for (int u = 0; u < units; ++u) {
      T sum = bias.empty() ? T{} : bias[u];
      for (int64_t i = 0; i < inputs; ++i) sum += src.values[n * inputs + i] * weights[u * inputs + i];
      dst.at(n, u, 0, 0) = sum;
    }
  return dst;
}

template <typename T>
DenseGradients<T> denseBackward(const Maps<T>& src, const std::vector<T>& weights, bool withBias,
                                const Maps<T>& diffDst) {
  const int64_t inputs = src.shape.size();
  const int units = diffDst.shape.channels;
  DenseGradients<T> diff{Maps<T>(src.count, src.shape), std::vector<T>(weights.size()),
                         std::vector<T>(withBias ? units : 0)};
  for (int64_t n = 0; n < src.count; ++n)
    for (int u = 0; u < units; ++u) {
      const T d = diffDst.at(n, u, 0, 0);
      if (withBias) diff.bias[u] += d;
      for (int64_t i = 0; i < inputs; ++i) {
        diff.src.values[n * inputs + i] += d * weights[u * inputs + i];
        diff.weights[u * inputs + i] += d * src.values[n * inputs + i];
      }
    }
  return diff;
}

}  // namespace brightcell::reference
