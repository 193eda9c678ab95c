#include "core/svm_rows.h"

#include <algorithm>

#include "core/parallel.h"

namespace brightcell {

SvmRows::SvmRows(const SvmPoints& points, std::vector<int64_t> starts, int64_t bytes, std::function<void()> check)
    : points_(points), starts_(std::move(starts)),
      bytes_(std::max(bytes, 8 * points.count() * static_cast<int64_t>(sizeof(float)))), check_(std::move(check)) {}

void SvmRows::prepare() {
  if (!fits()) return;
  for (int64_t first = 0; first < count(); first += rowsAtOnce) {
    check_();
    makeWhole(first, std::min(count(), first + rowsAtOnce));
  }
  whole_ = true;
}

bool SvmRows::fits() const { return count() * count() <= bytes_ / static_cast<int64_t>(sizeof(float)); }

// Rows first ... end - 1 up to the diagonal, and the same numbers below it as columns: half of the products.
void SvmRows::makeWhole(int64_t first, int64_t end) {
  const int64_t n = count();
  if (first == 0) all_.reserve(n * n);
  std::vector<const void*> queries;
  std::vector<float*> dst;
  for (int64_t i = first; i < end; ++i) {
    queries.push_back(points_.rows().rows[i]);
    dst.push_back(all_.data() + i * n);
  }
  points_.distances(queries, 0, end, dst.data());
  constexpr int64_t tile = 64;
  parallelFor((first + tile - 1) / tile, [&](std::ptrdiff_t part, int) {
    for (int64_t row = first; row < end; row += tile)
      for (int64_t j = part * tile; j < std::min(first, (part + 1) * tile); ++j)
        for (int64_t i = row; i < std::min(end, row + tile); ++i) all_.data()[j * n + i] = all_.data()[i * n + j];
  });
  computed_ += (end - first) * end;
}

int64_t SvmRows::block(int a, int b) const {
  const int64_t row = (size(a) + size(b)) * static_cast<int64_t>(sizeof(float));
  // More would be worked out for nothing, fewer would not be worth reading and packing the other side for.
  constexpr int64_t most = 48;
  return std::clamp<int64_t>(bytes_ / (4 * std::max<int64_t>(1, row)), 2, most);
}

const float* SvmRows::find(int32_t point, int c) {
  if (whole_) return all_.data() + point * count() + starts_[c];
  const auto found = segments_.find(point * classes() + c);
  if (found == segments_.end()) return nullptr;
  ages_.splice(ages_.begin(), ages_, found->second.age);
  return found->second.values.data();
}

void SvmRows::make(const std::vector<int32_t>& points, int a, int b) {
  if (whole_) return;
  makeClass(points, a);
  makeClass(points, b);
}

void SvmRows::makeClass(const std::vector<int32_t>& points, int c) {
  std::vector<int32_t> missing;
  for (const int32_t point : points)
    if (find(point, c) == nullptr) missing.push_back(point);
  const int64_t bytes = size(c) * static_cast<int64_t>(sizeof(float));
  const int64_t room = bytes_ - bytes * static_cast<int64_t>(missing.size());
  // Those asked for are the latest used and there is room for four times as many: none of them is dropped here.
  while (!ages_.empty() && kept_ > room) {
    const int64_t oldest = ages_.back();
    kept_ -= size(static_cast<int>(oldest % classes())) * static_cast<int64_t>(sizeof(float));
    segments_.erase(oldest);
    ages_.pop_back();
  }
  check_();
  std::vector<const void*> queries;
  std::vector<float*> dst;
  for (const int32_t point : missing) {
    queries.push_back(points_.rows().rows[point]);
    const int64_t key = point * classes() + c;
    ages_.push_front(key);
    Segment& segment = segments_[key];
    segment.age = ages_.begin();
    dst.push_back(segment.values.reserve(std::max<int64_t>(1, size(c))));
    kept_ += bytes;
  }
  points_.distances(queries, starts_[c], size(c), dst.data());
  computed_ += static_cast<int64_t>(missing.size()) * size(c);
}

}  // namespace brightcell
