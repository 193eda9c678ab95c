// What one instruction set's files define and its table lists. kernels.h says what each does.
#pragma once
#include "kernels/vector.h"

namespace brightcell::BRIGHTCELL_SET {

void tile(const Tile& t);
void addLivePatches(const Live* live, int64_t count, const float* src, ptrdiff_t sourceRow, int kernelRows,
                    int64_t length, float* acc);
void scatterLive(const Live* live, int64_t count, const float* weights, int kernelRows, int64_t length, float* dst,
                 ptrdiff_t destinationRow);
void maxPool(const float* src, const PoolGeometry& g, float* dst, uint8_t* place);
void activate(Activation kind, float* values, int64_t count);
void activateBackward(Activation kind, const float* result, float* diff, int64_t count);
void scaleShift(const float* src, const float* scale, const float* shift, int64_t positions, int channels,
                float* __restrict dst);
void addChannels(const float* src, int64_t positions, int channels, float* __restrict sum);
void addSquares(const float* src, const float* mean, int64_t positions, int channels, float* __restrict sum);
void addProducts(const float* diff, const float* src, const float* mean, int64_t positions, int channels,
                 float* __restrict sum, float* __restrict product);
void combine(float* __restrict diff, const float* src, const float* a, const float* b, const float* d,
             int64_t positions, int channels);
void add(const float* src, float* __restrict dst, int64_t count);
double sumSquares(const float* src, int64_t count);
void adam(const AdamSettings& s, const float* gradient, float* __restrict value, float* __restrict m,
          float* __restrict v, int64_t count);
void sgd(const SgdSettings& s, const float* gradient, float* __restrict value, float* __restrict velocity,
         int64_t count);

}  // namespace brightcell::BRIGHTCELL_SET
