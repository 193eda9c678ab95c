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
  const float *middle, *top, *bottom;  // of the same column
  ptrdiff_t step;
  const float* before(int k) const { return middle - k * step < top ? top : middle - k * step; }
  const float* after(int k) const { return middle + k * step > bottom ? bottom : middle + k * step; }
};

void fill(float* dst, float value, ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < count; ++i) dst[i] = value;
}

}  // namespace

void blur(float* plane, int height, int width, const float* weights, int radius, float* scratch) {
  constexpr int four = 4 * lanes;
  const ptrdiff_t step = (ptrdiff_t{width} + 15) / 16 * 16;  // a whole number of vectors
  float* padded = scratch;                                   // radius + step + radius
  float* rows = scratch + step + 2 * radius;
  for (int row = 0; row < height; ++row) {
    const float* src = plane + ptrdiff_t{row} * width;
    fill(padded, src[0], radius);
    __builtin_memcpy(padded + radius, src, static_cast<size_t>(width) * sizeof(float));
    fill(padded + radius + width, src[width - 1], step - width + radius);
    float* dst = rows + row * step;
    ptrdiff_t x = 0;
    for (; x + four <= step; x += four) filter<4>(RowTaps{padded + radius + x}, weights, radius, dst + x);
    for (; x < step; x += lanes) filter<1>(RowTaps{padded + radius + x}, weights, radius, dst + x);
  }
  for (int row = 0; row < height; ++row) {
    float* dst = plane + ptrdiff_t{row} * width;
    const auto taps = [&](ptrdiff_t x) {
      return ColumnTaps{rows + row * step + x, rows + x, rows + (height - 1) * step + x, step};
    };
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
