// Idea: an iteration is two passes of vectors over the variables under way: one that chooses the second index from a
// kernel row, one that updates the gradient and finds the next first index while it is at it (kernels/svm.cpp). Rows of
// kernel values are kept in the order of the variables under way; they come from kept distances by one exponential a
// number, so throwing them away when variables are shrunk costs little. Where a distance is not kept either, those of the
// most violating variables are worked out along with it, as many as make the product of bytes worth its memory traffic.
#include "core/svm_solver.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/instruction_set.h"
#include "core/shape.h"
#include "core/svm_kernel_rows.h"

namespace brightcell {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();
constexpr int64_t leastLimit = 10'000'000, checkEvery = 256, shrinkEvery = 1000;

class Solver {
 public:
  Solver(const SvmProblem& problem, const std::vector<int64_t>& starts, SvmRows& rows, const SvmMemory& memory)
      : p_(problem), starts_(starts), rows_(rows), memory_(memory), kernel_(problem, starts, rows),
        total_(static_cast<int64_t>(problem.first.size() + problem.second.size())),
        positives_(static_cast<int64_t>(problem.first.size())), beta_(static_cast<size_t>(total_)) {}

  SvmSolution solve() {
    activateAll();
    for (int64_t n = 0; n < total_; ++n) f_[n] = n < positives_ ? -1 : 1;
    const int64_t limit = p_.iterations > 0 ? p_.iterations : std::max(leastLimit, 100 * total_);
    int64_t untilShrink = std::min(shrinkEvery, total_);
    bool reconstructed = false;
    SvmSolution solution;
    choose();
    for (;; ++solution.iterations) {
      if (solution.iterations % checkEvery == 0) memory_.check();
      if (solution.iterations >= limit) {
        solution.converged = false;
        break;
      }
      if (--untilShrink <= 0) {
        untilShrink = std::min(shrinkEvery, total_);
        if (!reconstructed && gap() <= 10 * p_.tolerance) {
          reconstructed = true;
          reactivate();
        }
        shrink();
      }
      if (gap() < p_.tolerance || !step()) {
        // What was shrunk away is looked at again before the end.
        if (count_ == total_) break;
        reactivate();
        if (gap() < p_.tolerance) break;
        untilShrink = 1;
      }
    }
    if (count_ < total_) reactivate();
    finish(solution);
    return solution;
  }

 private:
  bool positive(int64_t variable) const { return variable < positives_; }
  double highest(int64_t variable) const { return positive(variable) ? p_.firstCost : 0; }
  double lowestOf(int64_t variable) const { return positive(variable) ? 0 : -p_.secondCost; }
  int32_t place(int64_t variable) const {
    return positive(variable) ? p_.first[variable] : p_.second[variable - positives_];
  }
  int32_t point(int64_t variable) const {
    return static_cast<int32_t>(starts_[positive(variable) ? p_.firstClass : p_.secondClass]) + place(variable);
  }
  double gap() const { return choice_.highest - choice_.lowest; }
  int64_t padded() const { return roundUp(count_, svmUnit); }

  void activateAll() {
    variables_.resize(static_cast<size_t>(total_));
    for (int64_t n = 0; n < total_; ++n) variables_[n] = n;
    f_.resize(static_cast<size_t>(roundUp(total_, svmUnit)));
    up_.resize(f_.size());
    low_.resize(f_.size());
    arrange();
  }

  // After a change of the variables under way.
  void arrange() {
    count_ = static_cast<int64_t>(variables_.size());
    first_.clear();
    second_.clear();
    for (const int64_t variable : variables_) (positive(variable) ? first_ : second_).push_back(place(variable));
    kernel_.over(&first_, &second_);
    cache_.reset(count_, padded(), memory_.bytes);
    for (int64_t n = 0; n < count_; ++n) mark(n);
    for (int64_t n = count_; n < padded(); ++n) {
      f_[n] = 0;
      up_[n] = std::numeric_limits<float>::infinity();
      low_[n] = -up_[n];
    }
  }

  void mark(int64_t n) {
    const int64_t variable = variables_[n];
    constexpr float out = std::numeric_limits<float>::infinity();
    up_[n] = beta_[variable] < highest(variable) ? 0.0f : out;
    low_[n] = beta_[variable] > lowestOf(variable) ? 0.0f : -out;
  }

