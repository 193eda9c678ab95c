// The families of features. Each writes as many numbers as it has names, in their order, for a cell that was found.
#pragma once
#include <initializer_list>
#include <string>
#include <vector>

#include "core/features_cell.h"

namespace brightcell {

using FeatureNames = std::vector<std::string>;

// Parts of a name put together.
inline std::string nameOf(std::initializer_list<std::string> parts) {
  std::string name;
  for (const std::string& part : parts) name.append(part);
  return name;
}

const FeatureNames& shapeNames();
void measureShapeFeatures(const Cell& cell, float* dst);

const FeatureNames& contourNames();
void measureContourFeatures(const Cell& cell, float* dst);

// The background's, which need no cell, and come first; then the cell's. Fills `pixels` for the families below.
const FeatureNames& intensityNames();
void measureBackground(const ImageView& image, int channel, const Cell& cell, CellPixels& pixels, float* dst);
void measureIntensity(const Cell& cell, CellPixels& pixels, float* dst);
inline constexpr int backgroundFeatures = 2;

const FeatureNames& gradientNames();
void measureGradients(const Cell& cell, CellPixels& pixels, float* dst);

const FeatureNames& granularityNames();
void measureGranularity(const Cell& cell, CellPixels& pixels, float* dst);

const FeatureNames& patternNames();
void measurePatterns(const Cell& cell, CellPixels& pixels, float* dst);

const FeatureNames& cooccurrenceNames();
void measureCooccurrence(const Cell& cell, CellPixels& pixels, float* dst);

const FeatureNames& zernikeNames();
void measureZernike(const Cell& cell, CellPixels& pixels, float* dst);

}  // namespace brightcell
