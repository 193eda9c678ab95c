#include "core/features_cell.h"

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

// The energy above which a pixel belongs to an object: 0.35 of the mean energy of the pixels above it, and never less
// than what noise reaches. Of several such limits the highest, found by going down from the peak, on counts in 512
// steps: a background whose noise is not known (padding has none) does not draw it down.
float objectLimit(const Foreground& found) {
  constexpr int steps = 512;
  const int64_t size = static_cast<int64_t>(found.height) * found.width;
  const float scale = steps / found.peak;
  int counts[steps + 1] = {};
  for (int64_t i = 0; i < size; ++i) ++counts[std::min(steps, static_cast<int>(found.energy[i] * scale))];
  double sum = 0, count = 0, limit = 0;
  for (int step = steps; step >= 0; --step) {
    sum += counts[step] * (step + 0.5);
    count += counts[step];
    limit = 0.35 * sum / count;
    if (limit >= step) break;  // all above the limit are counted
  }
  return std::max(found.energyLimit, static_cast<float>(limit) / scale);
}

void drawObjects(const Foreground& found, float limit, uint8_t* mask) {
  const int64_t size = static_cast<int64_t>(found.height) * found.width;
  for (int64_t i = 0; i < size; ++i) mask[i] = found.energy[i] > limit;
}

void turnOver(std::vector<uint8_t>& mask) {
  for (uint8_t& value : mask) value = !value;
}

// Grows the mask by so many pixels, a square each, or shrinks it where it does not meet the image's border.
void growMask(std::vector<uint8_t>& mask, int height, int width, int times, CellScratch& scratch) {
  for (; times > 0; --times) {
    growPlane(mask.data(), height, width, scratch.plane.data(), scratch.narrow.data());
    mask.swap(scratch.narrow);
  }
}

