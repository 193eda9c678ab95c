// The points that a support vector machine is trained on or asked about, and their squared distances. Pixels stay where
// they are stored. N points, D numbers each.
#pragma once
#include <cstdint>
#include <vector>

#include "core/distances.h"

namespace brightcell {

class SvmPoints {
 public:
  // What the rows point at must stay. Throws std::invalid_argument for floats that are not finite or too large to be
  // squared.
  explicit SvmPoints(VectorRows rows);

  int64_t count() const { return rows_.count(); }
  const VectorRows& rows() const { return rows_; }
  // What distances are to be multiplied by: pixels count as shares of their type's maximum, floats as they are.
  double unit() const;
  // Variance of all N x D numbers, in the same measure.
  double variance() const;

  // dst[q][r] = squared distance of `queries`, one by one, from points first + r, r < count; rounded once from the exact
  // distance of pixels, so that two points have the same one wherever it is asked for. On all threads.
  void distances(const std::vector<const void*>& queries, int64_t first, int64_t count, float* const* dst) const;

 private:
  VectorRows rows_;
};

}  // namespace brightcell
