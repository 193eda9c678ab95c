#include "core/svm_rows.h"

#include <algorithm>
#include <numeric>

#include "core/parallel.h"

namespace brightcell {

SvmRows::SvmRows(const SvmPoints& points, std::vector<int64_t> starts, int64_t bytes, std::function<void()> check)
    : points_(points), starts_(std::move(starts)),
      bytes_(std::max(bytes, 8 * points.count() * static_cast<int64_t>(sizeof(float)))), check_(std::move(check)),
      blocks_(static_cast<size_t>(classes() * classes())), held_(blocks_.size()) {
  for (int c = 0; c < classes(); ++c) classOf_.insert(classOf_.end(), static_cast<size_t>(size(c)), c);
}

bool SvmRows::holdAll() {
  std::vector<int> all(static_cast<size_t>(classes()));
  std::iota(all.begin(), all.end(), 0);
  return hold(all);
}

bool SvmRows::holdPair(int a, int b) { return hold({a, b}); }

bool SvmRows::hold(const std::vector<int>& wanted) {
  int64_t points = 0, missing = 0;
  std::vector<char> keep(held_.size());
  for (const int c : wanted) {
    points += size(c);
    for (const int d : wanted) {
      keep[c * classes() + d] = 1;
      missing += isHeld(c, d) ? 0 : size(c) * size(d);
    }
  }
  const int64_t room = bytes_ / static_cast<int64_t>(sizeof(float));
  const bool fits = points * points <= room;
  for (size_t b = 0; b < held_.size(); ++b)
    if (held_[b] && (!fits || (!keep[b] && kept_ / static_cast<int64_t>(sizeof(float)) + missing > room))) drop(b);
  if (!fits) return false;
  if (!segments_.empty()) {  // never beside blocks
    segments_.clear();
    ages_.clear();
    kept_ = 0;
  }
  for (const int c : wanted)
    for (const int d : wanted)
      if (!isHeld(c, d)) makeBlock(c, d);
  return true;
}

void SvmRows::drop(int64_t block) {
  const int64_t c = block / classes(), d = block % classes();
  blocks_[block] = Buffer<float>();
  held_[block] = 0;
  kept_ -= size(static_cast<int>(c)) * size(static_cast<int>(d)) * static_cast<int64_t>(sizeof(float));
}

// Block (c, d), and (d, c) as its transpose; of (c, c) only the half up to the diagonal is worked out.
void SvmRows::makeBlock(int c, int d) {
  const int64_t n = size(c), m = size(d);
  float* values = blocks_[c * classes() + d].reserve(std::max<int64_t>(1, n * m));
  float* mirrored = blocks_[d * classes() + c].reserve(std::max<int64_t>(1, n * m));
  for (int64_t first = 0; first < n; first += rowsAtOnce) {
    check_();
    const int64_t end = std::min(n, first + rowsAtOnce), reach = c == d ? end : m;
    std::vector<const void*> queries;
    std::vector<float*> dst;
    for (int64_t i = first; i < end; ++i) {
      queries.push_back(points_.rows().rows[starts_[c] + i]);
      dst.push_back(values + i * m);
    }
    points_.distances(queries, starts_[d], reach, dst.data());
    computed_ += (end - first) * reach;
    const int64_t turned = c == d ? first : m;
    constexpr int64_t tile = 64;
    parallelFor((turned + tile - 1) / tile, [&](std::ptrdiff_t part, int) {
      for (int64_t row = first; row < end; row += tile)
        for (int64_t j = part * tile; j < std::min(turned, (part + 1) * tile); ++j)
          for (int64_t i = row; i < std::min(end, row + tile); ++i) mirrored[j * n + i] = values[i * m + j];
    });
  }
  held_[c * classes() + d] = held_[d * classes() + c] = 1;
  kept_ += (c == d ? 1 : 2) * n * m * static_cast<int64_t>(sizeof(float));
}

int64_t SvmRows::block(int a, int b) const {
  const int64_t row = (size(a) + size(b)) * static_cast<int64_t>(sizeof(float));
  // More would be worked out for nothing, fewer would not be worth reading and packing the other side for.
  constexpr int64_t most = 48;
  return std::clamp<int64_t>(bytes_ / (4 * std::max<int64_t>(1, row)), 2, most);
}

const float* SvmRows::find(int32_t point, int c) {
  if (const int own = classOf_[point]; isHeld(own, c))
    return blocks_[own * classes() + c].data() + (point - starts_[own]) * size(c);
  const auto found = segments_.find(point * classes() + c);
  if (found == segments_.end()) return nullptr;
  ages_.splice(ages_.begin(), ages_, found->second.age);
  return found->second.values.data();
}

void SvmRows::make(const std::vector<int32_t>& points, int a, int b) {
  if (isHeld(a, b) && isHeld(a, a) && isHeld(b, b)) return;
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
