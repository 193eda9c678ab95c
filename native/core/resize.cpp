#include "core/resize.h"

#include <algorithm>
#include <cmath>

namespace brightcell {

void Resampling::plan(int source, int target) {
  source_ = source;
  spans_.clear();
  weights_.clear();
  source > target ? planShrinking(target) : planEnlarging(target);
}

void Resampling::planEnlarging(int target) {
  const double step = static_cast<double>(source_) / target;
  for (int i = 0; i < target; ++i) {
    const double position = std::clamp((i + 0.5) * step - 0.5, 0.0, source_ - 1.0);
    const int first = std::min(static_cast<int>(position), std::max(source_ - 2, 0));
    const double fraction = position - first;
    spans_.push_back({first, std::min(2, source_), static_cast<int>(weights_.size())});
    weights_.push_back(static_cast<float>(1 - fraction));
    if (source_ > 1) weights_.push_back(static_cast<float>(fraction));
  }
}

void Resampling::planShrinking(int target) {
  const double step = static_cast<double>(source_) / target;
  for (int i = 0; i < target; ++i) {
    const double low = i * step, high = (i + 1) * step;
    const int first = static_cast<int>(low);
    const int last = std::min(static_cast<int>(std::ceil(high - 1e-9)), source_) - 1;
    spans_.push_back({first, last - first + 1, static_cast<int>(weights_.size())});
    for (int pixel = first; pixel <= last; ++pixel)
      weights_.push_back(static_cast<float>((std::min(high, pixel + 1.0) - std::max(low, static_cast<double>(pixel))) / step));
  }
}

void Resampling::apply(const float* src, float* dst) const {
  for (const Span& span : spans_) {
    const float* weights = weights_.data() + span.weights;
    float sum = 0;
    for (int k = 0; k < span.count; ++k) sum += weights[k] * src[span.first + k];
    *dst++ = sum;
  }
}

void Resampling::accumulate(int row, const float* src, int count, float* dst) const {
  // Spans start in rising order, and each is followed from its first source row to its last.
  auto span = std::partition_point(spans_.begin(), spans_.end(),
                                   [&](const Span& candidate) { return candidate.first + candidate.count <= row; });
  for (; span != spans_.end() && span->first <= row; ++span) {
    const float weight = weights_[static_cast<size_t>(span->weights + row - span->first)];
    float* out = dst + (span - spans_.begin()) * count;
    for (int i = 0; i < count; ++i) out[i] += weight * src[i];
  }
}

}  // namespace brightcell
