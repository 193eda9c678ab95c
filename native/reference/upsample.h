// Upsampling by the nearest neighbour: dst(y, x) = src(y / rows, x / columns), rounded down. Reshape: the same numbers in
// the order [C, H, W] under another shape.
#pragma once
#include "reference/maps.h"

namespace brightcell::reference {

template <typename T>
Maps<T> upsample(const Maps<T>& src, int rows, int columns) {
  Maps<T> dst(src.count, {src.shape.channels, src.shape.height * rows, src.shape.width * columns});
  for (int64_t n = 0; n < dst.count; ++n)
    for (int c = 0; c < dst.shape.channels; ++c)
      for (int y = 0; y < dst.shape.height; ++y)
        for (int x = 0; x < dst.shape.width; ++x) dst.at(n, c, y, x) = src.at(n, c, y / rows, x / columns);
  return dst;
}

template <typename T>
Maps<T> upsampleBackward(const Maps<T>& src, int rows, int columns, const Maps<T>& diffDst) {
  Maps<T> diff(src.count, src.shape);
  for (int64_t n = 0; n < diffDst.count; ++n)
    for (int c = 0; c < diffDst.shape.channels; ++c)
      for (int y = 0; y < diffDst.shape.height; ++y)
        for (int x = 0; x < diffDst.shape.width; ++x) diff.at(n, c, y / rows, x / columns) += diffDst.at(n, c, y, x);
  return diff;
}

template <typename T>
Maps<T> reshape(Maps<T> src, Shape shape) {
  src.shape = shape;
  return src;
}

}  // namespace brightcell::reference
