// Small matrix products (product.cpp) whose operands are pairs of 16-bit integers, two multiply-adds a lane in one
// instruction, and what rounds to them: each row of the left side and each column of the right side has a scale of its
// own. Sums of integers are exact, in any order.
#include "kernels/row_blocks.h"
#include "kernels/set.h"

#if defined(__AVX512BF16__)

namespace brightcell::BRIGHTCELL_SET {
namespace {

typedef int32_t Word __attribute__((may_alias));
typedef int16_t Shorts __attribute__((vector_size(lanes * 2)));
typedef int16_t UnalignedShorts __attribute__((vector_size(lanes * 2), aligned(4), may_alias));

// Every processor with bfloat16 products has these.
BRIGHTCELL_INLINE void addDot(Integers& sum, Integers a, Integers b) {
  asm("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
}
// The nearest integer, of 16 bits, in the low half: beside 1.5 * 2^23 a float has no room for a fraction.
BRIGHTCELL_INLINE Integers nearest(Vector v) { return reinterpret_cast<Integers>(v + all(12582912.0f)); }
BRIGHTCELL_INLINE Integers pairOf(Integers first, Integers second) { return (first & 0xffff) | (second << 16); }
// Sizes of floats compare as integers do; what is no number is larger than all.
BRIGHTCELL_INLINE Integers larger(Integers x, Integers y) { return x > y ? x : y; }
BRIGHTCELL_INLINE Integers sizesOf(Vector v) { return reinterpret_cast<Integers>(v) & 0x7fffffff; }

BRIGHTCELL_INLINE Integers turned(Integers v, int by) {
  Integers places{};
  for (int i = 0; i < lanes; ++i) places[i] = i ^ by;
  return __builtin_shuffle(v, places);
}

// Below it, numbers are taken for zero: their reciprocal would be infinite.
constexpr float smallest = 1e-33f;

template <int Rows, int Vectors>
void block(const FixedProduct& p, const Word* a, const float* aScale, const Word* b, const float* bScale, float* c) {
  const ptrdiff_t aRow = p.aRow, aDepth = p.aDepth, bDepth = p.bDepth;
  Integers acc[Rows][Vectors];
  BRIGHTCELL_UNROLL
  for (int i = 0; i < Rows; ++i) {
    BRIGHTCELL_UNROLL
    for (int v = 0; v < Vectors; ++v) acc[i][v] = Integers{};
  }
  // Three rows a base: the processor's addresses reach them without more registers.
  constexpr int bases = (Rows + 2) / 3;
  const Word* base[bases];
  BRIGHTCELL_UNROLL
  for (int i = 0; i < bases; ++i) base[i] = a + 3 * i * aRow;
  for (ptrdiff_t k = p.depth; k > 0; --k, b += bDepth) {
    Integers w[Vectors];
    BRIGHTCELL_UNROLL
    for (int v = 0; v < Vectors; ++v) w[v] = loadIntegers(b + v * lanes);
    BRIGHTCELL_UNROLL
    for (int i = 0; i < Rows; ++i) {
      const Integers x = base[i / 3][i % 3 * aRow] - Integers{};
      BRIGHTCELL_UNROLL
      for (int v = 0; v < Vectors; ++v) addDot(acc[i][v], x, w[v]);
    }
    BRIGHTCELL_UNROLL
    for (int i = 0; i < bases; ++i) base[i] += aDepth;
  }
  BRIGHTCELL_UNROLL
  for (int i = 0; i < Rows; ++i) {
    const Vector scale = all(aScale[i]);
    BRIGHTCELL_UNROLL
    for (int v = 0; v < Vectors; ++v) {
      const Vector sum = __builtin_convertvector(acc[i][v], Vector) * scale * load(bScale + v * lanes);
      store(c + v * lanes, p.accumulate ? load(c + v * lanes) + sum : sum);
    }
    c += p.cRow;
    BRIGHTCELL_OPAQUE(c);
  }
}

template <int Vectors>
void panel(const FixedProduct& p, const Word* b, const float* bScale, float* c) {
  const Word* a = reinterpret_cast<const Word*>(p.a);
  inBlocks(p.rows, [&]<int Rows>(ptrdiff_t row) {
    block<Rows, Vectors>(p, a + row * p.aRow, p.aScale + row, b, bScale, c + row * p.cRow);
  });
}

// Several rows at once: the search for the largest of one ends in a chain of steps that wait for each other.
template <int Rows>
void roundRows(const PairRounding& f, int64_t first) {
  const float* src = f.src + first * f.srcStep;
  Integers sizes[Rows] = {};
  for (int64_t i = 0; i < f.count; i += lanes) {
    BRIGHTCELL_UNROLL
    for (int r = 0; r < Rows; ++r) sizes[r] = larger(sizes[r], sizesOf(load(src + r * f.srcStep + i)));
  }
  BRIGHTCELL_UNROLL
  for (int by = 1; by < lanes; by *= 2) {
    BRIGHTCELL_UNROLL
    for (int r = 0; r < Rows; ++r) sizes[r] = larger(sizes[r], turned(sizes[r], by));
  }
  BRIGHTCELL_UNROLL
  for (int r = 0; r < Rows; ++r) {
    const float largest = reinterpret_cast<Vector>(sizes[r])[0];
    const Vector factor = all(largest < smallest ? 0.0f : f.limit / largest);
    uint32_t* dst = f.dst + (first + r) * f.dstStep;
    for (int64_t i = 0; i < f.count; i += lanes) {
      const Integers values = nearest(load(src + r * f.srcStep + i) * factor);
      *reinterpret_cast<UnalignedShorts*>(dst + i / 2) = __builtin_convertvector(values, Shorts);
    }
    f.scales[first + r] = largest * (1 / f.limit);
  }
}

// Neighbouring vectors, so that a row is read by more than a line at once.
template <int Vectors>
void roundColumns(const ColumnRounding& f, int64_t first) {
  const float* src = f.src + first;
  Integers sizes[Vectors] = {};
  for (int64_t r = 0; r < f.rows; ++r) {
    BRIGHTCELL_UNROLL
    for (int v = 0; v < Vectors; ++v) sizes[v] = larger(sizes[v], sizesOf(load(src + r * f.srcStep + v * lanes)));
  }
  Vector factors[Vectors];
  BRIGHTCELL_UNROLL
  for (int v = 0; v < Vectors; ++v) {
    const Vector largest = reinterpret_cast<Vector>(sizes[v]);
    factors[v] = largest < smallest ? Vector{} : f.limit / largest;
    store(f.scales + first + v * lanes, largest * (1 / f.limit));
  }
  uint32_t* dst = f.dst + first;
  for (int64_t r = 0; r < f.rows; r += 2, src += 2 * f.srcStep, dst += f.dstStep) {
    BRIGHTCELL_UNROLL
    for (int v = 0; v < Vectors; ++v) {
      const Integers upper = nearest(load(src + v * lanes) * factors[v]);
      const Integers lower = r + 1 < f.rows ? nearest(load(src + f.srcStep + v * lanes) * factors[v]) : Integers{};
      storeIntegers(dst + v * lanes, pairOf(upper, lower));
    }
  }
}

}  // namespace

void fixedProduct(const FixedProduct& p) {
  const ptrdiff_t width = 2 * lanes;
  ptrdiff_t column = 0;
  const Word* b = reinterpret_cast<const Word*>(p.b);
  for (; column + width <= p.columns; column += width, b += p.bPanel) panel<2>(p, b, p.bScale + column, p.c + column);
  if (column < p.columns) panel<1>(p, b, p.bScale + column, p.c + column);
}

void fixedPairs(const PairRounding& rows) {
  int64_t row = 0;
  for (; row + 4 <= rows.rows; row += 4) roundRows<4>(rows, row);
  for (; row < rows.rows; ++row) roundRows<1>(rows, row);
}

void fixedRows(const ColumnRounding& columns) {
  int64_t column = 0;
  for (; column + 2 * lanes <= columns.count; column += 2 * lanes) roundColumns<2>(columns, column);
  if (column < columns.count) roundColumns<1>(columns, column);
}

}  // namespace brightcell::BRIGHTCELL_SET
#endif
