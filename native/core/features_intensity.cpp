// How bright the cell is, against its background, and where in it: moments, quantiles, rings.
//
// Values are counted, so that moments and quantiles are exact and the same in any order of the pixels.
#include <algorithm>
#include <cmath>

#include "core/features_families.h"

namespace brightcell {
namespace {

// Counts of values and the span that holds them. Whoever fills `counts` clears the span again.
struct Counted {
  uint32_t* counts;
  int first, last;
  int64_t total;
};

template <class Pixel>
void countAround(const Pixel* src, const Cell& cell, const uint8_t* chosen, Counted& counted) {
  const int64_t size = static_cast<int64_t>(cell.imageHeight) * cell.imageWidth;
  int first = 65535, last = 0;
  for (int64_t i = 0; i < size; ++i) {
    if (!chosen[i]) continue;
    const int value = src[i];
    ++counted.counts[value];
    first = std::min(first, value);
    last = std::max(last, value);
    ++counted.total;
  }
  counted.first = first;
  counted.last = last;
}

Counted countCell(const Cell& cell, CellPixels& pixels) {
  Counted counted{pixels.counts.data(), 65535, 0, static_cast<int64_t>(cell.area)};
  for (const Run& run : cell.runs)
    for (int i = run.place; i < run.place + run.length; ++i) {
      const int value = pixels.values[static_cast<size_t>(i)];
      ++counted.counts[value];
      counted.first = std::min(counted.first, value);
      counted.last = std::max(counted.last, value);
    }
  return counted;
}

void clearCounts(const Counted& counted) {
  if (counted.total > 0) std::fill(counted.counts + counted.first, counted.counts + counted.last + 1, 0u);
}

// The value at a rank from 0, whole.
int valueAt(const Counted& counted, int64_t rank) {
  int64_t below = 0;
  for (int value = counted.first; value < counted.last; ++value) {
    below += counted.counts[value];
    if (below > rank) return value;
  }
  return counted.last;
}

// Between the two ranks around fraction x (total - 1), in a straight line.
double quantileOf(const Counted& counted, double fraction) {
  const double rank = fraction * static_cast<double>(counted.total - 1);
  const auto whole = static_cast<int64_t>(rank);
  const int lower = valueAt(counted, whole), upper = valueAt(counted, std::min(whole + 1, counted.total - 1));
  return lower + (rank - static_cast<double>(whole)) * (upper - lower);
}

struct Moments {
  double mean, deviation, skewness, kurtosis;
};

Moments momentsOf(const Counted& counted) {
  const double total = static_cast<double>(counted.total);
  double sum = 0;
  for (int value = counted.first; value <= counted.last; ++value) sum += static_cast<double>(counted.counts[value]) * value;
  const double mean = sum / total;
  double second = 0, third = 0, fourth = 0;
  for (int value = counted.first; value <= counted.last; ++value) {
    if (counted.counts[value] == 0) continue;
    const double count = counted.counts[value], away = value - mean, square = away * away;
    second += count * square;
    third += count * square * away;
    fourth += count * square * square;
  }
  const double variance = second / total;
  if (counted.first == counted.last || variance <= 0) return {mean, 0, 0, 0};
  return {mean, std::sqrt(variance), third / total / (variance * std::sqrt(variance)), fourth / total / (variance * variance) - 3};
}

void stretchPixels(CellPixels& pixels) {
  pixels.stretched.resize(pixels.values.size());
  const int low = pixels.low, high = pixels.high;
  if (high == low) {
    std::fill(pixels.stretched.begin(), pixels.stretched.end(), uint8_t{0});
    return;
  }
  // floor((value - low) x 255 / (high - low)): products below 2^24 are exact in float32, and so is the quotient's floor.
  const auto span = static_cast<float>(high - low);
  for (size_t i = 0; i < pixels.values.size(); ++i) {
    const int value = std::clamp<int>(pixels.values[i], low, high) - low;
    pixels.stretched[i] = static_cast<uint8_t>(static_cast<int>(static_cast<float>(value * 255) / span));
  }
}

// Shannon's, in bits, of the stretched values in 32 steps.
double measureEntropy(const Cell& cell, const CellPixels& pixels) {
  int counts[32] = {};
  for (const Run& run : cell.runs)
    for (int i = run.place; i < run.place + run.length; ++i) ++counts[pixels.stretched[static_cast<size_t>(i)] >> 3];
  double sum = 0;
  for (const int count : counts)
    if (count > 0) sum += count * std::log2(static_cast<double>(count));
  return std::log2(cell.area) - sum / cell.area;
}

double meanWhere(const std::vector<uint8_t>& chosen, const std::vector<uint16_t>& values, double otherwise) {
  int64_t sum = 0, count = 0;
  for (size_t i = 0; i < chosen.size(); ++i) {
    sum += chosen[i] ? values[i] : 0;
    count += chosen[i];
  }
  return count > 0 ? static_cast<double>(sum) / static_cast<double>(count) : otherwise;
}

// Mean of each ring against the cell's, and deviation in it, both in the cell's deviations; an empty ring takes the
// cell's own.
void measureRings(const Cell& cell, const CellPixels& pixels, float* dst) {
  int64_t sums[cellRings] = {}, counts[cellRings] = {};
  uint64_t squares[cellRings] = {};
  for (const Run& run : cell.runs)
    for (int i = run.place; i < run.place + run.length; ++i) {
      const uint64_t value = pixels.values[static_cast<size_t>(i)];
      const uint8_t ring = cell.rings[static_cast<size_t>(i)];
      sums[ring] += static_cast<int64_t>(value);
      squares[ring] += value * value;
      ++counts[ring];
    }
  for (int ring = 0; ring < cellRings; ++ring) {
    const double count = static_cast<double>(counts[ring]), mean = static_cast<double>(sums[ring]) / std::max(count, 1.0);
    const double variance = std::max(0.0, static_cast<double>(squares[ring]) / std::max(count, 1.0) - mean * mean);
    const bool known = pixels.deviation > 0 && count > 0;
    dst[ring] = known ? static_cast<float>((mean - pixels.mean) / pixels.deviation) : 0;
    dst[cellRings + ring] = known ? static_cast<float>(std::sqrt(variance) / pixels.deviation) : pixels.deviation > 0 ? 1 : 0;
  }
}

struct Mass {
  double displacement;  // in radii of the disc of the cell's area
  double gyration;      // root mean square distance of the mass from the cell's centre over that of the area
};

// The mass of a pixel is how far it is from the background, whichever way.
Mass measureMass(const Cell& cell, const CellPixels& pixels) {
  double mass = 0, sumX = 0, sumY = 0, square = 0, area = 0;
  for (const Run& run : cell.runs) {
    const double dy = run.y - cell.centreY;
    for (int i = 0; i < run.length; ++i) {
      const double weight = std::abs(pixels.values[static_cast<size_t>(run.place + i)] - pixels.background);
      const double dx = run.x + i - cell.centreX, far = dx * dx + dy * dy + 1.0 / 6;
      mass += weight;
      sumX += weight * dx;
      sumY += weight * dy;
      square += weight * far;
      area += far;
    }
  }
  if (mass <= 0) return {0, 1};
  const double radius = std::sqrt(cell.area / 3.141592653589793);
  return {std::hypot(sumX, sumY) / mass / radius, std::sqrt(square / mass / (area / cell.area))};
}

// Where hardly anything is background, the image's outermost pixels are taken for it.
Counted countBackground(const ImageView& image, int channel, const Cell& cell, CellPixels& pixels) {
  const int height = image.height, width = image.width;
  const int64_t size = static_cast<int64_t>(height) * width;
  std::vector<uint8_t> border;
  const uint8_t* chosen = cell.around;
  if (std::count(chosen, chosen + size, uint8_t{1}) * 50 < size) {
    border.assign(static_cast<size_t>(size), 0);
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x)
        border[static_cast<size_t>(y) * width + x] = y == 0 || y == height - 1 || x == 0 || x == width - 1;
    chosen = border.data();
  }
  Counted counted{pixels.counts.data(), 0, 0, 0};
  if (image.type == PixelType::uint8) countAround(static_cast<const uint8_t*>(image.pixels) + channel * size, cell, chosen, counted);
  else countAround(static_cast<const uint16_t*>(image.pixels) + channel * size, cell, chosen, counted);
  return counted;
}

}  // namespace

