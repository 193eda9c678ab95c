// Idea: distances never leave the cache. A thread that has found a block of them looks only for those below the worst
// that a query keeps, which after the first few references is next to none.
#include "core/neighbours.h"

#include <algorithm>
#include <limits>

namespace brightcell {

NearestNeighbours::NearestNeighbours(const VectorRows& queries, int64_t k)
    : k_(k), best_(queries.rows.size()), locks_(new std::mutex[queries.rows.size()]) {
  queries_.pack(queries);
}

void NearestNeighbours::add(const VectorRows& references, int64_t first) {
  compareVectors(queries_, references, [&](const DistanceBlock& block) {
    int64_t keys[blockColumns];
    for (int64_t query = 0; query < queries_.count(); ++query) {
      const int64_t nearest = block.row(query, keys);
      const std::lock_guard lock(locks_[static_cast<size_t>(query)]);
      const auto& best = best_[static_cast<size_t>(query)];
      if (static_cast<int64_t>(best.size()) < k_ || nearest <= best.front().key)
        offer(query, keys, block.count, first + block.first);
    }
  });
}

void NearestNeighbours::offer(int64_t query, const int64_t* keys, int64_t count, int64_t first) {
  auto& best = best_[static_cast<size_t>(query)];
  for (int64_t j = 0; j < count; ++j) {
    const bool full = static_cast<int64_t>(best.size()) == k_;
    const Candidate candidate{keys[j], static_cast<int32_t>(first + j)};
    if (full && !(candidate < best.front())) continue;
    if (full) {
      std::pop_heap(best.begin(), best.end());
      best.back() = candidate;
    } else {
      best.push_back(candidate);
    }
    std::push_heap(best.begin(), best.end());
  }
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
