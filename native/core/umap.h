// UMAP: the layout of a fuzzy graph of neighbours in two dimensions. McInnes, Healy and Melville, arXiv 1802.03426.
// N points.
#pragma once
#include <cstdint>

#include "core/affinities.h"
#include "core/watch.h"

namespace brightcell {

struct UmapSettings {
  double minimumDistance = 0.1;
  int epochs = 500;
  uint64_t seed = 0;
};

// 1 / (1 + a d^(2 b)), the least-squares fit to 1 up to `minimumDistance` and exp(minimumDistance - d) beyond, on 300
// distances up to 3, as umap-learn's find_ab_params with a spread of 1.
struct UmapCurve {
  double a, b;
};
UmapCurve fitUmapCurve(double minimumDistance);

// Moves y, pairs (x, y), by gradient descent with five random points pushed away for each neighbour drawn nearer. Within
// an epoch a point sees the others where they stood when it began: the same bits on any number of threads. Throws
// Stopped.
void embedUmap(const Affinities& graph, const UmapSettings& settings, double* y, const Watch& watch);

}  // namespace brightcell
