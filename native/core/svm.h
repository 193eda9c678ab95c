// Support vector classification with a kernel e^(-gamma |a - b|^2): one C-SVC for each pair of classes, as LIBSVM defines
// them (svm_solver.h), and the votes or probabilities of all pairs together. N points, D numbers each, K classes, S
// support vectors; pairs (0, 1), (0, 2) ... (1, 2) ...
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "core/svm_points.h"
#include "core/svm_probability.h"

namespace brightcell {

struct SvmSettings {
  double c, gamma;              // gamma of scaled numbers
  std::vector<double> weights;  // K: C of class k is c times its weight
  double tolerance;
  int64_t iterations;           // of a pair, at most; 0: LIBSVM's limit
  bool probability;
  uint64_t seed;              // of the internal cross-validation
  int64_t bytes;              // for kept distances and kernel values
};

struct SvmPair {
  int first, second;
  double rho = 0;
  Sigmoid sigmoid;            // where probabilities were asked for
  double objective = 0;
  int64_t iterations = 0, support = 0, bounded = 0;
  bool converged = true;
};

struct SvmModel {
  int classes = 0;
  double gamma = 0;
  bool probability = false;
  std::vector<int32_t> support;         // S points, sorted by class
  std::vector<int32_t> starts;          // K + 1: support vectors of class k are [starts[k], starts[k + 1])
  std::vector<float> coefficients;      // (K - 1) x S: beta of support vector s of class k against class j, in row j, or
                                        // j - 1 where j > k
  std::vector<SvmPair> pairs;           // those of which both classes had points
  int64_t distances = 0;                // worked out in training
};

// 1 / (D variance) of the scaled numbers, or 1 where nothing varies.
double usualGamma(const SvmPoints& points);

// Hears how much is done and throws to stop.
using SvmAdvance = std::function<void(int64_t done, int64_t total)>;

// Trains a model for each of `settings`, which share memory (`bytes` of the first) and distances. labels are in
// [0, classes). The same bits on any number of threads and with any number of bytes.
std::vector<SvmModel> trainSvm(const SvmPoints& points, const std::vector<int32_t>& labels, int classes,
                               const std::vector<SvmSettings>& settings, const SvmAdvance& advance);

// Probabilities [queries, K]; with model.probability false the share of votes. support: the model's support vectors in
// its order.
void predictSvm(const SvmModel& model, const SvmPoints& support, const std::vector<const void*>& queries, float* dst,
                const SvmAdvance& advance);

}  // namespace brightcell
