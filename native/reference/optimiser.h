// One number's update, by the definitions in core/optimiser.h.
#pragma once
#include <cmath>

#include "core/optimiser.h"

namespace brightcell::reference {

template <typename T>
struct Moments {
  T first{}, second{};
};

template <typename T>
T updated(const Optimiser& o, T value, T gradient, Moments<T>& m, T learningRate, int step, bool decays) {
  const T decay = decays ? static_cast<T>(o.weightDecay) : T{};
  if (o.kind == OptimiserKind::sgd) {
    const T g = gradient + decay * value;
    m.first = static_cast<T>(o.momentum) * m.first + g;
    return value - learningRate * (o.nesterov ? g + static_cast<T>(o.momentum) * m.first : m.first);
  }
  if (o.kind == OptimiserKind::adamw) value *= 1 - learningRate * decay;
  const T b1 = static_cast<T>(o.beta1), b2 = static_cast<T>(o.beta2);
  m.first = b1 * m.first + (1 - b1) * gradient;
  m.second = b2 * m.second + (1 - b2) * gradient * gradient;
  const T mean = m.first / (1 - std::pow(b1, static_cast<T>(step)));
  const T square = m.second / (1 - std::pow(b2, static_cast<T>(step)));
  return value - learningRate * mean / (std::sqrt(square) + static_cast<T>(o.epsilon));
}

}  // namespace brightcell::reference
