#include "core/features_objects.h"

#include <algorithm>
#include <cmath>

namespace brightcell {
namespace {

template <class Pixel>
void addChannel(const Pixel* src, int64_t count, float share, float* gray) {
  for (int64_t i = 0; i < count; ++i) gray[i] += static_cast<float>(src[i]) * share;
}

void meanOfChannels(const ImageView& image, std::vector<float>& gray) {
  const int64_t count = static_cast<int64_t>(image.height) * image.width;
  gray.assign(static_cast<size_t>(count), 0.0f);
  const float share = 1.0f / static_cast<float>(image.channels);
  for (int c = 0; c < image.channels; ++c) {
    if (image.type == PixelType::uint8) addChannel(static_cast<const uint8_t*>(image.pixels) + c * count, count, share, gray.data());
    else addChannel(static_cast<const uint16_t*>(image.pixels) + c * count, count, share, gray.data());
  }
}

float takeMiddle(std::vector<float>& values) {
  if (values.empty()) return 0;
  const auto place = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), place, values.end());
  return *place;
}

struct Spread {
  float median, deviation;  // deviation: the median absolute one, as a standard deviation
};

Spread spreadOf(std::vector<float>& values) {
  const float median = takeMiddle(values);
  for (float& value : values) value = std::abs(value - median);
  return {median, 1.4826f * takeMiddle(values)};
}

// About 800 of the outermost pixels, the same whatever the way the image is turned.
void takeBorder(const ObjectsScratch& scratch, int height, int width, std::vector<float>& values) {
  const int thickness = std::max(1, std::min(height, width) / 16);
  const int step = 1 + static_cast<int>(2LL * thickness * (height + width) / 800);
  values.clear();
  for (int y = 0; y < height; ++y) {
    const int fromY = std::min(y, height - 1 - y);
    for (int x = 0; x < width; ++x) {
      if (fromY >= thickness && x >= thickness && x < width - thickness) x = width - thickness;
      if ((fromY + std::min(x, width - 1 - x)) % step == 0) values.push_back(scratch.gray[static_cast<size_t>(y) * width + x]);
    }
  }
}

// Offsets of columns (or rows) as clear pixels show them; lines with too few take those of the nearest on both sides.
void lineOffsets(const std::vector<double>& sums, const std::vector<int>& counts, int length, std::vector<float>& offsets) {
  const int needed = std::max(3, length / 4), lines = static_cast<int>(sums.size());
  offsets.assign(sums.size(), 0.0f);
  int previous = -1;
  for (int line = 0; line <= lines; ++line) {
    const bool known = line < lines && counts[static_cast<size_t>(line)] >= needed;
    if (!known && line < lines) continue;
    if (known) offsets[static_cast<size_t>(line)] = static_cast<float>(sums[static_cast<size_t>(line)] / counts[static_cast<size_t>(line)]);
    for (int gap = previous + 1; gap < line; ++gap) {
      const int before = previous < 0 ? lines : gap - previous, after = known ? line - gap : lines;
      const float left = previous < 0 ? 0 : offsets[static_cast<size_t>(previous)], right = known ? offsets[static_cast<size_t>(line)] : 0;
      offsets[static_cast<size_t>(gap)] = before < after ? left : after < before ? right : (left + right) / 2;
    }
    previous = line;
  }
}

// Takes the stripes in both directions out of the deviation at once, so that turning the image turns the result.
void removeStripes(ObjectsScratch& scratch, int height, int width, float limit) {
  std::vector<double> columnSums(static_cast<size_t>(width)), rowSums(static_cast<size_t>(height));
  std::vector<int> columnCounts(static_cast<size_t>(width)), rowCounts(static_cast<size_t>(height));
  for (int y = 0; y < height; ++y) {
    const float *deviation = scratch.deviation.data() + static_cast<int64_t>(y) * width, *energy = scratch.energy.data() + static_cast<int64_t>(y) * width;
    double sum = 0;
    int count = 0;
    for (int x = 0; x < width; ++x) {
      const bool clear = energy[x] <= limit;
      const double value = clear ? static_cast<double>(deviation[x]) : 0.0;
      sum += value;
      count += clear;
      columnSums[static_cast<size_t>(x)] += value;
      columnCounts[static_cast<size_t>(x)] += clear;
    }
    rowSums[static_cast<size_t>(y)] = sum;
    rowCounts[static_cast<size_t>(y)] = count;
  }
  double sum = 0;
  int64_t count = 0;
  for (size_t y = 0; y < rowSums.size(); ++y) sum += rowSums[y], count += rowCounts[y];
  const auto mean = static_cast<float>(count > 0 ? sum / static_cast<double>(count) : 0);
  std::vector<float> columns, rows;
  lineOffsets(columnSums, columnCounts, height, columns);
  lineOffsets(rowSums, rowCounts, width, rows);
  for (int y = 0; y < height; ++y) {
    float* deviation = scratch.deviation.data() + static_cast<int64_t>(y) * width;
    const float offset = rows[static_cast<size_t>(y)] - mean;
    for (int x = 0; x < width; ++x) deviation[x] -= columns[static_cast<size_t>(x)] + offset;
  }
}

