// One C-SVC of two classes by sequential minimal optimisation: Fan, Chen and Lin, "Working set selection using second
// order information for training support vector machines", JMLR 6 (2005), with the shrinking and the reconstruction of
// the gradient of Chang and Lin, "LIBSVM: a library for support vector machines", ACM TIST 2 (2011).
//
// Written for beta_i = y_i alpha_i, which takes the signs out: minimise 1/2 beta' K beta - y' beta with sum(beta) = 0,
// 0 <= beta_i <= C for the first class (y = 1) and -C <= beta_i <= 0 for the second. With f = K beta - y, a step moves
// beta_i up and beta_j down by the same amount, and the optimum is where no f_i of a variable that may grow is less than
// an f_j of one that may fall by `tolerance` or more.
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "core/svm_rows.h"

namespace brightcell {

struct SvmProblem {
  int firstClass, secondClass;
  std::vector<int32_t> first, second;  // which points of each class, ascending, by their place in the class
  double firstCost, secondCost;        // C of each class
  double gamma;                        // of distances as SvmPoints gives them
  double tolerance;
  int64_t iterations;                  // at most; 0: 10 million, or 100 a point where that is more
};

struct SvmSolution {
  std::vector<double> beta;  // of first, then second
  double rho = 0;            // decision value: sum of beta_i K(x_i, x) - rho; positive means the first class
  double objective = 0;
  int64_t iterations = 0;
  bool converged = true;     // false: stopped at the limit of iterations
};

struct SvmMemory {
  int64_t bytes;                // for rows of kernel values
  std::function<void()> check;  // called now and then; throws to stop
};

SvmSolution solveSvm(const SvmProblem& problem, const std::vector<int64_t>& starts, SvmRows& rows,
                     const SvmMemory& memory);

// Decision values, without rho, of points of the problem's classes that need not be in it.
std::vector<double> svmDecisions(const SvmProblem& problem, const std::vector<double>& beta,
                                 const std::vector<int32_t>& first, const std::vector<int32_t>& second,
                                 const std::vector<int64_t>& starts, SvmRows& rows);

}  // namespace brightcell
