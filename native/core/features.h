// Hand-made features of stored images: numbers with names and units about the cell's shape, brightness and texture.
// Names, units and meanings: docs/features.md.
//
// Letters: C channels, H x W the stored image, h x w the crop around the cell.
#pragma once
#include <string>
#include <vector>

#include "core/features_cell.h"

namespace brightcell {

// Buffers that one thread keeps from image to image.
struct FeatureScratch {
  CellScratch cell;
  Cell found;
  CellPixels pixels;
};

// The shape's names first, then, for every channel, those of its pixels (the same for each; in order of channels).
const std::vector<std::string>& shapeFeatureNames();
const std::vector<std::string>& pixelFeatureNames();
int featureCount(int channels);

// Writes featureCount(channels) finite numbers. The image is uint8 or uint16. Where no cell is found all are 0, but
// for the background's.
void measureFeatures(const ImageView& image, float* dst, FeatureScratch& scratch);

}  // namespace brightcell
