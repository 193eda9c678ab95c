// Matrix products whose left side is windows of a map of bfloat16, read where they stand: two multiply-adds a lane in one
// instruction.
#include "kernels/row_blocks.h"
#include "kernels/set.h"

#if defined(__AVX512BF16__)

namespace brightcell::BRIGHTCELL_SET {
namespace {

typedef int32_t Word __attribute__((may_alias, aligned(2)));

BRIGHTCELL_INLINE Vector addPairs(Vector sum, Integers x, Integers w) {
  return (Vector)_mm512_dpbf16_ps((__m512)sum, (__m512bh)x, (__m512bh)w);
}

template <int Rows, int Vectors>
void block(const PairProduct& p, const char* a, const uint32_t* b, const float* bias, float* c) {
  Vector sums[Rows][Vectors];
  BRIGHTCELL_UNROLL
  for (int v = 0; v < Vectors; ++v) {
    const Vector first = bias ? load(bias + v * lanes) : Vector{};
    BRIGHTCELL_UNROLL
    for (int i = 0; i < Rows; ++i) sums[i][v] = first;
  }
  const ptrdiff_t aRow = p.aRow, aStep = p.aStep, bDepth = p.bDepth;
  // Three rows a base: the processor's addresses reach them without more registers.
  constexpr int bases = (Rows + 2) / 3;
  for (int s = 0; s < p.segments; ++s, a += p.aSegment) {
    const char* base[bases];
    BRIGHTCELL_UNROLL
    for (int i = 0; i < bases; ++i) base[i] = a + 3 * i * aRow;
    for (ptrdiff_t k = p.length; k > 0; --k, b += bDepth) {
      Integers w[Vectors];
      BRIGHTCELL_UNROLL
      for (int v = 0; v < Vectors; ++v) {
        w[v] = loadIntegers(b + v * lanes);
        BRIGHTCELL_KEEP(w[v]);
      }
      BRIGHTCELL_UNROLL
      for (int i = 0; i < Rows; ++i) {
        const Integers x = *reinterpret_cast<const Word*>(base[i / 3] + i % 3 * aRow) - Integers{};
        BRIGHTCELL_UNROLL
        for (int v = 0; v < Vectors; ++v) sums[i][v] = addPairs(sums[i][v], x, w[v]);
      }
      BRIGHTCELL_UNROLL
      for (int i = 0; i < bases; ++i) base[i] += aStep;
    }
  }
  BRIGHTCELL_UNROLL
  for (int i = 0; i < Rows; ++i) {
    BRIGHTCELL_UNROLL
    for (int v = 0; v < Vectors; ++v) {
      float* into = c + v * lanes;
      store(into, p.accumulate ? load(into) + sums[i][v] : sums[i][v]);
    }
    c += p.cRow;
    BRIGHTCELL_OPAQUE(c);
  }
}

template <int Vectors>
void panel(const PairProduct& p, const uint32_t* b, ptrdiff_t column) {
  const float* bias = p.bias ? p.bias + column : nullptr;
  inBlocks(p.rows, [&]<int Rows>(ptrdiff_t row) {
    block<Rows, Vectors>(p, static_cast<const char*>(p.a) + row * p.aRow, b, bias, p.c + row * p.cRow + column);
  });
}

}  // namespace

void pairProduct(const PairProduct& p) {
  const ptrdiff_t width = 2 * lanes;
  ptrdiff_t column = 0;
  const uint32_t* b = p.b;
  for (; column + width <= p.columns; column += width, b += p.bPanel) panel<2>(p, b, column);
  if (column < p.columns) panel<1>(p, b, column);
}

void roundPairs(const float* src, int64_t count, uint32_t* dst) {
  int64_t i = 0;
  for (; i + 2 * lanes <= count; i += 2 * lanes)
    storeIntegers(dst + i / 2, (Integers)_mm512_cvtne2ps_pbh((__m512)load(src + i + lanes), (__m512)load(src + i)));
  if (i < count) _mm256_storeu_si256(reinterpret_cast<__m256i*>(dst + i / 2), (__m256i)_mm512_cvtneps_pbh((__m512)load(src + i)));
}

void pairPooled(const float* diff, const uint8_t* place, int64_t cells, int channels, uint32_t* upper, uint32_t* lower,
                ptrdiff_t step) {
  for (int64_t cell = 0; cell < cells; ++cell, diff += channels, place += channels, upper += step, lower += step)
    for (int c = 0; c < step; c += lanes) {
      const int left = channels - c;
      const __mmask16 some = left < lanes ? static_cast<__mmask16>((1u << left) - 1) : __mmask16(0xffff);
      const __m256i rounded = (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(some, diff + c));
      const Integers at = (Integers)_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(some, place + c));
      const Integers word = (Integers)_mm512_cvtepu16_epi32(rounded) << ((at & 1) << 4);
      storeIntegers(upper + c, at < 2 ? word : Integers{});
      storeIntegers(lower + c, at < 2 ? Integers{} : word);
    }
}

}  // namespace brightcell::BRIGHTCELL_SET
#endif
