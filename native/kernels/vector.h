// What every kernel file begins with. The files of this folder are compiled once per instruction set, each time into a
// namespace of its own (BRIGHTCELL_SET), with flags that not every processor understands. So they include no library
// header with inline code: the linker keeps one copy of such code for the whole addon, and it might keep the wrong one.
#pragma once
#include <math.h>

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
typedef uint8_t UnalignedBytes __attribute__((vector_size(lanes), aligned(1), may_alias));

BRIGHTCELL_INLINE Vector load(const float* p) { return *reinterpret_cast<const Unaligned*>(p); }
BRIGHTCELL_INLINE void store(float* p, Vector v) { *reinterpret_cast<Unaligned*>(p) = v; }
// Not "+": adding zero is work (it turns -0 into 0), subtracting it is none.
BRIGHTCELL_INLINE Vector all(float x) { return x - Vector{}; }

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
