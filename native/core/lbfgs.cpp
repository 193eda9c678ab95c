// Idea: the last steps and the changes of gradient along them stand in for the matrix of second derivatives (the
// two-loop recursion). A step is accepted by the weak Wolfe conditions, found by doubling and halving; close to the
// minimum, where values differ by rounding only, the gradient alone decides (Hager and Zhang 2005).
#include "core/lbfgs.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <deque>
#include <utility>

namespace brightcell {
namespace {

using Numbers = std::vector<double>;

constexpr size_t remembered = 10;
constexpr int mostTrials = 40;
constexpr double decrease = 1e-4, curvature = 0.9, noise = 1e-14;

double dot(const Numbers& a, const Numbers& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

void add(Numbers& to, double factor, const Numbers& from) {
  for (size_t i = 0; i < to.size(); ++i) to[i] += factor * from[i];
}

double largest(const Numbers& values) {
  double most = 0;
  for (const double value : values) most = std::max(most, std::abs(value));
  return most;
}

struct Step {
  Numbers change, gradientChange;
  double product;  // of the two
};

Numbers directionOf(const std::deque<Step>& steps, const Numbers& gradient) {
  Numbers direction = gradient;
  std::vector<double> factors(steps.size());
  for (size_t i = steps.size(); i-- > 0;) {
    factors[i] = dot(steps[i].change, direction) / steps[i].product;
    add(direction, -factors[i], steps[i].gradientChange);
  }
  const double scale = steps.empty() ? 1 / std::sqrt(dot(gradient, gradient))
                                     : steps.back().product / dot(steps.back().gradientChange, steps.back().gradientChange);
  for (double& d : direction) d *= scale;
  for (size_t i = 0; i < steps.size(); ++i)
    add(direction, factors[i] - dot(steps[i].gradientChange, direction) / steps[i].product, steps[i].change);
  for (double& d : direction) d = -d;
  return direction;
}

class Search {
 public:
  Search(const Objective& objective, Numbers& x, Minimum& minimum)
      : objective_(objective), x_(x), minimum_(minimum), gradient_(x.size()), trial_(x.size()), trialGradient_(x.size()) {
    minimum_.value = objective_(x_, gradient_);
    ++minimum_.evaluations;
  }

  double gradient() const { return largest(gradient_); }

  // One step; whether there was one that the conditions accept.
  bool step() {
    const Numbers direction = directionOf(steps_, gradient_);
    const double slope = dot(gradient_, direction);
    if (!(slope < 0)) return forget();
    double low = 0, high = INFINITY, length = 1;
    for (int trial = 0; trial < mostTrials; ++trial) {
      for (size_t i = 0; i < x_.size(); ++i) trial_[i] = x_[i] + length * direction[i];
      const double value = objective_(trial_, trialGradient_), newSlope = dot(trialGradient_, direction);
      ++minimum_.evaluations;
      if (!lowEnough(value, length, slope, newSlope))
        high = length;
      else if (newSlope < curvature * slope)
        low = length;
      else
        return accept(value);
      length = std::isinf(high) ? 2 * low : (low + high) / 2;
    }
    return forget();
  }

 private:
  bool lowEnough(double value, double length, double slope, double newSlope) const {
    if (value <= minimum_.value + decrease * length * slope) return true;
    return value <= minimum_.value + noise * (1 + std::abs(minimum_.value)) && newSlope <= (2 * decrease - 1) * slope;
  }

  bool accept(double value) {
    Step step{trial_, trialGradient_, 0};
    add(step.change, -1, x_);
    add(step.gradientChange, -1, gradient_);
    step.product = dot(step.change, step.gradientChange);
    if (step.product > 0) steps_.push_back(std::move(step));
    if (steps_.size() > remembered) steps_.pop_front();
    std::swap(x_, trial_);
    std::swap(gradient_, trialGradient_);
    minimum_.value = value;
    return true;
  }

  // Without what it remembers it goes straight downhill; if it did already, nothing is left to try.
  bool forget() {
    const bool remembers = !steps_.empty();
    steps_.clear();
    return remembers;
  }

  const Objective& objective_;
  Numbers& x_;
  Minimum& minimum_;
  Numbers gradient_, trial_, trialGradient_;
  std::deque<Step> steps_;
};

}  // namespace

Minimum minimise(const Objective& objective, Numbers& x, const Minimisation& settings) {
  Minimum minimum;
  Search search(objective, x, minimum);
  minimum.gradient = search.gradient();
  while (minimum.gradient > settings.tolerance && minimum.iterations < settings.iterations && search.step()) {
    ++minimum.iterations;
    minimum.gradient = search.gradient();
  }
  minimum.converged = minimum.gradient <= settings.tolerance;
  return minimum;
}

}  // namespace brightcell
