// relu max(x, 0); tanh; scaledTanh 1.7159 tanh(2 x / 3); sigmoid 1 / (1 + e^-x). Dropout: a mask drawn by counter, as dropout_block.cpp says.
#pragma once
#include <cmath>

#include "core/random.h"
#include "kernels/kernels.h"
#include "reference/maps.h"

namespace brightcell::reference {

template <typename T>
T activated(Activation kind, T x) {
  if (kind == Activation::relu) return x > 0 ? x : T{};
  if (kind == Activation::tanh) return std::tanh(x);
  if (kind == Activation::sigmoid) return 1 / (1 + std::exp(-x));
  return static_cast<T>(1.7159) * std::tanh(static_cast<T>(2) / 3 * x);
}

template <typename T>
T slope(Activation kind, T x) {
  if (kind == Activation::relu) return x > 0 ? T{1} : T{};
  if (kind == Activation::tanh) return 1 - std::tanh(x) * std::tanh(x);
  if (kind == Activation::sigmoid) return activated(kind, x) * activated(kind, -x);
  const T t = std::tanh(static_cast<T>(2) / 3 * x);
  return static_cast<T>(1.7159) * 2 / 3 * (1 - t * t);
}

template <typename T>
Maps<T> activate(Activation kind, Maps<T> src) {
  for (T& x : src.values) x = activated(kind, x);
  return src;
}

template <typename T>
Maps<T> activateBackward(Activation kind, const Maps<T>& src, Maps<T> diffDst) {
  for (size_t i = 0; i < src.values.size(); ++i) diffDst.values[i] *= slope(kind, src.values[i]);
  return diffDst;
}

// The same for forward and backward.
template <typename T>
Maps<T> drop(Maps<T> src, uint64_t dropSeed, int layer, double rate) {
  const int64_t size = src.shape.size();
  for (int64_t n = 0; n < src.count; ++n) {
    Random random(Random(dropSeed, static_cast<uint64_t>(layer)).next(), static_cast<uint64_t>(n));
    for (int64_t i = 0; i < size; ++i)
      src.values[n * size + i] *= random.uniform() < rate ? T{} : static_cast<T>(1 / (1 - rate));
  }
  return src;
}

}  // namespace brightcell::reference
