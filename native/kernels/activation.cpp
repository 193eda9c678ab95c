// Activations and their derivatives.
#include "kernels/exponential.h"
#include "kernels/set.h"

namespace brightcell::BRIGHTCELL_SET {

namespace {

constexpr float scaledTanhHeight = 1.7159f;
constexpr float scaledTanhSlope = 2.0f / 3.0f;

// Within 2 units in the last place. Near zero an odd polynomial, a minimax fit of ours, elsewhere 1 - 2 / (e^2x + 1).
// NaN stays NaN, -0 stays -0.
BRIGHTCELL_INLINE Vector tanhOf(Vector x) {
  const Integers sign = (Integers)x & static_cast<int32_t>(0x80000000);
  const Vector size = (Vector)((Integers)x & 0x7fffffff);
  const Vector square = x * x;
  Vector near = square * -0.005717032589018345f + 0.020650574937462807f;
  near = near * square + -0.05374349281191826f;
  near = near * square + 0.13331490755081177f;
  near = near * square + -0.3333328366279602f;
  near = size + size * square * near;
  const Vector far = 1.0f - 2.0f / (powerOf(2.0f * (size > 10.0f ? all(10.0f) : size)) + 1.0f);
  return (Vector)((Integers)(size < 0.625f ? near : far) | sign);
}

// p / (1 + p) below 0 and 1 / (1 + p) above, p = e^-|x|, so that small results keep their digits.
BRIGHTCELL_INLINE Vector sigmoidOf(Vector x) {
  const Vector size = (Vector)((Integers)x & 0x7fffffff);
  const Vector power = powerOf(size > 87.0f ? all(-87.0f) : -size);
  const Vector above = 1.0f / (1.0f + power);
  const Vector below = size > 87.0f ? all(0.0f) : power * above;
  return x < 0.0f ? below : above;
}

template <Activation Kind>
BRIGHTCELL_INLINE Vector bend(Vector x) {
  if constexpr (Kind == Activation::scaledTanh) return scaledTanhHeight * tanhOf(scaledTanhSlope * x);
  if constexpr (Kind == Activation::sigmoid) return sigmoidOf(x);
  return tanhOf(x);
}

template <Activation Kind>
void bendAll(float* values, int64_t count) {
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) store(values + i, bend<Kind>(load(values + i)));
  if (i == count) return;
  float rest[lanes] = {};
  __builtin_memcpy(rest, values + i, (count - i) * sizeof(float));
  store(rest, bend<Kind>(load(rest)));
  __builtin_memcpy(values + i, rest, (count - i) * sizeof(float));
}

}  // namespace

void activate(Activation kind, float* values, int64_t count) {
  if (kind == Activation::relu)
    for (int64_t i = 0; i < count; ++i) values[i] = values[i] < 0.0f ? 0.0f : values[i];
  else if (kind == Activation::tanh)
    bendAll<Activation::tanh>(values, count);
  else if (kind == Activation::scaledTanh)
    bendAll<Activation::scaledTanh>(values, count);
  else if (kind == Activation::sigmoid)
    bendAll<Activation::sigmoid>(values, count);
}

void activateBackward(Activation kind, const float* result, float* diff, int64_t count) {
  if (kind == Activation::relu)
    for (int64_t i = 0; i < count; ++i) diff[i] = result[i] > 0.0f ? diff[i] : 0.0f;
  else if (kind == Activation::tanh)
    for (int64_t i = 0; i < count; ++i) diff[i] *= 1.0f - result[i] * result[i];
  else if (kind == Activation::scaledTanh)
    for (int64_t i = 0; i < count; ++i)
      diff[i] *= scaledTanhSlope / scaledTanhHeight * (scaledTanhHeight * scaledTanhHeight - result[i] * result[i]);
  else if (kind == Activation::sigmoid)
    for (int64_t i = 0; i < count; ++i) diff[i] *= result[i] * (1.0f - result[i]);
}

}  // namespace brightcell::BRIGHTCELL_SET
