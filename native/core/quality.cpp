#include "core/quality.h"

#include <algorithm>
#include <cmath>

#include "core/echo.h"
#include "core/foreground.h"
#include "core/object_shape.h"

namespace brightcell {

// The order of the enumeration below.
const char* const qualityNames[qualityCount] = {
    "backgroundLevel", "backgroundNoise", "backgroundStripes", "saturatedLow",   "saturatedHigh", "contrast",
    "signalToNoise",   "area",            "areaFraction",      "faintFraction",  "borderContact", "borderSignal",
    "offCentre",       "objectCount",     "secondArea",        "faintCount",     "faintSecond",   "debrisArea",
    "halo",            "aspect",          "faintAspect",       "ellipseFit",     "solidity",      "faintSolidity",
    "waist",           "focus",           "detail",            "edgeSharpness",  "evenness",      "imbalance",
    "ghost",           "ghostProminence",   "reach",             "faintReach",
};

namespace {

enum Feature {
  backgroundLevel, backgroundNoise, backgroundStripes, saturatedLow, saturatedHigh, contrast,
  signalToNoise, area, areaFraction, faintFraction, borderContactShare, borderSignal,
  offCentre, objectCount, secondArea, faintCount, faintSecond, debrisArea,
  halo, aspect, faintAspect, ellipseFit, solidity, faintSolidity,
  waist, focus, detail, edgeSharpness, evenness, imbalance,
  ghost, ghostProminence, reach, faintReach,
};

// Largest mean energy along one of the four sides, as a fraction of the peak.
double sideSignal(const Foreground& found) {
  const int height = found.height, width = found.width;
  double sides[4] = {};
  for (int x = 0; x < width; ++x) {
    sides[0] += found.energy[x];
    sides[1] += found.energy[static_cast<int64_t>(height - 1) * width + x];
  }
  for (int y = 0; y < height; ++y) {
    sides[2] += found.energy[static_cast<int64_t>(y) * width];
    sides[3] += found.energy[static_cast<int64_t>(y + 1) * width - 1];
  }
  return std::max({sides[0] / width, sides[1] / width, sides[2] / height, sides[3] / height}) / found.peak;
}

struct Sharpness {
  double focus, detail, edge;
};

// Root mean square of gradient over deviation, and of curvature over gradient, in the objects: both per raw pixel
// along the columns, free of contrast. What the background has of each is noise and is taken off first.
Sharpness measureSharpness(const Foreground& found, PixelPitch pitch, std::vector<float>& values) {
  const int height = found.height, width = found.width;
  const float perX = static_cast<float>(1 / pitch.x), perY = static_cast<float>(1 / pitch.y);
  double inside[3] = {}, outside[3] = {};
  int64_t insideCount = 0, outsideCount = 0;
  values.clear();
  for (int y = 1; y + 1 < height; ++y)
    for (int x = 1; x + 1 < width; ++x) {
      const int64_t i = static_cast<int64_t>(y) * width + x;
      const bool object = found.labels[i] != 0;
      if (!object && !found.clear[i]) continue;
      const float* d = found.deviation + i;
      const float gradientX = (d[1] - d[-1]) / 2 * perX, gradientY = (d[width] - d[-width]) / 2 * perY;
      const float curve = (d[1] + d[-1] - 2 * d[0]) * perX * perX + (d[width] + d[-width] - 2 * d[0]) * perY * perY;
      const float gradient = gradientX * gradientX + gradientY * gradientY;
      double* sums = object ? inside : outside;
      sums[0] += static_cast<double>(d[0]) * d[0];
      sums[1] += gradient;
      sums[2] += static_cast<double>(curve) * curve;
      ++(object ? insideCount : outsideCount);
      if (object) values.push_back(gradient);
    }
  if (insideCount == 0) return {0, 0, 0};
  for (int k = 0; k < 3; ++k)
    inside[k] = std::max(0.0, inside[k] / static_cast<double>(insideCount) -
                                  (outsideCount ? outside[k] / static_cast<double>(outsideCount) : 0));
  const auto place = values.begin() + static_cast<std::ptrdiff_t>(0.95 * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), place, values.end());
  const auto ratio = [](double above, double below) { return below > 0 ? std::sqrt(above / below) : 0; };
  return {ratio(inside[1], inside[0]), ratio(inside[2], inside[1]), std::sqrt(static_cast<double>(*place)) / found.peak};
}

void countParts(const Foreground& found, float* quality) {
  const Component& cell = found.objects.front();
  const double size = static_cast<double>(cell.area);
  for (const Component& object : found.objects) quality[objectCount] += static_cast<double>(object.area) >= 0.2 * size;
  if (found.objects.size() > 1) quality[secondArea] = static_cast<float>(static_cast<double>(found.objects[1].area) / size);
  if (found.faint.size() > 1)
    quality[faintSecond] = static_cast<float>(static_cast<double>(found.faint[1].area) / static_cast<double>(found.faint[0].area));
  double small = 0, all = 0;
  for (const Component& part : found.faint) {
    if (part.area < 6) continue;
    all += static_cast<double>(part.area);
    quality[faintCount] += 1;
    if (static_cast<double>(part.area) < 0.3 * size) small += static_cast<double>(part.area);
  }
  quality[debrisArea] = static_cast<float>(small / size);
  quality[halo] = static_cast<float>(all / size);
  const double pixels = static_cast<double>(found.height) * found.width;
  quality[areaFraction] = static_cast<float>(size / pixels);
  quality[faintFraction] = static_cast<float>(all / pixels);
}

void measureShapes(const Foreground& found, PixelPitch pitch, float* quality, std::vector<float>& points) {
  const int height = found.height, width = found.width;
  const Component& cell = found.objects.front();
  const ObjectShape shape = measureShape(found.labels, width, cell, pitch);
  const Component whole = joinComponents(found.faint, 6);
  quality[aspect] = static_cast<float>(shape.aspect);
  quality[ellipseFit] = static_cast<float>(shape.ellipseFit);
  quality[waist] = static_cast<float>(shape.waist);
  quality[faintAspect] = static_cast<float>(measureShape(nullptr, width, whole, pitch).aspect);
  quality[reach] = static_cast<float>(measureReach(found.labels, width, cell, {cell}));
  quality[faintReach] = static_cast<float>(measureReach(found.faintLabels, width, whole, found.faint));
  quality[solidity] = static_cast<float>(measureSolidity(found.labels, height, width, found.objects, cell.label, 0, points));
  quality[faintSolidity] = static_cast<float>(measureSolidity(found.faintLabels, height, width, found.faint, 0, 6, points));
  const double count = static_cast<double>(cell.area);
  const double fromX = (cell.sumX / count + 0.5) / width - 0.5, fromY = (cell.sumY / count + 0.5) / height - 0.5;
  quality[offCentre] = static_cast<float>(std::sqrt(fromX * fromX + fromY * fromY));
}

// How unevenly the energy lies within the largest faint part: its spread over its mean, and how far its centre is
// from the part's own, in units of the part's radius.
void measureEvenness(const Foreground& found, PixelPitch pitch, float* quality) {
  const Component& part = found.faint.front();
  double sum = 0, square = 0, sumX = 0, sumY = 0;
  for (int y = part.top; y <= part.bottom; ++y)
    for (int x = part.left; x <= part.right; ++x) {
      const int64_t i = static_cast<int64_t>(y) * found.width + x;
      if (found.faintLabels[i] != part.label) continue;
      const double energy = found.energy[i];
      sum += energy;
      square += energy * energy;
      sumX += energy * x;
      sumY += energy * y;
    }
  const double count = static_cast<double>(part.area), mean = sum / count;
  const double byX = (sumX / sum - part.sumX / count) * pitch.x, byY = (sumY / sum - part.sumY / count) * pitch.y;
  quality[evenness] = static_cast<float>(std::sqrt(std::max(0.0, square / count - mean * mean)) / mean);
  quality[imbalance] = static_cast<float>(std::sqrt((byX * byX + byY * byY) / (count * pitch.x * pitch.y / 3.141592653589793)));
}

}  // namespace

