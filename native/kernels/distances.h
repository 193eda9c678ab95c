// Inner loops of distances between vectors (distances.cpp), compiled once per instruction set.
// Vectors are packed into panels of words: word k of vector j of a panel of width P is at [k * P + j]. A word holds one
// float, or 2 or 4 numbers of 8 bits; a panel's words are a multiple of Kernels::lanes, padded with zeros.
#pragma once
#include <cstddef>
#include <cstdint>

#include "kernels/image.h"

namespace brightcell {

// c[i * cStep + j] of `tileRows` left and `tileColumns` right vectors.
struct DistanceTile {
  const uint32_t *left, *right;  // panels of those widths
  int64_t words;
  int rows;  // of the left panel that are wanted, 1..tileRows; a tile of floats is written whole
};

struct DistanceKernels {
  int tileRows, tileColumns;
  int bytesPerWord;  // numbers of 8 bits in a word: 4 where the processor multiplies bytes, else 2

  // Bytes x of the right and x - 128 of the left. `count` vectors of `elements` bytes each, count from 1 to width.
  void (*packBytes)(const uint8_t* const* rows, int count, int width, int64_t elements, bool left, uint32_t* dst);
  void (*packFloats)(const float* const* rows, int count, int width, int64_t elements, uint32_t* dst);
  // c (+)= sum of left times right, exact up to mostByteProducts numbers.
  void (*byteTile)(const DistanceTile&, int32_t* c, ptrdiff_t cStep, bool accumulate);
  // c (+)= sum of (left - right)^2, in float32 over runs of floatRun numbers and in double over those.
  void (*floatTile)(const DistanceTile&, double* c, ptrdiff_t cStep, bool accumulate);
  // The same of at most floatRun words, to [tileRows][tileColumns]: what floatTile would then give as doubles.
  void (*shortTile)(const DistanceTile&, float* c);
  // Bit j: !(row[j] > limit), of tileColumns; one that is no number is among them.
  uint64_t (*notAbove)(const float* row, float limit);

  ByteSums (*byteSums)(const uint8_t* src, int64_t count);  // exact
  // dst = own + other - 2 * dot, and the smallest of them; count at least 1. dst may be `wide`.
  int64_t (*distanceRow)(const int32_t* dot, const int64_t* other, int64_t own, int64_t count, int64_t* dst);
  int64_t (*wideDistanceRow)(const int64_t* dot, const int64_t* other, int64_t own, int64_t count, int64_t* dst);
  void (*wholeToReal)(const int64_t* src, int64_t count, double* dst);

  // Rounds of products on registers alone, as Kernels::peakFloat32.
  int64_t (*peakBytes)(int64_t rounds, float* sink);
};

#if defined(__x86_64__)
// avx512 with products of bytes, for processors with AVX512-VNNI and without AVX512-BF16.
namespace avx512 { extern const DistanceKernels quadDistanceKernels; }
#endif

// 65536 * 255 * 128 < 2^31.
constexpr int64_t mostByteProducts = 65536;
constexpr int64_t floatRun = 256;

}  // namespace brightcell
