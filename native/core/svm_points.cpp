#include "core/svm_points.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "core/parallel.h"

namespace brightcell {
namespace {

struct Moments {
  double sum = 0, squares = 0;
};

template <typename T>
Moments momentsOf(const void* row, int64_t length) {
  const T* values = static_cast<const T*>(row);
  Moments result;
  for (int64_t d = 0; d < length; ++d) {
    const double value = values[d];
    result.sum += value;
    result.squares += value * value;
  }
  return result;
}

std::vector<Moments> momentsOf(const VectorRows& rows) {
  std::vector<Moments> result(rows.rows.size());
  parallelFor(rows.count(), [&](std::ptrdiff_t n, int) {
    const void* row = rows.rows[n];
    result[n] = rows.type == PixelType::uint8    ? momentsOf<uint8_t>(row, rows.length)
                : rows.type == PixelType::uint16 ? momentsOf<uint16_t>(row, rows.length)
                                                 : momentsOf<float>(row, rows.length);
  });
  return result;
}

}  // namespace

SvmPoints::SvmPoints(VectorRows rows) : rows_(std::move(rows)) {
  if (rows_.type != PixelType::float32) return;
  for (const Moments& moments : momentsOf(rows_))
    if (!(moments.squares < 1e30))
      throw std::invalid_argument("Every number of a vector must be finite, and its square small enough for float32.");
}

double SvmPoints::unit() const {
  if (rows_.type == PixelType::float32) return 1;
  const double most = rows_.type == PixelType::uint8 ? 255 : 65535;
  return 1 / (most * most);
}

double SvmPoints::variance() const {
  double sum = 0, squares = 0;
  for (const Moments& moments : momentsOf(rows_)) {
    sum += moments.sum;
    squares += moments.squares;
  }
  const double numbers = static_cast<double>(count()) * static_cast<double>(rows_.length), mean = sum / numbers;
  // What rounding alone leaves of a constant is no variance.
  const double variance = squares / numbers - mean * mean;
  return variance > 1e-12 * mean * mean ? variance * unit() : 0;
}

void SvmPoints::distances(const std::vector<const void*>& queries, int64_t first, int64_t count,
                          float* const* dst) const {
  if (queries.empty() || count == 0) return;
  PackedVectors left;
  left.pack({rows_.type, rows_.length, queries});
  const VectorRows right{rows_.type, rows_.length, {rows_.rows.begin() + first, rows_.rows.begin() + first + count}};
  compareVectors(left, right, [&](const DistanceBlock& block) {
    int64_t keys[blockColumns];
    for (int64_t q = 0; q < left.count(); ++q) {
      block.row(q, keys);
      for (int64_t r = 0; r < block.count; ++r)
        dst[q][block.first + r] = static_cast<float>(distanceOf(keys[r], rows_.type));
    }
  });
}

}  // namespace brightcell
