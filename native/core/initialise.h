// First values of weights, drawn by a counter: they depend on the seed, the layer and the place, on nothing else.
//   glorotUniform    uniform within +- sqrt(6 / (fanIn + fanOut))
//   heNormal         normal of deviation sqrt(2 / fanIn)
//   truncatedNormal  normal of the given deviation, redrawn beyond two deviations; biases get `bias`
#pragma once
#include <cstdint>

#include "core/block.h"

namespace brightcell {

enum class InitialiserKind { glorotUniform, heNormal, truncatedNormal };

struct Initialiser {
  InitialiserKind kind = InitialiserKind::heNormal;
  double deviation = 0.1, bias = 0;
};

// Fills parameter.value; `stream` must differ between parameters of a network.
void initialise(const Initialiser& initialiser, uint64_t seed, uint64_t stream, Parameter& parameter);

}  // namespace brightcell