void shrinkMask(std::vector<uint8_t>& mask, int height, int width, int times, CellScratch& scratch) {
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

void cropObject(const Component& object, const int32_t* labels, Cell& cell) {
  cell.top = object.top - cellMargin;
  cell.left = object.left - cellMargin;
  cell.height = object.bottom - object.top + 1 + 2 * cellMargin;
  cell.width = object.right - object.left + 1 + 2 * cellMargin;
  cell.mask.assign(static_cast<size_t>(cell.height) * cell.width, 0);
  for (int y = object.top; y <= object.bottom; ++y) {
    const int32_t* row = labels + static_cast<int64_t>(y) * cell.imageWidth;
    uint8_t* dst = cell.mask.data() + static_cast<int64_t>(y - cell.top) * cell.width + cellMargin;
    for (int x = object.left; x <= object.right; ++x) *dst++ = row[x] == object.label;
  }
}

// Finds the objects: gaps closed and holes filled, then narrowed by what the energy's window widened them, without
// whiskers of less than three pixels where there is anything else. Crops the one that is taken for the cell.
bool separateCell(const Foreground& found, Cell& cell, CellScratch& scratch) {
  const int height = found.height, width = found.width;
  std::vector<uint8_t>& mask = scratch.mask;
  const size_t size = static_cast<size_t>(height) * width;
  mask.resize(size);
  scratch.plane.resize(size);
  scratch.narrow.resize(size);
  scratch.labels.resize(size);
  if (found.peak <= found.energyLimit) return false;
  const float limit = objectLimit(found);
  drawObjects(found, limit, mask.data());
  const int gap = std::max(1, std::min(height, width) / 32);
  growMask(mask, height, width, gap, scratch);
  fillHoles(mask.data(), height, width, scratch.stack);
  shrinkMask(mask, height, width, gap + 1, scratch);
  scratch.whole = mask;
  shrinkMask(mask, height, width, 1, scratch);
  growMask(mask, height, width, 1, scratch);
  const auto list = [&] { return findComponents(mask.data(), found.energy, height, width, scratch.labels.data(), scratch.stack); };
  std::vector<Component> objects = list();
  if (objects.empty()) {
    mask = scratch.whole;
    objects = list();
  }
  if (objects.empty()) {
    drawObjects(found, limit, mask.data());
    fillHoles(mask.data(), height, width, scratch.stack);
    objects = list();
  }
  const Component& chosen = chooseObject(objects, scratch.labels.data(), height, width);
  const double area = static_cast<double>(chosen.area);
  double all = 0;
  for (const Component& object : objects) {
    cell.objects += static_cast<double>(object.area) >= 0.2 * area;
    all += static_cast<double>(object.area);
  }
  cell.otherArea = all / area - 1;
  cropObject(chosen, scratch.labels.data(), cell);
  return true;
}

void listRuns(Cell& cell) {
  cell.runs.clear();
  for (int y = 0; y < cell.height; ++y) {
    const int32_t start = y * cell.width;
    const uint8_t* row = cell.mask.data() + start;
    for (int x = 0; x < cell.width; ++x) {
      if (!row[x]) continue;
      int end = x;
      while (row[end]) ++end;  // the margin ends it
      cell.runs.push_back({start + x, x, y, end - x});
      x = end;
    }
  }
}

void measureMoments(Cell& cell) {
  double area = 0, sumX = 0, sumY = 0, xx = 0, yy = 0, xy = 0;
  for (const Run& run : cell.runs) {
    // Sums of x and of x squared over the run, exact in doubles.
    const double n = run.length, first = run.x, last = run.x + run.length - 1;
    const double rowX = n * (first + last) / 2;
    const double rowXX = (last * (last + 1) * (2 * last + 1) - (first - 1) * first * (2 * first - 1)) / 6;
    area += n;
    sumX += rowX;
    sumY += n * run.y;
    xx += rowXX;
    yy += n * run.y * run.y;
    xy += rowX * run.y;
  }
  cell.area = area;
  cell.centreX = sumX / area;
  cell.centreY = sumY / area;
  cell.xx = (xx - sumX * sumX / area) / area + 1.0 / 12;
  cell.yy = (yy - sumY * sumY / area) / area + 1.0 / 12;
  cell.xy = (xy - sumX * sumY / area) / area;
  const double half = (cell.xx + cell.yy) / 2, apart = std::hypot((cell.xx - cell.yy) / 2, cell.xy);
  cell.majorAxis = 4 * std::sqrt(half + apart);
  cell.minorAxis = 4 * std::sqrt(std::max(half - apart, 1.0 / 12));
  const double angle = 0.5 * std::atan2(2 * cell.xy, cell.xx - cell.yy);
  cell.axisX = std::cos(angle);
  cell.axisY = std::sin(angle);
}

void drawRim(Cell& cell) {
  const int width = cell.width;
  cell.rim.assign(cell.mask.size(), 0);
  for (const Run& run : cell.runs)
    for (int i = run.place; i < run.place + run.length; ++i) {
      const uint8_t* at = cell.mask.data() + i;
      cell.rim[static_cast<size_t>(i)] = !(at[-1] & at[1] & at[-width] & at[width]);
    }
}

void drawHalo(Cell& cell, CellScratch& scratch) {
  cell.halo = cell.mask;
  scratch.plane.resize(cell.mask.size());
  scratch.narrow.resize(cell.mask.size());
  for (int step = 0; step < 3; ++step) {
    growPlane(cell.halo.data(), cell.height, cell.width, scratch.plane.data(), scratch.narrow.data());
    cell.halo.swap(scratch.narrow);
  }
  for (int y = 0; y < cell.height; ++y)
    for (int x = 0; x < cell.width; ++x) {
      const size_t i = static_cast<size_t>(y) * cell.width + x;
      const bool inside = y + cell.top >= 0 && y + cell.top < cell.imageHeight && x + cell.left >= 0 && x + cell.left < cell.imageWidth;
      cell.halo[i] = cell.halo[i] && !cell.mask[i] && inside;
    }
}

// Rings of equal width between the centre and the ellipse of the same second moments; the last has no outer end.
void drawRings(Cell& cell) {
  cell.rings.assign(cell.mask.size(), 0);
  const double determinant = std::max(cell.xx * cell.yy - cell.xy * cell.xy, 1.0 / 144);
  // The ellipse is where this form is 4; a little less than the limit counts as the limit, whatever the rounding.
  double limits[cellRings];
  for (int ring = 1; ring < cellRings; ++ring) limits[ring] = 4.0 * ring * ring / (cellRings * cellRings) - 1e-9;
  for (const Run& run : cell.runs) {
    const double dy = run.y - cell.centreY;
    const double a = cell.yy / determinant, b = -2 * cell.xy * dy / determinant, c = cell.xx * dy * dy / determinant;
    uint8_t* dst = cell.rings.data() + run.place;
    for (int i = 0; i < run.length; ++i) {
      const double dx = run.x + i - cell.centreX, form = (a * dx + b) * dx + c;
      dst[i] = static_cast<uint8_t>((form >= limits[1]) + (form >= limits[2]) + (form >= limits[3]));
    }
  }
}

void markAround(const Foreground& found, Cell& cell) {
  const int64_t count = static_cast<int64_t>(found.height) * found.width;
  cell.around.resize(static_cast<size_t>(count));
  cell.aroundCount = 0;
  for (int64_t i = 0; i < count; ++i) {
    const bool free = found.faintLabels[i] == 0;
    cell.around[static_cast<size_t>(i)] = free;
    cell.aroundCount += free;
  }
}

template <class Pixel>
void cropPixels(const Pixel* src, const Cell& cell, uint16_t* dst) {
  const int firstX = std::max(cell.left, 0), lastX = std::min(cell.left + cell.width, cell.imageWidth) - 1;
  for (int y = 0; y < cell.height; ++y) {
    const Pixel* row = src + static_cast<int64_t>(std::clamp(y + cell.top, 0, cell.imageHeight - 1)) * cell.imageWidth;
    uint16_t* out = dst + static_cast<int64_t>(y) * cell.width;
    for (int x = cell.left; x < firstX; ++x) *out++ = row[firstX];
    for (int x = firstX; x <= lastX; ++x) *out++ = row[x];
    for (int x = lastX + 1; x < cell.left + cell.width; ++x) *out++ = row[lastX];
  }
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

}  // namespace

void shrinkPlane(const uint8_t* src, int height, int width, uint8_t* across, uint8_t* dst) {
  spread<smaller>(src, height, width, across, dst);
}

void growPlane(const uint8_t* src, int height, int width, uint8_t* across, uint8_t* dst) {
  spread<larger>(src, height, width, across, dst);
}

void findCell(const ImageView& image, Cell& cell, CellScratch& scratch) {
  meanOfChannels(image, scratch.gray);
  const Foreground found = findForeground(scratch.gray.data(), image.height, image.width, scratch.foreground);
  cell.imageHeight = image.height;
  cell.imageWidth = image.width;
  markAround(found, cell);
  cell.objects = 0;
  cell.otherArea = 0;
  cell.found = separateCell(found, cell, scratch);
  if (!cell.found) return;
  listRuns(cell);
  measureMoments(cell);
  drawRim(cell);
  drawHalo(cell, scratch);
  drawRings(cell);
}

void readPixels(const ImageView& image, int channel, const Cell& cell, CellPixels& pixels) {
  pixels.range = image.type == PixelType::uint8 ? 255 : 65535;
  if (!cell.found) return;
  pixels.values.resize(cell.mask.size());
  const int64_t first = static_cast<int64_t>(channel) * image.height * image.width;
  if (image.type == PixelType::uint8) cropPixels(static_cast<const uint8_t*>(image.pixels) + first, cell, pixels.values.data());
  else cropPixels(static_cast<const uint16_t*>(image.pixels) + first, cell, pixels.values.data());
}

}  // namespace brightcell
