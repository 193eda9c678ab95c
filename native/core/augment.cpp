#include "core/augment.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace brightcell {

AugmentationDraw drawAugmentation(const Augmentation& ranges, int height, int width, Random& random) {
  const auto bothWays = [&](double extent) { return extent * (2 * random.uniform() - 1); };
  AugmentationDraw draw;
  draw.flipHorizontal = (random.uniform() < 0.5) && ranges.flipHorizontal;
  draw.flipVertical = (random.uniform() < 0.5) && ranges.flipVertical;
  draw.translateX = bothWays(ranges.translate) * width;
  draw.translateY = bothWays(ranges.translate) * height;
  draw.rotateRadians = bothWays(ranges.rotateDegrees) * 3.141592653589793 / 180;
  draw.scale = std::exp(bothWays(std::log1p(ranges.scale)));
  draw.blurSigma = ranges.blurSigma * random.uniform();
  draw.noise = ranges.noise * random.uniform();
  draw.brightness = 1 + bothWays(ranges.brightness);
  draw.contrast = 1 + bothWays(ranges.contrast);
  return draw;
}

// Walks the output and samples the source where the inverse of (scale, rotate, flip, translate about the
// centre) leads, so every output pixel is written exactly once.
void warp(const float* src, int channels, int height, int width, const AugmentationDraw& draw, float* dst) {
  const double centreX = (width - 1) / 2.0, centreY = (height - 1) / 2.0;
  const double cosine = std::cos(draw.rotateRadians) / draw.scale, sine = std::sin(draw.rotateRadians) / draw.scale;
  const double signX = draw.flipHorizontal ? -1 : 1, signY = draw.flipVertical ? -1 : 1;
  const float stepX = static_cast<float>(signX * cosine), stepY = static_cast<float>(-signY * sine);
  const float lastX = static_cast<float>(width - 1), lastY = static_cast<float>(height - 1);
  const int64_t plane = static_cast<int64_t>(height) * width;
  for (int row = 0; row < height; ++row) {
    const double offsetX = -centreX - draw.translateX, offsetY = row - centreY - draw.translateY;
    const float startX = static_cast<float>(centreX + signX * (cosine * offsetX + sine * offsetY));
    const float startY = static_cast<float>(centreY + signY * (cosine * offsetY - sine * offsetX));
    for (int column = 0; column < width; ++column) {
      const float x = std::min(std::max(startX + stepX * static_cast<float>(column), 0.0f), lastX);
      const float y = std::min(std::max(startY + stepY * static_cast<float>(column), 0.0f), lastY);
      const int left = static_cast<int>(x), top = static_cast<int>(y);
      const int right = std::min(left + 1, width - 1), bottom = std::min(top + 1, height - 1);
      const float u = x - static_cast<float>(left), v = y - static_cast<float>(top);
      const int64_t upper = static_cast<int64_t>(top) * width, lower = static_cast<int64_t>(bottom) * width;
      for (int channel = 0; channel < channels; ++channel) {
        const float* image = src + channel * plane;
        const float above = image[upper + left] + u * (image[upper + right] - image[upper + left]);
        const float below = image[lower + left] + u * (image[lower + right] - image[lower + left]);
        dst[channel * plane + static_cast<int64_t>(row) * width + column] = above + v * (below - above);
      }
    }
  }
}

void flip(float* image, int channels, int height, int width, bool horizontal, bool vertical) {
  for (int64_t row = 0; horizontal && row < static_cast<int64_t>(channels) * height; ++row)
    std::reverse(image + row * width, image + (row + 1) * width);
  for (int channel = 0; vertical && channel < channels; ++channel) {
    float* plane = image + static_cast<int64_t>(channel) * height * width;
    for (int top = 0, bottom = height - 1; top < bottom; ++top, --bottom)
      std::swap_ranges(plane + static_cast<int64_t>(top) * width, plane + static_cast<int64_t>(top + 1) * width,
                       plane + static_cast<int64_t>(bottom) * width);
  }
}

namespace {

constexpr int maxRadius = static_cast<int>(3 * maxBlurSigma);

// weights[0] is the centre; the taps at -k and +k share weights[k].
int gaussianWeights(double sigma, std::array<float, maxRadius + 1>& weights) {
  const int radius = std::min(maxRadius, static_cast<int>(std::ceil(3 * sigma)));
  std::array<double, maxRadius + 1> raw;
  double total = 0;
  for (int k = 0; k <= radius; ++k) {
    raw[k] = std::exp(-0.5 * k * k / (sigma * sigma));
    total += k == 0 ? raw[k] : 2 * raw[k];
  }
  for (int k = 0; k <= radius; ++k) weights[k] = static_cast<float>(raw[k] / total);
  return radius;
}

}  // namespace

int64_t blurScratchSize(int height, int width) {
  return (static_cast<int64_t>(height) + 2 * maxRadius) * width + width + 2 * maxRadius;
}

