#pragma once
#include <cstdint>

namespace brightcell {

// An image as it is stored, bytes [C, H, W], not owned. What counts is gain * (pixel - level).
struct StoredImage {
  const uint8_t* pixels;
  double level;
  float gain;  // above zero
};

}  // namespace brightcell
