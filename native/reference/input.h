// How an image becomes a network's input, in double: geometry, blur, brightness and contrast, noise, normalisation, each
// a pass of its own. H rows, W columns; planes are [H, W].
#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include "core/augment.h"

namespace brightcell::reference {

struct Plane {
  int height, width;
  std::vector<double> values;

  // The nearest border pixel goes on outside.
  double at(int y, int x) const {
    y = std::clamp(y, 0, height - 1);
    x = std::clamp(x, 0, width - 1);
    return values[static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)];
  }
};

// Bilinear between pixel centres; a point outside is moved to the border first.
inline double sample(const Plane& src, double y, double x) {
  y = std::clamp(y, 0.0, src.height - 1.0);
  x = std::clamp(x, 0.0, src.width - 1.0);
  const int top = static_cast<int>(y), left = static_cast<int>(x);
  const double v = y - top, u = x - left;
  return (1 - v) * ((1 - u) * src.at(top, left) + u * src.at(top, left + 1)) +
         v * ((1 - u) * src.at(top + 1, left) + u * src.at(top + 1, left + 1));
}

// The image is flipped, scaled and turned about its centre, then moved: each output pixel is traced back.
inline Plane warp(const Plane& src, const AugmentationDraw& draw) {
  Plane dst = src;
  const double centreY = (src.height - 1) / 2.0, centreX = (src.width - 1) / 2.0;
  const double angle = draw.rotateRadians;
  for (int row = 0; row < src.height; ++row)
    for (int column = 0; column < src.width; ++column) {
      const double x = column - draw.translateX - centreX, y = row - draw.translateY - centreY;
      double fromX = (std::cos(angle) * x + std::sin(angle) * y) / draw.scale;
      double fromY = (std::cos(angle) * y - std::sin(angle) * x) / draw.scale;
      if (draw.flipHorizontal) fromX = -fromX;
      if (draw.flipVertical) fromY = -fromY;
      dst.values[static_cast<size_t>(row * src.width + column)] = sample(src, centreY + fromY, centreX + fromX);
    }
  return dst;
}

// Every pixel is the weighted mean of the square around it.
inline Plane blur(const Plane& src, double sigma) {
  if (sigma < 0.1) return src;
  const int radius = std::min(maxBlurRadius, static_cast<int>(std::ceil(3 * sigma)));
  std::vector<double> weights;
  for (int k = 0; k <= radius; ++k) weights.push_back(std::exp(-0.5 * k * k / (sigma * sigma)));
  const auto weight = [&](int k) { return weights[static_cast<size_t>(std::abs(k))]; };
  Plane dst = src;
  for (int row = 0; row < src.height; ++row)
    for (int column = 0; column < src.width; ++column) {
      double sum = 0, total = 0;
      for (int i = -radius; i <= radius; ++i)
        for (int j = -radius; j <= radius; ++j) {
          total += weight(i) * weight(j);
          sum += weight(i) * weight(j) * src.at(row + i, column + j);
        }
      dst.values[static_cast<size_t>(row * src.width + column)] = sum / total;
    }
  return dst;
}

inline uint32_t hashed(uint32_t counter, uint32_t first, uint32_t second) {
  uint32_t x = counter ^ first;
  x = (x ^ x >> 16) * 0x7FEB352Du + second;
  x = (x ^ x >> 15) * 0x846CA68Bu;
  return x ^ x >> 16;
}

// The standard normal number of position `index`: 32 positions are 16 pairs of one radius and one angle.
inline double normal(int64_t index, const std::array<uint32_t, 4>& keys) {
  const auto counter = static_cast<uint32_t>(index / 32 * 16 + index % 16);
  const double u = (hashed(counter, keys[0], keys[1]) >> 1 | 1) * 0x1p-31;
  const uint32_t turn = hashed(counter, keys[2], keys[3]);
  const double angle = static_cast<int32_t>(turn << 2) * 0x1p-32 * 1.5707963267948966;
  const double cosine = (turn >> 31 ? -1 : 1) * std::cos(angle), sine = std::sin(angle);
  const bool swapped = turn >> 30 & 1, second = index % 32 >= 16;
  return std::sqrt(-2 * std::log(u)) * (swapped == second ? cosine : sine);
}

// The mask's pixels and all within `rim` rows and columns of one.
inline std::vector<bool> widen(const std::vector<bool>& mask, int height, int width, int rim) {
  std::vector<bool> wide(mask.size());
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int v = std::max(0, y - rim); v <= std::min(height - 1, y + rim); ++v)
        for (int u = std::max(0, x - rim); u <= std::min(width - 1, x + rim); ++u)
          if (mask[static_cast<size_t>(v * width + u)]) wide[static_cast<size_t>(y * width + x)] = true;
  return wide;
}

inline double meanWhere(const Plane& plane, const std::vector<bool>& mask) {
  double sum = 0, count = 0;
  for (size_t i = 0; i < mask.size(); ++i)
    if (mask[i]) sum += plane.values[i], ++count;
  return sum / count;
}

