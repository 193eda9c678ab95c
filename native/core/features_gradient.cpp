// How steep brightness changes in the cell, and which way: Sobel's gradient (a slope a pixel: the kernel over 8) and
// the Laplacian of four neighbours.
#include <algorithm>
#include <cmath>

#include "core/features_families.h"

namespace brightcell {
namespace {

constexpr int directions = 4;

struct Sums {
  double one = 0, two = 0, three = 0;
  void add(double value) {
    one += value;
    two += value * value;
    three += value * value * value;
  }
  double mean(double count) const { return one / count; }
  double deviation(double count) const { return std::sqrt(std::max(0.0, two / count - mean(count) * mean(count))); }
  double skewness(double count) const {
    const double m = mean(count), d = deviation(count);
    return d > 1e-9 * std::max(1.0, std::abs(m)) ? (three / count - 3 * m * two / count + 2 * m * m * m) / (d * d * d) : 0;
  }
};

// Slopes along x and y, their length and the Laplacian of one run.
void differentiate(const uint16_t* at, int stride, int length, float* slopeX, float* slopeY, float* steepness, float* laplacian) {
  const uint16_t *above = at - stride, *below = at + stride;
  for (int i = 0; i < length; ++i) {
    const int x = (above[i + 1] + 2 * at[i + 1] + below[i + 1]) - (above[i - 1] + 2 * at[i - 1] + below[i - 1]);
    const int y = (below[i - 1] + 2 * below[i] + below[i + 1]) - (above[i - 1] + 2 * above[i] + above[i + 1]);
    slopeX[i] = static_cast<float>(x) / 8;
    slopeY[i] = static_cast<float>(y) / 8;
    steepness[i] = std::sqrt(slopeX[i] * slopeX[i] + slopeY[i] * slopeY[i]);
    laplacian[i] = static_cast<float>(above[i] + below[i] + at[i - 1] + at[i + 1] - 4 * at[i]);
  }
}

struct Gradients {
  Sums steepness, laplacian;
  double laplacianSize = 0, rim = 0, radial = 0;
  int64_t rimCount = 0;
  double shares[directions] = {};
};

// Angle between gradient and the cell's major axis, 0 to 90 degrees, in four equal bins; how much of the gradient
// points along the line through the cell's centre.
void addDirections(const Cell& cell, const Run& run, const float* slopeX, const float* slopeY, const float* steepness, Gradients& sums) {
  constexpr double tangents[directions - 1] = {0.41421356237309503, 1, 2.414213562373095};
  const double dy = run.y - cell.centreY;
  for (int i = 0; i < run.length; ++i) {
    const double along = std::abs(slopeX[i] * cell.axisX + slopeY[i] * cell.axisY);
    const double across = std::abs(slopeY[i] * cell.axisX - slopeX[i] * cell.axisY);
    int bin = 0;
    for (const double tangent : tangents) bin += across > along * tangent;
    sums.shares[bin] += steepness[i];
    const double dx = run.x + i - cell.centreX, far = dx * dx + dy * dy;
    if (far > 0) sums.radial += std::abs(slopeX[i] * dx + slopeY[i] * dy) / std::sqrt(far);
  }
}

Gradients sumGradients(const Cell& cell, CellPixels& pixels) {
  Gradients sums;
  pixels.planes.resize(static_cast<size_t>(4) * cell.width);
  float *slopeX = pixels.planes.data(), *slopeY = slopeX + cell.width, *steepness = slopeY + cell.width, *laplacian = steepness + cell.width;
  for (const Run& run : cell.runs) {
    differentiate(pixels.values.data() + run.place, cell.width, run.length, slopeX, slopeY, steepness, laplacian);
    const uint8_t* rim = cell.rim.data() + run.place;
    for (int i = 0; i < run.length; ++i) {
      sums.steepness.add(steepness[i]);
      sums.laplacian.add(laplacian[i]);
      sums.laplacianSize += std::abs(laplacian[i]);
      sums.rim += rim[i] ? steepness[i] : 0;
      sums.rimCount += rim[i];
    }
    addDirections(cell, run, slopeX, slopeY, steepness, sums);
  }
  return sums;
}

}  // namespace

const FeatureNames& gradientNames() {
  static const FeatureNames names = {"gradientMean",    "gradientDeviation", "gradientSkewness", "gradientSharpness", "gradientRim",
                                     "gradientRadial",  "gradientAlong",     "gradientOblique1", "gradientOblique2",  "gradientAcross",
                                     "laplacianMean",   "laplacianDeviation", "laplacianSkewness"};
  return names;
}

void measureGradients(const Cell& cell, CellPixels& pixels, float* dst) {
  const Gradients sums = sumGradients(cell, pixels);
  const double count = cell.area, deviation = pixels.deviation;
  const auto against = [&](double value) { return deviation > 0 ? static_cast<float>(value / deviation) : 0.0f; };
  *dst++ = static_cast<float>(sums.steepness.mean(count) / pixels.range);
  *dst++ = static_cast<float>(sums.steepness.deviation(count) / pixels.range);
  *dst++ = static_cast<float>(sums.steepness.skewness(count));
  *dst++ = against(sums.steepness.mean(count));
  *dst++ = against(sums.rim / static_cast<double>(std::max<int64_t>(sums.rimCount, 1)));
  const double all = sums.steepness.one;
  *dst++ = all > 0 ? static_cast<float>(sums.radial / all) : 0;
  for (const double share : sums.shares) *dst++ = all > 0 ? static_cast<float>(share / all) : 0;
  *dst++ = against(sums.laplacianSize / count);
  *dst++ = against(sums.laplacian.deviation(count));
  *dst++ = static_cast<float>(sums.laplacian.skewness(count));
}

}  // namespace brightcell
