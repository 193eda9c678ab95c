#include "core/foreground.h"

#include <algorithm>
#include <cmath>

namespace brightcell {
namespace {

float quantileOf(std::vector<float>& values, double fraction) {
  if (values.empty()) return 0;
  const auto place = values.begin() + static_cast<std::ptrdiff_t>(fraction * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), place, values.end());
  return *place;
}

struct Spread {
  float median, deviation;  // deviation: the median absolute one, as a standard deviation
};

Spread robustSpread(std::vector<float>& values) {
  const float median = quantileOf(values, 0.5);
  for (float& value : values) value = std::abs(value - median);
  return {median, 1.4826f * quantileOf(values, 0.5)};
}

// Every pixel, or every few, so that medians cost a bounded time.
template <class Take>
void sample(int64_t count, std::vector<float>& values, Take take) {
  const int64_t step = 1 + count / 1000;
  values.clear();
  for (int64_t i = 0; i < count; i += step) take(i);
}

// The outer pixels: what is most likely background, whatever the size of the cell.
void takeBorder(const float* gray, int height, int width, std::vector<float>& values) {
  const int thickness = std::max(1, std::min(height, width) / 16);
  values.clear();
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const bool outer = y < thickness || y >= height - thickness || x < thickness || x >= width - thickness;
      if (outer) values.push_back(gray[static_cast<int64_t>(y) * width + x]);
      else if (x < width - thickness) x = width - thickness - 1;
    }
}

// Mean of the clear pixels of each line; lines with too few take the nearest line's that has enough.
void lineOffsets(const std::vector<double>& sums, const std::vector<int>& counts, int length, float* offsets) {
  const int needed = std::max(3, length / 4);
  const int lines = static_cast<int>(sums.size());
  int previous = -1;
  for (int line = 0; line < lines; ++line) {
    if (counts[line] < needed) continue;
    offsets[line] = static_cast<float>(sums[line] / counts[line]);
    for (int gap = previous + 1; gap < line; ++gap)
      offsets[gap] = previous < 0 || line - gap < gap - previous ? offsets[line] : offsets[previous];
    previous = line;
  }
  for (int gap = previous + 1; gap < lines; ++gap) offsets[gap] = previous < 0 ? 0.0f : offsets[previous];
}

// Takes the offsets of columns (or rows) out of the deviation, as clear pixels show them; gives their variance.
double removeLines(float* deviation, const uint8_t* clear, int height, int width, bool columns) {
  const int lines = columns ? width : height;
  std::vector<double> sums(static_cast<size_t>(lines));
  std::vector<int> counts(static_cast<size_t>(lines));
  std::vector<float> offsets(static_cast<size_t>(lines));
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const int64_t i = static_cast<int64_t>(y) * width + x;
      if (!clear[i]) continue;
      sums[static_cast<size_t>(columns ? x : y)] += deviation[i];
      ++counts[static_cast<size_t>(columns ? x : y)];
    }
  lineOffsets(sums, counts, columns ? height : width, offsets.data());
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) deviation[static_cast<int64_t>(y) * width + x] -= offsets[static_cast<size_t>(columns ? x : y)];
  double square = 0;
  for (const float offset : offsets) square += static_cast<double>(offset) * offset;
  return square / lines;
}

Component followComponent(const uint8_t* mask, const float* energy, int height, int width, int32_t start, int label,
                          int32_t* labels, std::vector<int32_t>& stack) {
  Component component{0, label, height, -1, width, -1, 0, 0, 0, 0, 0, 0};
  const auto enter = [&](int32_t i) {
    if (mask[i] && labels[i] == 0) {
      labels[i] = label;
      stack.push_back(i);
    }
  };
  enter(start);
  while (!stack.empty()) {
    const int32_t i = stack.back();
    stack.pop_back();
    const int x = i % width, y = i / width;
    ++component.area;
    component.top = std::min(component.top, y);
    component.bottom = std::max(component.bottom, y);
    component.left = std::min(component.left, x);
    component.right = std::max(component.right, x);
    component.sumX += x;
    component.sumY += y;
    component.sumXX += static_cast<double>(x) * x;
    component.sumYY += static_cast<double>(y) * y;
    component.sumXY += static_cast<double>(x) * y;
    component.energy += energy[i];
    if (x > 0) enter(i - 1);
    if (x + 1 < width) enter(i + 1);
    if (y > 0) enter(i - width);
    if (y + 1 < height) enter(i + width);
  }
  return component;
}

}  // namespace