// Every few places of a side, counted from both of its ends.
std::vector<int> everyFew(int length, int step) {
  std::vector<int> places;
  for (int place = 0; place < length; ++place)
    if (std::min(place, length - 1 - place) % step == 0) places.push_back(place);
  return places;
}

// The energy that noise alone hardly reaches, as pixels show that are clear of objects: about 800 of them, the same
// however the image is turned.
float noiseLimit(const ObjectsScratch& scratch, int height, int width, float clear, std::vector<float>& values) {
  const int step = std::max(1, static_cast<int>(std::sqrt(static_cast<double>(height) * width / 800)));
  const std::vector<int> columns = everyFew(width, step);
  values.clear();
  for (const int y : everyFew(height, step)) {
    const float* energy = scratch.energy.data() + static_cast<int64_t>(y) * width;
    for (const int x : columns)
      if (energy[x] <= clear) values.push_back(energy[x]);
  }
  const Spread quiet = spreadOf(values);
  return quiet.median + 5 * std::max(quiet.deviation, 0.1f * quiet.median);
}

// Energy of the deviation from a background of a level and an offset a column and a row; gives the noise's limit.
float findEnergy(const ImageView& image, ObjectsScratch& scratch) {
  const int height = image.height, width = image.width;
  meanOfChannels(image, scratch.gray);
  takeBorder(scratch, height, width, scratch.values);
  const Spread border = spreadOf(scratch.values);
  const size_t size = scratch.gray.size();
  for (std::vector<float>* plane : {&scratch.deviation, &scratch.energy, &scratch.across}) plane->resize(size);
  for (size_t i = 0; i < size; ++i) scratch.deviation[i] = scratch.gray[i] - border.median;
  localEnergy(scratch.deviation.data(), height, width, scratch.across.data(), scratch.energy.data());
  // Half a gray level is the least noise that whole numbers can tell of.
  const float clear = 2.5f * std::max(border.deviation, 0.5f);
  removeStripes(scratch, height, width, clear);
  localEnergy(scratch.deviation.data(), height, width, scratch.across.data(), scratch.energy.data());
  return noiseLimit(scratch, height, width, clear, scratch.values);
}

// The energy above which a pixel belongs to an object: 0.35 of the mean energy of the pixels above it, and never less
// than what noise reaches. Of several such limits the highest, found by going down from the peak, on counts in 512
// steps: a background whose noise is not known (padding has none) does not draw it down.
float objectLimit(const std::vector<float>& energy, float peak, float noise) {
  constexpr int steps = 512;
  const float scale = steps / peak;
  // In two tables by turns: most pixels are background and count in the same few places.
  int counts[steps + 1] = {}, more[steps + 1] = {};
  size_t at = 0;
  for (; at + 1 < energy.size(); at += 2) {
    ++counts[std::min(steps, static_cast<int>(energy[at] * scale))];
    ++more[std::min(steps, static_cast<int>(energy[at + 1] * scale))];
  }
  if (at < energy.size()) ++counts[std::min(steps, static_cast<int>(energy[at] * scale))];
  double sum = 0, count = 0, limit = 0;
  for (int step = steps; step >= 0; --step) {
    sum += (counts[step] + more[step]) * (step + 0.5);
    count += counts[step] + more[step];
    limit = 0.35 * sum / count;
    if (limit >= step) break;  // all above the limit are counted
  }
  return std::max(noise, static_cast<float>(limit) / scale);
}

void drawAbove(const std::vector<float>& energy, float limit, std::vector<uint8_t>& mask) {
  mask.resize(energy.size());
  for (size_t i = 0; i < energy.size(); ++i) mask[i] = energy[i] > limit;
}

void turnOver(std::vector<uint8_t>& mask) {
  for (uint8_t& value : mask) value = !value;
}

// Grows the mask by so many pixels, a square each, or shrinks it where it does not meet the image's border.
void growMask(std::vector<uint8_t>& mask, int height, int width, int times, ObjectsScratch& scratch) {
  for (; times > 0; --times) {
    growPlane(mask.data(), height, width, scratch.plane.data(), scratch.narrow.data());
    mask.swap(scratch.narrow);
  }
}

void shrinkMask(std::vector<uint8_t>& mask, int height, int width, int times, ObjectsScratch& scratch) {
  turnOver(mask);
  growMask(mask, height, width, times, scratch);
  turnOver(mask);
}

