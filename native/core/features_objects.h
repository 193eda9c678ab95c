// What stands out of an image's background, and which of it is the cell.
//
// As in core/foreground.h the background is a level plus an offset a row and a column, and what stands out is found by
// its energy in a 3 x 3 window: so cells may be bright, dark or both. Here nothing depends on how the image is turned,
// whole cells are wanted (a relief's dark half with its bright one) rather than faint parts, and the window's pixel is
// taken off again.
#pragma once
#include <cstdint>
#include <vector>

#include "core/foreground.h"
#include "core/input.h"

namespace brightcell {

struct ObjectsScratch {
  std::vector<float> gray, deviation, energy, across, values;
  std::vector<uint8_t> mask, whole, narrow, plane, around;
  std::vector<int32_t> labels, stack;
};

struct Objects {
  std::vector<Component> objects;  // the largest first
  const Component* chosen;         // the one that covers most of the image's middle; null where there is none
  const int32_t* labels;           // H x W: which object, 0 for none
  const uint8_t* around;           // H x W: 1 where there is background
};

// In the mean of the channels of a uint8 or uint16 image. Pointers are into `scratch` and the result.
Objects findObjects(const ImageView& image, ObjectsScratch& scratch);

// Smallest (or largest) of 3 x 3 around each place of an h x w plane, zeros outside of it. src and dst may not overlap.
void shrinkPlane(const uint8_t* src, int height, int width, uint8_t* across, uint8_t* dst);
void growPlane(const uint8_t* src, int height, int width, uint8_t* across, uint8_t* dst);

}  // namespace brightcell