  // The first index and the gap, from scratch.
  void choose() {
    choice_ = {infinite, -1, -infinite};
    for (int64_t n = 0; n < count_; ++n) {
      if (up_[n] == 0 && f_[n] < choice_.lowest) {
        choice_.lowest = f_[n];
        choice_.index = n;
      }
      if (low_[n] == 0 && f_[n] > choice_.highest) choice_.highest = f_[n];
    }
  }

  const float* row(int64_t n) {
    const auto [values, fresh] = cache_.row(n);
    if (!fresh) return values;
    const int32_t wanted = point(variables_[n]);
    if (!kernel_.known(wanted)) kernel_.make(violators(n));
    kernel_.write(wanted, values);
    std::fill(values + count_, values + padded(), 0.0f);
    return values;
  }

  // The variable and those that violate the most: likely to be asked for next.
  std::vector<int32_t> violators(int64_t n) {
    const int64_t most = rows_.block(p_.firstClass, p_.secondClass);
    std::vector<std::pair<double, int64_t>> found;
    for (int64_t i = 0; i < count_; ++i) {
      const double up = up_[i] == 0 ? choice_.highest - f_[i] : 0, low = low_[i] == 0 ? f_[i] - choice_.lowest : 0;
      if (i != n && std::max(up, low) > p_.tolerance) found.emplace_back(-std::max(up, low), i);
    }
    // Ties, as at the start, are spread over the points.
    const auto spread = [](int64_t i) { return static_cast<uint64_t>(i) * 0x9E3779B97F4A7C15ull; };
    const auto before = [&](const auto& a, const auto& b) {
      return a.first != b.first ? a.first < b.first : spread(a.second) < spread(b.second);
    };
    std::vector<int32_t> points{point(variables_[n])};
    const size_t candidates = std::min<size_t>(found.size(), 4 * most);
    std::partial_sort(found.begin(), found.begin() + candidates, found.end(), before);
    for (size_t i = 0; i < candidates && static_cast<int64_t>(points.size()) < most; ++i) {
      const int32_t other = point(variables_[found[i].second]);
      if (!kernel_.known(other)) points.push_back(other);
    }
    return points;
  }

  // Whether there was a pair to move.
  bool step() {
    const int64_t i = choice_.index;
    if (i < 0) return false;
    const float* ki = row(i);
    const int64_t j = kernels().svmSecond(padded(), ki, choice_.lowest, f_.data(), low_.data());
    if (j < 0) return false;
    const float* kj = row(j);
    const double curvature = std::max(2 - 2 * static_cast<double>(ki[j]), 1e-12);
    const double move = moveBy(variables_[i], variables_[j], (f_[j] - f_[i]) / curvature);
    if (!(move > 0)) return false;
    mark(i);
    mark(j);
    kernels().svmStep(padded(), ki, kj, move, f_.data(), up_.data(), low_.data(), &choice_);
    return true;
  }

  // Moves up and down by at most `wanted` and no farther than the bounds, which are then met exactly.
  double moveBy(int64_t up, int64_t down, double wanted) {
    const double roomUp = highest(up) - beta_[up], roomDown = beta_[down] - lowestOf(down);
    const double move = std::min({wanted, roomUp, roomDown});
    beta_[up] = move == roomUp ? highest(up) : beta_[up] + move;
    beta_[down] = move == roomDown ? lowestOf(down) : beta_[down] - move;
    return move;
  }

  // A variable at a bound whose gradient says that it will stay there is left out.
  bool isSettled(int64_t n) const {
    if (up_[n] != 0 && low_[n] != 0) return true;  // a bound of 0 on both sides
    if (up_[n] != 0) return f_[n] < choice_.lowest;
    if (low_[n] != 0) return f_[n] > choice_.highest;
    return false;
  }

  void shrink() {
    std::vector<int64_t> kept;
    for (int64_t n = 0; n < count_; ++n)
      if (!isSettled(n)) kept.push_back(n);
    // Rows of kernel values are made anew afterwards: not for a few variables.
    if (static_cast<int64_t>(kept.size()) > count_ - count_ / 8 || kept.size() < 2) return;
    for (size_t n = 0; n < kept.size(); ++n) {
      f_[n] = f_[kept[n]];
      variables_[n] = variables_[kept[n]];
    }
    variables_.resize(kept.size());
    arrange();
    choose();
  }

