// The two halves of a matrix product: packing a matrix into panels, and the tile of C that two panels give.
// A panel is [depth in words][width]: what one step of a tile needs stands together, whatever the matrix's own order.
// A word is a float, or two bfloat16 that follow each other in depth, the first in the low half: one instruction
// multiplies both and adds them in float32. Without that instruction the halves are widened and multiplied one by one.
#include "kernels/set.h"

namespace brightcell::BRIGHTCELL_SET {

namespace {

typedef uint32_t Words __attribute__((vector_size(lanes * 4)));
typedef float AliasedFloat __attribute__((may_alias));
typedef uint32_t UnalignedWords __attribute__((vector_size(lanes * 4), aligned(4), may_alias));

BRIGHTCELL_INLINE Words loadWords(const float* p) { return *reinterpret_cast<const UnalignedWords*>(p); }
BRIGHTCELL_INLINE void storeWords(uint32_t* p, Words v) { *reinterpret_cast<UnalignedWords*>(p) = v; }

// The first `count` words, zeros after them; nothing past them is touched.
BRIGHTCELL_INLINE Words loadSome(const float* p, int count) {
#if defined(__AVX512F__)
  return (Words)_mm512_maskz_loadu_epi32(static_cast<__mmask16>((1u << count) - 1), p);
#else
  Words v = {};
  __builtin_memcpy(&v, p, count * sizeof(float));
  return v;
#endif
}
BRIGHTCELL_INLINE void storeSome(uint32_t* p, Words v, int count) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_epi32(p, static_cast<__mmask16>((1u << count) - 1), (__m512i)v);
#else
  __builtin_memcpy(p, &v, count * sizeof(float));
#endif
}

// To the nearest bfloat16, in the high half of each word; ties to even, NaN stays NaN.
BRIGHTCELL_INLINE Words rounded(Words x) {
  const Words nearest = x + 0x7fffu + ((x >> 16) & 1u);
  return ((x & 0x7fffffffu) > 0x7f800000u ? x | 0x400000u : nearest) & 0xffff0000u;
}
BRIGHTCELL_INLINE Words pairOf(Words first, Words second) {
#if defined(__AVX512BF16__)
  typedef int16_t Halves __attribute__((vector_size(64)));
  const Halves halves = (Halves)_mm512_cvtne2ps_pbh((__m512)second, (__m512)first);
  return (Words)__builtin_shuffle(halves, Halves{0,  16, 1,  17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                                 8,  24, 9,  25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31});
#else
  return (rounded(first) >> 16) | rounded(second);
#endif
}

// Words k.. of a row that runs along the depth.
template <bool Pairs>
BRIGHTCELL_INLINE Words rowWords(const float* row) {
  if constexpr (!Pairs) return loadWords(row);
#if defined(__AVX512BF16__)
  return (Words)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(row + lanes), _mm512_loadu_ps(row));
#else
  Words even, odd;
  for (int i = 0; i < lanes; ++i) {
    uint32_t pair[2];
    __builtin_memcpy(pair, row + 2 * i, sizeof pair);
    even[i] = pair[0];
    odd[i] = pair[1];
  }
  return pairOf(even, odd);
#endif
}

// lanes x lanes words, transposed in place: log2(lanes) rounds that swap ever larger squares.
template <int Step>
BRIGHTCELL_INLINE void swapSquares(Words* rows) {
  Integers low, high;
  BRIGHTCELL_UNROLL
  for (int j = 0; j < lanes; ++j) {
    low[j] = j & Step ? lanes + j - Step : j;
    high[j] = j & Step ? lanes + j : j + Step;
  }
  BRIGHTCELL_UNROLL
  for (int i = 0; i < lanes; ++i) {
    if (i & Step) continue;
    const Words a = rows[i], b = rows[i + Step];
#if defined(__clang__)
    BRIGHTCELL_UNROLL
    for (int j = 0; j < lanes; ++j) {
      rows[i][j] = j & Step ? b[j - Step] : a[j];
      rows[i + Step][j] = j & Step ? b[j] : a[j + Step];
    }
#else
    rows[i] = __builtin_shuffle(a, b, low);
    rows[i + Step] = __builtin_shuffle(a, b, high);
#endif
  }
}

BRIGHTCELL_INLINE void transpose(Words* rows) {
  swapSquares<1>(rows);
  swapSquares<2>(rows);
  if constexpr (lanes > 4) swapSquares<4 % lanes>(rows);
  if constexpr (lanes > 8) swapSquares<8 % lanes>(rows);
}

