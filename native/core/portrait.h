// A small gray picture of a stored image and where its cell stands: what cells are compared by when copies of one are
// looked for. H x W the image, h x w the portrait.
#pragma once
#include <vector>

#include "core/input.h"
#include "core/resize.h"

namespace brightcell {

// The longer side of a portrait; smaller images stay as they are.
inline constexpr int portraitSide = 64;

struct Portrait {
  int height = 0, width = 0;
  std::vector<float> pixels;  // h x w, the mean over the channels, less the median of the border, smoothed
  double x = 0, y = 0;        // middle of what stands out of the background, in pixels from the middle of the first
  double radius = 0;          // about that middle, within which most of it lies
  double noise = 0;           // standard deviation of what changed from pixel to pixel, as smoothing leaves it

  // Bilinear; beyond the frame the nearest border pixel goes on.
  float at(double column, double row) const;
};

// Buffers that one thread keeps from image to image.
struct PortraitScratch {
  Resampling horizontal, vertical;
  std::vector<float> row, narrow, border, values;
};

void makePortrait(const ImageView& image, Portrait& portrait, PortraitScratch& scratch);

}  // namespace brightcell
