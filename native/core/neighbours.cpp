// Idea: distances never leave the cache. A thread that has found a block of them looks only for those below the worst
// that a query keeps, which after the first few references is next to none. Of short vectors of floats, which cost less
// than writing their distances, it keeps no block (near_floats.h).
#include "core/neighbours.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "core/near_floats.h"

namespace brightcell {
namespace {

// As DistanceBlock::row gives it.
int64_t keyOf(float squared) {
  if (!std::isfinite(squared)) refuseDistance();
  return std::bit_cast<int64_t>(static_cast<double>(squared));
}

}  // namespace

NearestNeighbours::NearestNeighbours(const VectorRows& queries, int64_t k)
    : k_(k), best_(queries.rows.size()), locks_(new std::mutex[queries.rows.size()]) {
  queries_.pack(queries);
}

void NearestNeighbours::add(const VectorRows& references, int64_t first) {
  if (NearFloats::suits(queries_)) return addNear(references, first);
  compareVectors(queries_, references, [&](const DistanceBlock& block) {
    int64_t keys[blockColumns];
    for (int64_t query = 0; query < queries_.count(); ++query) {
      const int64_t nearest = block.row(query, keys);
      const std::lock_guard lock(locks_[static_cast<size_t>(query)]);
      const auto& best = best_[static_cast<size_t>(query)];
      if (static_cast<int64_t>(best.size()) == k_ && nearest > best.front().key) continue;
      for (int64_t j = 0; j < block.count; ++j) offer(query, {keys[j], static_cast<int32_t>(first + block.first + j)});
    }
  });
}

void NearestNeighbours::addNear(const VectorRows& references, int64_t first) {
  const auto limitOf = [this](size_t query) {
    const auto& best = best_[query];
    return static_cast<int64_t>(best.size()) < k_ ? std::numeric_limits<float>::infinity()
                                                  : static_cast<float>(distanceOf(best.front().key, queries_.type()));
  };
  std::vector<float> limits;
  for (size_t query = 0; query < best_.size(); ++query) limits.push_back(limitOf(query));
  NearFloats(queries_, std::move(limits)).compare(references, [&](int64_t query, uint64_t columns, const float* squared,
                                                                  int64_t block) {
    for (; columns != 0; columns &= columns - 1) {
      const int j = std::countr_zero(columns);
      offer(query, {keyOf(squared[j]), static_cast<int32_t>(first + block + j)});
    }
    return limitOf(static_cast<size_t>(query));
  });
}

void NearestNeighbours::offer(int64_t query, Candidate candidate) {
  auto& best = best_[static_cast<size_t>(query)];
  if (static_cast<int64_t>(best.size()) == k_) {
    if (!(candidate < best.front())) return;
    std::pop_heap(best.begin(), best.end());
    best.back() = candidate;
  } else {
    best.push_back(candidate);
  }
  std::push_heap(best.begin(), best.end());
}

void NearestNeighbours::write(int32_t* places, double* squaredDistances) const {
  for (const auto& heap : best_) {
    auto sorted = heap;
    std::sort_heap(sorted.begin(), sorted.end());
    for (size_t i = 0; i < static_cast<size_t>(k_); ++i) {
      const bool there = i < sorted.size();
      *places++ = there ? sorted[i].place : -1;
      *squaredDistances++ =
          there ? distanceOf(sorted[i].key, queries_.type()) : std::numeric_limits<double>::infinity();
    }
  }
}

}  // namespace brightcell
