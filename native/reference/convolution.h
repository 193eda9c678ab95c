// dst[n, f, y, x] = bias[f] + sum over c, i, j of src[n, c, y * strideY - top + i, x * strideX - left + j] *
// weights[f, c, i, j], zero outside the map.
#pragma once
#include "reference/maps.h"

namespace brightcell::reference {

template <typename T>
struct ConvolutionGradients {
  Maps<T> src;
  std::vector<T> weights, bias;
};

// A run of products that one weight takes part in: those of a row of dst, its source inside the map. Places are in the
// arrays; from one to the next dst moves on by one and src by the stride.
struct Run {
  int64_t dst, src, weight, length;
};

// Every product of the sum, as runs: what does not change along a row is worked out once a row, for the tests spend most
// of their time here.
template <typename Visit>
void visitConvolution(int64_t count, Shape src, Shape dst, const Window& w, Visit visit) {
  for (int i = 0; i < w.height; ++i)
    for (int j = 0; j < w.width; ++j) {
      int first = 0, end = dst.width;
      while (first < end && first * w.strideX - w.left + j < 0) ++first;
      while (first < end && (end - 1) * w.strideX - w.left + j >= src.width) --end;
      for (int64_t n = 0; n < count; ++n)
        for (int f = 0; f < dst.channels; ++f)
          for (int c = 0; c < src.channels; ++c)
            for (int y = 0; y < dst.height; ++y) {
              const int sy = y * w.strideY - w.top + i, sx = first * w.strideX - w.left + j;
              if (sy < 0 || sy >= src.height) continue;
              visit(Run{((n * dst.channels + f) * dst.height + y) * dst.width + first,
                        ((n * src.channels + c) * src.height + sy) * src.width + sx,
                        ((static_cast<int64_t>(f) * src.channels + c) * w.height + i) * w.width + j, end - first});
            }
    }
}

template <typename T>
Maps<T> convolve(const Maps<T>& src, const std::vector<T>& weights, const std::vector<T>& bias, int filters,
                 const Window& w) {
  Maps<T> dst(src.count, {filters, w.outputHeight(src.shape.height), w.outputWidth(src.shape.width)});
  for (int64_t n = 0; n < dst.count && !bias.empty(); ++n)
    for (int f = 0; f < filters; ++f)
      for (int y = 0; y < dst.shape.height; ++y)
        for (int x = 0; x < dst.shape.width; ++x) dst.at(n, f, y, x) = bias[f];
  visitConvolution(dst.count, src.shape, dst.shape, w, [&](const Run& run) {
    T* to = dst.values.data() + run.dst;
    const T* from = src.values.data() + run.src;
    const T weight = weights[run.weight];
    for (int64_t k = 0; k < run.length; ++k) to[k] += from[k * w.strideX] * weight;
  });
  return dst;
}

template <typename T>
ConvolutionGradients<T> convolveBackward(const Maps<T>& src, const std::vector<T>& weights, bool withBias,
                                         const Window& w, const Maps<T>& diffDst) {
  ConvolutionGradients<T> diff{Maps<T>(src.count, src.shape), std::vector<T>(weights.size()), {}};
  if (withBias) {
    diff.bias.resize(diffDst.shape.channels);
    for (int64_t n = 0; n < diffDst.count; ++n)
      for (int f = 0; f < diffDst.shape.channels; ++f)
        for (int y = 0; y < diffDst.shape.height; ++y)
          for (int x = 0; x < diffDst.shape.width; ++x) diff.bias[f] += diffDst.at(n, f, y, x);
  }
  visitConvolution(src.count, src.shape, diffDst.shape, w, [&](const Run& run) {
    T* to = diff.src.values.data() + run.src;
    const T *from = src.values.data() + run.src, *d = diffDst.values.data() + run.dst;
    const T weight = weights[run.weight];
    T sum{};
    for (int64_t k = 0; k < run.length; ++k) {
      to[k * w.strideX] += d[k] * weight;
      sum += d[k] * from[k * w.strideX];
    }
    diff.weights[run.weight] += sum;
  });
  return diff;
}

}  // namespace brightcell::reference