// The object that covers most of the image's middle: a pixel there counts 1, at the border nothing.
const Component& chooseObject(const std::vector<Component>& objects, const int32_t* labels, int height, int width) {
  const Component* best = &objects.front();
  double most = -1;
  for (const Component& object : objects) {
    double cover = 0;
    for (int y = object.top; y <= object.bottom; ++y) {
      const int32_t* row = labels + static_cast<int64_t>(y) * width;
      int64_t inRow = 0;
      for (int x = object.left; x <= object.right; ++x)
        if (row[x] == object.label) inRow += 1 + std::min(x, width - 1 - x);
      cover += static_cast<double>(inRow) * (1 + std::min(y, height - 1 - y));
    }
    if (cover > most) most = cover, best = &object;
  }
  return *best;
}

template <uint8_t (*choose)(uint8_t, uint8_t)>
void spread(const uint8_t* src, int height, int width, uint8_t* across, uint8_t* dst) {
  const size_t size = static_cast<size_t>(height) * width;
  for (int y = 0; y < height; ++y) {
    const uint8_t* row = src + static_cast<int64_t>(y) * width;
    const uint8_t *above = y > 0 ? row - width : nullptr, *below = y + 1 < height ? row + width : nullptr;
    uint8_t* out = across + static_cast<int64_t>(y) * width;
    if (above && below)
      for (int x = 0; x < width; ++x) out[x] = choose(choose(row[x], above[x]), below[x]);
    else
      for (int x = 0; x < width; ++x) out[x] = choose(row[x], choose(above ? above[x] : 0, below ? below[x] : 0));
  }
  // In one run over all rows, then the ends of rows again.
  for (size_t i = 1; i + 1 < size; ++i) dst[i] = choose(choose(across[i - 1], across[i]), across[i + 1]);
  for (int y = 0; y < height; ++y) {
    const uint8_t* row = across + static_cast<int64_t>(y) * width;
    uint8_t* out = dst + static_cast<int64_t>(y) * width;
    out[0] = choose(choose(row[0], width > 1 ? row[1] : 0), 0);
    out[width - 1] = choose(choose(row[width - 1], width > 1 ? row[width - 2] : 0), 0);
  }
}

inline uint8_t smaller(uint8_t a, uint8_t b) { return a < b ? a : b; }
inline uint8_t larger(uint8_t a, uint8_t b) { return a > b ? a : b; }

// Gaps closed and holes filled; then narrowed by what the energy's window widened the objects, without whiskers of
// less than three pixels where there is anything else.
std::vector<Component> separateObjects(int height, int width, float limit, ObjectsScratch& scratch) {
  std::vector<uint8_t>& mask = scratch.mask;
  for (std::vector<uint8_t>* plane : {&scratch.plane, &scratch.narrow}) plane->resize(mask.size());
  scratch.labels.resize(mask.size());
  const int gap = std::max(1, std::min(height, width) / 32);
  growMask(mask, height, width, gap, scratch);
  fillHoles(mask.data(), height, width, scratch.stack);
  shrinkMask(mask, height, width, gap, scratch);
  for (size_t i = 0; i < mask.size(); ++i) scratch.around[i] = scratch.around[i] && !mask[i];
  shrinkMask(mask, height, width, 1, scratch);
  scratch.whole = mask;
  shrinkMask(mask, height, width, 1, scratch);
  growMask(mask, height, width, 1, scratch);
  const auto list = [&] {
    return findComponents(mask.data(), scratch.energy.data(), height, width, scratch.labels.data(), scratch.stack);
  };
  std::vector<Component> objects = list();
  if (objects.empty()) {
    mask = scratch.whole;
    objects = list();
  }
  if (objects.empty()) {
    drawAbove(scratch.energy, limit, mask);
    fillHoles(mask.data(), height, width, scratch.stack);
    objects = list();
  }
  return objects;
}

}  // namespace

void shrinkPlane(const uint8_t* src, int height, int width, uint8_t* across, uint8_t* dst) {
  spread<smaller>(src, height, width, across, dst);
}

void growPlane(const uint8_t* src, int height, int width, uint8_t* across, uint8_t* dst) {
  spread<larger>(src, height, width, across, dst);
}

Objects findObjects(const ImageView& image, ObjectsScratch& scratch) {
  const float noise = findEnergy(image, scratch);
  const float peak = *std::max_element(scratch.energy.begin(), scratch.energy.end());
  scratch.around.resize(scratch.energy.size());
  for (size_t i = 0; i < scratch.energy.size(); ++i) scratch.around[i] = scratch.energy[i] <= noise;
  Objects found{{}, nullptr, nullptr, scratch.around.data()};
  if (peak <= noise) return found;
  const float limit = objectLimit(scratch.energy, peak, noise);
  drawAbove(scratch.energy, limit, scratch.mask);
  found.objects = separateObjects(image.height, image.width, limit, scratch);
  found.labels = scratch.labels.data();
  found.chosen = &chooseObject(found.objects, found.labels, image.height, image.width);
  return found;
}

}  // namespace brightcell
