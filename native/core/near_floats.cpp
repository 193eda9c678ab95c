// Idea: a tile of distances is looked through while it is in the first-level cache, by one comparison for a vector of
// them, and forgotten. A thread owns the left vectors that it works on, so nothing is locked. At 50 numbers a vector
// writing all distances out as doubles, locking and reading them again took three quarters of the time.
#include "core/near_floats.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "core/instruction_set.h"
#include "core/parallel.h"
#include "core/shape.h"
#include "kernels/distances.h"

namespace brightcell {
namespace {

constexpr int64_t panelsPerGroup = 16;     // of left vectors: with one of right ones in the first-level cache
constexpr int64_t wordsAtOnce = 1 << 18;   // of right vectors
constexpr float tooLarge = 1e18f;          // the square of two such is no float

void checkSquarable(const VectorRows& vectors, int64_t n) {
  const auto* numbers = static_cast<const float*>(vectors.rows[static_cast<size_t>(n)]);
  bool fine = true;
  for (int64_t d = 0; d < vectors.length; ++d) fine &= std::abs(numbers[d]) < tooLarge;
  if (!fine) refuseDistance();
}

}  // namespace

bool NearFloats::suits(const PackedVectors& left) {
  const int64_t group = panelsPerGroup * kernels().distance->tileRows;
  return left.type() == PixelType::float32 && left.length() <= floatRun && left.count() > group * (threads() - 1);
}

void NearFloats::compare(const VectorRows& right, const Found& found) {
  if (left_.type() != right.type || left_.length() != right.length)
    throw std::invalid_argument("Vectors to compare must have the same type and length.");
  const int columns = kernels().distance->tileColumns;
  const int64_t step = std::max<int64_t>(1, wordsAtOnce / (left_.words_ * columns)) * columns;
  const int64_t group = panelsPerGroup * kernels().distance->tileRows;
  for (int64_t first = 0; first < right.count(); first += step) {
    const int64_t count = std::min(step, right.count() - first);
    pack(right, first, count);
    parallelFor(roundUp(left_.count(), group) / group,
                [&](std::ptrdiff_t index, int) { meet(index, first, count, found); });
  }
}

void NearFloats::pack(const VectorRows& right, int64_t first, int64_t count) {
  const DistanceKernels& k = *kernels().distance;
  const int64_t panels = roundUp(count, k.tileColumns) / k.tileColumns, words = left_.words_;
  right_.reserve(panels * words * k.tileColumns);
  parallelFor(panels, [&](std::ptrdiff_t panel, int) {
    const float* rows[64];
    const int64_t from = first + panel * k.tileColumns;
    const int own = static_cast<int>(std::min<int64_t>(k.tileColumns, first + count - from));
    for (int j = 0; j < own; ++j) {
      checkSquarable(right, from + j);
      rows[j] = static_cast<const float*>(right.rows[static_cast<size_t>(from + j)]);
    }
    k.packFloats(rows, own, k.tileColumns, right.length, right_.data() + panel * words * k.tileColumns);
  });
}

void NearFloats::meet(int64_t group, int64_t first, int64_t count, const Found& found) {
  const DistanceKernels& k = *kernels().distance;
  const int64_t words = left_.words_, end = std::min(left_.count(), (group + 1) * panelsPerGroup * k.tileRows);
  alignas(64) float squared[16 * 64];
  for (int64_t at = 0; at < count; at += k.tileColumns) {
    const int64_t own = std::min<int64_t>(k.tileColumns, count - at);
    const uint64_t there = own == 64 ? ~uint64_t{0} : (uint64_t{1} << own) - 1;
    const uint32_t* right = right_.data() + at * words;
    for (int64_t i = group * panelsPerGroup * k.tileRows; i < end; i += k.tileRows) {
      const int rows = static_cast<int>(std::min<int64_t>(k.tileRows, end - i));
      k.shortTile({left_.data_.data() + i * words, right, left_.length(), rows}, squared);
      for (int row = 0; row < rows; ++row) {
        float& limit = limits_[static_cast<size_t>(i + row)];
        const float* distances = squared + row * k.tileColumns;
        const uint64_t near = k.notAbove(distances, limit) & there;
        if (near != 0) limit = found(i + row, near, distances, first + at);
      }
    }
  }
}

}  // namespace brightcell