  // Takes all variables in again; the gradient of those left out is worked out from the support vectors.
  void reactivate() {
    if (count_ == total_) return;
    std::vector<char> active(static_cast<size_t>(total_));
    for (const int64_t variable : variables_) active[variable] = 1;
    std::vector<int32_t> first, second;
    for (int64_t variable = 0; variable < total_; ++variable)
      if (!active[variable]) (positive(variable) ? first : second).push_back(place(variable));
    const std::vector<double> sums = svmDecisions(p_, beta_, first, second, starts_, rows_);
    std::vector<double> f(static_cast<size_t>(total_));
    for (int64_t n = 0; n < count_; ++n) f[variables_[n]] = f_[n];
    for (int64_t variable = 0, next = 0; variable < total_; ++variable)
      if (!active[variable]) f[variable] = sums[next++] - (positive(variable) ? 1 : -1);
    std::copy(f.begin(), f.end(), f_.begin());
    variables_.resize(static_cast<size_t>(total_));
    for (int64_t n = 0; n < total_; ++n) variables_[n] = n;
    arrange();
    choose();
  }

  // rho is the mean gradient of the free variables; without one, the middle of what the bounds leave open.
  void finish(SvmSolution& solution) {
    double sum = 0, energy = 0;
    int64_t free = 0;
    for (int64_t n = 0; n < total_; ++n) {
      energy += beta_[n] * (f_[n] - (positive(n) ? 1 : -1));
      if (up_[n] != 0 || low_[n] != 0) continue;
      sum += f_[n];
      ++free;
    }
    choose();
    solution.objective = energy / 2;
    solution.rho = free > 0 ? sum / static_cast<double>(free) : (choice_.lowest + choice_.highest) / 2;
    solution.beta = std::move(beta_);
  }

  const SvmProblem& p_;
  const std::vector<int64_t>& starts_;
  SvmRows& rows_;
  const SvmMemory& memory_;
  SvmKernelRows kernel_;
  SvmRowCache cache_;
  int64_t total_, positives_, count_ = 0;
  std::vector<double> beta_;         // of all variables
  std::vector<int64_t> variables_;   // under way, ascending; what follows is in their order
  std::vector<int32_t> first_, second_;
  std::vector<double> f_;
  std::vector<float> up_, low_;
  SvmChoice choice_{};
};

}  // namespace

SvmSolution solveSvm(const SvmProblem& problem, const std::vector<int64_t>& starts, SvmRows& rows,
                     const SvmMemory& memory) {
  return Solver(problem, starts, rows, memory).solve();
}

std::vector<double> svmDecisions(const SvmProblem& problem, const std::vector<double>& beta,
                                 const std::vector<int32_t>& first, const std::vector<int32_t>& second,
                                 const std::vector<int64_t>& starts, SvmRows& rows) {
  SvmKernelRows kernel(problem, starts, rows);
  kernel.over(&first, &second);
  const int64_t width = roundUp(kernel.size(), svmUnit);
  Buffer<float> values(std::max<int64_t>(svmUnit, width));
  std::fill_n(values.data(), width, 0.0f);
  std::vector<double> sums(static_cast<size_t>(width));
  const auto positives = problem.first.size();
  std::vector<size_t> support;
  for (size_t n = 0; n < beta.size(); ++n)
    if (beta[n] != 0) support.push_back(n);
  const auto pointOf = [&](size_t n) {
    return n < positives ? static_cast<int32_t>(starts[problem.firstClass]) + problem.first[n]
                         : static_cast<int32_t>(starts[problem.secondClass]) + problem.second[n - positives];
  };
  const auto block = static_cast<size_t>(rows.block(problem.firstClass, problem.secondClass));
  for (size_t from = 0; from < support.size(); from += block) {
    const size_t end = std::min(support.size(), from + block);
    std::vector<int32_t> points;
    for (size_t s = from; s < end; ++s) points.push_back(pointOf(support[s]));
    kernel.make(points);
    for (size_t s = from; s < end; ++s) {
      kernel.write(points[s - from], values.data());
      kernels().svmAdd(width, values.data(), beta[support[s]], sums.data());
    }
  }
  sums.resize(static_cast<size_t>(kernel.size()));
  return sums;
}

}  // namespace brightcell
