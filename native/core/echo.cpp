// If an image holds a cell and its echo, c(x) + a c(x - s), then its autocorrelation holds the peak of no shift once
// more at s, with a / (1 + a^2) of its height. What sets an echo apart from a cell's own symmetries is the narrow
// shape of that peak: so it is taken of the slope along the rows, and the mean about each shift is taken off.
#include "core/echo.h"

#include <algorithm>
#include <cmath>

namespace brightcell {
namespace {

constexpr int mostDown = 8, mostAcross = 72;  // shifts looked at
constexpr int boxDown = 1, boxAcross = 3;     // half sides of the mean that is taken off
constexpr int leastAcross = 7;                // nearer shifts are still the peak of no shift
constexpr int rows = 2 * mostDown + 1, columns = 2 * mostAcross + 1;

struct Box {
  int top, left, rows, columns;
};

Box boxOf(const Foreground& found) {
  const Component& first = found.faint.front();
  int top = first.top, bottom = first.bottom, left = first.left, right = first.right;
  for (const Component& part : found.faint) {
    if (part.area < 6) break;
    top = std::min(top, part.top);
    bottom = std::max(bottom, part.bottom);
    left = std::min(left, part.left);
    right = std::max(right, part.right);
  }
  return {top, left, bottom - top + 1, right - left + 1};
}

// Autocorrelation of the foreground's slope along the rows, for shifts down in [0, mostDown] and across in
// [-mostAcross, mostAcross], mirrored to the rest.
void correlate(const Foreground& found, const Box& box, std::vector<float>& buffer, float* lags) {
  const int stride = box.columns + 2 * mostAcross;
  buffer.assign(static_cast<size_t>(box.rows) * stride, 0.0f);
  for (int y = 0; y < box.rows; ++y)
    for (int x = 0; x < box.columns; ++x) {
      const int64_t i = static_cast<int64_t>(box.top + y) * found.width + box.left + x;
      if (!found.faintLabels[i]) continue;
      const int at = box.left + x;
      buffer[static_cast<size_t>(y) * stride + mostAcross + x] =
          found.deviation[i + (at + 1 < found.width)] - found.deviation[i - (at > 0)];
    }
  std::fill(lags, lags + rows * columns, 0.0f);
  for (int y = 0; y < box.rows; ++y)
    for (int down = 0; down <= std::min(mostDown, box.rows - 1 - y); ++down) {
      float* sums = lags + (mostDown + down) * columns;
      const float* other = buffer.data() + static_cast<int64_t>(y + down) * stride;
      for (int x = 0; x < box.columns; ++x) {
        const float value = buffer[static_cast<size_t>(y) * stride + mostAcross + x];
        if (value == 0) continue;
        // Further shifts only meet the zeros beside the box.
        const int first = std::max(0, mostAcross - x), last = std::min(columns, mostAcross - x + box.columns);
        for (int lag = first; lag < last; ++lag) sums[lag] += value * other[x + lag];
      }
    }
  for (int down = 1; down <= mostDown; ++down)
    for (int lag = 0; lag < columns; ++lag)
      lags[(mostDown - down) * columns + lag] = lags[(mostDown + down) * columns + columns - 1 - lag];
}

// Takes the mean of the box about each shift off, where the box lies inside.
void sharpen(const float* lags, float* sharp) {
  std::fill(sharp, sharp + rows * columns, 0.0f);
  for (int y = boxDown; y + boxDown < rows; ++y)
    for (int x = boxAcross; x + boxAcross < columns; ++x) {
      float sum = 0;
      for (int v = -boxDown; v <= boxDown; ++v)
        for (int u = -boxAcross; u <= boxAcross; ++u) sum += lags[(y + v) * columns + x + u];
      sharp[y * columns + x] = lags[y * columns + x] - sum / ((2 * boxDown + 1) * (2 * boxAcross + 1));
    }
}

}  // namespace

Echo findEcho(const Foreground& found, std::vector<float>& buffer) {
  static thread_local std::vector<float> lags(2 * rows * columns);
  float* sharp = lags.data() + rows * columns;
  correlate(found, boxOf(found), buffer, lags.data());
  sharpen(lags.data(), sharp);
  const double self = sharp[mostDown * columns + mostAcross];
  Echo echo{0, 0};
  if (!(self > 0)) return echo;
  double square = 0;
  int64_t count = 0;
  for (int y = boxDown; y + boxDown < rows; ++y)
    for (int x = mostAcross + leastAcross; x + boxAcross < columns; ++x) {
      const double strength = sharp[y * columns + x] / self;
      echo.strength = std::max(echo.strength, strength);
      square += strength * strength;
      count += strength != 0;
    }
  if (square > 0) echo.prominence = echo.strength / std::sqrt(square / static_cast<double>(count));
  return echo;
}

}  // namespace brightcell
