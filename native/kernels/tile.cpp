// The tile of a matrix product that everything dense is made of: some rows, one or two vectors of columns, all in
// registers.
#include "kernels/set.h"

namespace brightcell::BRIGHTCELL_SET {

namespace {

template <int Rows, int Vectors>
void tileOf(const Tile& t) {
  Vector acc[Rows][Vectors];
#pragma GCC unroll 4
  for (int v = 0; v < Vectors; ++v) {
    const Vector first = t.bias ? load(t.bias + v * lanes) : Vector{};
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) acc[i][v] = first;
  }
  const float* a[Rows];
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i) a[i] = t.a[i < t.rows ? i : 0];
  const float* b = t.b;
  const ptrdiff_t aStep = t.aStep, bStep = t.bStep;
  for (int s = 0; s < t.segments; ++s) {
    ptrdiff_t at = s * t.aSegment;
    for (ptrdiff_t k = t.length; k > 0; --k, at += aStep, b += bStep) {
      Vector w[Vectors];
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) {
        w[v] = load(b + v * lanes);
        BRIGHTCELL_KEEP(w[v]);
      }
#pragma GCC unroll 16
      for (int i = 0; i < Rows; ++i) {
        const Vector x = all(a[i][at]);
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) acc[i][v] += x * w[v];
      }
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i) {
    if (i >= t.rows) break;
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) {
      float* c = t.c[i] + v * lanes;
      store(c, t.accumulate ? load(c) + acc[i][v] : acc[i][v]);
    }
  }
}

template <int Vectors>
void tileOfColumns(const Tile& t) {
  if (t.rows == 1) return tileOf<1, Vectors>(t);
  if (t.rows <= 2) return tileOf<2, Vectors>(t);
  if (t.rows <= 4) return tileOf<4, Vectors>(t);
  if constexpr (maxRows > 4) {
    if (t.rows <= 6) return tileOf<6, Vectors>(t);
    if constexpr (maxRows > 6) {
      if (t.rows <= 8) return tileOf<8, Vectors>(t);
      if constexpr (maxRows > 8) return tileOf<12, Vectors>(t);
    }
  }
}

}  // namespace

void tile(const Tile& t) {
  if (t.columns > lanes) return tileOfColumns<2>(t);
  tileOfColumns<1>(t);
}

}  // namespace brightcell::BRIGHTCELL_SET
