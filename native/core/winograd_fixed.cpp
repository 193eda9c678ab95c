#include "core/winograd_fixed.h"

#include <cmath>

#include "core/instruction_set.h"
#include "core/parallel.h"

namespace brightcell::winograd {
namespace {

constexpr int64_t longestRound = 256;
constexpr int64_t roundingWorth = 16;  // multiply-adds that the rounding of a number costs

bool hasFixed(Precision precision) {
  return precision == Precision::bfloat16 && kernels().fixedProduct != nullptr;
}

}  // namespace

float fixedLimit(int64_t terms) {
  return std::min(32767.0f, std::floor(std::sqrt(2147480000.0f / static_cast<float>(terms))));
}

Rounds::Rounds(int64_t terms) : all(terms), number((terms + longestRound - 1) / longestRound) {
  length = number == 1 ? terms : roundUp((terms + number - 1) / number, 16);
}

void FixedWeights::round(float* weights, int64_t step, int64_t depth, int64_t columns) {
  const int64_t panel = kernels().panel;
  const Rounds rounds(depth);
  rounds_ = rounds.number, step_ = roundUp(columns, panel);
  scales_.reserve(frequencies * rounds_ * step_);
  parallelFor(frequencies, [&](std::ptrdiff_t f, int) {
    for (int64_t column = 0; column < columns; column += panel)
      for (int64_t i = 0; i < rounds.number; ++i) {
        float* at = weights + f * step + column * depth;
        const int64_t first = i * rounds.length, terms = rounds.terms(i);
        kernels().fixedRows({at + first * panel, panel, terms, panel, fixedLimit(terms), wordsOf(at) + first / 2 * panel,
                             panel, scales_.data() + (f * rounds_ + i) * step_ + column});
      }
  });
}

bool canBeFixed(const Plan& plan, Precision precision) { return hasFixed(precision) && plan.depth <= longestRound; }

bool canBeFixedBackward(const Plan& plan, Precision precision) {
  return canBeFixed(plan, precision) && plan.filters <= longestRound && canBeFixedInRounds(plan, precision);
}

bool canBeFixedInRounds(const Plan& plan, Precision precision) {
  return hasFixed(precision) && !plan.acrossTiles &&
         plan.depth * plan.filters >= roundingWorth * (plan.depth + 2 * plan.filters);
}

}  // namespace brightcell::winograd
