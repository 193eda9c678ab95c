// Steps of the optimisers, element by element.
#include "kernels/set.h"

namespace brightcell::BRIGHTCELL_SET {

void add(const float* src, float* __restrict dst, int64_t count) {
  for (int64_t i = 0; i < count; ++i) dst[i] += src[i];
}

double sumSquares(const float* src, int64_t count) {
  double sums[8] = {};
  int64_t i = 0;
  for (; i + 8 <= count; i += 8)
    for (int j = 0; j < 8; ++j) sums[j] += static_cast<double>(src[i + j]) * src[i + j];
  for (; i < count; ++i) sums[0] += static_cast<double>(src[i]) * src[i];
  return ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
}

void adam(const AdamSettings& s, const float* gradient, float* __restrict value, float* __restrict m,
          float* __restrict v, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const float g = gradient[i] * s.gradientScale;
    m[i] = s.beta1 * m[i] + (1.0f - s.beta1) * g;
    v[i] = s.beta2 * v[i] + (1.0f - s.beta2) * g * g;
    value[i] = s.keep * value[i] - s.stepSize * m[i] / (sqrtf(v[i]) * s.correction + s.epsilon);
  }
}

void sgd(const SgdSettings& s, const float* gradient, float* __restrict value, float* __restrict velocity,
         int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const float g = gradient[i] * s.gradientScale + s.decay * value[i];
    velocity[i] = s.momentum * velocity[i] + g;
    value[i] -= s.learningRate * (s.nesterov ? g + s.momentum * velocity[i] : velocity[i]);
  }
}

}  // namespace brightcell::BRIGHTCELL_SET
