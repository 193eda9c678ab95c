// The autocorrelation is taken of the deviation's slope along the rows, which is sharp where texture and outline
// repeat, over the foreground's box, for shifts of up to half the box along the columns and a few rows up and down.
// A true echo repeats everything and makes a narrow peak; the two sides of one cell make a low and broad one, which
// the difference to the neighbourhood (a wide second difference) takes away.
#include "core/echo.h"

#include <algorithm>
#include <cmath>

namespace brightcell {
namespace {

struct Box {
  int top, left, rows, columns;
};

Box boxOf(const Foreground& found) {
  const Component& part = found.faint.front();
  return {part.top, part.left, part.bottom - part.top + 1, part.right - part.left + 1};
}

// Slope along the rows inside the box, its rows `stride` apart with zeros behind.
void takeSlope(const Foreground& found, const Box& box, int stride, float* dst) {
  std::fill(dst, dst + static_cast<int64_t>(box.rows) * stride, 0.0f);
  for (int y = 0; y < box.rows; ++y)
    for (int x = 0; x < box.columns; ++x) {
      const int64_t row = static_cast<int64_t>(box.top + y) * found.width;
      const int at = box.left + x, before = std::max(at - 1, 0), after = std::min(at + 1, found.width - 1);
      dst[static_cast<int64_t>(y) * stride + x] = found.deviation[row + after] - found.deviation[row + before];
    }
}

}  // namespace

Echo findEcho(const Foreground& found, std::vector<float>& buffer) {
  constexpr int rise = 6, wing = 4;
  const Box box = boxOf(found);
  const int lags = std::min(96, box.columns * 3 / 4), stride = box.columns + 96 + 1;
  const int64_t slopeSize = static_cast<int64_t>(box.rows) * stride;
  buffer.assign(static_cast<size_t>(slopeSize + (2 * rise + 1) * 97), 0.0f);
  float *slope = buffer.data(), *correlation = slope + slopeSize;
  takeSlope(found, box, stride, slope);
  // For every pixel and row shift, all column shifts at once: the inner loop runs along memory.
  for (int y = 0; y < box.rows; ++y)
    for (int down = -std::min(rise, y); down <= std::min(rise, box.rows - 1 - y); ++down) {
      float* sums = correlation + (down + rise) * 97;
      const float* other = slope + static_cast<int64_t>(y + down) * stride;
      for (int x = 0; x < box.columns; ++x) {
        const float value = slope[static_cast<int64_t>(y) * stride + x];
        for (int lag = 0; lag <= lags; ++lag) sums[lag] += value * other[x + lag];
      }
    }
  const double self = correlation[rise * 97];
  Echo echo{0, 0};
  for (int down = 0; self > 0 && down <= 2 * rise; ++down)
    for (int lag = 2 * wing; lag + wing <= lags; ++lag) {
      const float* sums = correlation + down * 97 + lag;
      const double strength = (sums[0] - (sums[-wing] + sums[wing]) / 2) / self;
      if (strength > echo.strength) echo = {strength, static_cast<double>(lag)};
    }
  return echo;
}

}  // namespace brightcell
