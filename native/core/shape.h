// Sizes that every operation shares. C channels, H rows, W columns; maps are kept channels last ([H, W, C]) inside
// the engine, because a window's row is then one run of memory; only the outside face speaks [C, H, W].
#pragma once
#include <cstddef>
#include <cstdint>

namespace brightcell {

struct Shape {
  int channels = 0, height = 0, width = 0;
  int64_t positions() const { return static_cast<int64_t>(height) * width; }
  int64_t size() const { return positions() * channels; }
};

// A sliding window: its size, its step, and the border of nothing around the map.
struct Window {
  int height = 1, width = 1, strideY = 1, strideX = 1;
  int top = 0, bottom = 0, left = 0, right = 0;
  int outputHeight(int h) const { return (h + top + bottom - height) / strideY + 1; }
  int outputWidth(int w) const { return (w + left + right - width) / strideX + 1; }
  int area() const { return height * width; }
};

// Of the products inside: bfloat16 rounds their factors to 8 bits and still adds in float32. Parameters, their
// gradients and everything between blocks stay float32.
enum class Precision { float32, bfloat16 };

inline int64_t roundUp(int64_t value, int64_t unit) { return (value + unit - 1) / unit * unit; }

}  // namespace brightcell
