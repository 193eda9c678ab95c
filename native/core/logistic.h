// Multinomial logistic regression with an L2 penalty. N vectors, D features, K classes.
#pragma once
#include <cstdint>
#include <vector>

#include "core/lbfgs.h"
#include "core/vectors.h"
#include "core/watch.h"

namespace brightcell {

// Probability of class k is softmax over k of intercepts[k] + sum over d of coefficients[k][d] * (x[d] - mean[d]) *
// scale[d].
struct LogisticModel {
  int64_t features = 0;
  int classes = 0;
  std::vector<float> mean, scale;   // D; scale is 0 for a feature that does not vary
  std::vector<float> coefficients;  // [K, D]
  std::vector<float> intercepts;    // K
};

// Learns with one C after another, each from the last result. Minimises the weighted mean of -log(probability of the
// right class) + sum of squared coefficients / (2 C S), S the sum of all vectors' weights: scikit-learn's objective
// divided by C S.
class LogisticTrainer {
 public:
  // Standardises by the vectors' own mean and deviation. Labels are in [0, K) and copied; classWeights has K. Throws
  // std::domain_error for a number that is not finite, and Stopped.
  LogisticTrainer(const VectorRows& vectors, const int32_t* labels, std::vector<double> classWeights, const Watch& watch);

  // The same bits on any number of threads.
  Minimum fit(double C, const Minimisation& settings, const Watch& watch);
  LogisticModel model() const;

 private:
  double evaluate(const std::vector<double>& parameters, double penalty, std::vector<double>& gradient, const Watch& watch) const;

  VectorRows vectors_;
  std::vector<int32_t> labels_;
  std::vector<double> classWeights_;
  double totalWeight_ = 0;
  std::vector<float> mean_, scale_;
  std::vector<double> parameters_;  // [K, D], then intercepts [K]
};

// Ready to classify: standardisation and coefficients made one.
class LogisticClassifier {
 public:
  explicit LogisticClassifier(const LogisticModel& model);
  // Probabilities, N x K. Vectors must have the model's D; throws as above.
  void predict(const VectorRows& vectors, float* dst, const Watch& watch) const;

 private:
  int64_t features_;
  int classes_;
  std::vector<double> weights_, offsets_;  // [K, D] and K, for vectors as they are
};

}  // namespace brightcell
