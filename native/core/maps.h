// A map with a border of zeros around and room behind its channels, and what moves images into and out of it.
#pragma once
#include "core/block.h"
#include "core/shape.h"
#include "kernels/kernels.h"

namespace brightcell {

struct MapLayout {
  int height = 0, width = 0;  // with the border
  int top = 0, left = 0;      // where the image's first position stands
  int64_t step = 0;           // floats from one position to the next, the channels, or more in whole vectors

  int64_t rowStep() const { return width * step; }
  int64_t at(int64_t y, int64_t x) const { return (y * width + x) * step; }
  int64_t size() const { return height * rowStep() + 64; }  // vectors may run over the end
};

// Image `index`, scaled and shifted where its features ask for it; zeros around it and behind its channels. What does
// not fit below and to the right is left out.
void padImage(const Features& src, int64_t index, const MapLayout& layout, float* padded);
// The image's part of a padded map; zeros for what is not in it.
void cropImage(const float* padded, const MapLayout& layout, Shape shape, float* dst);

// From a convolution's own map to the layer's result: the max pool (place may be null) and the activation.
struct ConvLayer;
void finishWide(const ConvLayer& layer, const float* wide, const MapLayout& layout, float* result, uint8_t* place);
// The way back: the pooled gradient in the convolution's own map, zeros elsewhere.
void widenGradient(const ConvLayer& layer, const float* diff, const uint8_t* place, const MapLayout& layout,
                   float* wide);

}  // namespace brightcell