// Up to `lanes` rows of the source into columns `at`.. of the panel.
template <bool Pairs>
void packRows(const Packing& p, int at) {
  const int rows = p.width - at < lanes ? (p.width > at ? p.width - at : 0) : lanes;
  const int columns = p.panel - at < lanes ? p.panel - at : lanes;
  constexpr int perWord = Pairs ? 2 : 1;
  const int64_t words = (p.depth + perWord - 1) / perWord;
  const float* src = p.src + at * p.widthStep;
  for (int64_t k = 0; k < words; k += lanes) {
    const int64_t left = p.depth - k * perWord;
    const bool whole = left >= lanes * perWord;
    Words block[lanes];
    if (whole && rows == lanes) {
      BRIGHTCELL_UNROLL
      for (int j = 0; j < lanes; ++j) block[j] = rowWords<Pairs>(src + j * p.widthStep + k * perWord);
    } else {
      for (int j = 0; j < lanes; ++j) {
        float row[2 * lanes] = {};
        const int64_t count = whole ? lanes * perWord : left;
        if (j < rows) __builtin_memcpy(row, src + j * p.widthStep + k * perWord, count * sizeof(float));
        block[j] = rowWords<Pairs>(row);
      }
    }
    transpose(block);
    const int64_t count = words - k < lanes ? words - k : lanes;
    uint32_t* dst = p.dst + k * p.panel + at;
    if (columns == lanes && count == lanes) {
      BRIGHTCELL_UNROLL
      for (int i = 0; i < lanes; ++i) storeWords(dst + i * p.panel, block[i]);
    } else {
      for (int64_t i = 0; i < count; ++i)
        for (int j = 0; j < columns; ++j) dst[i * p.panel + j] = block[i][j];
    }
  }
}

constexpr int rowsAhead = 24;

// Where the width runs in memory: one row of the panel from each row (or two rows) of the source.
template <bool Pairs>
void packColumns(const Packing& p) {
  constexpr int perWord = Pairs ? 2 : 1;
  const int64_t words = (p.depth + perWord - 1) / perWord;
  const bool whole = p.width == p.panel && p.panel % lanes == 0;
  for (int64_t k = 0; k < words; ++k) {
    const float* src = p.src + k * perWord * p.depthStep;
    const bool second = Pairs && k * perWord + 1 < p.depth;
    uint32_t* dst = p.dst + k * p.panel;
    if (whole) {
      for (int j = 0; j < p.panel; j += lanes) {
        // Rows far apart are nothing that the processor would foresee.
        __builtin_prefetch(src + rowsAhead * perWord * p.depthStep + j);
        if constexpr (Pairs) __builtin_prefetch(src + (rowsAhead * perWord + 1) * p.depthStep + j);
        const Words x = loadWords(src + j);
        if constexpr (!Pairs) storeWords(dst + j, x);
        else storeWords(dst + j, pairOf(x, second ? loadWords(src + p.depthStep + j) : Words{}));
      }
      continue;
    }
    for (int at = 0; at < p.panel; at += lanes) {
      const int columns = p.panel - at < lanes ? p.panel - at : lanes;
      const int given = p.width - at < columns ? (p.width > at ? p.width - at : 0) : columns;
      Words x = loadSome(src + at, given);
      if constexpr (Pairs) x = pairOf(x, second ? loadSome(src + p.depthStep + at, given) : Words{});
      storeSome(dst + at, x, columns);
    }
  }
}

template <bool Pairs>
void packPanel(const Packing& p) {
  if (p.widthStep == 1) return packColumns<Pairs>(p);
  for (int at = 0; at < p.panel; at += lanes) packRows<Pairs>(p, at);
}

// One step of depth: acc += x * w over all words of a panel's row.
template <bool Pairs>
struct Step;

template <>
struct Step<false> {
  typedef Vector Factor;
  BRIGHTCELL_INLINE Factor take(const uint32_t* p) { return load(reinterpret_cast<const float*>(p)); }
  BRIGHTCELL_INLINE Factor spread(const uint32_t* p) {
    return all(*reinterpret_cast<const AliasedFloat*>(p));
  }
  BRIGHTCELL_INLINE Vector add(Vector acc, Factor x, Factor w) { return acc + x * w; }
};

