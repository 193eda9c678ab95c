// One factor, summand or sum per channel over maps whose channels stand last.
#include "kernels/set.h"

namespace brightcell::BRIGHTCELL_SET {

void scaleShift(const float* src, const float* scale, const float* shift, int64_t positions, int channels,
                float* __restrict dst) {
  for (int64_t p = 0; p < positions; ++p, src += channels, dst += channels)
    for (int c = 0; c < channels; ++c) dst[c] = src[c] * scale[c] + shift[c];
}

void addChannels(const float* src, int64_t positions, int channels, float* __restrict sum) {
  for (int64_t p = 0; p < positions; ++p, src += channels)
    for (int c = 0; c < channels; ++c) sum[c] += src[c];
}

void addSquares(const float* src, const float* mean, int64_t positions, int channels, float* __restrict sum) {
  for (int64_t p = 0; p < positions; ++p, src += channels)
    for (int c = 0; c < channels; ++c) sum[c] += (src[c] - mean[c]) * (src[c] - mean[c]);
}

void addProducts(const float* diff, const float* src, const float* mean, int64_t positions, int channels,
                 float* __restrict sum, float* __restrict product) {
  for (int64_t p = 0; p < positions; ++p, src += channels, diff += channels)
    for (int c = 0; c < channels; ++c) {
      sum[c] += diff[c];
      product[c] += diff[c] * (src[c] - mean[c]);
    }
}

void combine(float* __restrict diff, const float* src, const float* a, const float* b, const float* d,
             int64_t positions, int channels) {
  for (int64_t p = 0; p < positions; ++p, src += channels, diff += channels)
    for (int c = 0; c < channels; ++c) diff[c] = a[c] * diff[c] + b[c] * src[c] + d[c];
}

}  // namespace brightcell::BRIGHTCELL_SET
