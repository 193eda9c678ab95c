#include "core/svm_kernel_rows.h"

#include <algorithm>

#include "core/instruction_set.h"

namespace brightcell {
namespace {

constexpr int64_t rowsInBlock = 16;  // memory comes with use: a block holds some rows

}  // namespace

void SvmKernelRows::over(const std::vector<int32_t>* first, const std::vector<int32_t>* second) {
  first_ = first;
  second_ = second;
  firstWhole_ = isWhole(*first, problem_.firstClass);
  secondWhole_ = isWhole(*second, problem_.secondClass);
}

bool SvmKernelRows::known(int32_t point) {
  return rows_.find(point, problem_.firstClass) != nullptr && rows_.find(point, problem_.secondClass) != nullptr;
}

void SvmKernelRows::make(const std::vector<int32_t>& points) {
  rows_.make(points, problem_.firstClass, problem_.secondClass);
}

void SvmKernelRows::write(int32_t point, float* dst) {
  part(rows_.find(point, problem_.firstClass), *first_, firstWhole_, dst);
  part(rows_.find(point, problem_.secondClass), *second_, secondWhole_, dst + first_->size());
}

bool SvmKernelRows::isWhole(const std::vector<int32_t>& list, int c) const {
  return static_cast<int64_t>(list.size()) == starts_[c + 1] - starts_[c];
}

void SvmKernelRows::part(const float* distances, const std::vector<int32_t>& list, bool whole, float* dst) {
  const auto count = static_cast<int64_t>(list.size());
  const auto gamma = static_cast<float>(problem_.gamma);
  if (!whole) {
    for (int64_t i = 0; i < count; ++i) dst[i] = distances[list[i]];
    distances = dst;
  }
  kernels().rbf(distances, count, gamma, dst);
}

void SvmRowCache::reset(int64_t variables, int64_t width, int64_t bytes) {
  width_ = width;
  const int64_t most = std::max<int64_t>(2, bytes / (width * static_cast<int64_t>(sizeof(float))));
  slots_ = std::max<int64_t>(std::min(most, variables), 2);
  slotOf_.assign(static_cast<size_t>(variables), -1);
  owner_.clear();
  ages_.clear();
  // Blocks keep the size they had, so many of them after one of few wide rows would hold too much.
  if (allocated_ > bytes / static_cast<int64_t>(sizeof(float)) / 2) {
    blocks_.clear();
    allocated_ = 0;
  }
}

std::pair<float*, bool> SvmRowCache::row(int64_t variable) {
  const int64_t found = slotOf_[variable];
  if (found >= 0) {
    ages_.splice(ages_.begin(), ages_, places_[found]);
    return {data(found), false};
  }
  const int64_t slot = take();
  slotOf_[variable] = slot;
  owner_[slot] = variable;
  return {data(slot), true};
}

float* SvmRowCache::data(int64_t slot) { return blocks_[slot / rowsInBlock].data() + slot % rowsInBlock * width_; }

// A free slot, or that of the row used longest ago.
int64_t SvmRowCache::take() {
  const auto used = static_cast<int64_t>(owner_.size());
  if (used < slots_) {
    if (used / rowsInBlock == static_cast<int64_t>(blocks_.size())) blocks_.emplace_back();
    Buffer<float>& block = blocks_[used / rowsInBlock];
    allocated_ -= block.capacity();
    block.reserve(rowsInBlock * width_);
    allocated_ += block.capacity();
    owner_.push_back(-1);
    ages_.push_front(used);
    if (used == static_cast<int64_t>(places_.size())) places_.emplace_back();
    places_[used] = ages_.begin();
    return used;
  }
  const int64_t slot = ages_.back();
  slotOf_[owner_[slot]] = -1;
  ages_.splice(ages_.begin(), ages_, places_[slot]);
  return slot;
}

}  // namespace brightcell
