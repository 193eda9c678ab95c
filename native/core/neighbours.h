// The k nearest of any number of references for each of some queries, exact: the smallest squared distances, of equal
// ones those that come first.
#pragma once
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "core/distances.h"

namespace brightcell {

// N queries. Memory does not depend on the number of references: they come a few at a time.
class NearestNeighbours {
 public:
  // Packs the queries on all threads; their rows may go afterwards. k at least 1.
  NearestNeighbours(const VectorRows& queries, int64_t k);
  // References number first, first + 1, ...; each number once, in any order of calls.
  void add(const VectorRows& references, int64_t first);
  // N x k each, nearest first. Where there were fewer than k references: place -1 at an infinite distance.
  void write(int32_t* places, double* squaredDistances) const;

 private:
  struct Candidate {
    int64_t key;  // DistanceBlock::row
    int32_t place;
    friend bool operator<(const Candidate& a, const Candidate& b) {
      return a.key != b.key ? a.key < b.key : a.place < b.place;
    }
  };
  void addNear(const VectorRows& references, int64_t first);
  void offer(int64_t query, Candidate candidate);

  PackedVectors queries_;
  int64_t k_;
  // A query's best so far, the worst of them on top. Candidates have a total order, so the k best do not depend on who
  // comes first.
  std::vector<std::vector<Candidate>> best_;
  std::unique_ptr<std::mutex[]> locks_;
};

}  // namespace brightcell
