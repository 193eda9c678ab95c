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

// Copies the object into the crop, one wider where it meets the image's border, so that narrowing leaves it there.
void cropObject(const Foreground& found, const Component& object, Cell& cell, std::vector<uint8_t>& wide) {
  cell.top = object.top - cellMargin;
  cell.left = object.left - cellMargin;
  cell.height = object.bottom - object.top + 1 + 2 * cellMargin;
  cell.width = object.right - object.left + 1 + 2 * cellMargin;
  wide.assign(static_cast<size_t>(cell.height) * cell.width, 0);
  const int firstX = object.left > 0 ? object.left : -1, lastX = object.right + 1 < found.width ? object.right : found.width;
  const int firstY = object.top > 0 ? object.top : -1, lastY = object.bottom + 1 < found.height ? object.bottom : found.height;
  for (int y = firstY; y <= lastY; ++y) {
    const int32_t* row = found.labels + static_cast<int64_t>(std::clamp(y, 0, found.height - 1)) * found.width;
    uint8_t* dst = wide.data() + static_cast<int64_t>(y - cell.top) * cell.width;
    for (int x = firstX; x <= lastX; ++x) dst[x - cell.left] = row[std::clamp(x, 0, found.width - 1)] == object.label;
  }
}

// Keeps the largest of the parts that share sides; the first found of equal ones.
void keepLargest(std::vector<uint8_t>& mask, int width, std::vector<int32_t>& labels, std::vector<int32_t>& stack) {
  labels.assign(mask.size(), 0);
  int32_t label = 0, best = 0;
  int64_t most = 0;
  for (size_t start = 0; start < mask.size(); ++start) {
    if (!mask[start] || labels[start]) continue;
    labels[start] = ++label;
    stack.assign(1, static_cast<int32_t>(start));
    int64_t area = 0;
    while (!stack.empty()) {
      const int32_t i = stack.back();
      stack.pop_back();
      ++area;
      for (const int32_t next : {i - 1, i + 1, i - width, i + width})  // the margin keeps them inside
        if (mask[static_cast<size_t>(next)] && labels[static_cast<size_t>(next)] == 0) {
          labels[static_cast<size_t>(next)] = label;
          stack.push_back(next);
        }
    }
    if (area > most) most = area, best = label;
  }
  if (label > 1)
    for (size_t i = 0; i < mask.size(); ++i) mask[i] = mask[i] && labels[i] == best;
}

void narrowObject(const Foreground& found, const Component& object, Cell& cell, CellScratch& scratch) {
  cropObject(found, object, cell, scratch.narrow);
  cell.mask.resize(scratch.narrow.size());
  scratch.plane.resize(scratch.narrow.size());
  shrinkPlane(scratch.narrow.data(), cell.height, cell.width, scratch.plane.data(), cell.mask.data());
  if (std::find(cell.mask.begin(), cell.mask.end(), 1) == cell.mask.end()) cell.mask = scratch.narrow;
  // What lies outside of the image belongs to nobody.
  for (int y = 0; y < cell.height; ++y)
    for (int x = 0; x < cell.width; ++x) {
      const int imageY = y + cell.top, imageX = x + cell.left;
      if (imageY < 0 || imageY >= found.height || imageX < 0 || imageX >= found.width)
        cell.mask[static_cast<size_t>(y) * cell.width + x] = 0;
    }
  keepLargest(cell.mask, cell.width, scratch.labels, scratch.stack);
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
  cell.found = !found.objects.empty();
  cell.objects = 0;
  cell.otherArea = 0;
  if (!cell.found) return;
  const double largest = static_cast<double>(found.objects.front().area);
  double all = 0;
  for (const Component& object : found.objects) {
    cell.objects += static_cast<double>(object.area) >= 0.2 * largest;
    all += static_cast<double>(object.area);
  }
  cell.otherArea = all / largest - 1;
  narrowObject(found, found.objects.front(), cell, scratch);
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
