// What turns stored pixels into a network's input: the loops behind core/input.h. One image at a time, on one thread.
// H rows, W columns; planes are [H, W].
#pragma once
#include <cstdint>

namespace brightcell {

// Where each pixel of a warped plane comes from: pixel (row, column) is sampled at
// (originX + row * rowX + column * columnX, originY + row * rowY + column * columnY), bilinear; outside the plane the
// nearest border pixel goes on.
struct Warp {
  int height, width;
  double originX, originY, columnX, columnY, rowX, rowY;
};

// gain * (x - middle) + shift: the middle is taken off first, so that what is left of a bright, flat image is exact.
struct Affine {
  float middle = 0, gain = 1, shift = 0;
};

struct ByteSums {
  uint64_t sum, squares;
};
struct RealSums {
  double sum, squares;  // of the differences from a pivot
};

struct ImageKernels {
  // dst and src are different. `scratch` holds warpScratchBytes(height, width), aligned to 4.
  void (*warpBytes)(const uint8_t* src, const Warp&, void* scratch, float* dst);
  void (*warpWords)(const uint16_t* src, const Warp&, void* scratch, float* dst);
  void (*warpReals)(const float* src, const Warp&, void* scratch, float* dst);

  // dst may be src.
  void (*scaleBytes)(const uint8_t* src, int64_t count, const Affine&, float* dst);
  void (*scaleWords)(const uint16_t* src, int64_t count, const Affine&, float* dst);
  void (*scaleReals)(const float* src, int64_t count, const Affine&, float* dst);

  ByteSums (*sumBytes)(const uint8_t* src, int64_t count);  // exact
  RealSums (*sumReals)(const float* src, int64_t count, double pivot);

  // Symmetric filter of 2 * radius + 1 taps along rows and columns, in place, the border pixel repeated outwards;
  // weights[k] is that of the taps at -k and k. `scratch`: blurScratchFloats(height, width, radius).
  void (*blur)(float* plane, int height, int width, const float* weights, int radius, float* scratch);

  // values = affine(values) + deviation * standard normal numbers, which are a function of (keys, position) alone.
  void (*addNoise)(float* values, int64_t count, const Affine&, float deviation, const uint32_t* keys);
};

constexpr int64_t warpScratchBytes(int height, int width) { return 4 * (int64_t{height} + 1) * (int64_t{width} + 1); }
constexpr int64_t blurScratchFloats(int height, int width, int radius) {
  const int64_t step = (int64_t{width} + 15) / 16 * 16;
  return int64_t{height} * step + 2 * (step + 2 * radius);
}

}  // namespace brightcell