// A background's pixel: its own where it is free; else that of the mirrored place in the row, about the nearer end of the
// gap or the farther one; else the level.
inline double behind(const Plane& plane, const std::vector<bool>& free, int y, int x) {
  const auto isFree = [&](int column) {
    return column >= 0 && column < plane.width && free[static_cast<size_t>(y * plane.width + column)];
  };
  if (isFree(x)) return plane.at(y, x);
  int first = x, last = x;
  while (first > 0 && !isFree(first - 1)) --first;
  while (last + 1 < plane.width && !isFree(last + 1)) ++last;
  // Mirrored about the edges between the gap and its neighbours.
  const int aboutFirst = (first - 1) - (x - first), aboutLast = (last + 1) + (last - x);
  const bool firstIsNearer = x - first <= last - x;
  for (const int column : {firstIsNearer ? aboutFirst : aboutLast, firstIsNearer ? aboutLast : aboutFirst})
    if (isFree(column)) return plane.at(y, column);
  return meanWhere(plane, free);
}

// One channel of core/background.h, from the masks of the cell (with its rim) and of what is free in both images.
inline Plane replaceBackground(const Plane& own, const Plane& other, const std::vector<bool>& cell,
                               const std::vector<bool>& freeOwn, const std::vector<bool>& freeOther, double range) {
  Plane dst = own;
  const double moved = meanWhere(other, freeOther) - meanWhere(own, freeOwn);
  for (int y = 0; y < own.height; ++y)
    for (int x = 0; x < own.width; ++x) {
      const auto i = static_cast<size_t>(y * own.width + x);
      dst.values[i] = cell[i] ? std::clamp(own.values[i] + moved, 0.0, range) : behind(other, freeOther, y, x);
    }
  return dst;
}

struct Statistics {
  double mean, deviation;
};

inline Statistics statistics(const std::vector<double>& values) {
  double sum = 0, squares = 0;
  for (const double value : values) sum += value;
  const double mean = sum / static_cast<double>(values.size());
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {mean, std::sqrt(squares / static_cast<double>(values.size()))};
}

inline void changeIntensity(std::vector<double>& values, const AugmentationDraw& draw) {
  for (double& value : values) value *= draw.brightness;
  const Statistics bright = statistics(values);
  for (double& value : values) value = bright.mean + draw.contrast * (value - bright.mean);
  const double deviation = draw.noise * draw.contrast * bright.deviation;
  for (size_t i = 0; i < values.size(); ++i)
    values[i] += deviation * normal(static_cast<int64_t>(i), draw.noiseKeys);
}

// The value in the middle, of two in the middle the larger, of the pixels within a sixteenth of the shorter side of the
// image's border, those of all channels together.
inline double medianOfBorder(const std::vector<double>& values, int height, int width) {
  const int thickness = std::max(1, std::min(height, width) / 16);
  std::vector<double> border;
  for (size_t i = 0; i < values.size(); ++i) {
    const int y = static_cast<int>(i) / width % height, x = static_cast<int>(i) % width;
    if (std::min({y, x, height - 1 - y, width - 1 - x}) < thickness) border.push_back(values[i]);
  }
  std::sort(border.begin(), border.end());
  return border[border.size() / 2];
}

// Returns what the values were divided by.
inline double normalise(std::vector<double>& values, Normalisation how, double range, Light light) {
  const Statistics s = statistics(values);
  double centre = 0, divisor = 1;
  if (how == Normalisation::range) divisor = range;
  if (how == Normalisation::mean) divisor = centre = std::max(s.mean, 1e-4 * range);
  if (how == Normalisation::standardise) centre = s.mean, divisor = std::max(s.deviation, 1e-6 * range);
  if (how == Normalisation::session) centre = light.level, divisor = std::max<double>(light.contrast, 1e-6 * range);
  for (double& value : values) value = (value - centre) / divisor;
  return divisor;
}

// What loadImage gives, from planes of stored values. `rounding`: what is left, after normalisation, of the rounding of
// the brightest pixel to float; much, where blurring or enlarging has left a bright image almost flat.
inline std::vector<double> load(const std::vector<Plane>& planes, double range, const InputTransform& transform,
                                uint64_t seed, double* rounding, Light light = {0, 1}) {
  AugmentationDraw draw;
  if (transform.augmentation) {
    Random random(seed);
    draw = drawAugmentation(*transform.augmentation, planes[0].height, planes[0].width, random);
  }
  std::vector<double> values;
  for (const Plane& plane : planes) {
    const Plane moved = blur(warp(plane, draw), draw.blurSigma);
    values.insert(values.end(), moved.values.begin(), moved.values.end());
  }
  changeIntensity(values, draw);
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::abs(value));
  *rounding = largest * 0x1p-24 / normalise(values, transform.normalisation, range, light);
  return values;
}

}  // namespace brightcell::reference
