// From a raw image of any size to a stored one, and what the raw image says about its own quality.
#pragma once
#include <cstdint>
#include <vector>

#include "core/input.h"
#include "core/resize.h"

namespace brightcell {

// A decoded raw image, channels interleaved (H x W x C), not owned; uint8 or uint16.
struct RawView {
  const void* pixels;
  PixelType type;
  int height, width, channels;
};

enum class Fit {
  stretch,  // both sides resized independently
  pad,      // aspect kept, the rest filled with the median of the border
  centre,   // scale kept, small images padded and large ones cropped about the middle
};

struct Preparation {
  int height = 128, width = 128;
  Fit fit = Fit::stretch;
  // Channels to keep, in order; empty: one gray channel (luminance of RGB, or the first of one or two channels).
  std::vector<int> channels;

  int outputChannels() const { return channels.empty() ? 1 : static_cast<int>(channels.size()); }
};

// Buffers that one thread keeps from image to image, so that preparing allocates nothing once it is warm.
struct PrepareScratch {
  Resampling horizontal, vertical;
  std::vector<float> gray;     // the raw image, or its reduction, for the quality features
  std::vector<float> row, narrow, resized, border;
  std::vector<float> planes;   // of measureQuality
  std::vector<uint8_t> masks;
  std::vector<int32_t> labels, stack;
};

// Writes [C, H, W] of the preparation to dst, of the raw image's pixel type, and, unless `quality` is null,
// qualityCount numbers measured on the raw image (see core/quality.h).
void prepare(const RawView& raw, const Preparation& preparation, void* dst, float* quality, PrepareScratch& scratch);

}  // namespace brightcell
