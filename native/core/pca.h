// Principal component analysis by subspace iteration: random directions are multiplied by the centred vectors and
// their transpose in turn until the lengths of the first settle (Halko, Martinsson and Tropp 2011, iterated further).
// N vectors, D numbers each, P axes.
#pragma once
#include <cstdint>
#include <vector>

#include "core/watch.h"

namespace brightcell {

struct PrincipalAxes {
  std::vector<float> mean;        // D
  std::vector<float> axes;        // [P][D], each of length 1 (of zeros where the vectors have fewer dimensions), the
                                  // largest number of each positive
  std::vector<double> variances;  // P, sums of squares / (N - 1), largest first
  double total = 0;               // of all directions
};

// Centres `values`, N x D, where they stand. N at least 2; P at most min(N, D). The same bits on any number of threads.
PrincipalAxes findPrincipalAxes(float* values, int64_t N, int64_t D, int64_t P, const Watch& watch);

// dst[N][P] = (values - mean) axes^T.
void projectOnAxes(const float* values, int64_t N, int64_t D, const float* mean, const float* axes, int64_t P,
                   float* dst);

}  // namespace brightcell
