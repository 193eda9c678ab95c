// Small matrix products whose operands stand in cache, with the loops over rows and columns inside, so that a call
// costs little even where the depth is small.
#include "kernels/row_blocks.h"
#include "kernels/set.h"

namespace brightcell::BRIGHTCELL_SET {
namespace {

// Sums of more products than this are made of rounds, each begun at zero: the rounding of a sum grows with its length.
constexpr ptrdiff_t roundDepth = 32;

template <int Rows, int Vectors>
void block(const float* a, ptrdiff_t aRow, ptrdiff_t aDepth, const float* b, ptrdiff_t bDepth, ptrdiff_t depth,
           float* c, ptrdiff_t cRow, bool accumulate) {
  Vector acc[Rows][Vectors];
  BRIGHTCELL_UNROLL
  for (int i = 0; i < Rows; ++i) {
    BRIGHTCELL_UNROLL
    for (int v = 0; v < Vectors; ++v) acc[i][v] = Vector{};
  }
  // Three rows a base: the processor's addresses reach them without more registers.
  constexpr int bases = (Rows + 2) / 3;
  const float* base[bases];
  BRIGHTCELL_UNROLL
  for (int i = 0; i < bases; ++i) base[i] = a + 3 * i * aRow;
  for (ptrdiff_t k = depth; k > 0; --k, b += bDepth) {
    Vector w[Vectors];
    BRIGHTCELL_UNROLL
    for (int v = 0; v < Vectors; ++v) {
      w[v] = load(b + v * lanes);
      BRIGHTCELL_KEEP(w[v]);
    }
    BRIGHTCELL_UNROLL
    for (int i = 0; i < Rows; ++i) {
      const Vector x = all(base[i / 3][i % 3 * aRow]);
      BRIGHTCELL_UNROLL
      for (int v = 0; v < Vectors; ++v) acc[i][v] += x * w[v];
    }
    BRIGHTCELL_UNROLL
    for (int i = 0; i < bases; ++i) base[i] += aDepth;
  }
  float* row = c;
  BRIGHTCELL_UNROLL
  for (int i = 0; i < Rows; ++i) {
    BRIGHTCELL_UNROLL
    for (int v = 0; v < Vectors; ++v) {
      float* into = row + v * lanes;
      store(into, accumulate ? load(into) + acc[i][v] : acc[i][v]);
    }
    row += cRow;
    BRIGHTCELL_OPAQUE(row);
  }
}

template <int Vectors>
void panel(const SmallProduct& p, const float* b, float* c) {
  inBlocks(p.rows, [&]<int Rows>(ptrdiff_t row) {
    const ptrdiff_t rounds = (p.depth + roundDepth - 1) / roundDepth;
    for (ptrdiff_t i = 0, k = 0; i < rounds; ++i) {
      const ptrdiff_t next = p.depth * (i + 1) / rounds;
      block<Rows, Vectors>(p.a + row * p.aRow + k * p.aDepth, p.aRow, p.aDepth, b + k * p.bDepth, p.bDepth, next - k,
                           c + row * p.cRow, p.cRow, p.accumulate || i > 0);
      k = next;
    }
  });
}

}  // namespace

void smallProduct(const SmallProduct& p) {
  const ptrdiff_t width = 2 * lanes;
  ptrdiff_t column = 0;
  const float* b = p.b;
  for (; column + width <= p.columns; column += width, b += p.bPanel) panel<2>(p, b, p.c + column);
  if (column < p.columns) panel<1>(p, b, p.c + column);
}

}  // namespace brightcell::BRIGHTCELL_SET
