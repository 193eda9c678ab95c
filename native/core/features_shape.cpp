// The cell's outline as numbers: sizes, ratios, and its convex hull. A pixel is a unit square.
#include <algorithm>
#include <array>
#include <cmath>

#include "core/features_families.h"

namespace brightcell {
namespace {

constexpr double pi = 3.141592653589793;

struct Corner {
  int x, y;
};

int64_t cross(Corner a, Corner b, Corner c) {
  return static_cast<int64_t>(b.x - a.x) * (c.y - a.y) - static_cast<int64_t>(b.y - a.y) * (c.x - a.x);
}

void extendChain(std::vector<Corner>& chain, Corner corner, int side) {
  while (chain.size() > 1 && side * cross(chain[chain.size() - 2], chain.back(), corner) <= 0) chain.pop_back();
  chain.push_back(corner);
}

// Corners of the convex hull of the pixels' squares, in order around it.
std::vector<Corner> findHull(const Cell& cell) {
  std::vector<Corner> left, right;
  for (size_t i = 0; i < cell.runs.size();) {
    const int y = cell.runs[i].y, first = cell.runs[i].x;
    int last = first;
    for (; i < cell.runs.size() && cell.runs[i].y == y; ++i) last = cell.runs[i].x + cell.runs[i].length;
    for (const int corner : {0, 1}) {
      extendChain(left, {first, y + corner}, -1);
      extendChain(right, {last, y + corner}, 1);
    }
  }
  right.insert(right.end(), left.rbegin(), left.rend());
  return right;
}

struct HullSize {
  double area, perimeter, longest, shortest;
};

HullSize measureHull(const std::vector<Corner>& hull) {
  HullSize size{0, 0, 0, 1e30};
  for (size_t i = 0; i < hull.size(); ++i) {
    const Corner a = hull[i], b = hull[(i + 1) % hull.size()];
    size.area += (static_cast<double>(a.x) * b.y - static_cast<double>(b.x) * a.y) / 2;
    const double length = std::hypot(b.x - a.x, b.y - a.y);
    size.perimeter += length;
    double furthest = 0;
    int64_t widest = 0;
    for (const Corner c : hull) {
      furthest = std::max(furthest, std::hypot(c.x - a.x, c.y - a.y));
      widest = std::max(widest, std::abs(cross(a, b, c)));
    }
    size.longest = std::max(size.longest, furthest);
    if (length > 0) size.shortest = std::min(size.shortest, static_cast<double>(widest) / length);
  }
  return size;
}

// Length of the line through the rim's pixels, by the weights of Benkrid and Crookes (2000): a step to a neighbour
// along a side counts 1, across a corner the square root of 2, one of each their mean.
double measurePerimeter(const Cell& cell) {
  static const std::array<double, 64> weights = [] {
    std::array<double, 64> table{};
    for (const int code : {5, 7, 15, 17, 25, 27}) table[static_cast<size_t>(code)] = 1;
    for (const int code : {21, 33}) table[static_cast<size_t>(code)] = std::sqrt(2.0);
    for (const int code : {13, 23}) table[static_cast<size_t>(code)] = (1 + std::sqrt(2.0)) / 2;
    return table;
  }();
  const int width = cell.width;
  std::array<int, 64> counts{};
  for (const Run& run : cell.runs)
    for (int i = run.place; i < run.place + run.length; ++i) {
      const uint8_t* at = cell.rim.data() + i;
      if (!at[0]) continue;
      const int code = 1 + 2 * (at[-1] + at[1] + at[-width] + at[width]) +
                       10 * (at[-width - 1] + at[-width + 1] + at[width - 1] + at[width + 1]);
      if (code < 64) ++counts[static_cast<size_t>(code)];
    }
  double length = 0;
  for (size_t code = 0; code < counts.size(); ++code) length += counts[code] * weights[code];
  return length;
}

// Part of the outline that the image's border makes.
double measureBorderContact(const Cell& cell) {
  int64_t cut = 0, all = 0;
  const int width = cell.width;
  for (const Run& run : cell.runs)
    for (int i = 0; i < run.length; ++i) {
      const uint8_t* at = cell.mask.data() + run.place + i;
      all += 4 - (at[-1] + at[1] + at[-width] + at[width]);
      const int y = run.y + cell.top, x = run.x + i + cell.left;
      cut += (y == 0) + (y == cell.imageHeight - 1) + (x == 0) + (x == cell.imageWidth - 1);
    }
  return static_cast<double>(cut) / static_cast<double>(all);
}

}  // namespace

const FeatureNames& shapeNames() {
  static const FeatureNames names = {
      "area",       "perimeter",    "equivalentDiameter", "majorAxis",     "minorAxis",    "eccentricity",
      "solidity",   "extent",       "circularity",        "convexity",     "ellipseFit",   "feretLongest",
      "feretShortest", "borderContact", "offCentre",      "objectCount",   "otherArea"};
  return names;
}

void measureShapeFeatures(const Cell& cell, float* dst) {
  const HullSize hull = measureHull(findHull(cell));
  const double perimeter = measurePerimeter(cell);
  const double ratio = cell.minorAxis / cell.majorAxis;
  const double boxArea = static_cast<double>(cell.height - 2 * cellMargin) * (cell.width - 2 * cellMargin);
  const double fromX = (cell.centreX + cell.left + 0.5) / cell.imageWidth - 0.5;
  const double fromY = (cell.centreY + cell.top + 0.5) / cell.imageHeight - 0.5;
  const double numbers[] = {cell.area,
                            perimeter,
                            std::sqrt(4 * cell.area / pi),
                            cell.majorAxis,
                            cell.minorAxis,
                            std::sqrt(std::max(0.0, 1 - ratio * ratio)),
                            cell.area / hull.area,
                            cell.area / boxArea,
                            perimeter > 0 ? 4 * pi * cell.area / (perimeter * perimeter) : 1,
                            perimeter > 0 ? hull.perimeter / perimeter : 1,
                            cell.area / (pi / 4 * cell.majorAxis * cell.minorAxis),
                            hull.longest,
                            hull.shortest,
                            measureBorderContact(cell),
                            std::hypot(fromX, fromY),
                            static_cast<double>(cell.objects),
                            cell.otherArea};
  for (const double number : numbers) *dst++ = static_cast<float>(number);
}

}  // namespace brightcell
