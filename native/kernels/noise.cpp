// Gaussian noise from a hash: the numbers of a position depend on nothing but the image's keys, so any vector width and
// any order of work give the same. Two hashes make a pair of normal numbers (Box and Muller 1958): one the radius,
// sqrt(-2 ln u), the other the angle, as one of eight octants and a small angle in it.
#include "kernels/set.h"

namespace brightcell::BRIGHTCELL_SET {
namespace {

typedef uint32_t Unsigned __attribute__((vector_size(lanes * 4), may_alias));
constexpr int half = 16, whole = 2 * half;  // a block of 32 values: 16 pairs, cosines first

alignas(64) constexpr uint32_t steps[half] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

BRIGHTCELL_INLINE Vector toFloat(Unsigned v) { return __builtin_convertvector((Integers)v, Vector); }

// A permutation of the 32-bit numbers for each pair of keys.
BRIGHTCELL_INLINE Unsigned hash(Unsigned counter, uint32_t first, uint32_t second) {
  Unsigned x = counter ^ first;
  x = (x ^ x >> 16) * 0x7FEB352Du + second;
  x = (x ^ x >> 15) * 0x846CA68Bu;
  return x ^ x >> 16;
}

BRIGHTCELL_INLINE Vector squareRoot(Vector v) {
  Vector result;
  for (int i = 0; i < lanes; ++i) result[i] = sqrtf(v[i]);
  return result;
}

// sqrt(-2 ln u) of u = n / 2^31, n from 1 to 2^31 - 1: u = 2^e m with m in [sqrt(1/2), sqrt 2), and
// ln m = f - f^2 / 2 + f^3 P(f) for f = m - 1 (least-maximum P, relative error below 3e-7).
BRIGHTCELL_INLINE Vector radius(Unsigned bits) {
  const Unsigned n = (Unsigned)toFloat(bits >> 1 | 1);
  const Unsigned moved = n + (0x3F800000u - 0x3F3504F3u);  // from sqrt(1/2) on, the exponent is one higher
  const Vector e = __builtin_convertvector((Integers)(moved >> 23) - 158, Vector);
  const Vector f = (Vector)((moved & 0x007FFFFFu) + 0x3F3504F3u) - 1.0f;
  Vector p = -0.10191497206687927f * f + 0.16024312376976013f;
  p = p * f - 0.17137163877487183f;
  p = p * f + 0.19924511015415192f;
  p = p * f - 0.2498326599597931f;
  p = p * f + 0.33334246277809143f;
  const Vector ln = f + (f * f) * (p * f - 0.5f) + e * 0.6931471805599453f;
  return squareRoot(-2.0f * ln);
}

struct Pair {
  Vector first, second;
};

BRIGHTCELL_INLINE Pair normals(Unsigned counter, const uint32_t* keys) {
  const Vector r = radius(hash(counter, keys[0], keys[1]));
  const Unsigned bits = hash(counter, keys[2], keys[3]);
  const Vector t = toFloat(bits << 2) * 0x1p-32f;  // quarters of a turn, from -1/2 to 1/2
  const Vector q = t * t;
  Vector sine = -0.004605688154697418f * q + 0.07968173921108246f;
  sine = sine * q - 0.6459636688232422f;
  sine = (sine * q + 1.5707963705062866f) * t * r;
  Vector cosine = -0.020408352836966515f * q + 0.2535986304283142f;
  cosine = cosine * q - 1.2336970567703247f;
  cosine = (cosine * q + 1.0f) * r;
  cosine = (Vector)((Unsigned)cosine ^ (bits & 0x80000000u));
  const Integers swapped = (Integers)(bits << 1) < 0;
  return {swapped ? sine : cosine, swapped ? cosine : sine};
}

BRIGHTCELL_INLINE Vector noisy(const float* value, const Affine& a, Vector noise) {
  return a.gain * (load(value) - a.middle) + (a.shift + noise);
}

BRIGHTCELL_INLINE void addBlock(float* values, uint32_t counter, const Affine& a, float deviation, const uint32_t* keys) {
  BRIGHTCELL_UNROLL
  for (int i = 0; i < half; i += lanes) {
    const Pair pair = normals(*reinterpret_cast<const Unsigned*>(steps + i) + counter, keys);
    store(values + i, noisy(values + i, a, deviation * pair.first));
    store(values + half + i, noisy(values + half + i, a, deviation * pair.second));
  }
}

}  // namespace

void addNoise(float* values, int64_t count, const Affine& affine, float deviation, const uint32_t* keys) {
  uint32_t counter = 0;
  int64_t i = 0;
  for (; i + whole <= count; i += whole, counter += half) addBlock(values + i, counter, affine, deviation, keys);
  if (i == count) return;
  float rest[whole] = {};
  const size_t bytes = static_cast<size_t>(count - i) * sizeof(float);
  __builtin_memcpy(rest, values + i, bytes);
  addBlock(rest, counter, affine, deviation, keys);
  __builtin_memcpy(values + i, rest, bytes);
}

}  // namespace brightcell::BRIGHTCELL_SET
