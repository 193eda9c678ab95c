#include "core/object_shape.h"

#include <algorithm>
#include <cmath>

namespace brightcell {
namespace {

// Largest relative narrowing along the major axis, from pixel counts in slices across it.
double measureWaist(const int32_t* labels, int width, const Component& object, PixelPitch pitch, double angle) {
  constexpr int bins = 20;
  const double meanX = object.sumX / static_cast<double>(object.area), meanY = object.sumY / static_cast<double>(object.area);
  const double stepX = std::cos(angle) * pitch.x, stepY = std::sin(angle) * pitch.y;
  const auto visit = [&](auto&& each) {
    for (int y = object.top; y <= object.bottom; ++y)
      for (int x = object.left; x <= object.right; ++x)
        if (labels[static_cast<int64_t>(y) * width + x] == object.label) each((x - meanX) * stepX + (y - meanY) * stepY);
  };
  double low = 1e30, high = -1e30;
  visit([&](double along) { low = std::min(low, along), high = std::max(high, along); });
  double counts[bins] = {}, smooth[bins], before[bins], after[bins];
  visit([&](double along) { counts[std::min(bins - 1, static_cast<int>((along - low) / (high - low + 1e-9) * bins))] += 1; });
  for (int i = 0; i < bins; ++i)
    smooth[i] = (counts[std::max(i - 1, 0)] + 2 * counts[i] + counts[std::min(i + 1, bins - 1)]) / 4;
  for (int i = 0; i < bins; ++i) before[i] = std::max(smooth[i], i > 0 ? before[i - 1] : 0);
  for (int i = bins - 1; i >= 0; --i) after[i] = std::max(smooth[i], i + 1 < bins ? after[i + 1] : 0);
  double waist = 0;
  for (int i = 0; i < bins; ++i) {
    const double lower = std::min(before[i], after[i]);
    if (lower > 0) waist = std::max(waist, 1 - smooth[i] / lower);
  }
  return waist;
}

struct Point {
  float x, y;
};

double cross(Point a, Point b, Point c) {
  return (static_cast<double>(b.x) - a.x) * (static_cast<double>(c.y) - a.y) - (static_cast<double>(b.y) - a.y) * (static_cast<double>(c.x) - a.x);
}

// Twice the area below one side of the hull of points that come in order of y.
void extendHull(std::vector<Point>& hull, Point point, double side) {
  while (hull.size() > 1 && side * cross(hull[hull.size() - 2], hull.back(), point) <= 0) hull.pop_back();
  hull.push_back(point);
}

}  // namespace

Component joinComponents(const std::vector<Component>& parts, int64_t smallest) {
  Component all = parts.front();
  for (size_t i = 1; i < parts.size() && parts[i].area >= smallest; ++i) {
    const Component& part = parts[i];
    all.area += part.area;
    all.top = std::min(all.top, part.top);
    all.bottom = std::max(all.bottom, part.bottom);
    all.left = std::min(all.left, part.left);
    all.right = std::max(all.right, part.right);
    all.sumX += part.sumX;
    all.sumY += part.sumY;
    all.sumXX += part.sumXX;
    all.sumYY += part.sumYY;
    all.sumXY += part.sumXY;
    all.energy += part.energy;
  }
  return all;
}

ObjectShape measureShape(const int32_t* labels, int width, const Component& object, PixelPitch pitch) {
  const double area = static_cast<double>(object.area), meanX = object.sumX / area, meanY = object.sumY / area;
  // A pixel is a square of variance 1/12: this keeps lines and single pixels from having none.
  const double xx = (object.sumXX / area - meanX * meanX + 1.0 / 12) * pitch.x * pitch.x;
  const double yy = (object.sumYY / area - meanY * meanY + 1.0 / 12) * pitch.y * pitch.y;
  const double xy = (object.sumXY / area - meanX * meanY) * pitch.x * pitch.y;
  const double determinant = std::max(xx * yy - xy * xy, pitch.x * pitch.x * pitch.y * pitch.y / 144);
  const double angle = 0.5 * std::atan2(2 * xy, xx - yy);
  return {std::sqrt(xx / yy), area * pitch.x * pitch.y / (4 * 3.141592653589793 * std::sqrt(determinant)),
          labels == nullptr || object.area < 16 ? 0 : measureWaist(labels, width, object, pitch, angle)};
}

double measureReach(const int32_t* labels, int width, const Component& whole, const std::vector<Component>& parts) {
  const double area = static_cast<double>(whole.area), meanX = whole.sumX / area, meanY = whole.sumY / area;
  const double xx = whole.sumXX / area - meanX * meanX + 1.0 / 12, yy = whole.sumYY / area - meanY * meanY + 1.0 / 12;
  const double xy = whole.sumXY / area - meanX * meanY, determinant = std::max(xx * yy - xy * xy, 1.0 / 144);
  double furthest = 0;
  for (const Component& part : parts) {
    if (part.area < 6 && parts.size() > 1) continue;
    for (int y = part.top; y <= part.bottom; ++y)
      for (int x = part.left; x <= part.right; ++x) {
        if (labels[static_cast<int64_t>(y) * width + x] != part.label) continue;
        const double dx = x - meanX, dy = y - meanY;
        furthest = std::max(furthest, (yy * dx * dx - 2 * xy * dx * dy + xx * dy * dy) / determinant);
      }
  }
  return std::sqrt(furthest) / 2;  // the ellipse's outline lies at two deviations
}

double measureSolidity(const int32_t* labels, int height, int width, const std::vector<Component>& parts, int label,
                       int64_t smallest, std::vector<float>& points) {
  // Labels are in the order of discovery, parts in that of size.
  points.assign(parts.size() + 1, 0.0f);
  for (const Component& part : parts)
    points[static_cast<size_t>(part.label)] = label ? part.label == label : part.area >= smallest;
  static thread_local std::vector<Point> left, right;
  left.clear();
  right.clear();
  double area = 0;
  for (int y = 0; y < height; ++y) {
    const int32_t* row = labels + static_cast<int64_t>(y) * width;
    int first = -1, last = -1;
    for (int x = 0; x < width; ++x) {
      if (row[x] == 0 || points[static_cast<size_t>(row[x])] == 0) continue;
      if (first < 0) first = x;
      last = x;
      ++area;
    }
    if (first < 0) continue;
    for (const float corner : {0.0f, 1.0f}) {
      extendHull(left, {static_cast<float>(first), static_cast<float>(y) + corner}, -1);
      extendHull(right, {static_cast<float>(last + 1), static_cast<float>(y) + corner}, 1);
    }
  }
  double twice = 0;
  for (size_t i = 0; i + 1 < right.size(); ++i) twice += (right[i].x + static_cast<double>(right[i + 1].x)) * (right[i + 1].y - right[i].y);
  for (size_t i = 0; i + 1 < left.size(); ++i) twice -= (left[i].x + static_cast<double>(left[i + 1].x)) * (left[i + 1].y - left[i].y);
  return twice > 0 ? area / (twice / 2) : 1;
}

double borderContact(const Foreground& found, const Component& object) {
  const int height = found.height, width = found.width;
  const auto inside = [&](int y, int x) { return found.labels[static_cast<int64_t>(y) * width + x] == object.label; };
  int64_t cut = 0, free = 0;
  for (int y = object.top; y <= object.bottom; ++y)
    for (int x = object.left; x <= object.right; ++x) {
      if (!inside(y, x)) continue;
      cut += (y == 0) + (y == height - 1) + (x == 0) + (x == width - 1);
      free += (y > 0 && !inside(y - 1, x)) + (y + 1 < height && !inside(y + 1, x)) + (x > 0 && !inside(y, x - 1)) +
              (x + 1 < width && !inside(y, x + 1));
    }
  return static_cast<double>(cut) / static_cast<double>(cut + free);
}

}  // namespace brightcell
