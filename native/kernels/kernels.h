// The inner loops whose speed depends on the instruction set. They are written once, compiled once per instruction
// set (vector.h), and chosen at run time; everything else in the engine is ordinary code around them.
// Each set gives the same results within rounding, and the same bits on any number of threads.
#pragma once
#include <cstddef>
#include <cstdint>

#include "kernels/image.h"

namespace brightcell {

// One tile of a matrix product: c[i][0..columns) (+)= bias + sum over k of a_i[k] * b[k][0..columns).
// k runs over `segments` runs of `length`: a_i moves by aStep inside a run and by aSegment between runs, b by bStep
// throughout. A convolution reads its windows in place this way, one run per kernel row.
struct Tile {
  const float* const* a;  // one pointer per row
  ptrdiff_t aStep;
  int segments;
  ptrdiff_t aSegment, length;
  const float* b;
  ptrdiff_t bStep;
  float* const* c;  // one pointer per row; rows may overlap when accumulating
  int rows;         // 1..Kernels::rows
  int columns;      // vectors are written whole: rounded up to Kernels::lanes, at most Kernels::panel
  bool accumulate;
  const float* bias;  // null: none; read in whole vectors
};

// C[rows x columns] (+)= A[rows x depth] B[depth x columns], one thread, operands in cache. Element (i, k) of A is
// a[i * aRow + k * aDepth]; row k of B's panel j (Kernels::panel columns) starts at b[k * bDepth + j * bPanel].
struct SmallProduct {
  const float* a;
  ptrdiff_t aRow, aDepth;
  const float* b;
  ptrdiff_t bDepth, bPanel;
  float* c;
  ptrdiff_t cRow;
  ptrdiff_t rows, columns, depth;  // columns: a multiple of Kernels::lanes
  bool accumulate;
};

// C[rows x columns] (+)= A B from pairs of 16-bit integers that follow each other in depth, the first in the low half of a
// word; steps of a and b and the depth are in words. Row i of the result is multiplied by aScale[i], column j by
// bScale[j]. Integer sums must fit 32 bits.
struct FixedProduct {
  const uint32_t* a;
  ptrdiff_t aRow, aDepth;
  const float* aScale;
  const uint32_t* b;
  ptrdiff_t bDepth, bPanel;
  const float* bScale;
  float* c;
  ptrdiff_t cRow;
  ptrdiff_t rows, columns, depth;  // columns: a multiple of Kernels::lanes
  bool accumulate;
};

// A convolution from stored bytes: 2 x `columns` positions of all filters of a panel. Word k of a window is the four bytes
// at offsets[k], times the four signed bytes of each filter at weights[k * panel]. The sums of the first `coarse` words
// are multiplied by 256 before the others come on top (none: 0), all in 32 bits, which the result, not the way there, must
// fit. Behind these words stand those of one vector of filters alone, own[0] of the first vector and own[1] of the second,
// `lanes` of weights each. A position's result is (start + sum) * scale + shift, of which the largest of each 2 x 2 is
// kept where `pooled`.
struct ByteTile {
  const uint8_t* src;            // of the first position's window
  ptrdiff_t rowStep, columnStep;  // bytes between positions
  const int32_t* offsets;
  const uint32_t* weights;
  int words, coarse, own[2];
  int columns;                // 2, 4 or 6
  int filters;                // at most Kernels::panel
  const int32_t* start;       // [panel], as scale
  const float* scale;
  const float* const* shift;  // [2][columns] of [panel]
  bool alike;                 // all shifts are the first, the only one read
  bool pooled, relu;          // relu: with `pooled` only
  int height, width;          // positions inside the map; of a pooled map whole cells
  float* dst;                 // pooled: [cells][filters]; else whole vectors
  uint8_t* place;             // null: nobody asks
  ptrdiff_t dstRow, dstColumn;  // between positions, or cells
};

// C[rows x columns] (+)= bias + A B from pairs of bfloat16 that follow each other in depth, the first in the low half of a
// word; sums in float32. A row of A is `segments` runs of `length` words; bytes lie between rows, between words of a run
// and between runs, so that windows of a map of bfloat16 are rows. B's words are bDepth apart, its panels
// (Kernels::panel columns) bPanel. Rows of C may overlap when accumulating.
struct PairProduct {
  const void* a;
  ptrdiff_t aRow, aStep, aSegment;
  int segments;
  ptrdiff_t length;
  const uint32_t* b;
  ptrdiff_t bDepth, bPanel;
  float* c;
  ptrdiff_t cRow;
  ptrdiff_t rows, columns;  // columns: a multiple of Kernels::lanes
  bool accumulate;
  const float* bias;  // null: none; read in whole vectors
};

// Rows to integers of at most `limit`, each row with its scale: word i of dst holds those of src[2 i] and src[2 i + 1].
// Rows of dst may stand at those of src or before.
struct PairRounding {
  const float* src;
  ptrdiff_t srcStep;
  int64_t rows, count;  // count: whole vectors
  float limit;
  uint32_t* dst;
  ptrdiff_t dstStep;
  float* scales;
};

// Columns to integers likewise: word i of row r of dst holds those of rows 2 r and 2 r + 1 of src, a missing last row as
// zeros. dst may stand at src.
struct ColumnRounding {
  const float* src;
  ptrdiff_t srcStep;
  int64_t rows, count;  // count: whole vectors
  float limit;
  uint32_t* dst;
  ptrdiff_t dstStep;  // at most srcStep where dst stands at src
  float* scales;
};

// A tile of Winograd's transforms: `height` x `width` cells of it are inside the map (pooled cells, up to 2 x 2, or
// positions, up to 4 x 4), which moves by rowStep and columnStep.
struct WinogradTile {
  ptrdiff_t frequencyStep;
  int64_t channels;
  int height, width;
  ptrdiff_t rowStep, columnStep;
};

// A panel for productTile, [depth in words][panel]: element (k, j) is src[k * depthStep + j * widthStep], of which one
// step is 1. Columns from `width` to `panel` become zero. A word is a float, or with `pairs` two elements k and k + 1
// as bfloat16, the first in the low half; an odd last one is paired with zero.
struct Packing {
  const float* src;
  int64_t depthStep, widthStep, depth;
  int width, panel;
  bool pairs;
  uint32_t* dst;
};

// c[i][0..columns) (+)= bias + sum over words k of a[k][i] * b[k][0..columns), from panels of width `height` and
// Kernels::panel.
struct ProductTile {
  const uint32_t *a, *b;
  int64_t depth;  // words
  int height;     // 1, 2, 4, 6, 8 or 12, at most Kernels::rows
  bool pairs;
  float* c;
  int64_t cStep;
  int rows, columns;  // of c; rows at most `height`
  bool accumulate;
  const float* bias;  // null: none; read in whole vectors
};

// Dot products of the windows of a row with few filters: dst[p][f] = bias[f] + sum over kernel rows y and k of
// rows[y][p * step + k] * weights[f][y][k].
struct RowDots {
  const float* const* rows;
  int kernelRows;
  ptrdiff_t step;
  int64_t length;  // of a kernel row, in whole vectors: zeros of the weights fill the last
  const float *weights, *bias;
  int filters;
  int64_t positions;
  float* dst;
};

// A gradient that is not zero: where its window starts in the padded source, and its value.
struct Live {
  int32_t offset;
  float value;
};

enum class Activation { none, relu, tanh, scaledTanh, sigmoid };

struct PoolGeometry {
  int height, width;
  ptrdiff_t sourceRow, sourceStep;  // floats from one row, and from one position, to the next
  int channels, outputHeight, outputWidth;
  ptrdiff_t resultStep;  // floats, and bytes of place, from one position of the result to the next; rows follow close
  int windowHeight, windowWidth, strideY, strideX, top, left;
};

struct AdamSettings {
  float beta1, beta2, epsilon, stepSize, correction, keep, gradientScale;  // keep: 1 - learning rate * decay
};

struct SgdSettings {
  float learningRate, momentum, decay, gradientScale;
  bool nesterov;
};

// What svmStep found: the lowest gradient of the variables that may grow, where (-1: none), and the highest of those that
// may fall.
struct SvmChoice {
  double lowest;
  int64_t index;
  double highest;
};

// Up to four vectors of floats, and the table [classes][count] of doubles, rows `step` apart, that goes with them.
struct LinearRows {
  const float* const* x;
  int rows;
  int64_t count;
  int classes;
  int64_t step;
};

struct FftKernels;
struct DistanceKernels;
struct EmbeddingKernels;

struct Kernels {
  const char* name;
  int lanes;  // floats in a vector
  int panel;  // widest tile
  int rows;   // tallest tile
  bool bfloat16;  // multiplies bfloat16 in hardware
  void (*tile)(const Tile&);
  void (*pack)(const Packing&);
  void (*productTile)(const ProductTile&);

