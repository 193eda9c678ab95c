#include "core/features_cell.h"

#include <algorithm>
#include <cmath>

namespace brightcell {
namespace {

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
  scratch.grown.resize(cell.mask.size());
  for (int step = 0; step < 3; ++step) {
    growPlane(cell.halo.data(), cell.height, cell.width, scratch.plane.data(), scratch.grown.data());
    cell.halo.swap(scratch.grown);
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

}  // namespace

void findCell(const ImageView& image, Cell& cell, CellScratch& scratch) {
  cell.imageHeight = image.height;
  cell.imageWidth = image.width;
  cell.objects = 0;
  cell.otherArea = 0;
  const Objects found = findObjects(image, scratch.objects);
  cell.around = found.around;
  cell.found = found.chosen != nullptr;
  if (!cell.found) return;
  const double area = static_cast<double>(found.chosen->area);
  double all = 0;
  for (const Component& object : found.objects) {
    cell.objects += static_cast<double>(object.area) >= 0.2 * area;
    all += static_cast<double>(object.area);
  }
  cell.otherArea = all / area - 1;
  cropObject(*found.chosen, found.labels, cell);
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
