// From decision values to probabilities: a sigmoid for each pair of classes (Platt 1999, by the Newton method of Lin, Lin
// and Weng, "A note on Platt's probabilistic outputs for support vector machines", Machine Learning 68, 2007), and all
// pairs together by the second method of Wu, Lin and Weng, "Probability estimates for multi-class classification by
// pairwise coupling", JMLR 5 (2004).
#pragma once
#include <cstdint>
#include <vector>

namespace brightcell {

// Probability of the first class at a decision value v: 1 / (1 + e^(slope v + offset)).
struct Sigmoid {
  double slope = 0, offset = 0;
  double at(double value) const;
};

// Of the most likely sigmoid; positive[n] says whether value n belongs to the first class. Targets are (N+ + 1)/(N+ + 2)
// and 1/(N- + 2), so that no probability becomes 0 or 1.
Sigmoid fitSigmoid(const std::vector<double>& values, const std::vector<char>& positive);

// pairwise[i * classes + j] is the probability of class i where the answer is i or j, and 1 less that of (j, i). dst holds
// `classes` probabilities that add up to 1: those of the smallest sum over pairs of (r_ji p_i - r_ij p_j)^2.
void couple(const double* pairwise, int classes, double* dst);

}  // namespace brightcell