#if defined(__AVX512BF16__)
template <>
struct Step<true> {
  typedef Integers Factor;
  BRIGHTCELL_INLINE Factor take(const uint32_t* p) { return (Integers)loadWords(reinterpret_cast<const float*>(p)); }
  BRIGHTCELL_INLINE Factor spread(const uint32_t* p) { return Integers{} + static_cast<int32_t>(*p); }
  BRIGHTCELL_INLINE Vector add(Vector acc, Factor x, Factor w) {
    return (Vector)_mm512_dpbf16_ps((__m512)acc, (__m512bh)x, (__m512bh)w);
  }
};
#else
template <>
struct Step<true> {
  struct Factor {
    Vector first, second;
  };
  BRIGHTCELL_INLINE Factor widen(Words pair) { return {(Vector)(pair << 16), (Vector)(pair & 0xffff0000u)}; }
  BRIGHTCELL_INLINE Factor take(const uint32_t* p) { return widen(loadWords(reinterpret_cast<const float*>(p))); }
  BRIGHTCELL_INLINE Factor spread(const uint32_t* p) { return widen(Words{} + *p); }
  BRIGHTCELL_INLINE Vector add(Vector acc, const Factor& x, const Factor& w) {
    return acc + x.first * w.first + x.second * w.second;
  }
};
#endif

BRIGHTCELL_INLINE void keep(Vector& v) { BRIGHTCELL_KEEP(v); }
BRIGHTCELL_INLINE void keep(Integers& v) { BRIGHTCELL_KEEP(v); }
template <typename Factor>
BRIGHTCELL_INLINE void keep(Factor& f) {
  keep(f.first);
  keep(f.second);
}

template <bool Pairs, int Rows, int Vectors>
void productOf(const ProductTile& t, int column) {
  typedef Step<Pairs> Step;
  Vector acc[Rows][Vectors];
  BRIGHTCELL_UNROLL
  for (int v = 0; v < Vectors; ++v) {
    const Vector first = t.bias ? load(t.bias + column + v * lanes) : Vector{};
    BRIGHTCELL_UNROLL
    for (int i = 0; i < Rows; ++i) acc[i][v] = first;
  }
  for (int i = 0; i < t.rows; ++i)
    for (int v = 0; v < Vectors; ++v) __builtin_prefetch(t.c + i * t.cStep + column + v * lanes, 1);
  const uint32_t *a = t.a, *b = t.b + column;
  for (int64_t k = t.depth; k > 0; --k, a += Rows, b += 2 * lanes) {
    typename Step::Factor w[Vectors];
    BRIGHTCELL_UNROLL
    for (int v = 0; v < Vectors; ++v) {
      w[v] = Step::take(b + v * lanes);
      keep(w[v]);
    }
    BRIGHTCELL_UNROLL
    for (int i = 0; i < Rows; ++i) {
      typename Step::Factor x = Step::spread(a + i);
      BRIGHTCELL_UNROLL
      for (int v = 0; v < Vectors; ++v) acc[i][v] = Step::add(acc[i][v], x, w[v]);
    }
  }
  const int columns = t.columns - column;
  BRIGHTCELL_UNROLL
  for (int i = 0; i < Rows; ++i) {
    if (i >= t.rows) break;
    float* c = t.c + i * t.cStep + column;
    if (columns >= Vectors * lanes) {
      BRIGHTCELL_UNROLL
      for (int v = 0; v < Vectors; ++v)
        store(c + v * lanes, t.accumulate ? load(c + v * lanes) + acc[i][v] : acc[i][v]);
      continue;
    }
    float edge[Vectors * lanes];
    for (int v = 0; v < Vectors; ++v) store(edge + v * lanes, acc[i][v]);
    for (int j = 0; j < columns; ++j) c[j] = t.accumulate ? c[j] + edge[j] : edge[j];
  }
}

template <bool Pairs, int Rows>
void productOfRows(const ProductTile& t) {
#if !defined(__AVX512BF16__)
  if constexpr (Pairs) {  // widened pairs take twice the registers
    productOf<Pairs, Rows, 1>(t, 0);
    if (t.columns > lanes) productOf<Pairs, Rows, 1>(t, lanes);
    return;
  }
#endif
  if (t.columns > lanes) return productOf<Pairs, Rows, 2>(t, 0);
  productOf<Pairs, Rows, 1>(t, 0);
}

template <bool Pairs>
void product(const ProductTile& t) {
  if (t.height == 1) return productOfRows<Pairs, 1>(t);
  if (t.height == 2) return productOfRows<Pairs, 2>(t);
  if (t.height == 4) return productOfRows<Pairs, 4>(t);
  if constexpr (maxRows > 4) {
    if (t.height == 6) return productOfRows<Pairs, 6>(t);
    if constexpr (maxRows > 6) {
      if (t.height == 8) return productOfRows<Pairs, 8>(t);
      if constexpr (maxRows > 8) productOfRows<Pairs, 12>(t);
    }
  }
}

}  // namespace

void pack(const Packing& p) { p.pairs ? packPanel<true>(p) : packPanel<false>(p); }
void productTile(const ProductTile& t) { t.pairs ? product<true>(t) : product<false>(t); }

}  // namespace brightcell::BRIGHTCELL_SET
