#include "core/quality.h"

#include <algorithm>
#include <cmath>

#include "core/foreground.h"

namespace brightcell {

const char* const qualityNames[qualityCount] = {
    "backgroundLevel", "backgroundNoise", "backgroundStripes", "saturatedLow",  "saturatedHigh", "contrast",
    "signalToNoise",   "area",            "areaFraction",      "borderContact", "borderSignal",  "objectCount",
    "secondArea",      "secondEnergy",    "debrisCount",       "debrisArea",    "halo",          "elongation",
    "ellipseFit",      "waist",           "focus",             "detail",        "edgeSharpness", "ghost",
};

namespace {

// Fractions of pixels at either end of the scale. A 16-bit image may hold fewer bits, so its scale ends at the
// smallest of 1023, 4095, 16383 and 65535 that its values fit into.
void measureSaturation(const float* gray, int64_t count, float range, float* low, float* high) {
  float top = range;
  if (range > 255) {
    const float largest = *std::max_element(gray, gray + count);
    for (const float end : {16383.0f, 4095.0f, 1023.0f})
      if (largest <= end) top = end;
  }
  int64_t dark = 0, bright = 0;
  for (int64_t i = 0; i < count; ++i) {
    dark += gray[i] <= 0;
    bright += gray[i] >= top;
  }
  *low = static_cast<float>(dark) / static_cast<float>(count);
  *high = static_cast<float>(bright) / static_cast<float>(count);
}

// Share of the object's own outline that the image's border cuts: 0 for a whole cell, about 0.3 for half a disc.
double borderContact(const Foreground& found, const Component& object) {
  const int height = found.height, width = found.width;
  const auto inside = [&](int y, int x) { return found.labels[static_cast<int64_t>(y) * width + x] == object.label; };
  int64_t cut = 0, free = 0;
  for (int y = object.top; y <= object.bottom; ++y)
    for (int x = object.left; x <= object.right; ++x) {
      if (!inside(y, x)) continue;
      cut += (y == 0) + (y == height - 1) + (x == 0) + (x == width - 1);
      free += (y > 0 && !inside(y - 1, x)) + (y + 1 < height && !inside(y + 1, x)) + (x > 0 && !inside(y, x - 1)) +
              (x + 1 < width && !inside(y, x + 1));
    }
  return static_cast<double>(cut) / static_cast<double>(cut + free);
}

// Largest mean energy along one of the four sides, as a fraction of the peak.
double borderSignal(const Foreground& found) {
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
  const double largest = std::max({sides[0] / width, sides[1] / width, sides[2] / height, sides[3] / height});
  return largest / found.peak;
}

struct Shape {
  double elongation, ellipseFit, waist;
};

// The narrowest place between two wider ones, along the major axis: 0 for a convex object, 1 for two apart.
double measureWaist(const Foreground& found, const Component& object, double angle) {
  constexpr int bins = 24;
  const double meanX = object.sumX / object.area, meanY = object.sumY / object.area;
  const double cosine = std::cos(angle), sine = std::sin(angle);
  double low = 1e30, high = -1e30;
  const auto visit = [&](auto&& each) {
    for (int y = object.top; y <= object.bottom; ++y)
      for (int x = object.left; x <= object.right; ++x)
        if (found.labels[static_cast<int64_t>(y) * found.width + x] == object.label)
          each((x - meanX) * cosine + (y - meanY) * sine);
  };
  visit([&](double along) { low = std::min(low, along), high = std::max(high, along); });
  double counts[bins] = {};
  visit([&](double along) { counts[std::min(bins - 1, static_cast<int>((along - low) / (high - low + 1e-9) * bins))] += 1; });
  double smooth[bins], before[bins], after[bins];
  for (int i = 0; i < bins; ++i)
    smooth[i] = (counts[std::max(i - 1, 0)] + 2 * counts[i] + counts[std::min(i + 1, bins - 1)]) / 4;
  for (int i = 0; i < bins; ++i) before[i] = std::max(smooth[i], i > 0 ? before[i - 1] : 0);
  for (int i = bins - 1; i >= 0; --i) after[i] = std::max(smooth[i], i + 1 < bins ? after[i + 1] : 0);
  double waist = 0;
  for (int i = 0; i < bins; ++i) waist = std::max(waist, 1 - smooth[i] / std::min(before[i], after[i]));
  return waist;
}

Shape measureShape(const Foreground& found, const Component& object) {
  const double area = static_cast<double>(object.area), meanX = object.sumX / area, meanY = object.sumY / area;
  // A pixel is a square of variance 1/12: this keeps lines and single pixels from having none.
  const double xx = object.sumXX / area - meanX * meanX + 1.0 / 12, yy = object.sumYY / area - meanY * meanY + 1.0 / 12;
  const double xy = object.sumXY / area - meanX * meanY;
  const double middle = (xx + yy) / 2, half = std::sqrt((xx - yy) * (xx - yy) / 4 + xy * xy);
  const double major = middle + half, minor = std::max(middle - half, 1.0 / 12);
  const double angle = 0.5 * std::atan2(2 * xy, xx - yy);
  return {std::sqrt(major / minor), area / (4 * 3.141592653589793 * std::sqrt(major * minor)),
          object.area < 16 ? 0 : measureWaist(found, object, angle)};
}

struct Sharpness {
  double focus, detail, edge;
};

// Root mean square of gradient over deviation, and of curvature over gradient, in the objects: both in 1/pixel,
// free of contrast. What the background has of each is noise and is taken off first.
Sharpness measureSharpness(const Foreground& found, std::vector<float>& values) {
  const int height = found.height, width = found.width;
  double inside[3] = {}, outside[3] = {};
  int64_t insideCount = 0, outsideCount = 0;
  values.clear();
  for (int y = 1; y + 1 < height; ++y)
    for (int x = 1; x + 1 < width; ++x) {
      const int64_t i = static_cast<int64_t>(y) * width + x;
      const bool object = found.labels[i] != 0;
      if (!object && !found.clear[i]) continue;
      const float* d = found.deviation + i;
      const float gradientX = (d[1] - d[-1]) / 2, gradientY = (d[width] - d[-width]) / 2;
      const float curve = d[1] + d[-1] + d[width] + d[-width] - 4 * d[0];
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
    inside[k] = std::max(0.0, inside[k] / insideCount - (outsideCount ? outside[k] / outsideCount : 0));
  const auto place = values.begin() + static_cast<std::ptrdiff_t>(0.95 * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), place, values.end());
  const auto ratio = [](double above, double below) { return below > 0 ? std::sqrt(above / below) : 0; };
  return {ratio(inside[1], inside[0]), ratio(inside[2], inside[1]), std::sqrt(static_cast<double>(*place)) / found.peak};
}

// The highest rise of the autocorrelation along the rows after its first fall: an echo of the cell beside it.
// Of the energy, which has one sign, so that a relief's own dark side does not count as an echo.
double measureGhost(const Foreground& found, const Component& object, std::vector<float>& profile) {
  const int width = found.width, lags = width / 2;
  profile.assign(static_cast<size_t>(width), 0.0f);
  const int step = std::max(1, (object.bottom - object.top + 1) / 64);
  std::vector<double> correlation(static_cast<size_t>(lags) + 1);
  for (int y = object.top; y <= object.bottom; y += step) {
    const float* energy = found.energy + static_cast<int64_t>(y) * width;
    for (int x = 0; x < width; ++x) profile[static_cast<size_t>(x)] = std::max(0.0f, energy[x] - found.energyLimit);
    for (int lag = 0; lag <= lags; ++lag) {
      float sum = 0;
      for (int x = 0; x + lag < width; ++x) sum += profile[static_cast<size_t>(x)] * profile[static_cast<size_t>(x + lag)];
      correlation[static_cast<size_t>(lag)] += sum;
    }
  }
  double lowest = correlation[0], rise = 0;
  for (const double value : correlation) {
    lowest = std::min(lowest, value);
    rise = std::max(rise, value - lowest);
  }
  return correlation[0] > 0 ? rise / correlation[0] : 0;
}

void measureObjects(const Foreground& found, float* quality, std::vector<float>& values) {
  const Component& cell = found.objects.front();
  const double area = static_cast<double>(cell.area);
  int objects = 0, debris = 0;
  double debrisArea = 0;
  for (const Component& object : found.objects) objects += static_cast<double>(object.area) >= 0.2 * area;
  double faintArea = 0;
  for (const Component& part : found.faint) {
    faintArea += static_cast<double>(part.area);
    if (part.area < 4 || static_cast<double>(part.area) >= 0.2 * area) continue;
    ++debris;
    debrisArea += static_cast<double>(part.area);
  }
  quality[7] = static_cast<float>(area);
  quality[8] = static_cast<float>(area / (static_cast<double>(found.height) * found.width));
  quality[9] = static_cast<float>(borderContact(found, cell));
  quality[10] = static_cast<float>(borderSignal(found));
  quality[11] = static_cast<float>(objects);
  if (found.faint.size() > 1) {
    const Component& second = found.faint[1];
    quality[12] = static_cast<float>(static_cast<double>(second.area) / area);
    quality[13] = static_cast<float>(second.energy / static_cast<double>(second.area) / (cell.energy / area));
  }
  quality[14] = static_cast<float>(debris);
  quality[15] = static_cast<float>(debrisArea / area);
  quality[16] = static_cast<float>(faintArea / area);
  const Shape shape = measureShape(found, cell);
  quality[17] = static_cast<float>(shape.elongation);
  quality[18] = static_cast<float>(shape.ellipseFit);
  quality[19] = static_cast<float>(shape.waist);
  const Sharpness sharpness = measureSharpness(found, values);
  quality[20] = static_cast<float>(sharpness.focus);
  quality[21] = static_cast<float>(sharpness.detail);
  quality[22] = static_cast<float>(sharpness.edge);
  quality[23] = static_cast<float>(measureGhost(found, cell, values));
}

}  // namespace

void measureQuality(const float* gray, int height, int width, float range, float* quality, PrepareScratch& scratch) {
  std::fill(quality, quality + qualityCount, 0.0f);
  measureSaturation(gray, static_cast<int64_t>(height) * width, range, quality + 3, quality + 4);
  const Foreground found = findForeground(gray, height, width, scratch);
  const float quantisation = 0.29f;  // the deviation that rounding to whole values leaves
  quality[0] = found.background / range;
  quality[1] = found.noise / range;
  quality[2] = found.variation / range;
  quality[5] = found.peak / range;
  quality[6] = found.peak / std::max(found.noise, quantisation);
  if (!found.objects.empty()) measureObjects(found, quality, scratch.border);
}

}  // namespace brightcell