// Rows are blurred one by one into a buffer with `radius` extra rows above and below, then the buffer is summed
// down the columns: both passes run along memory and vectorise.
void blur(float* image, int channels, int height, int width, double sigma, float* scratch) {
  if (sigma < 0.1) return;  // the neighbour's weight would be below 2e-22
  std::array<float, maxRadius + 1> weights;
  const int radius = gaussianWeights(sigma, weights);
  float* padded = scratch;                          // width + 2 radius
  float* rows = scratch + width + 2 * maxRadius;    // (height + 2 radius) x width
  for (int channel = 0; channel < channels; ++channel) {
    float* plane = image + static_cast<int64_t>(channel) * height * width;
    for (int row = 0; row < height; ++row) {
      const float* src = plane + static_cast<int64_t>(row) * width;
      std::fill(padded, padded + radius, src[0]);
      std::copy(src, src + width, padded + radius);
      std::fill(padded + radius + width, padded + 2 * radius + width, src[width - 1]);
      float* dst = rows + static_cast<int64_t>(row + radius) * width;
      const float* middle = padded + radius;
      for (int x = 0; x < width; ++x) dst[x] = weights[0] * middle[x];
      for (int k = 1; k <= radius; ++k)
        for (int x = 0; x < width; ++x) dst[x] += weights[k] * (middle[x - k] + middle[x + k]);
    }
    const float* first = rows + static_cast<int64_t>(radius) * width;
    const float* last = rows + static_cast<int64_t>(radius + height - 1) * width;
    for (int row = 0; row < radius; ++row) {
      std::copy(first, first + width, rows + static_cast<int64_t>(row) * width);
      std::copy(last, last + width, rows + static_cast<int64_t>(radius + height + row) * width);
    }
    for (int row = 0; row < height; ++row) {
      float* dst = plane + static_cast<int64_t>(row) * width;
      const float* middle = rows + static_cast<int64_t>(row + radius) * width;
      for (int x = 0; x < width; ++x) dst[x] = weights[0] * middle[x];
      for (int k = 1; k <= radius; ++k) {
        const float *above = middle - static_cast<int64_t>(k) * width, *below = middle + static_cast<int64_t>(k) * width;
        for (int x = 0; x < width; ++x) dst[x] += weights[k] * (above[x] + below[x]);
      }
    }
  }
}

Moments measureMoments(const float* values, int64_t count) {
  constexpr int lanes = 8;  // independent sums hide the latency of the additions; combined in a fixed order
  double sums[lanes] = {}, squares[lanes] = {};
  const double pivot = values[0];
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes)
    for (int lane = 0; lane < lanes; ++lane) {
      const double difference = values[i + lane] - pivot;
      sums[lane] += difference;
      squares[lane] += difference * difference;
    }
  for (; i < count; ++i) {
    const double difference = values[i] - pivot;
    sums[0] += difference;
    squares[0] += difference * difference;
  }
  double sum = 0, square = 0;
  for (int lane = 0; lane < lanes; ++lane) {
    sum += sums[lane];
    square += squares[lane];
  }
  const double mean = sum / static_cast<double>(count);
  const double variance = square / static_cast<double>(count) - mean * mean;
  return {pivot + mean, std::sqrt(std::max(variance, 0.0))};
}

namespace {

constexpr int quantiles = 4096;

// The inverse of the standard normal distribution function, by bisection: runs once.
double normalQuantile(double probability) {
  double low = -10, high = 10;
  for (int step = 0; step < 60; ++step) {
    const double middle = (low + high) / 2;
    (0.5 * std::erfc(-middle / std::sqrt(2.0)) < probability ? low : high) = middle;
  }
  return (low + high) / 2;
}

// Standard normal numbers from 12 random bits each: a table of quantiles, scaled to a deviation of exactly one.
// Five numbers from one 64-bit draw make noise cost about as much as a copy.
const std::array<float, quantiles>& normalTable() {
  static const std::array<float, quantiles> table = [] {
    std::array<double, quantiles> raw;
    double square = 0;
    for (int i = 0; i < quantiles; ++i) {
      raw[i] = normalQuantile((i + 0.5) / quantiles);
      square += raw[i] * raw[i];
    }
    std::array<float, quantiles> scaled;
    for (int i = 0; i < quantiles; ++i) scaled[i] = static_cast<float>(raw[i] / std::sqrt(square / quantiles));
    return scaled;
  }();
  return table;
}

void addNoise(float* values, int64_t count, float deviation, Random& random) {
  const auto& table = normalTable();
  for (int64_t i = 0; i < count;) {
    uint64_t bits = random.next();
    const int64_t end = std::min<int64_t>(count, i + 5);
    for (; i < end; ++i, bits >>= 12) values[i] += deviation * table[bits & (quantiles - 1)];
  }
}

}  // namespace

void changeIntensity(float* image, int64_t count, const AugmentationDraw& draw, Random& random) {
  if (draw.brightness == 1 && draw.contrast == 1 && draw.noise == 0) return;
  const Moments moments = measureMoments(image, count);
  const float gain = static_cast<float>(draw.brightness * draw.contrast);
  const float offset = static_cast<float>(draw.brightness * (1 - draw.contrast) * moments.mean);
  if (gain != 1 || offset != 0)
    for (int64_t i = 0; i < count; ++i) image[i] = gain * image[i] + offset;
  const float deviation = static_cast<float>(draw.noise * moments.deviation * gain);
  if (deviation != 0) addNoise(image, count, deviation, random);
}

}  // namespace brightcell
