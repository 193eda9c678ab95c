// How near points are to each other, as weights of a sparse symmetric table: from the distances of nearest neighbours
// to the joint probabilities of t-SNE or the fuzzy graph of UMAP. N points, k neighbours each.
#pragma once
#include <cstdint>
#include <vector>

#include "core/watch.h"

namespace brightcell {

// Row i: neighbours[start[i] .. start[i + 1]) in order, with their weights; (i, j) is there where (j, i) is.
struct Affinities {
  std::vector<int64_t> start;
  std::vector<int32_t> neighbours;
  std::vector<float> weights;
  int64_t count() const { return static_cast<int64_t>(start.size()) - 1; }
};

// p(j | i), k a point, whose perplexity 2^entropy is as asked for, by bisection of the Gaussian's width: N x k, rows
// add up to 1. Where neighbours are no more than the perplexity all weigh the same. Van der Maaten and Hinton 2008.
void conditionalProbabilities(int64_t N, int64_t k, const double* squaredDistances, double perplexity, float* dst);

// exp(-(d - nearest) / width), the width such that a row adds up to log2(k + 1). McInnes et al. 2018, as umap-learn's
// smooth_knn_dist with a local connectivity of 1, which counts the point itself among its neighbours.
void fuzzyMemberships(int64_t N, int64_t k, const double* squaredDistances, float* dst);

enum class Symmetry {
  mean,   // (p(j|i) + p(i|j)) / (2 N): all add up to 1
  fuzzy,  // a + b - a b
};
// Places of neighbours N x k, none of them the point itself or there twice, and their weights. The arrays may go
// afterwards. Memory: the result, and 8 N bytes. Throws std::invalid_argument for a place outside [0, N).
Affinities symmetrise(int64_t N, int64_t k, const int32_t* places, const float* weights, Symmetry);

}  // namespace brightcell