void localEnergy(const float* deviation, int height, int width, float* across, float* energy) {
  for (int y = 0; y < height; ++y) {
    const float* src = deviation + static_cast<int64_t>(y) * width;
    float* dst = across + static_cast<int64_t>(y) * width;
    if (width < 3) {
      float sum = 0;
      for (int x = 0; x < width; ++x) sum += src[x] * src[x];
      std::fill(dst, dst + width, sum / static_cast<float>(width));
      continue;
    }
    dst[0] = (src[0] * src[0] + src[1] * src[1]) / 2;
    for (int x = 1; x + 1 < width; ++x) dst[x] = (src[x - 1] * src[x - 1] + src[x] * src[x] + src[x + 1] * src[x + 1]) / 3;
    dst[width - 1] = (src[width - 2] * src[width - 2] + src[width - 1] * src[width - 1]) / 2;
  }
  for (int y = 0; y < height; ++y) {
    float* dst = energy + static_cast<int64_t>(y) * width;
    const int first = std::max(0, y - 1), last = std::min(height - 1, y + 1);
    std::fill(dst, dst + width, 0.0f);
    for (int row = first; row <= last; ++row) {
      const float* src = across + static_cast<int64_t>(row) * width;
      for (int x = 0; x < width; ++x) dst[x] += src[x];
    }
    const float share = 1.0f / static_cast<float>(last - first + 1);
    for (int x = 0; x < width; ++x) dst[x] = std::sqrt(dst[x] * share);
  }
}

void fillHoles(uint8_t* mask, int height, int width, std::vector<int32_t>& stack) {
  constexpr uint8_t outside = 2;
  stack.clear();
  const auto enter = [&](int64_t i) {
    if (mask[i] == 0) {
      mask[i] = outside;
      stack.push_back(static_cast<int32_t>(i));
    }
  };
  const int64_t count = static_cast<int64_t>(height) * width;
  for (int x = 0; x < width; ++x) enter(x), enter(count - width + x);
  for (int y = 0; y < height; ++y) enter(static_cast<int64_t>(y) * width), enter(static_cast<int64_t>(y + 1) * width - 1);
  while (!stack.empty()) {
    const int32_t i = stack.back();
    stack.pop_back();
    const int x = i % width;
    if (x > 0) enter(i - 1);
    if (x + 1 < width) enter(i + 1);
    if (i >= width) enter(i - width);
    if (i + width < count) enter(i + width);
  }
  for (int64_t i = 0; i < count; ++i) mask[i] = mask[i] != outside;
}

std::vector<Component> findComponents(const uint8_t* mask, const float* energy, int height, int width, int32_t* labels,
                                      std::vector<int32_t>& stack) {
  const int32_t count = height * width;
  std::fill(labels, labels + count, 0);
  std::vector<Component> components;
  for (int32_t i = 0; i < count; ++i)
    if (mask[i] && labels[i] == 0)
      components.push_back(followComponent(mask, energy, height, width, i, static_cast<int>(components.size()) + 1, labels, stack));
  std::stable_sort(components.begin(), components.end(),
                   [](const Component& a, const Component& b) { return a.area > b.area; });
  return components;
}

Foreground findForeground(const float* gray, int height, int width, PrepareScratch& scratch) {
  const int64_t count = static_cast<int64_t>(height) * width;
  scratch.planes.resize(static_cast<size_t>(3 * count));
  scratch.masks.resize(static_cast<size_t>(2 * count));
  scratch.labels.resize(static_cast<size_t>(2 * count));
  float *deviation = scratch.planes.data(), *energy = deviation + count, *across = energy + count;
  uint8_t *clear = scratch.masks.data(), *mask = clear + count;
  auto& values = scratch.border;

  Foreground found{};
  found.height = height;
  found.width = width;
  takeBorder(gray, height, width, values);
  const Spread border = robustSpread(values);
  found.background = border.median;
  // Two rounds: the first background shows roughly what is clear of cells, clear pixels show the stripes.
  for (int64_t i = 0; i < count; ++i) deviation[i] = gray[i] - border.median;
  localEnergy(deviation, height, width, across, energy);
  for (int64_t i = 0; i < count; ++i) clear[i] = energy[i] <= 2.5f * border.deviation;
  double stripes = removeLines(deviation, clear, height, width, true);
  stripes += removeLines(deviation, clear, height, width, false);
  found.variation = static_cast<float>(std::sqrt(stripes));
  localEnergy(deviation, height, width, across, energy);

  sample(count, values, [&](int64_t i) { if (clear[i]) values.push_back(deviation[i]); });
  found.noise = robustSpread(values).deviation;
  sample(count, values, [&](int64_t i) { if (clear[i]) values.push_back(energy[i]); });
  const Spread quiet = robustSpread(values);
  found.quietEnergy = quiet.median;
  found.energyLimit = quiet.median + 5 * std::max(quiet.deviation, 0.1f * quiet.median);
  found.peak = *std::max_element(energy, energy + count);

  for (int64_t i = 0; i < count; ++i) clear[i] = energy[i] <= found.energyLimit;
  for (int64_t i = 0; i < count; ++i) mask[i] = !clear[i];
  fillHoles(mask, height, width, scratch.stack);
  found.faint = findComponents(mask, energy, height, width, scratch.labels.data() + count, scratch.stack);
  const float limit = std::max(found.energyLimit, 0.25f * found.peak);
  for (int64_t i = 0; i < count; ++i) mask[i] = energy[i] > limit;
  fillHoles(mask, height, width, scratch.stack);
  found.objects = findComponents(mask, energy, height, width, scratch.labels.data(), scratch.stack);
  found.deviation = deviation;
  found.energy = energy;
  found.clear = clear;
  found.labels = scratch.labels.data();
  found.faintLabels = found.labels + count;
  return found;
}

}  // namespace brightcell