const FeatureNames& intensityNames() {
  static const FeatureNames names = {
      "background", "backgroundDeviation", "mean",       "deviation",  "skewness",   "kurtosis",   "quantile05",
      "quantile25", "median",              "quantile75", "quantile95", "entropy",    "total",      "rimMean",
      "haloMean",   "ring1Mean",           "ring2Mean",  "ring3Mean",  "ring4Mean",  "ring1Deviation",
      "ring2Deviation", "ring3Deviation",  "ring4Deviation", "massDisplacement", "gyration"};
  return names;
}

void measureBackground(const ImageView& image, int channel, const Cell& cell, CellPixels& pixels, float* dst) {
  pixels.counts.resize(65536);
  const Counted counted = countBackground(image, channel, cell, pixels);
  pixels.background = quantileOf(counted, 0.5);
  dst[0] = static_cast<float>(pixels.background / pixels.range);
  dst[1] = static_cast<float>(momentsOf(counted).deviation / pixels.range);
  clearCounts(counted);
}

void measureIntensity(const Cell& cell, CellPixels& pixels, float* dst) {
  const Counted counted = countCell(cell, pixels);
  const Moments moments = momentsOf(counted);
  const auto relative = [&](double value) { return static_cast<float>((value - pixels.background) / pixels.range); };
  *dst++ = relative(moments.mean);
  *dst++ = static_cast<float>(moments.deviation / pixels.range);
  *dst++ = static_cast<float>(moments.skewness);
  *dst++ = static_cast<float>(moments.kurtosis);
  for (const double fraction : {0.05, 0.25, 0.5, 0.75, 0.95}) *dst++ = relative(quantileOf(counted, fraction));
  const double last = static_cast<double>(counted.total - 1);
  pixels.low = valueAt(counted, static_cast<int64_t>(std::floor(0.01 * last)));
  pixels.high = valueAt(counted, static_cast<int64_t>(std::ceil(0.99 * last)));
  pixels.mean = moments.mean;
  pixels.deviation = moments.deviation;
  clearCounts(counted);
  stretchPixels(pixels);
  *dst++ = static_cast<float>(measureEntropy(cell, pixels));
  *dst++ = static_cast<float>((moments.mean - pixels.background) / pixels.range * cell.area);
  const double rim = meanWhere(cell.rim, pixels.values, moments.mean);
  *dst++ = moments.deviation > 0 ? static_cast<float>((rim - moments.mean) / moments.deviation) : 0;
  *dst++ = relative(meanWhere(cell.halo, pixels.values, pixels.background));
  measureRings(cell, pixels, dst);
  dst += 2 * cellRings;
  const Mass mass = measureMass(cell, pixels);
  *dst++ = static_cast<float>(mass.displacement);
  *dst++ = static_cast<float>(mass.gyration);
}

}  // namespace brightcell
