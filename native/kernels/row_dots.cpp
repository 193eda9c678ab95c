// Dot products of windows with few filters. Vectors run along the windows, whose rows are runs of memory, and each
// window has a sum of its own in registers: filters would fill only a part of a vector.
#include "kernels/row_blocks.h"
#include "kernels/set.h"

namespace brightcell::BRIGHTCELL_SET {
namespace {

constexpr int mostFilters = 4;  // at once

// Halves added to halves, in the same order everywhere.
BRIGHTCELL_INLINE float total(Vector v) {
  BRIGHTCELL_UNROLL
  for (int half = lanes / 2; half > 0; half /= 2) {
    Integers places;
    BRIGHTCELL_UNROLL
    for (int i = 0; i < lanes; ++i) places[i] = (i + half) % lanes;
    v += shuffle(v, v, places);
  }
  return v[0];
}

template <int Positions, int Filters>
void dots(const RowDots& d, ptrdiff_t position, int filter) {
  Vector sum[Filters][Positions];
  BRIGHTCELL_UNROLL
  for (int f = 0; f < Filters; ++f) {
    BRIGHTCELL_UNROLL
    for (int p = 0; p < Positions; ++p) sum[f][p] = Vector{};
  }
  const ptrdiff_t filterStep = d.kernelRows * d.length;
  const float* w = d.weights + filter * filterStep;
  // Three windows a base: the processor's addresses reach them without more registers.
  constexpr int bases = (Positions + 2) / 3;
  for (int y = 0; y < d.kernelRows; ++y) {
    const float* base[bases];
    BRIGHTCELL_UNROLL
    for (int i = 0; i < bases; ++i) base[i] = d.rows[y] + (position + 3 * i) * d.step;
    for (int64_t k = 0; k < d.length; k += lanes, w += lanes) {
      Vector v[Filters];
      BRIGHTCELL_UNROLL
      for (int f = 0; f < Filters; ++f) {
        v[f] = load(w + f * filterStep);
        BRIGHTCELL_KEEP(v[f]);
      }
      BRIGHTCELL_UNROLL
      for (int p = 0; p < Positions; ++p) {
        const Vector x = load(base[p / 3] + p % 3 * d.step);
        BRIGHTCELL_UNROLL
        for (int f = 0; f < Filters; ++f) sum[f][p] += x * v[f];
      }
      BRIGHTCELL_UNROLL
      for (int i = 0; i < bases; ++i) base[i] += lanes;
    }
  }
  BRIGHTCELL_UNROLL
  for (int p = 0; p < Positions; ++p) {
    BRIGHTCELL_UNROLL
    for (int f = 0; f < Filters; ++f)
      d.dst[(position + p) * d.filters + filter + f] = d.bias[filter + f] + total(sum[f][p]);
  }
}

template <int Filters>
void dotsOf(const RowDots& d, int filter) {
  constexpr int most = maxRows / Filters;
  inBlocks<most>(d.positions, [&]<int Positions>(ptrdiff_t p) { dots<Positions, Filters>(d, p, filter); });
}

}  // namespace

void rowDots(const RowDots& d) {
  for (int f = 0; f < d.filters; f += mostFilters)
    withHeight<mostFilters>(d.filters - f < mostFilters ? d.filters - f : mostFilters,
                            [&]<int Filters> { dotsOf<Filters>(d, f); });
}

}  // namespace brightcell::BRIGHTCELL_SET
