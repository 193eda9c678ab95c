// Products of spectra, in registers. A complex multiplication is made of three real ones (Gauss):
// with p = (ar + ai) br, q = ar (bi - br), r = ai (br + bi) the product is (p - r) + i (p + q): a quarter of the
// multiplications turn into additions, most of which are done once for many products. What remains runs at 80 to 85 %
// of the peak; rows and vectors are chosen so that all sums stay in registers.
#include "kernels/fft.h"
#include "kernels/set.h"

#if defined(__AVX512BF16__)
#include <immintrin.h>
#endif

namespace brightcell::BRIGHTCELL_SET {

namespace {

#if BRIGHTCELL_LANES == 16 || defined(__aarch64__)
constexpr int maxVectors = 2;
#else
constexpr int maxVectors = 1;
#endif

template <int Rows, int Vectors, bool Conjugate>
void multiplyOf(const FftProduct& p, const float* a, const float* b, float* c) {
  Vector first[Rows][Vectors], second[Rows][Vectors], third[Rows][Vectors];
  BRIGHTCELL_UNROLL
  for (int i = 0; i < Rows; ++i) {
    BRIGHTCELL_UNROLL
    for (int v = 0; v < Vectors; ++v) first[i][v] = second[i][v] = third[i][v] = Vector{};
  }
  const float* row[Rows];
  BRIGHTCELL_UNROLL
  for (int i = 0; i < Rows; ++i) row[i] = a + i * p.aRow;
  const ptrdiff_t part = p.aPart, bPart = p.bPart, aStep = p.aStep, bStep = p.bStep;
  ptrdiff_t at = 0;
  for (ptrdiff_t k = p.depth; k > 0; --k, at += aStep, b += bStep) {
    Vector re[Vectors], difference[Vectors], sum[Vectors];
    BRIGHTCELL_UNROLL
    for (int v = 0; v < Vectors; ++v) re[v] = load(b + v * lanes);
    BRIGHTCELL_UNROLL
    for (int i = 0; i < Rows; ++i) {
      const Vector x = all(row[i][at + 2 * part]);
      BRIGHTCELL_UNROLL
      for (int v = 0; v < Vectors; ++v) first[i][v] += x * re[v];
    }
    BRIGHTCELL_UNROLL
    for (int v = 0; v < Vectors; ++v) {
      const Vector im = load(b + bPart + v * lanes);
      difference[v] = Conjugate ? im + re[v] : im - re[v];
      sum[v] = Conjugate ? re[v] - im : re[v] + im;
    }
    BRIGHTCELL_UNROLL
    for (int i = 0; i < Rows; ++i) {
      const Vector x = all(row[i][at]);
      BRIGHTCELL_UNROLL
      for (int v = 0; v < Vectors; ++v) {
        if constexpr (Conjugate) second[i][v] -= x * difference[v];
        else second[i][v] += x * difference[v];
      }
    }
    BRIGHTCELL_UNROLL
    for (int i = 0; i < Rows; ++i) {
      const Vector x = all(row[i][at + part]);
      BRIGHTCELL_UNROLL
      for (int v = 0; v < Vectors; ++v) third[i][v] += x * sum[v];
    }
  }
  BRIGHTCELL_UNROLL
  for (int i = 0; i < Rows; ++i) {
    BRIGHTCELL_UNROLL
    for (int v = 0; v < Vectors; ++v) {
      float *re = c + i * p.cRow + v * lanes, *im = re + p.cPart;
      const Vector x = first[i][v] - third[i][v];
      const Vector y = Conjugate ? -(first[i][v] + second[i][v]) : first[i][v] + second[i][v];
      store(re, p.accumulate ? load(re) + x : x);
      store(im, p.accumulate ? load(im) + y : y);
    }
  }
}

template <int Vectors, bool Conjugate>
void multiplyColumns(const FftProduct& p, const float* b, float* c) {
  const float* a = p.a;
  int rows = p.rows;
  for (; rows >= 4; rows -= 4, a += 4 * p.aRow, c += 4 * p.cRow) multiplyOf<4, Vectors, Conjugate>(p, a, b, c);
  if (rows == 3) return multiplyOf<3, Vectors, Conjugate>(p, a, b, c);
  if (rows == 2) return multiplyOf<2, Vectors, Conjugate>(p, a, b, c);
  if (rows == 1) return multiplyOf<1, Vectors, Conjugate>(p, a, b, c);
}

template <bool Conjugate>
void multiplyAll(const FftProduct& p) {
  int at = 0;
  for (; at + maxVectors * lanes <= p.columns; at += maxVectors * lanes)
    multiplyColumns<maxVectors, Conjugate>(p, p.b + at, p.c + at);
  for (; at < p.columns; at += lanes) multiplyColumns<1, Conjugate>(p, p.b + at, p.c + at);
}

}  // namespace

void fftMultiply(const FftProduct& p) {
  if (p.conjugate) return multiplyAll<true>(p);
  multiplyAll<false>(p);
}

#if defined(__AVX512BF16__)

namespace {

BRIGHTCELL_INLINE Vector dot(Vector sum, Integers a, Integers b) {
  return reinterpret_cast<Vector>(_mm512_dpbf16_ps(reinterpret_cast<__m512>(sum), reinterpret_cast<__m512bh>(a),
                                                   reinterpret_cast<__m512bh>(b)));
}

template <int Rows, int Vectors, bool Conjugate>
void multiplyPairsOf(const FftPairProduct& p, const uint32_t* a, const uint32_t* b, float* c) {
  Vector re[Rows][Vectors], im[Rows][Vectors];
  BRIGHTCELL_UNROLL
  for (int i = 0; i < Rows; ++i) {
    BRIGHTCELL_UNROLL
    for (int v = 0; v < Vectors; ++v) re[i][v] = im[i][v] = Vector{};
  }
  const uint32_t* row[Rows];
  BRIGHTCELL_UNROLL
  for (int i = 0; i < Rows; ++i) row[i] = a + i * p.aRow;
  const ptrdiff_t aStep = p.aStep, bStep = p.bStep;
  ptrdiff_t at = 0;
  for (ptrdiff_t k = p.depth; k > 0; --k, at += aStep, b += bStep) {
    Integers straight[Vectors], crossed[Vectors];
    BRIGHTCELL_UNROLL
    for (int v = 0; v < Vectors; ++v) {
      straight[v] = loadIntegers(b + v * lanes);
      if constexpr (Conjugate)
        crossed[v] = (((straight[v] >> 16) & 0xffff) | (straight[v] << 16)) ^ static_cast<int32_t>(0x80000000u);
      else crossed[v] = loadIntegers(b + p.bPart + v * lanes);
    }
    BRIGHTCELL_UNROLL
    for (int i = 0; i < Rows; ++i) {
      const Integers x = static_cast<int32_t>(row[i][at]) - Integers{};
      BRIGHTCELL_UNROLL
      for (int v = 0; v < Vectors; ++v) {
        re[i][v] = dot(re[i][v], x, straight[v]);
        im[i][v] = dot(im[i][v], x, crossed[v]);
      }
    }
  }
  BRIGHTCELL_UNROLL
  for (int i = 0; i < Rows; ++i) {
    BRIGHTCELL_UNROLL
    for (int v = 0; v < Vectors; ++v) {
      float *x = c + i * p.cRow + v * lanes, *y = x + p.cPart;
      store(x, p.accumulate ? load(x) + re[i][v] : re[i][v]);
      store(y, p.accumulate ? load(y) + im[i][v] : im[i][v]);
    }
  }
}

template <int Vectors, bool Conjugate>
void multiplyPairColumns(const FftPairProduct& p, const uint32_t* b, float* c) {
  const uint32_t* a = p.a;
  int rows = p.rows;
  for (; rows >= 6; rows -= 6, a += 6 * p.aRow, c += 6 * p.cRow) multiplyPairsOf<6, Vectors, Conjugate>(p, a, b, c);
  if (rows >= 4) {
    multiplyPairsOf<4, Vectors, Conjugate>(p, a, b, c);
    rows -= 4, a += 4 * p.aRow, c += 4 * p.cRow;
  }
  if (rows == 3) return multiplyPairsOf<3, Vectors, Conjugate>(p, a, b, c);
  if (rows == 2) return multiplyPairsOf<2, Vectors, Conjugate>(p, a, b, c);
  if (rows == 1) return multiplyPairsOf<1, Vectors, Conjugate>(p, a, b, c);
}

template <bool Conjugate>
void multiplyAllPairs(const FftPairProduct& p) {
  int at = 0;
  for (; at + 2 * lanes <= p.columns; at += 2 * lanes) multiplyPairColumns<2, Conjugate>(p, p.b + at, p.c + at);
  for (; at < p.columns; at += lanes) multiplyPairColumns<1, Conjugate>(p, p.b + at, p.c + at);
}

}  // namespace

void fftMultiplyPairs(const FftPairProduct& p) {
  if (p.conjugate) return multiplyAllPairs<true>(p);
  multiplyAllPairs<false>(p);
}

#endif

}  // namespace brightcell::BRIGHTCELL_SET
