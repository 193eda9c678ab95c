// Resampling of one row or one plane: bilinear when enlarging, area-averaging when shrinking, pixel centres
// aligned, so that the same size gives the same pixels.
#pragma once
#include <vector>

namespace brightcell {

// Which source pixels make each output pixel along one side, and with which weights (they sum to one).
class Resampling {
 public:
  void plan(int source, int target);

  int source() const { return source_; }
  int target() const { return static_cast<int>(spans_.size()); }
  // dst[i] = sum of the weighted src over the span of i.
  void apply(const float* src, float* dst) const;
  // Adds source row `row` of `count` values, weighted, to every output row that takes from it. Rows come in
  // order from 0; output rows must be zero before.
  void accumulate(int row, const float* src, int count, float* dst) const;

 private:
  struct Span {
    int first, count, weights;  // weights_[weights] is the weight of source pixel `first`
  };
  void planEnlarging(int target);
  void planShrinking(int target);

  int source_ = 0;
  std::vector<Span> spans_;
  std::vector<float> weights_;
};

}  // namespace brightcell
