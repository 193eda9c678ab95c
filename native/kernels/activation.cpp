// Activations and their derivatives.
#include "kernels/set.h"

namespace brightcell::BRIGHTCELL_SET {

namespace {

constexpr float scaledTanhHeight = 1.7159f;
constexpr float scaledTanhSlope = 2.0f / 3.0f;

}  // namespace

void activate(Activation kind, float* values, int64_t count) {
  if (kind == Activation::relu)
    for (int64_t i = 0; i < count; ++i) values[i] = values[i] < 0.0f ? 0.0f : values[i];
  else if (kind == Activation::tanh)
    for (int64_t i = 0; i < count; ++i) values[i] = tanhf(values[i]);
  else if (kind == Activation::scaledTanh)
    for (int64_t i = 0; i < count; ++i) values[i] = scaledTanhHeight * tanhf(scaledTanhSlope * values[i]);
}

void activateBackward(Activation kind, const float* result, float* diff, int64_t count) {
  if (kind == Activation::relu)
    for (int64_t i = 0; i < count; ++i) diff[i] = result[i] > 0.0f ? diff[i] : 0.0f;
  else if (kind == Activation::tanh)
    for (int64_t i = 0; i < count; ++i) diff[i] *= 1.0f - result[i] * result[i];
  else if (kind == Activation::scaledTanh)
    for (int64_t i = 0; i < count; ++i)
      diff[i] *= scaledTanhSlope / scaledTanhHeight * (scaledTanhHeight * scaledTanhHeight - result[i] * result[i]);
}

}  // namespace brightcell::BRIGHTCELL_SET
