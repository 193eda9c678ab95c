// Update rules, as PyTorch defines them. g gradient, p parameter, t step from 1, r learning rate.
//   adam   m = b1 m + (1-b1) g, v = b2 v + (1-b2) g^2, p -= r m/(1-b1^t) / (sqrt(v/(1-b2^t)) + epsilon)
//   adamw  before that p *= 1 - r decay, weights only (not biases, not batch norm)
//   sgd    g += decay p (weights only), v = momentum v + g, p -= r v, or r (g + momentum v) with Nesterov
#pragma once
#include <vector>

#include "core/block.h"

namespace brightcell {

enum class OptimiserKind { adam, adamw, sgd };

struct Optimiser {
  OptimiserKind kind = OptimiserKind::adam;
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0;
  double momentum = 0;
  bool nesterov = false;
};

// Global L2 norm of all gradients.
double gradientNorm(const std::vector<Parameter*>& parameters);

// Applies gradient * gradientScale as step number `step`.
void update(const Optimiser& optimiser, const std::vector<Parameter*>& parameters, double learningRate, int64_t step,
            double gradientScale);

}  // namespace brightcell
