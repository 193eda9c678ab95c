// Which of some right vectors are near enough to each left one: floats of at most floatRun numbers, whose squared
// distances are those of compareVectors. Where only the nearest count, no others need be written anywhere.
#pragma once
#include <cstdint>
#include <functional>

#include "core/distances.h"

namespace brightcell {

class NearFloats {
 public:
  // Left vector i: bit j of `columns` says that right vector first + j is at squared[j], not above its limit. Gives its
  // limit from now on. Called for one left vector by one thread at a time.
  using Found = std::function<float(int64_t i, uint64_t columns, const float* squared, int64_t first)>;

  // Whether vectors like these on the left keep all threads busy this way.
  static bool suits(const PackedVectors& left);
  // Which must outlive this. `limits`: one for each left vector.
  NearFloats(const PackedVectors& left, std::vector<float> limits) : left_(left), limits_(std::move(limits)) {}
  // Packs right vectors, a part of 1 MB at a time, on all threads, and meets each with all left ones. Throws
  // std::range_error for a number that is not finite or from 1e18 on.
  void compare(const VectorRows& right, const Found& found);

 private:
  void pack(const VectorRows& right, int64_t first, int64_t count);
  void meet(int64_t group, int64_t first, int64_t count, const Found& found);

  const PackedVectors& left_;
  std::vector<float> limits_;
  Buffer<uint32_t> right_;  // [panel of tileColumns][words][tileColumns]
};

}  // namespace brightcell
