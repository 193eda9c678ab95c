// The cell of one image before the background of another: an augmentation that keeps a network from telling classes by
// what lies around the cells.
//
// The cell is the object that findObjects chooses, widened by a rim. The other image's background is its pixels where
// nothing stands out of the noise and no object's box reaches. The others are mirrored in their row at the nearer end of the
// gap, or else at the farther one, and what has no such pixel takes the background's level. The cell moves to the new level: what
// it adds to the light or takes from it stays.
//
// C channels, H rows, W columns.
#pragma once
#include "core/features_objects.h"
#include "core/input.h"

namespace brightcell {

// Buffers that one thread keeps from image to image.
struct BackgroundScratch {
  ObjectsScratch objects;
  std::vector<uint8_t> cell, free, row;
  std::vector<double> levels;
};

// Pixels by which the cell is widened, so that its own rim goes along.
inline int cellRim(int height, int width) { return std::max(1, std::min(height, width) / 32); }

// Writes [C, H, W] to dst, values of the pixel type's range. False, and nothing written, where there is no cell to keep, the
// cell of either image meets the edge, less than an eighth of the image is background to know its level by, or less than a
// quarter of `other` is. Both images are uint8 or uint16, of one shape.
bool replaceBackground(const ImageView& image, const ImageView& other, float* dst, BackgroundScratch& scratch);

}  // namespace brightcell
