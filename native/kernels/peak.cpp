// Nothing but fused multiply-adds on registers: the most that a processor does in a second. Twelve sums are under way
// at once, more than latency times units of every processor there is (4 cycles times 2 units).
#include "kernels/set.h"
#if defined(__AVX512BF16__)
#include <immintrin.h>
#endif

namespace brightcell::BRIGHTCELL_SET {

constexpr int sums = 12;

// Without a reader the compiler would leave the products out.
BRIGHTCELL_INLINE void writeSum(const Vector* acc, float* sink) {
  Vector total = acc[0];
  BRIGHTCELL_UNROLL
  for (int i = 1; i < sums; ++i) total += acc[i];
  store(sink, total);
}

int64_t peakFloat32(int64_t rounds, float* sink) {
  Vector acc[sums];
  BRIGHTCELL_UNROLL
  for (int i = 0; i < sums; ++i) acc[i] = all(static_cast<float>(i));
  Vector a = all(0.999f), b = all(0.001f);
  BRIGHTCELL_KEEP(a);
  BRIGHTCELL_KEEP(b);
  for (int64_t round = 0; round < rounds; ++round) {
    BRIGHTCELL_UNROLL
    for (int i = 0; i < sums; ++i) acc[i] = acc[i] * a + b;
  }
  writeSum(acc, sink);
  return sums * lanes;
}

#if defined(__AVX512BF16__)
int64_t peakBfloat16(int64_t rounds, float* sink) {
  Vector acc[sums];
  BRIGHTCELL_UNROLL
  for (int i = 0; i < sums; ++i) acc[i] = all(static_cast<float>(i));
  Integers a = {}, b = {};
  BRIGHTCELL_KEEP(a);
  BRIGHTCELL_KEEP(b);
  for (int64_t round = 0; round < rounds; ++round) {
    BRIGHTCELL_UNROLL
    for (int i = 0; i < sums; ++i)
      acc[i] = (Vector)_mm512_dpbf16_ps((__m512)acc[i], (__m512bh)a, (__m512bh)b);
  }
  writeSum(acc, sink);
  return sums * lanes * 2;
}
#endif

}  // namespace brightcell::BRIGHTCELL_SET
