// Limited-memory BFGS (Liu and Nocedal 1989): the minimum of a smooth function of many numbers, from its value and
// gradient alone. In double precision, on the calling thread but for the function itself.
#pragma once
#include <functional>
#include <vector>

namespace brightcell {

struct Minimisation {
  double tolerance = 1e-6;  // on the largest component of the gradient
  int iterations = 1000;    // at most
};

struct Minimum {
  double value = 0;
  double gradient = 0;  // largest component
  int iterations = 0, evaluations = 0;
  bool converged = false;  // the tolerance was reached
};

// Value at x; writes the gradient.
using Objective = std::function<double(const std::vector<double>& x, std::vector<double>& gradient)>;

// Goes from x to the minimum. Stops short of the tolerance after so many iterations, or where rounding ends progress.
Minimum minimise(const Objective& objective, std::vector<double>& x, const Minimisation& settings);

}  // namespace brightcell
