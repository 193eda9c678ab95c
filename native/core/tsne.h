// t-SNE: points in two dimensions whose neighbours are those of given points. N points.
#pragma once
#include <cstdint>

#include "core/affinities.h"
#include "core/tsne_gradient.h"
#include "core/watch.h"

namespace brightcell {

struct TsneSettings {
  double exaggeration = 12, learningRate = 200;
  int iterations = 1000, exaggerated = 250;  // of them the first
  RepulsionBy repulsion = RepulsionBy::pairs;
};

struct TsneResult {
  double divergence;
  int iterations;  // made: fewer where the gradient vanished
};

// Moves y, pairs (x, y), by gradient descent with momentum and gains, as scikit-learn's TSNE does. Throws Stopped; and
// std::domain_error where numbers are no longer finite.
TsneResult embedTsne(const Affinities& joint, const TsneSettings& settings, double* y, const Watch& watch);

}  // namespace brightcell