void Saturation::count(const float* values, int count) {
  constexpr float ends[3] = {1023, 4095, 16383};
  int dark = 0;
  std::array<int, 4> bright{};
  for (int i = 0; i < count; ++i) {
    dark += values[i] <= 0;
    bright[3] += values[i] >= range_;
    largest_ = std::max(largest_, values[i]);
  }
  for (int end = 0; range_ > 255 && end < 3; ++end)
    for (int i = 0; i < count; ++i) bright[end] += values[i] == ends[end];
  all_ += count;
  dark_ += dark;
  for (int end = 0; end < 4; ++end) bright_[end] += bright[end];
}

float Saturation::low() const { return static_cast<float>(dark_) / static_cast<float>(all_); }

float Saturation::high() const {
  const int end = range_ <= 255 || largest_ > 16383 ? 3 : largest_ > 4095 ? 2 : largest_ > 1023 ? 1 : 0;
  return static_cast<float>(bright_[static_cast<size_t>(end)]) / static_cast<float>(all_);
}

void measureQuality(const WorkingImage& image, const Saturation& saturation, float* quality, PrepareScratch& scratch) {
  std::fill(quality, quality + qualityCount, 0.0f);
  const Foreground found = findForeground(image.gray, image.height, image.width, scratch);
  const PixelPitch pitch{static_cast<double>(image.rawWidth) / image.width, static_cast<double>(image.rawHeight) / image.height};
  const float range = saturation.range();
  quality[backgroundLevel] = found.background / range;
  quality[backgroundNoise] = found.noise / range;
  quality[backgroundStripes] = found.variation / range;
  quality[saturatedLow] = saturation.low();
  quality[saturatedHigh] = saturation.high();
  quality[contrast] = found.peak / range;
  quality[signalToNoise] = found.peak / std::max(found.quietEnergy, 0.1f);
  if (found.objects.empty()) return;
  countParts(found, quality);
  quality[area] = static_cast<float>(quality[areaFraction] * static_cast<double>(image.rawHeight) * image.rawWidth);
  quality[borderContactShare] = static_cast<float>(borderContact(found, found.objects.front()));
  quality[borderSignal] = static_cast<float>(sideSignal(found));
  measureShapes(found, pitch, quality, scratch.border);
  const Sharpness sharpness = measureSharpness(found, pitch, scratch.border);
  quality[focus] = static_cast<float>(sharpness.focus);
  quality[detail] = static_cast<float>(sharpness.detail);
  quality[edgeSharpness] = static_cast<float>(sharpness.edge);
  measureEvenness(found, pitch, quality);
  const Echo echo = findEcho(found, scratch.border);
  quality[ghost] = static_cast<float>(echo.strength);
  quality[ghostProminence] = static_cast<float>(echo.prominence);
}

}  // namespace brightcell
