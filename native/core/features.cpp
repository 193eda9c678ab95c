#include "core/features.h"

#include <algorithm>

#include "core/features_families.h"

namespace brightcell {
namespace {

FeatureNames join(std::initializer_list<FeatureNames> families) {
  FeatureNames all;
  for (const FeatureNames& family : families) all.insert(all.end(), family.begin(), family.end());
  return all;
}

void measureChannel(const ImageView& image, int channel, const Cell& cell, CellPixels& pixels, float* dst) {
  readPixels(image, channel, cell, pixels);
  measureBackground(image, channel, cell, pixels, dst);
  if (!cell.found) return;
  measureIntensity(cell, pixels, dst + backgroundFeatures);
  dst += intensityNames().size();
  measureGradients(cell, pixels, dst);
  dst += gradientNames().size();
  measureGranularity(cell, pixels, dst);
  dst += granularityNames().size();
  measurePatterns(cell, pixels, dst);
  dst += patternNames().size();
  measureCooccurrence(cell, pixels, dst);
  dst += cooccurrenceNames().size();
  measureZernike(cell, pixels, dst);
}

}  // namespace

const FeatureNames& shapeFeatureNames() {
  static const FeatureNames names = join({shapeNames(), contourNames()});
  return names;
}

const FeatureNames& pixelFeatureNames() {
  static const FeatureNames names =
      join({intensityNames(), gradientNames(), granularityNames(), patternNames(), cooccurrenceNames(), zernikeNames()});
  return names;
}

int featureCount(int channels) {
  return static_cast<int>(shapeFeatureNames().size() + static_cast<size_t>(channels) * pixelFeatureNames().size());
}

void measureFeatures(const ImageView& image, float* dst, FeatureScratch& scratch) {
  std::fill(dst, dst + featureCount(image.channels), 0.0f);
  findCell(image, scratch.found, scratch.cell);
  if (scratch.found.found) {
    measureShapeFeatures(scratch.found, dst);
    measureContourFeatures(scratch.found, dst + shapeNames().size());
  }
  dst += shapeFeatureNames().size();
  for (int channel = 0; channel < image.channels; ++channel, dst += pixelFeatureNames().size())
    measureChannel(image, channel, scratch.found, scratch.pixels, dst);
}

}  // namespace brightcell
