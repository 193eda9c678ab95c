// The inner loops of sequential minimal optimisation (core/svm_solver.cpp): kernel values from squared distances, the
// choice of the working set, and the update of the gradient, which looks for the next first index on its way. Gradients
// are double, kernel values float; counts are multiples of 16, and what stands behind the last variable is in no set.
#include "kernels/exponential.h"
#include "kernels/set.h"

namespace brightcell::BRIGHTCELL_SET {

namespace {

constexpr int half = lanes / 2;
typedef float Half __attribute__((vector_size(half * 4)));
typedef int32_t HalfIntegers __attribute__((vector_size(half * 4)));
typedef double Doubles __attribute__((vector_size(half * 8)));
typedef int64_t Longs __attribute__((vector_size(half * 8)));
typedef float UnalignedHalf __attribute__((vector_size(half * 4), aligned(4), may_alias));
typedef double UnalignedDoubles __attribute__((vector_size(half * 8), aligned(8), may_alias));

constexpr double infinite = __builtin_inf();

BRIGHTCELL_INLINE Half loadHalf(const float* p) { return *reinterpret_cast<const UnalignedHalf*>(p); }
BRIGHTCELL_INLINE Doubles widen(const float* p) { return __builtin_convertvector(loadHalf(p), Doubles); }
BRIGHTCELL_INLINE Doubles loadDoubles(const double* p) { return *reinterpret_cast<const UnalignedDoubles*>(p); }
BRIGHTCELL_INLINE void storeDoubles(double* p, Doubles v) { *reinterpret_cast<UnalignedDoubles*>(p) = v; }

// e^x for x <= 0, within 2 units in the last place; 0 below -87.
BRIGHTCELL_INLINE Vector expNegative(Vector x) {
  return x < -87.0f ? Vector{} : powerOf(x < -87.0f ? all(-87.0f) : x);
}

}  // namespace

void rbf(const float* distances, int64_t count, float gamma, float* dst) {
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) store(dst + i, expNegative(load(distances + i) * -gamma));
  if (i == count) return;
  float rest[lanes] = {};
  __builtin_memcpy(rest, distances + i, (count - i) * sizeof(float));
  store(rest, expNegative(load(rest) * -gamma));
  __builtin_memcpy(dst + i, rest, (count - i) * sizeof(float));
}

void svmStep(int64_t count, const float* ki, const float* kj, double step, double* f, const float* up,
             const float* low, SvmChoice* choice) {
  Doubles lowest, highest;
  Longs index = {}, places;
  for (int i = 0; i < half; ++i) {
    lowest[i] = infinite;
    highest[i] = -infinite;
    places[i] = i;
  }
  for (int64_t i = 0; i < count; i += half) {
    const Doubles value = loadDoubles(f + i) + step * __builtin_convertvector(loadHalf(ki + i) - loadHalf(kj + i), Doubles);
    storeDoubles(f + i, value);
    const Doubles first = value + widen(up + i), second = value + widen(low + i);
    const Longs better = first < lowest;
    lowest = better ? first : lowest;
    index = better ? places : index;
    highest = second > highest ? second : highest;
    places += half;
  }
  *choice = {infinite, -1, -infinite};
  for (int i = 0; i < half; ++i) {
    if (lowest[i] < choice->lowest || (lowest[i] == choice->lowest && lowest[i] < infinite && index[i] < choice->index)) {
      choice->lowest = lowest[i];
      choice->index = index[i];
    }
    if (highest[i] > choice->highest) choice->highest = highest[i];
  }
}

int64_t svmSecond(int64_t count, const float* ki, double lowest, const double* f, const float* low) {
  constexpr float smallest = 1e-12f;
  Half best = {};
  HalfIntegers index = {}, places;
  for (int i = 0; i < half; ++i) {
    index[i] = -1;
    places[i] = i;
  }
  for (int64_t i = 0; i < count; i += half) {
    const Half difference = __builtin_convertvector(loadDoubles(f + i) - lowest, Half) + loadHalf(low + i);
    const Half curvature = 2.0f - 2.0f * loadHalf(ki + i);
    const Half gain = difference * difference / (curvature > smallest ? curvature : smallest - Half{});
    const Half counted = difference > 0.0f ? gain : Half{};
    const HalfIntegers better = counted > best;
    best = better ? counted : best;
    index = better ? places : index;
    places += half;
  }
  int64_t chosen = -1;
  float gain = 0.0f;
  for (int i = 0; i < half; ++i) {
    if (index[i] < 0) continue;
    if (best[i] > gain || (best[i] == gain && index[i] < chosen)) {
      gain = best[i];
      chosen = index[i];
    }
  }
  return chosen;
}

void svmAdd(int64_t count, const float* row, double factor, double* sum) {
  for (int64_t i = 0; i < count; i += half) storeDoubles(sum + i, loadDoubles(sum + i) + factor * widen(row + i));
}

double svmDot(int64_t count, const float* a, const float* b) {
  Doubles sum = {};
  int64_t i = 0;
  for (; i + half <= count; i += half) sum += widen(a + i) * widen(b + i);
  double total = 0;
  for (; i < count; ++i) total += static_cast<double>(a[i]) * b[i];
  for (int j = 0; j < half; ++j) total += sum[j];
  return total;
}

}  // namespace brightcell::BRIGHTCELL_SET
