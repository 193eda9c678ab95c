// What every kernel file begins with. The files of this folder are compiled once per instruction set, each time into a
// namespace of its own (BRIGHTCELL_SET), with flags that not every processor understands. So they include no library
// header with inline code: the linker keeps one copy of such code for the whole addon, and it might keep the wrong one.
#pragma once
#include <math.h>
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#include "kernels/kernels.h"

#if defined(__AVX512BF16__)
#define BRIGHTCELL_SET avx512bf16
#define BRIGHTCELL_LANES 16
#define BRIGHTCELL_ROWS 12
#elif defined(__AVX512F__)
#define BRIGHTCELL_SET avx512
#define BRIGHTCELL_LANES 16
#define BRIGHTCELL_ROWS 12
#elif defined(__AVX2__)
#define BRIGHTCELL_SET avx2
#define BRIGHTCELL_LANES 8
#define BRIGHTCELL_ROWS 6
#elif defined(__aarch64__)
#define BRIGHTCELL_SET neon
#define BRIGHTCELL_LANES 4
#define BRIGHTCELL_ROWS 8
#else
#define BRIGHTCELL_SET plain
#define BRIGHTCELL_LANES 4
#define BRIGHTCELL_ROWS 4
#endif

#define BRIGHTCELL_UNROLL _Pragma("GCC unroll 64")
#define BRIGHTCELL_INLINE static inline __attribute__((always_inline))

namespace brightcell::BRIGHTCELL_SET {

constexpr int lanes = BRIGHTCELL_LANES;
constexpr int maxRows = BRIGHTCELL_ROWS;
#if defined(__AVX512BF16__)
constexpr bool hasBfloat16 = true;
#else
constexpr bool hasBfloat16 = false;
#endif

typedef float Vector __attribute__((vector_size(lanes * 4)));
typedef int32_t Integers __attribute__((vector_size(lanes * 4)));
typedef uint8_t Bytes __attribute__((vector_size(lanes)));
typedef float Unaligned __attribute__((vector_size(lanes * 4), aligned(4), may_alias));
typedef int32_t UnalignedIntegers __attribute__((vector_size(lanes * 4), aligned(4), may_alias));
typedef uint8_t UnalignedBytes __attribute__((vector_size(lanes), aligned(1), may_alias));

BRIGHTCELL_INLINE Vector load(const float* p) { return *reinterpret_cast<const Unaligned*>(p); }
// One word of 32 bits a lane, whatever is in it.
BRIGHTCELL_INLINE Integers loadIntegers(const void* p) { return *static_cast<const UnalignedIntegers*>(p); }
BRIGHTCELL_INLINE void storeIntegers(void* p, Integers v) { *static_cast<UnalignedIntegers*>(p) = v; }
BRIGHTCELL_INLINE void store(float* p, Vector v) { *reinterpret_cast<Unaligned*>(p) = v; }
// Not "+": adding zero is work (it turns -0 into 0), subtracting it is none.
BRIGHTCELL_INLINE Vector all(float x) { return x - Vector{}; }

#if defined(__AVX512F__)
BRIGHTCELL_INLINE __mmask16 firstOf(int count) { return static_cast<__mmask16>(count >= lanes ? 0xffffu : (1u << count) - 1); }
#endif

// Of `count` floats, at least none; zeros behind them. No other memory is touched: what stands behind may be another
// thread's.
BRIGHTCELL_INLINE Vector loadPart(const float* p, int count) {
#if defined(__AVX512F__)
  return (Vector)_mm512_maskz_loadu_ps(firstOf(count), p);
#else
  if (count >= lanes) return load(p);
  Vector v{};
  for (int i = 0; i < count; ++i) v[i] = p[i];
  return v;
#endif
}
BRIGHTCELL_INLINE void storePart(float* p, Vector v, int count) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(p, firstOf(count), (__m512)v);
#else
  if (count >= lanes) return store(p, v);
  for (int i = 0; i < count; ++i) p[i] = v[i];
#endif
}

// Integers of a byte each.
BRIGHTCELL_INLINE Integers loadPlaces(const uint8_t* p, int count) {
#if defined(__AVX512F__)
  return (Integers)_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(firstOf(count), p));
#else
  Bytes bytes{};
  if (count >= lanes)
    bytes = *reinterpret_cast<const UnalignedBytes*>(p);
  else
    for (int i = 0; i < count; ++i) bytes[i] = p[i];
  return __builtin_convertvector(bytes, Integers);
#endif
}
BRIGHTCELL_INLINE void storePlaces(uint8_t* p, Integers places, int count) {
#if defined(__AVX512F__)
  _mm512_mask_cvtepi32_storeu_epi8(p, firstOf(count), (__m512i)places);
#else
  const Bytes bytes = __builtin_convertvector(places, Bytes);
  if (count >= lanes) {
    *reinterpret_cast<UnalignedBytes*>(p) = bytes;
    return;
  }
  for (int i = 0; i < count; ++i) p[i] = bytes[i];
#endif
}

// Element i is first[places[i]], or second[places[i] - lanes].
BRIGHTCELL_INLINE Vector shuffle(Vector first, Vector second, Integers places) {
#if defined(__clang__)
  Vector result;
  for (int i = 0; i < lanes; ++i) result[i] = places[i] < lanes ? first[places[i]] : second[places[i] - lanes];
  return result;
#else
  return __builtin_shuffle(first, second, places);
#endif
}

// Keeps a loaded vector in its register: g++ 12 would otherwise load it again for every use, and loads, not products,
// would set the pace.
#if defined(__x86_64__)
#define BRIGHTCELL_KEEP(vector) asm("" : "+v"(vector))
#elif defined(__aarch64__)
#define BRIGHTCELL_KEEP(vector) asm("" : "+w"(vector))
#else
#define BRIGHTCELL_KEEP(vector) (void)(vector)
#endif

// Makes a pointer's value unknown to the compiler, so that it walks rows by one addition instead of keeping every
// row's address in a register or on the stack.
#define BRIGHTCELL_OPAQUE(pointer) asm("" : "+r"(pointer))

}  // namespace brightcell::BRIGHTCELL_SET
