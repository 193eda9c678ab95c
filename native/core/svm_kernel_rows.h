// Rows of kernel values for the solver: made from kept distances by one exponential a number, and the latest used of them.
#pragma once
#include <list>
#include <utility>
#include <vector>

#include "core/buffer.h"
#include "core/svm_solver.h"

namespace brightcell {

inline constexpr int64_t svmUnit = 16;  // rows are made in steps of so many numbers

// Kernel rows over some of the points of the two classes, from kept distances. What is given must stay.
class SvmKernelRows {
 public:
  SvmKernelRows(const SvmProblem& problem, const std::vector<int64_t>& starts, SvmRows& rows)
      : problem_(problem), starts_(starts), rows_(rows) {}

  // Of which points; each list ascending. The lists must stay.
  void over(const std::vector<int32_t>* first, const std::vector<int32_t>* second);
  int64_t size() const { return static_cast<int64_t>(first_->size() + second_->size()); }

  bool known(int32_t point);
  void make(const std::vector<int32_t>& points);
  // The point must be known.
  void write(int32_t point, float* dst);

 private:
  bool isWhole(const std::vector<int32_t>& list, int c) const;
  void part(const float* distances, const std::vector<int32_t>& list, bool whole, float* dst);

  const SvmProblem& problem_;
  const std::vector<int64_t>& starts_;
  SvmRows& rows_;
  const std::vector<int32_t>*first_ = nullptr, *second_ = nullptr;
  bool firstWhole_ = false, secondWhole_ = false;
};

// The latest used rows, each of `width` numbers.
class SvmRowCache {
 public:
  void reset(int64_t variables, int64_t width, int64_t bytes);
  // The row of a variable; second: whether it is to be written.
  std::pair<float*, bool> row(int64_t variable);

 private:
  float* data(int64_t slot);
  int64_t take();

  int64_t width_ = 0, slots_ = 0, allocated_ = 0;
  std::vector<int64_t> slotOf_, owner_;
  std::list<int64_t> ages_;
  std::vector<std::list<int64_t>::iterator> places_;
  std::vector<Buffer<float>> blocks_;
};

}  // namespace brightcell
