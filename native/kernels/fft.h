// The inner loops of convolution by Fourier transform, a vector of channels at a time: real transforms of tiles of
// 16 x 16 positions, and the products of their spectra.
//
// A tile goes through two stages. Its rows are transformed first; as the numbers are real, 9 of 16 columns are left,
// of which the first and the last are real again, so that they fit into one complex column: 8 groups of columns, kept
// as [group][tile][row][re, im][lanes]. Then the columns of one group are transformed: 16 complex frequencies, or 18
// of the two real columns (9 each). Products, and the way back, are done group by group, so that spectra stay in the
// cache.
#pragma once
#include <cstddef>
#include <cstdint>

namespace brightcell {

constexpr int fftSide = 16;
constexpr int fftGroups = 8;
constexpr int fftGroupFrequencies = 18;  // of group 0; 16 of the others
constexpr int fftFrequencies = fftGroupFrequencies + 16 * (fftGroups - 1);
// Frequencies before group g.
constexpr int fftFirst(int group) { return group == 0 ? 0 : fftGroupFrequencies + 16 * (group - 1); }
constexpr int fftCount(int group) { return group == 0 ? fftGroupFrequencies : 16; }

// Where a tile is read: position (y, x) is src[y * rowStep + x * columnStep ...], scaled and shifted unless scale is
// null; zero outside rows [top, bottom) and columns [left, right).
struct FftSource {
  const float* src;
  ptrdiff_t rowStep, columnStep;
  int top, bottom, left, right;
  const float *scale, *shift;
};

// Where a tile goes: the first `rows` rows and `columns` columns, the first `channels` of each vector, plus bias
// unless that is null.
struct FftTarget {
  float* dst;
  ptrdiff_t rowStep, columnStep;
  int rows, columns, channels;
  const float* bias;
};

// c[i][n] (+)= sum over k of a[i][k] * b[k][n], complex. Of a the real part, the imaginary part and their sum are given
// aPart apart; of b and c real and imaginary part, bPart and cPart apart. `conjugate`: of conj(a) instead.
struct FftProduct {
  const float* a;
  ptrdiff_t aRow, aStep, aPart;
  const float* b;
  ptrdiff_t bStep, bPart;
  float* c;
  ptrdiff_t cRow, cPart;
  int rows, columns;  // columns: a multiple of lanes
  ptrdiff_t depth;
  bool conjugate, accumulate;
};

// The same with pairs of bfloat16 (real part in the lower half). b of the plain product holds (re, -im) and, bPart on,
// (im, re); of the conjugate one (re, im) only.
struct FftPairProduct {
  const uint32_t* a;
  ptrdiff_t aRow, aStep;
  const uint32_t* b;
  ptrdiff_t bStep, bPart;
  float* c;
  ptrdiff_t cRow, cPart;
  int rows, columns;
  ptrdiff_t depth;
  bool conjugate, accumulate;
};

struct FftKernels {
  // Transforms rows [0, rows) of a tile to dst[group * groupStep + row * 2 * lanes].
  void (*rows)(const FftSource& source, int rows, float* dst, ptrdiff_t groupStep);
  // Transforms a group's columns, of which `rows` rows are given, the rest being zero; gives real part, imaginary part
  // and their sum. `real`: group 0.
  void (*columns)(const float* src, int rows, bool real, float* dst, ptrdiff_t frequencyStep, ptrdiff_t partStep);
  void (*columnPairs)(const float* src, int rows, bool real, uint32_t* dst, ptrdiff_t frequencyStep);
  // The way back: real and imaginary parts to the first `rows` rows.
  void (*inverseColumns)(const float* src, ptrdiff_t frequencyStep, ptrdiff_t partStep, bool real, int rows,
                         float* dst);
  void (*inverseRows)(const float* src, ptrdiff_t groupStep, const FftTarget& target);
  void (*multiply)(const FftProduct& product);
  void (*multiplyPairs)(const FftPairProduct& product);  // null where the processor has no bfloat16
};

}  // namespace brightcell
