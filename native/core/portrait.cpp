// The middle of a cell is found as a weighted mean of what differs from the border's median by more than its noise,
// through a window about the last middle, so that a neighbour at the frame's edge, of which a shifted copy shows
// another part, does not pull at it. Portraits are smooth, for what a turn or a shift by part of a pixel changes most is the
// finest detail: of 64 x 64 pixels, turned copies differed by up to 6 times the noise, and other cells no more.
#include "core/portrait.h"

#include <algorithm>
#include <cmath>

namespace brightcell {
namespace {

template <typename Pixel>
void addChannel(const Pixel* src, int count, float weight, float* dst) {
  for (int i = 0; i < count; ++i) dst[i] += weight * static_cast<float>(src[i]);
}

// Row y of the image, channels averaged.
void readRow(const ImageView& image, int y, float* dst) {
  std::fill_n(dst, image.width, 0.f);
  const float weight = 1.f / static_cast<float>(image.channels);
  for (int c = 0; c < image.channels; ++c) {
    const int64_t at = (int64_t{c} * image.height + y) * image.width;
    if (image.type == PixelType::uint8)
      addChannel(static_cast<const uint8_t*>(image.pixels) + at, image.width, weight, dst);
    else if (image.type == PixelType::uint16)
      addChannel(static_cast<const uint16_t*>(image.pixels) + at, image.width, weight, dst);
    else
      addChannel(static_cast<const float*>(image.pixels) + at, image.width, weight, dst);
  }
}

void reduce(const ImageView& image, Portrait& portrait, PortraitScratch& scratch) {
  const int longest = std::max(image.height, image.width);
  const double factor = std::max(1.0, static_cast<double>(longest) / portraitSide);
  portrait.height = std::max(1, static_cast<int>(std::lround(image.height / factor)));
  portrait.width = std::max(1, static_cast<int>(std::lround(image.width / factor)));
  if (scratch.horizontal.source() != image.width || scratch.horizontal.target() != portrait.width)
    scratch.horizontal.plan(image.width, portrait.width);
  if (scratch.vertical.source() != image.height || scratch.vertical.target() != portrait.height)
    scratch.vertical.plan(image.height, portrait.height);
  scratch.row.resize(static_cast<size_t>(image.width));
  scratch.narrow.resize(static_cast<size_t>(portrait.width));
  portrait.pixels.assign(static_cast<size_t>(portrait.height) * portrait.width, 0.f);
  for (int y = 0; y < image.height; ++y) {
    readRow(image, y, scratch.row.data());
    scratch.horizontal.apply(scratch.row.data(), scratch.narrow.data());
    scratch.vertical.accumulate(y, scratch.narrow.data(), portrait.width, portrait.pixels.data());
  }
}

float medianOf(std::vector<float>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Takes the border's median off and gives the border's spread, as the deviation of a normal distribution.
double levelBackground(Portrait& portrait, std::vector<float>& border) {
  const int h = portrait.height, w = portrait.width;
  float* pixels = portrait.pixels.data();
  border.clear();
  for (int y = 0; y < h; ++y)
    for (int x = 0; x < w; x += y == 0 || y == h - 1 ? 1 : std::max(1, w - 1)) border.push_back(pixels[y * w + x]);
  const float level = medianOf(border);
  for (float& value : border) value = std::abs(value - level);
  for (float& value : portrait.pixels) value -= level;
  return 1.4826 * medianOf(border);
}

// From the second differences along both sides (Immerkaer 1996), by their lower quartile, which edges do not reach.
double measureNoise(const Portrait& portrait, std::vector<float>& values) {
  const int h = portrait.height, w = portrait.width;
  values.clear();
  for (int y = 1; y + 1 < h; ++y) {
    const float* p = portrait.pixels.data() + y * w;
    for (int x = 1; x + 1 < w; ++x)
      values.push_back(std::abs(p[x - w - 1] - 2 * p[x - w] + p[x - w + 1] - 2 * p[x - 1] + 4 * p[x] - 2 * p[x + 1] +
                                p[x + w - 1] - 2 * p[x + w] + p[x + w + 1]));
  }
  if (values.empty()) return 0;
  const auto quarter = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 4);
  std::nth_element(values.begin(), quarter, values.end());
  return *quarter / (6 * 0.31864);
}

// The mean of each pixel and its neighbours beyond `threshold`, squared; 0 where it is not.
void weighPixels(const Portrait& portrait, float threshold, PortraitScratch& scratch) {
  const int h = portrait.height, w = portrait.width;
  scratch.narrow.resize(static_cast<size_t>(w));
  scratch.values.resize(portrait.pixels.size());
  float* sums = scratch.narrow.data();
  for (int y = 0; y < h; ++y) {
    const float* own = portrait.pixels.data() + y * w;
    const float* above = y > 0 ? own - w : own;
    const float* below = y + 1 < h ? own + w : own;
    for (int x = 0; x < w; ++x) sums[x] = above[x] + own[x] + below[x];
    float* dst = scratch.values.data() + y * w;
    for (int x = 0; x < w; ++x) {
      const float mean = (sums[std::max(0, x - 1)] + sums[x] + sums[std::min(w - 1, x + 1)]) / 9;
      const float beyond = std::max(0.f, std::abs(mean) - threshold);
      dst[x] = beyond * beyond;
    }
  }
}

struct Moments {
  double weight = 0, x = 0, y = 0, square = 0;
};

// Of the weights through a Gaussian window about (x0, y0), about that point.
Moments sumWeights(const Portrait& portrait, const float* weights, double window, std::vector<float>& scratch) {
  const int h = portrait.height, w = portrait.width;
  const double scale = -0.5 / (window * window);
  scratch.resize(static_cast<size_t>(w));
  for (int x = 0; x < w; ++x)
    scratch[static_cast<size_t>(x)] = static_cast<float>(std::exp(scale * (x - portrait.x) * (x - portrait.x)));
  Moments sum;
  for (int y = 0; y < h; ++y) {
    double weight = 0, across = 0, square = 0;
    for (int x = 0; x < w; ++x) {
      const double own = weights[y * w + x] * scratch[static_cast<size_t>(x)], dx = x - portrait.x;
      weight += own;
      across += own * dx;
      square += own * dx * dx;
    }
    const double dy = y - portrait.y, share = std::exp(scale * dy * dy);
    sum.weight += share * weight;
    sum.x += share * across;
    sum.y += share * weight * dy;
    sum.square += share * (square + weight * dy * dy);
  }
  return sum;
}

void findMiddle(Portrait& portrait, double threshold, PortraitScratch& scratch) {
  const double side = std::min(portrait.height, portrait.width), window = 0.35 * side;
  portrait.x = 0.5 * (portrait.width - 1);
  portrait.y = 0.5 * (portrait.height - 1);
  portrait.radius = 0.5 * side;
  weighPixels(portrait, static_cast<float>(threshold), scratch);
  for (int round = 0; round < 3; ++round) {
    const Moments sum = sumWeights(portrait, scratch.values.data(), window, scratch.row);
    if (sum.weight <= 0) return;
    portrait.x += sum.x / sum.weight;
    portrait.y += sum.y / sum.weight;
    // A disc of even weight has radius sqrt(2) times the root of the mean square.
    portrait.radius = std::clamp(1.7 * std::sqrt(sum.square / sum.weight) + 2, 0.15 * side, 0.5 * side);
  }
}

// What the coming smoothing leaves of the deviation of noise that is its own at every pixel: of one pass
// (1 + 4 + 1) / 16, of two (1 + 16 + 36 + 16 + 1) / 256.
constexpr double noiseKept[] = {1, 6.0 / 16, 70.0 / 256};

// How often: small pictures have no finer detail to spare.
int passesFor(const Portrait& portrait) {
  const int side = std::min(portrait.height, portrait.width);
  return side >= 48 ? 2 : side >= 24 ? 1 : 0;
}

// Each pixel and its neighbours weighed 1 2 1 along both sides; the outermost keep to their line.
void smoothen(Portrait& portrait, std::vector<float>& across) {
  const int h = portrait.height, w = portrait.width;
  float* pixels = portrait.pixels.data();
  across.resize(portrait.pixels.size());
  for (int pass = 0; pass < passesFor(portrait); ++pass) {
    std::copy_n(pixels, across.size(), across.data());
    for (int y = 0; y < h; ++y)
      for (int x = y * w + 1; x + 1 < (y + 1) * w; ++x) across[static_cast<size_t>(x)] = 0.25f * (pixels[x - 1] + 2 * pixels[x] + pixels[x + 1]);
    std::copy_n(across.data(), across.size(), pixels);
    const float* from = across.data();
    for (int i = w; i < (h - 1) * w; ++i) pixels[i] = 0.25f * (from[i - w] + 2 * from[i] + from[i + w]);
  }
}

}  // namespace

float Portrait::at(double column, double row) const {
  const double u = std::clamp(column, 0.0, width - 1.0), v = std::clamp(row, 0.0, height - 1.0);
  const int left = std::min(static_cast<int>(u), std::max(0, width - 2));
  const int top = std::min(static_cast<int>(v), std::max(0, height - 2));
  const int right = std::min(left + 1, width - 1), below = std::min(top + 1, height - 1);
  const float a = static_cast<float>(u - left), b = static_cast<float>(v - top);
  const float* upper = pixels.data() + top * width;
  const float* lower = pixels.data() + below * width;
  return (1 - b) * ((1 - a) * upper[left] + a * upper[right]) + b * ((1 - a) * lower[left] + a * lower[right]);
}

void makePortrait(const ImageView& image, Portrait& portrait, PortraitScratch& scratch) {
  reduce(image, portrait, scratch);
  const double spread = levelBackground(portrait, scratch.border);
  portrait.noise = noiseKept[passesFor(portrait)] * measureNoise(portrait, scratch.values);
  findMiddle(portrait, 2 * spread / 3, scratch);  // the mean of nine pixels has a third of their noise
  smoothen(portrait, scratch.values);
}

}  // namespace brightcell
