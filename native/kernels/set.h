// What one instruction set's files define and its table lists. kernels.h says what each does.
#pragma once
#include "kernels/distances.h"
#include "kernels/embedding.h"
#include "kernels/fft.h"
#include "kernels/vector.h"

namespace brightcell::BRIGHTCELL_SET {

void tile(const Tile& t);
void smallProduct(const SmallProduct& p);
void rowDots(const RowDots& d);
void winogradSource(const float* src, ptrdiff_t rowStep, ptrdiff_t columnStep, int64_t channels, float* dst,
                    ptrdiff_t frequencyStep);
void winogradAddSource(const float* src, ptrdiff_t frequencyStep, int64_t channels, float* dst, ptrdiff_t rowStep,
                       ptrdiff_t columnStep);
void splitPairs(const float* src, int64_t pairs, float* even, float* odd);
void winogradRow(const float* const* samples, int64_t tiles, float* dst, ptrdiff_t frequencyStep);
void winogradColumns(const float* src, ptrdiff_t rowStep, ptrdiff_t sourceStep, int64_t tiles, float* dst,
                     ptrdiff_t frequencyStep);
void winogradToRows(const float* src, ptrdiff_t sourceStep, int64_t count, float* dst, ptrdiff_t step);
void winogradFromRows(const float* src, ptrdiff_t sourceStep, int64_t count, float* dst, ptrdiff_t step);
void winogradPool(const WinogradTile& t, const float* rows, const float* bias, bool relu, float* dst, uint8_t* place);
void winogradUnpool(const WinogradTile& t, const float* diff, const uint8_t* place, float* rows);
void winogradWide(const WinogradTile& t, const float* rows, const float* bias, float* dst);
void winogradNarrow(const WinogradTile& t, const float* diff, float* rows);
void winogradTaps(const float* weights, ptrdiff_t laneStep, const int64_t* taps, int count, float* dst,
                  ptrdiff_t frequencyStep);
void winogradAddTaps(const float* src, ptrdiff_t frequencyStep, const int64_t* taps, int count, float* gradient,
                     ptrdiff_t laneStep);
void byteTile(const ByteTile& t);
void pairProduct(const PairProduct& p);
void roundPairs(const float* src, int64_t count, uint32_t* dst);
void pairPooled(const float* diff, const uint8_t* place, int64_t cells, int channels, uint32_t* upper, uint32_t* lower,
                ptrdiff_t step);
void fixedProduct(const FixedProduct& p);
void fixedPairs(const PairRounding& rows);
void fixedRows(const ColumnRounding& columns);
void pack(const Packing& p);
void productTile(const ProductTile& t);
void addLivePatches(const Live* live, int64_t count, const float* src, ptrdiff_t sourceRow, int kernelRows,
                    int64_t length, float* acc);
void scatterLive(const Live* live, int64_t count, const float* weights, int kernelRows, int64_t length, float* dst,
                 ptrdiff_t destinationRow);
void maxPool(const float* src, const PoolGeometry& g, float* dst, uint8_t* place);
void unpool(const float* diff, const uint8_t* place, const PoolGeometry& g, float* map);
void activate(Activation kind, float* values, int64_t count);
void activateBackward(Activation kind, const float* result, float* diff, int64_t count);
void scaleShift(const float* src, const float* scale, const float* shift, int64_t positions, int channels,
                float* __restrict dst);
void placeChannels(const float* src, const float* scale, const float* shift, int64_t positions, int channels,
                   int64_t step, float* dst);
void takeChannels(const float* src, int64_t step, int64_t positions, int channels, float* dst);
void addChannels(const float* src, int64_t positions, int channels, float* __restrict sum);
void addSquares(const float* src, const float* mean, int64_t positions, int channels, float* __restrict sum);
void addProducts(const float* diff, const float* src, const float* mean, int64_t positions, int channels,
                 float* __restrict sum, float* __restrict product);
void combine(float* __restrict diff, const float* src, const float* a, const float* b, const float* d,
             int64_t positions, int channels);
void add(const float* src, float* __restrict dst, int64_t count);
void rbf(const float* distances, int64_t count, float gamma, float* dst);
void svmStep(int64_t count, const float* ki, const float* kj, double step, double* f, const float* up,
             const float* low, SvmChoice* choice);
int64_t svmSecond(int64_t count, const float* ki, double lowest, const double* f, const float* low);
void svmAdd(int64_t count, const float* row, double factor, double* sum);
double svmDot(int64_t count, const float* a, const float* b);
double sumSquares(const float* src, int64_t count);
void adam(const AdamSettings& s, const float* gradient, float* __restrict value, float* __restrict m,
          float* __restrict v, int64_t count);
void sgd(const SgdSettings& s, const float* gradient, float* __restrict value, float* __restrict velocity,
         int64_t count);
void linearScores(const LinearRows& l, const double* weights, double* dst);
void linearSums(const LinearRows& l, const double* factors, double* dst);
int64_t peakFloat32(int64_t rounds, float* sink);
#if defined(__AVX512BF16__)
int64_t peakBfloat16(int64_t rounds, float* sink);
#else
constexpr int64_t (*peakBfloat16)(int64_t rounds, float* sink) = nullptr;
#endif
void warpBytes(const uint8_t* src, const Warp& w, void* scratch, float* dst);
void warpWords(const uint16_t* src, const Warp& w, void* scratch, float* dst);
void warpReals(const float* src, const Warp& w, void* scratch, float* dst);
void scaleBytes(const uint8_t* src, int64_t count, const Affine& affine, float* dst);
void scaleWords(const uint16_t* src, int64_t count, const Affine& affine, float* dst);
void scaleReals(const float* src, int64_t count, const Affine& affine, float* dst);
ByteSums sumBytes(const uint8_t* src, int64_t count);
RealSums sumReals(const float* src, int64_t count, double pivot);
void blur(float* plane, int height, int width, const float* weights, int radius, float* scratch);
void addNoise(float* values, int64_t count, const Affine& affine, float deviation, const uint32_t* keys);

void fftRows(const FftSource& s, int rows, float* dst, ptrdiff_t groupStep);
void fftColumns(const float* src, int rows, bool real, float* dst, ptrdiff_t frequencyStep, ptrdiff_t partStep);
void fftColumnPairs(const float* src, int rows, bool real, uint32_t* dst, ptrdiff_t frequencyStep);
void fftInverseColumns(const float* src, ptrdiff_t frequencyStep, ptrdiff_t partStep, bool real, int rows, float* dst);
void fftInverseRows(const float* src, ptrdiff_t groupStep, const FftTarget& t);
void fftMultiply(const FftProduct& p);
void fftMultiplyPairs(const FftPairProduct& p);
extern const FftKernels fftKernels;
extern const DistanceKernels distanceKernels;
extern const EmbeddingKernels embeddingKernels;

}  // namespace brightcell::BRIGHTCELL_SET
