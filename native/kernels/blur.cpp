// A separable symmetric filter: rows into scratch, then scratch down the columns. Four vectors of sums stay in registers
// while the taps go by, so every pixel is written twice, whatever the radius.
#include "kernels/set.h"

namespace brightcell::BRIGHTCELL_SET {
namespace {

// dst[0 .. count vectors) = the filter at `middle`, its taps `before(k)` and `after(k)` being at -k and k.
template <int Count, class Taps>
BRIGHTCELL_INLINE void filter(const Taps& taps, const float* weights, int radius, float* dst) {
  Vector sums[Count];
  BRIGHTCELL_UNROLL
  for (int j = 0; j < Count; ++j) sums[j] = weights[0] * load(taps.middle + j * lanes);
  for (int k = 1; k <= radius; ++k) {
    const float *before = taps.before(k), *after = taps.after(k);
    const Vector weight = all(weights[k]);
    BRIGHTCELL_UNROLL
    for (int j = 0; j < Count; ++j) sums[j] += weight * (load(before + j * lanes) + load(after + j * lanes));
  }
  BRIGHTCELL_UNROLL
  for (int j = 0; j < Count; ++j) store(dst + j * lanes, sums[j]);
}

struct RowTaps {
  const float* middle;
  const float* before(int k) const { return middle - k; }
  const float* after(int k) const { return middle + k; }
};

struct ColumnTaps {
  const float* column;  // its first row
  ptrdiff_t step;
  int row, last;
  const float* middle = column + row * step;
  const float* before(int k) const { return column + (row > k ? row - k : 0) * step; }
  const float* after(int k) const { return column + (row + k < last ? row + k : last) * step; }
};

void fill(float* dst, float value, ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < count; ++i) dst[i] = value;
}

}  // namespace

void blur(float* plane, int height, int width, const float* weights, int radius, float* scratch) {
  constexpr int four = 4 * lanes;
  const ptrdiff_t step = (ptrdiff_t{width} + 15) / 16 * 16;  // a whole number of vectors
  const ptrdiff_t paddedStep = step + 2 * radius;
  float* rows = scratch;  // first, where scratch is aligned to a cache line
  float* lines = scratch + height * step;
  const auto pad = [&](int row) {
    const float* src = plane + ptrdiff_t{row} * width;
    float* padded = lines + (row & 1) * paddedStep;
    fill(padded, src[0], radius);
    __builtin_memcpy(padded + radius, src, static_cast<size_t>(width) * sizeof(float));
    fill(padded + radius + width, src[width - 1], step - width + radius);
  };
  pad(0);
  for (int row = 0; row < height; ++row) {
    // A row ahead: what has just been stored cannot yet be read across the vectors that it was stored in.
    if (row + 1 < height) pad(row + 1);
    const float* middle = lines + (row & 1) * paddedStep + radius;
    float* dst = rows + row * step;
    ptrdiff_t x = 0;
    for (; x + four <= step; x += four) filter<4>(RowTaps{middle + x}, weights, radius, dst + x);
    for (; x < step; x += lanes) filter<1>(RowTaps{middle + x}, weights, radius, dst + x);
  }
  for (int row = 0; row < height; ++row) {
    float* dst = plane + ptrdiff_t{row} * width;
    const auto taps = [&](ptrdiff_t x) { return ColumnTaps{rows + x, step, row, height - 1}; };
    ptrdiff_t x = 0;
    for (; x + four <= width; x += four) filter<4>(taps(x), weights, radius, dst + x);
    for (; x + lanes <= width; x += lanes) filter<1>(taps(x), weights, radius, dst + x);
    if (x == width) continue;
    float rest[lanes];
    filter<1>(taps(x), weights, radius, rest);
    __builtin_memcpy(dst + x, rest, static_cast<size_t>(width - x) * sizeof(float));
  }
}

}  // namespace brightcell::BRIGHTCELL_SET
