// One factor, summand or sum per channel over maps whose channels stand last.
#include "kernels/set.h"

namespace brightcell::BRIGHTCELL_SET {

void scaleShift(const float* src, const float* scale, const float* shift, int64_t positions, int channels,
                float* __restrict dst) {
  for (int64_t p = 0; p < positions; ++p, src += channels, dst += channels)
    for (int c = 0; c < channels; ++c) dst[c] = src[c] * scale[c] + shift[c];
}

void placeChannels(const float* src, const float* scale, const float* shift, int64_t positions, int channels,
                   int64_t step, float* dst) {
  Integers number;
  for (int i = 0; i < lanes; ++i) number[i] = i;
  const float* end = src + positions * channels;
  for (int64_t p = 0; p < positions; ++p, src += channels, dst += step)
    for (int64_t c = 0; c < step; c += lanes) {
      // What stands behind the last position may be another thread's.
      const bool edge = end - src < c + lanes;
      Vector v{};
      if (!edge) v = load(src + c);
      for (int i = 0; edge && c + i < channels; ++i) v[i] = src[c + i];
      if (scale != nullptr) v = v * load(scale + c) + load(shift + c);
      if (c + lanes > channels) v = number < static_cast<int>(channels - c) ? v : Vector{};
      store(dst + c, v);
    }
}

void takeChannels(const float* src, int64_t step, int64_t positions, int channels, float* dst) {
  const float* end = dst + positions * channels;
  const int64_t whole = (channels + lanes - 1) / lanes * lanes;
  // A vector's surplus is overwritten by the next positions, as long as it does not reach beyond the last.
  for (; end - dst >= whole; src += step, dst += channels)
    for (int64_t c = 0; c < channels; c += lanes) store(dst + c, load(src + c));
  for (; dst < end; src += step, dst += channels)
    for (int64_t c = 0; c < channels; ++c) dst[c] = src[c];
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
