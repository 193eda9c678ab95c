// The two halves of a linear model in double precision over vectors of floats: scores of a few vectors, and the sum of
// vectors times factors. Up to four vectors and four classes at once, so that each number is loaded once for four
// products. A vector's scores are the same bits whichever vectors it goes with.
#include "kernels/set.h"

namespace brightcell::BRIGHTCELL_SET {

namespace {

constexpr int half = lanes / 2;
typedef double Doubles __attribute__((vector_size(lanes * 4)));
typedef double UnalignedDoubles __attribute__((vector_size(lanes * 4), aligned(8), may_alias));
typedef float Half __attribute__((vector_size(lanes * 2)));
typedef float UnalignedHalf __attribute__((vector_size(lanes * 2), aligned(4), may_alias));

BRIGHTCELL_INLINE Doubles widen(const float* p) {
  return __builtin_convertvector(*reinterpret_cast<const UnalignedHalf*>(p), Doubles);
}
BRIGHTCELL_INLINE Doubles loadDoubles(const double* p) { return *reinterpret_cast<const UnalignedDoubles*>(p); }
BRIGHTCELL_INLINE void storeDoubles(double* p, Doubles v) { *reinterpret_cast<UnalignedDoubles*>(p) = v; }

BRIGHTCELL_INLINE double sumOf(Doubles v) {
  double sum = v[0];
  BRIGHTCELL_UNROLL
  for (int i = 1; i < half; ++i) sum += v[i];
  return sum;
}

template <int Rows, int Classes>
void scores(const float* const* x, int64_t count, const double* weights, int64_t step, double* dst, int64_t dstStep) {
  Doubles sums[Rows][Classes] = {};
  int64_t d = 0;
  for (; d + half <= count; d += half) {
    Doubles w[Classes];
    BRIGHTCELL_UNROLL
    for (int k = 0; k < Classes; ++k) w[k] = loadDoubles(weights + k * step + d);
    BRIGHTCELL_UNROLL
    for (int r = 0; r < Rows; ++r) {
      const Doubles v = widen(x[r] + d);
      BRIGHTCELL_UNROLL
      for (int k = 0; k < Classes; ++k) sums[r][k] += v * w[k];
    }
  }
  BRIGHTCELL_UNROLL
  for (int r = 0; r < Rows; ++r)
    BRIGHTCELL_UNROLL
    for (int k = 0; k < Classes; ++k) {
      double sum = sumOf(sums[r][k]);
      for (int64_t i = d; i < count; ++i) sum += x[r][i] * weights[k * step + i];
      dst[r * dstStep + k] += sum;
    }
}

template <int Rows, int Classes>
void sums(const float* const* x, int64_t count, const double* factors, int64_t factorStep, double* dst, int64_t step) {
  Doubles f[Rows][Classes];
  BRIGHTCELL_UNROLL
  for (int r = 0; r < Rows; ++r)
    BRIGHTCELL_UNROLL
    for (int k = 0; k < Classes; ++k) f[r][k] = factors[r * factorStep + k] - Doubles{};
  int64_t d = 0;
  for (; d + half <= count; d += half) {
    Doubles v[Rows];
    BRIGHTCELL_UNROLL
    for (int r = 0; r < Rows; ++r) v[r] = widen(x[r] + d);
    BRIGHTCELL_UNROLL
    for (int k = 0; k < Classes; ++k) {
      Doubles sum = loadDoubles(dst + k * step + d);
      BRIGHTCELL_UNROLL
      for (int r = 0; r < Rows; ++r) sum += f[r][k] * v[r];
      storeDoubles(dst + k * step + d, sum);
    }
  }
  for (; d < count; ++d)
    for (int k = 0; k < Classes; ++k)
      for (int r = 0; r < Rows; ++r) dst[k * step + d] += factors[r * factorStep + k] * x[r][d];
}

template <int Rows>
void scoresOf(const LinearRows& l, const double* weights, double* dst) {
  int k = 0;
  for (; k + 4 <= l.classes; k += 4) scores<Rows, 4>(l.x, l.count, weights + k * l.step, l.step, dst + k, l.classes);
  weights += k * l.step;
  dst += k;
  if (l.classes - k == 3) scores<Rows, 3>(l.x, l.count, weights, l.step, dst, l.classes);
  if (l.classes - k == 2) scores<Rows, 2>(l.x, l.count, weights, l.step, dst, l.classes);
  if (l.classes - k == 1) scores<Rows, 1>(l.x, l.count, weights, l.step, dst, l.classes);
}

template <int Rows>
void sumsOf(const LinearRows& l, const double* factors, double* dst) {
  int k = 0;
  for (; k + 4 <= l.classes; k += 4) sums<Rows, 4>(l.x, l.count, factors + k, l.classes, dst + k * l.step, l.step);
  factors += k;
  dst += k * l.step;
  if (l.classes - k == 3) sums<Rows, 3>(l.x, l.count, factors, l.classes, dst, l.step);
  if (l.classes - k == 2) sums<Rows, 2>(l.x, l.count, factors, l.classes, dst, l.step);
  if (l.classes - k == 1) sums<Rows, 1>(l.x, l.count, factors, l.classes, dst, l.step);
}

}  // namespace

void linearScores(const LinearRows& l, const double* weights, double* dst) {
  if (l.rows == 4) return scoresOf<4>(l, weights, dst);
  for (int r = 0; r < l.rows; ++r)
    scoresOf<1>({l.x + r, 1, l.count, l.classes, l.step}, weights, dst + r * l.classes);
}

void linearSums(const LinearRows& l, const double* factors, double* dst) {
  if (l.rows == 4) return sumsOf<4>(l, factors, dst);
  for (int r = 0; r < l.rows; ++r) sumsOf<1>({l.x + r, 1, l.count, l.classes, l.step}, factors + r * l.classes, dst);
}

}  // namespace brightcell::BRIGHTCELL_SET
