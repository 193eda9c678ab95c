// Winograd's products of 16-bit integers, in bfloat16: the transforms would amplify the rounding of bfloat16's 8 bits to
// more than 1e-2 of a result. At each frequency each row and each column of a product has a scale of its own, so small
// that no sum leaves 32 bits. A word holds two numbers that follow each other in the sum.
#pragma once
#include <algorithm>

#include "core/buffer.h"
#include "core/winograd_plan.h"

namespace brightcell::winograd {

// The largest integer that so many products of two may be made of: their sum stays within 32 bits.
float fixedLimit(int64_t terms);

// Integers small enough for a sum of many terms would round too coarsely: it goes in rounds of about equal length and
// whole vectors, each with scales of its own, whose results are added in float.
struct Rounds {
  explicit Rounds(int64_t terms);
  int64_t terms(int64_t round) const { return std::min(length, all - round * length); }
  int64_t all, number, length;
};

// Scales of weights [36][panel of columns][depth][panel] that were rounded in place: frequencies and panels stay where
// they are, and words of two depths begin there, [round][words of the round][panel].
class FixedWeights {
 public:
  // step: between frequencies. On all threads.
  void round(float* weights, int64_t step, int64_t depth, int64_t columns);
  const float* scales(int64_t frequency, int64_t round = 0) const {
    return scales_.data() + (frequency * rounds_ + round) * step_;
  }

 private:
  int64_t rounds_ = 0, step_ = 0;
  Buffer<float> scales_;
};

// Whether products may be of integers, in one round and in any number. A gradient is rounded twice, a source once; it
// pays where each number meets many.
bool canBeFixed(const Plan& plan, Precision precision);
bool canBeFixedBackward(const Plan& plan, Precision precision);
bool canBeFixedInRounds(const Plan& plan, Precision precision);

}  // namespace brightcell::winograd
