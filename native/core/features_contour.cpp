// The contour as a closed curve: how its distance from the centre varies, and its Fourier series.
//
// The curve follows the sides of the pixels around the cell, one unit a step. As complex numbers its Fourier
// coefficients are c_n; c_1 alone is a circle. Lobes of order k show in c_(1+k) and c_(1-k): two make an ellipse,
// three a rounded triangle, four a rounded square. Sizes do not change with turning, mirroring or scaling.
#include <algorithm>
#include <cmath>

#include "core/features_families.h"

namespace brightcell {
namespace {

constexpr double pi = 3.141592653589793;
constexpr int fewestLobes = 2, mostLobes = 8;

struct Point {
  double x, y;
};

// Corners of pixels in the order in which they follow each other with the cell on the right hand (y downwards).
// A pixel's corner (x, y) is its upper left.
std::vector<Point> followContour(const Cell& cell) {
  const auto inside = [&](int x, int y) { return cell.mask[static_cast<size_t>(y) * cell.width + x] != 0; };
  // The first run's first pixel is the leftmost of the top row: its upper side is part of the contour.
  const int startX = cell.runs.front().x, startY = cell.runs.front().y;
  constexpr int stepX[4] = {1, 0, -1, 0}, stepY[4] = {0, 1, 0, -1};  // right, down, left, up
  // Pixels ahead on the left and on the right of a corner, for each direction.
  constexpr int leftX[4] = {0, 0, -1, -1}, leftY[4] = {-1, 0, 0, -1};
  constexpr int rightX[4] = {0, -1, -1, 0}, rightY[4] = {0, 0, -1, -1};
  std::vector<Point> corners;
  int x = startX, y = startY, direction = 0;
  do {
    corners.push_back({static_cast<double>(x), static_cast<double>(y)});
    x += stepX[direction];
    y += stepY[direction];
    const bool left = inside(x + leftX[direction], y + leftY[direction]);
    const bool right = inside(x + rightX[direction], y + rightY[direction]);
    if (!right) direction = (direction + 1) % 4;      // turn right around a convex corner
    else if (left) direction = (direction + 3) % 4;   // turn left into a concave one
  } while (x != startX || y != startY || direction != 0);
  return corners;
}

// Coefficients c_-order..c_order of the polygon: those of its corners, times what joining them by lines does.
struct Series {
  static constexpr int order = mostLobes + 1;
  Point coefficients[2 * order + 1];
  Point at(int n) const { return coefficients[n + order]; }
};

Series transformContour(const std::vector<Point>& corners, Point centre) {
  const double length = static_cast<double>(corners.size());
  Series series{};
  for (int n = 1; n <= Series::order; ++n) {
    const double cosStep = std::cos(2 * pi * n / length), sinStep = std::sin(2 * pi * n / length);
    double cosine = 1, sine = 0, a = 0, b = 0, c = 0, d = 0;
    for (const Point corner : corners) {
      const double x = corner.x - centre.x, y = corner.y - centre.y;
      a += x * cosine;
      b += y * sine;
      c += y * cosine;
      d += x * sine;
      const double next = cosine * cosStep - sine * sinStep;
      sine = sine * cosStep + cosine * sinStep;
      cosine = next;
    }
    const double part = n / length, sinc = std::sin(pi * part) / (pi * part), scale = sinc * sinc / length;
    series.coefficients[Series::order + n] = {(a + b) * scale, (c - d) * scale};
    series.coefficients[Series::order - n] = {(a - b) * scale, (c + d) * scale};
  }
  return series;
}

double squareOf(Point point) { return point.x * point.x + point.y * point.y; }

// Mean over the curve of the squared distance from the mean of its points, and that mean.
struct CurveSpread {
  Point centre;
  double square;
};

CurveSpread measureCurve(const std::vector<Point>& corners) {
  CurveSpread spread{{0, 0}, 0};
  const double length = static_cast<double>(corners.size());
  for (const Point corner : corners) spread.centre.x += corner.x / length, spread.centre.y += corner.y / length;
  for (size_t i = 0; i < corners.size(); ++i) {
    const Point a = corners[i], b = corners[(i + 1) % corners.size()];
    const Point p{a.x - spread.centre.x, a.y - spread.centre.y}, q{b.x - spread.centre.x, b.y - spread.centre.y};
    spread.square += (squareOf(p) + squareOf(q) + p.x * q.x + p.y * q.y) / 3 / length;
  }
  return spread;
}

}  // namespace

const FeatureNames& contourNames() {
  static const FeatureNames names = [] {
    FeatureNames all = {"radiusVariation", "radiusRatio"};
    for (int lobes = fewestLobes; lobes <= mostLobes; ++lobes) all.push_back(nameOf({"lobes", std::to_string(lobes)}));
    all.push_back("roughness");
    return all;
  }();
  return names;
}

void measureContourFeatures(const Cell& cell, float* dst) {
  const std::vector<Point> corners = followContour(cell);
  double sum = 0, square = 0, nearest = 1e30, furthest = 0;
  for (const Point corner : corners) {
    const double radius = std::hypot(corner.x - 0.5 - cell.centreX, corner.y - 0.5 - cell.centreY);
    sum += radius;
    square += radius * radius;
    nearest = std::min(nearest, radius);
    furthest = std::max(furthest, radius);
  }
  const double length = static_cast<double>(corners.size()), mean = sum / length;
  *dst++ = static_cast<float>(std::sqrt(std::max(0.0, square / length - mean * mean)) / mean);
  *dst++ = static_cast<float>(nearest / furthest);
  const CurveSpread curve = measureCurve(corners);
  const Series series = transformContour(corners, curve.centre);
  const double circle = std::max(squareOf(series.at(1)), 1e-12);
  double rest = curve.square - squareOf(series.at(1));
  for (int lobes = fewestLobes; lobes <= mostLobes; ++lobes) {
    const double both = squareOf(series.at(1 + lobes)) + squareOf(series.at(1 - lobes));
    rest -= both;
    *dst++ = static_cast<float>(std::sqrt(both / circle));
  }
  rest -= squareOf(series.at(2));  // one lobe: no more than a shift of the centre
  *dst++ = static_cast<float>(std::sqrt(std::max(0.0, rest) / circle));
}

}  // namespace brightcell
