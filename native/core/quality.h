// Quality of a raw image in numbers, for screening. Names, units and meaning: docs/screening.md.
#pragma once
#include <array>
#include <cstdint>

#include "core/prepare.h"

namespace brightcell {

inline constexpr int qualityCount = 34;
// In the order in which measureQuality gives them.
extern const char* const qualityNames[qualityCount];

// Counts of pixels at either end of the scale. A 16-bit image may hold fewer bits, so its scale ends at the smallest
// of 1023, 4095, 16383 and 65535 that all its values fit into.
class Saturation {
 public:
  explicit Saturation(float range) : range_(range) {}
  void count(const float* values, int count);

  float range() const { return range_; }
  float low() const;
  float high() const;

 private:
  float range_, largest_ = 0;
  int64_t all_ = 0, dark_ = 0;
  std::array<int64_t, 4> bright_{};
};

// A gray image of height x width pixels, reduced from a raw one.
struct WorkingImage {
  const float* gray;
  int height, width;
  int rawHeight, rawWidth;
};

void measureQuality(const WorkingImage& image, const Saturation& saturation, float* quality, PrepareScratch& scratch);

}  // namespace brightcell
