// Two separable passes, each written as sums of whole shifted rows, which compilers turn into vector code.
#include "core/simulate_blur.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace brightcell::simulate {
namespace {

// Weights 0..radius of one half, summing to 1 over both; reaches three deviations.
int makeKernel(double sigma, std::vector<float>& kernel) {
  const int radius = static_cast<int>(std::ceil(3 * sigma));
  kernel.resize(radius + 1);
  double sum = 0;
  for (int i = 0; i <= radius; ++i) {
    const double weight = std::exp(-0.5 * (i / sigma) * (i / sigma));
    kernel[i] = static_cast<float>(weight);
    sum += i == 0 ? weight : 2 * weight;
  }
  for (float& weight : kernel) weight = static_cast<float>(weight / sum);
  return radius;
}

void addScaled(float* dst, const float* src, int count, float weight) {
  for (int i = 0; i < count; ++i) dst[i] += weight * src[i];
}

void blurRow(float* row, int columns, int radius, const std::vector<float>& kernel, float* padded) {
  std::fill(padded, padded + radius, 0.0f);
  std::copy(row, row + columns, padded + radius);
  std::fill(padded + radius + columns, padded + columns + 2 * radius, 0.0f);
  const float* middle = padded + radius;
  for (int x = 0; x < columns; ++x) row[x] = kernel[0] * middle[x];
  for (int i = 1; i <= radius; ++i) {
    const float weight = kernel[i];
    const float *before = middle - i, *after = middle + i;
    for (int x = 0; x < columns; ++x) row[x] += weight * (before[x] + after[x]);
  }
}

}  // namespace

void blurImage(float* image, int rows, int columns, double sigmaRows, double sigmaColumns, std::vector<float>& work,
               std::vector<float>& kernel) {
  if (sigmaColumns > 0.2) {
    const int radius = makeKernel(sigmaColumns, kernel);
    work.resize(columns + 2 * static_cast<size_t>(radius));
    for (int y = 0; y < rows; ++y) blurRow(image + static_cast<int64_t>(y) * columns, columns, radius, kernel, work.data());
  }
  if (sigmaRows > 0.2) {
    const int radius = makeKernel(sigmaRows, kernel);
    work.assign(image, image + static_cast<int64_t>(rows) * columns);
    for (int y = 0; y < rows; ++y) {
      float* dst = image + static_cast<int64_t>(y) * columns;
      std::fill(dst, dst + columns, 0.0f);
      for (int from = std::max(0, y - radius); from <= std::min(rows - 1, y + radius); ++from)
        addScaled(dst, work.data() + static_cast<int64_t>(from) * columns, columns, kernel[std::abs(from - y)]);
    }
  }
}

}  // namespace brightcell::simulate