  void (*smallProduct)(const SmallProduct&);
  void (*rowDots)(const RowDots&);

  // Winograd's F(4x4, 3x3), see winograd.cpp. Frequencies are frequencyStep apart; channels in whole vectors unless
  // said otherwise.
  // 6 x 6 samples, rowStep and columnStep apart, to 36 frequencies; and the transpose, which adds.
  void (*winogradSource)(const float* src, ptrdiff_t rowStep, ptrdiff_t columnStep, int64_t channels, float* dst,
                         ptrdiff_t frequencyStep);
  void (*winogradAddSource)(const float* src, ptrdiff_t frequencyStep, int64_t channels, float* dst,
                            ptrdiff_t rowStep, ptrdiff_t columnStep);
  // even[i] = src[2 i], odd[i] = src[2 i + 1]; pairs: whole vectors.
  void (*splitPairs)(const float* src, int64_t pairs, float* even, float* odd);
  // One direction of it for many tiles at once: sample j of tile t is samples[j][t]; then, for each of 6 frequencies
  // in x (sourceStep apart), row j of tile t is src[j * rowStep + t].
  void (*winogradRow)(const float* const* samples, int64_t tiles, float* dst, ptrdiff_t frequencyStep);
  void (*winogradColumns)(const float* src, ptrdiff_t rowStep, ptrdiff_t sourceStep, int64_t tiles, float* dst,
                          ptrdiff_t frequencyStep);
  // 6 frequencies in y to 4 rows of outputs, element by element, and the transpose.
  void (*winogradToRows)(const float* src, ptrdiff_t sourceStep, int64_t count, float* dst, ptrdiff_t step);
  void (*winogradFromRows)(const float* src, ptrdiff_t sourceStep, int64_t count, float* dst, ptrdiff_t step);
  // From [6 frequencies in x][4 rows], frequencyStep apart, to a tile of the result: pooled 2 x 2 with the place of the
  // largest (or null), any number of channels; or the tile itself, in whole vectors. And the transposes.
  void (*winogradPool)(const WinogradTile&, const float* rows, const float* bias, bool relu, float* dst,
                       uint8_t* place);
  void (*winogradUnpool)(const WinogradTile&, const float* diff, const uint8_t* place, float* rows);
  void (*winogradWide)(const WinogradTile&, const float* rows, const float* bias, float* dst);
  void (*winogradNarrow)(const WinogradTile&, const float* diff, float* rows);
  // Taps of `count` filters (or channels), laneStep apart, to a vector of each frequency; taps[3 * y + x] is the tap's
  // offset, -1 where there is none. And the transpose, which adds.
  void (*winogradTaps)(const float* weights, ptrdiff_t laneStep, const int64_t* taps, int count, float* dst,
                       ptrdiff_t frequencyStep);
  void (*winogradAddTaps)(const float* src, ptrdiff_t frequencyStep, const int64_t* taps, int count, float* gradient,
                          ptrdiff_t laneStep);

