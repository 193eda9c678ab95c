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

template <typename T, typename Visit>
void visitConvolution(const Maps<T>& src, Shape dst, const Window& w, Visit visit) {
  for (int64_t n = 0; n < src.count; ++n)
    for (int f = 0; f < dst.channels; ++f)
      for (int y = 0; y < dst.height; ++y)
        for (int x = 0; x < dst.width; ++x)
          for (int c = 0; c < src.shape.channels; ++c)
            for (int i = 0; i < w.height; ++i)
              for (int j = 0; j < w.width; ++j) {
                const int sy = y * w.strideY - w.top + i, sx = x * w.strideX - w.left + j;
                if (src.has(sy, sx))
                  visit(n, f, y, x, c, sy, sx, ((f * src.shape.channels + c) * w.height + i) * w.width + j);
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
  visitConvolution(src, dst.shape, w, [&](int64_t n, int f, int y, int x, int c, int sy, int sx, int at) {
    dst.at(n, f, y, x) += src.at(n, c, sy, sx) * weights[at];
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
  visitConvolution(src, diffDst.shape, w, [&](int64_t n, int f, int y, int x, int c, int sy, int sx, int at) {
    diff.src.at(n, c, sy, sx) += diffDst.at(n, f, y, x) * weights[at];
    diff.weights[at] += diffDst.at(n, f, y, x) * src.at(n, c, sy, sx);
  });
  return diff;
}

}  // namespace brightcell::reference
