// Small matrix products whose operands stand in cache, with the loops over rows and columns inside, so that a call
// costs little even where the depth is small.
#include "kernels/row_blocks.h"
#include "kernels/set.h"

namespace brightcell::BRIGHTCELL_SET {
namespace {

// The rounding of a sum grows with its length, so a sum is made of rounds, each begun at zero. With 32 registers a tile of
// half the height has two sums for each number, and rounds of about the square root of the depth are added at next to no
// cost: the loads still keep up. Elsewhere a round ends in memory and is longer, so that this happens less often.
constexpr bool twoSums = lanes == 16;
constexpr int tallest = twoSums ? maxRows / 2 : maxRows;
constexpr ptrdiff_t shortestRound = 8;  // shorter ones cost a few hundredths
constexpr ptrdiff_t longestRound = 32;

template <int Rows, int Vectors>
using Sums = Vector[Rows][Vectors];

// `depth` products more; the operands' addresses move on.
template <int Rows, int Vectors>
BRIGHTCELL_INLINE void addProducts(const float** base, ptrdiff_t aRow, ptrdiff_t aDepth, const float*& b,
                                   ptrdiff_t bDepth, ptrdiff_t depth, Sums<Rows, Vectors>& sums) {
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
      for (int v = 0; v < Vectors; ++v) sums[i][v] += x * w[v];
    }
    BRIGHTCELL_UNROLL
    for (int i = 0; i < (Rows + 2) / 3; ++i) base[i] += aDepth;
  }
}

template <int Rows, int Vectors>
void block(const SmallProduct& p, const float* a, const float* b, ptrdiff_t depth, ptrdiff_t round, float* c,
           bool accumulate) {
  // Three rows a base: the processor's addresses reach them without more registers.
  const float* base[(Rows + 2) / 3];
  BRIGHTCELL_UNROLL
  for (int i = 0; i < (Rows + 2) / 3; ++i) base[i] = a + 3 * i * p.aRow;
  const ptrdiff_t aRow = p.aRow, aDepth = p.aDepth, bDepth = p.bDepth;
  Sums<Rows, Vectors> sums = {};
  addProducts<Rows, Vectors>(base, aRow, aDepth, b, bDepth, depth < round ? depth : round, sums);
  for (ptrdiff_t k = round; k < depth; k += round) {
    Sums<Rows, Vectors> next = {};
    addProducts<Rows, Vectors>(base, aRow, aDepth, b, bDepth, depth - k < round ? depth - k : round, next);
    BRIGHTCELL_UNROLL
    for (int i = 0; i < Rows; ++i) {
      BRIGHTCELL_UNROLL
      for (int v = 0; v < Vectors; ++v) sums[i][v] += next[i][v];
    }
  }
  BRIGHTCELL_UNROLL
  for (int i = 0; i < Rows; ++i) {
    BRIGHTCELL_UNROLL
    for (int v = 0; v < Vectors; ++v) {
      float* into = c + v * lanes;
      store(into, accumulate ? load(into) + sums[i][v] : sums[i][v]);
    }
    c += p.cRow;
    BRIGHTCELL_OPAQUE(c);
  }
}

template <int Vectors>
void panel(const SmallProduct& p, ptrdiff_t round, const float* b, float* c) {
  inBlocks<tallest>(p.rows, [&]<int Rows>(ptrdiff_t row) {
    const float* a = p.a + row * p.aRow;
    float* into = c + row * p.cRow;
    if constexpr (twoSums) return block<Rows, Vectors>(p, a, b, p.depth, round, into, p.accumulate);
    for (ptrdiff_t k = 0; k < p.depth; k += round)
      block<Rows, Vectors>(p, a + k * p.aDepth, b + k * p.bDepth, p.depth - k < round ? p.depth - k : round, round, into,
                           p.accumulate || k > 0);
  });
}

// As many rounds as it takes, of equal length but for the last.
ptrdiff_t roundOf(ptrdiff_t depth) {
  ptrdiff_t length = twoSums ? shortestRound : longestRound;
  while (twoSums && length * length < depth) ++length;
  const ptrdiff_t rounds = (depth + length - 1) / length;
  return rounds > 0 ? (depth + rounds - 1) / rounds : 1;
}

}  // namespace

void smallProduct(const SmallProduct& p) {
  const ptrdiff_t width = 2 * lanes, round = roundOf(p.depth);
  ptrdiff_t column = 0;
  const float* b = p.b;
  for (; column + width <= p.columns; column += width, b += p.bPanel) panel<2>(p, round, b, p.c + column);
  if (column < p.columns) panel<1>(p, round, b, p.c + column);
}

}  // namespace brightcell::BRIGHTCELL_SET