  // Null where `bfloat16` is false.
  void (*byteTile)(const ByteTile&);
  void (*pairProduct)(const PairProduct&);
  // To bfloat16, in order; count: a multiple of lanes.
  void (*roundPairs)(const float* src, int64_t count, uint32_t* dst);
  // The gradient of a row of 2 x 2 pooled cells, put back to its places: pairs of the two positions of a row, of the row
  // above and of that below, `step` words (whole vectors) a cell.
  void (*pairPooled)(const float* diff, const uint8_t* place, int64_t cells, int channels, uint32_t* upper,
                     uint32_t* lower, ptrdiff_t step);

  // Products of 16-bit integers, null where `bfloat16` is false.
  void (*fixedProduct)(const FixedProduct&);
  void (*fixedPairs)(const PairRounding&);
  void (*fixedRows)(const ColumnRounding&);

  // acc[y][0..length) += sum over live of value * src[offset + y * sourceRow ...], for each kernel row y.
  // length is a multiple of lanes.
  void (*addLivePatches)(const Live* live, int64_t count, const float* src, ptrdiff_t sourceRow, int kernelRows,
                         int64_t length, float* acc);
  // dst[offset + y * destinationRow ...] += value * weights[y][0..length), for each live and kernel row y.
  void (*scatterLive)(const Live* live, int64_t count, const float* weights, int kernelRows, int64_t length,
                      float* dst, ptrdiff_t destinationRow);

