// Each number of a vector as one byte: which of up to 256 ranges of its feature it falls into. Ranges hold about the
// same number of training vectors, or one value each where there are few. N vectors, D features.
#pragma once
#include <cstdint>
#include <vector>

#include "core/buffer.h"
#include "core/vectors.h"
#include "core/watch.h"

namespace brightcell {

struct Bins {
  static constexpr int most = 256, mostCuts = most - 1;
  int64_t count = 0, features = 0;
  Buffer<uint8_t> codes;      // [D][N]
  std::vector<float> cuts;    // [D][mostCuts], rising
  std::vector<int32_t> used;  // cuts of each feature

  const uint8_t* column(int64_t feature) const { return codes.data() + feature * count; }
  // A number is in a range up to `code` exactly if it is at most this.
  float cut(int64_t feature, int code) const { return cuts[static_cast<size_t>(feature * mostCuts + code)]; }
};

// Cuts come from at most 65,536 vectors, drawn with the seed.
Bins binVectors(const VectorRows& vectors, uint64_t seed, const Watch& watch);

}  // namespace brightcell