  // Largest of each window and its place in it, the first of equals; positions outside the map do not count.
  void (*maxPool)(const float* src, const PoolGeometry&, float* dst, uint8_t* place);
  // The way back: writes every position of the map that a window reaches, zeros where it was not the largest, up to
  // sourceStep floats of it. Where windows overlap, the whole map. Without place every window is one position.
  void (*unpool)(const float* diff, const uint8_t* place, const PoolGeometry&, float* map);

  void (*activate)(Activation, float* values, int64_t count);
  // diff *= derivative of the activation, taken from its result.
  void (*activateBackward)(Activation, const float* result, float* diff, int64_t count);

  // dst[p][c] = src[p][c] * scale[c] + shift[c].
  void (*scaleShift)(const float* src, const float* scale, const float* shift, int64_t positions, int channels,
                     float* dst);
  // Into positions that are `step` apart, whole vectors, zeros behind the channels; scaled and shifted unless scale is
  // null. Reads whole vectors of scale and shift, and takes what stands behind their channels for nothing.
  void (*placeChannels)(const float* src, const float* scale, const float* shift, int64_t positions, int channels,
                        int64_t step, float* dst);
  // The way back: dst[p][c] = src[p * step + c], from first to last.
  void (*takeChannels)(const float* src, int64_t step, int64_t positions, int channels, float* dst);
  // sum[c] += src[p][c].
  void (*addChannels)(const float* src, int64_t positions, int channels, float* sum);
  // sum[c] += (src[p][c] - mean[c])^2.
  void (*addSquares)(const float* src, const float* mean, int64_t positions, int channels, float* sum);
  // sum[c] += diff[p][c]; product[c] += diff[p][c] * (src[p][c] - mean[c]).
  void (*addProducts)(const float* diff, const float* src, const float* mean, int64_t positions, int channels,
                      float* sum, float* product);
  // diff[p][c] = a[c] * diff[p][c] + b[c] * src[p][c] + d[c].
  void (*combine)(float* diff, const float* src, const float* a, const float* b, const float* d, int64_t positions,
                  int channels);

  void (*add)(const float* src, float* dst, int64_t count);
  double (*sumSquares)(const float* src, int64_t count);
  void (*adam)(const AdamSettings&, const float* gradient, float* value, float* m, float* v, int64_t count);
  void (*sgd)(const SgdSettings&, const float* gradient, float* value, float* velocity, int64_t count);

  // dst[rows][classes] += x times the weights; dst (a table) += the sum over rows of factors[rows][classes] times x.
  void (*linearScores)(const LinearRows&, const double* weights, double* dst);
  void (*linearSums)(const LinearRows&, const double* factors, double* dst);

  // Rounds of multiply-adds on registers alone; gives how many a round makes, and writes a vector
  // to sink. Null where the set has no such products.
  int64_t (*peakFloat32)(int64_t rounds, float* sink);
  int64_t (*peakBfloat16)(int64_t rounds, float* sink);

  // dst[i] = e^(-gamma distances[i]).
  void (*rbf)(const float* distances, int64_t count, float gamma, float* dst);
  // Support vector machines, see svm.cpp; counts are multiples of 16 except in svmDot. up[i] is 0 where variable i may
  // grow, else infinity; low[i] is 0 where it may fall, else minus infinity.
  // f += step * (ki - kj), and what the new gradients say about the next working set.
  void (*svmStep)(int64_t count, const float* ki, const float* kj, double step, double* f, const float* up,
                  const float* low, SvmChoice* choice);
  // The variable that may fall and promises the most together with one of gradient `lowest` and kernel row ki; -1: none.
  int64_t (*svmSecond)(int64_t count, const float* ki, double lowest, const double* f, const float* low);
  // sum += factor * row.
  void (*svmAdd)(int64_t count, const float* row, double factor, double* sum);
  double (*svmDot)(int64_t count, const float* a, const float* b);

  ImageKernels image;
  const FftKernels* fft;
  const DistanceKernels* distance;
  const EmbeddingKernels* embedding;
};

// One table per instruction set.
#if defined(__aarch64__)
namespace neon { const Kernels& table(); }
#else
namespace plain { const Kernels& table(); }
#endif
#if defined(__x86_64__)
namespace avx2 { const Kernels& table(); }
namespace avx512 { const Kernels& table(); }
namespace avx512bf16 { const Kernels& table(); }
#endif

}  // namespace brightcell
