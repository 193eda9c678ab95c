#include "core/reconstruction.h"

#include <vector>

#include "core/parallel.h"

namespace brightcell {

double reconstructionLoss(const Features& result, const float* target, int64_t count, double scale, float* diff) {
  const int64_t size = result.shape.size();
  const double share = 1.0 / static_cast<double>(size);
  const float slope = static_cast<float>(2.0 * scale * share);
  std::vector<double> losses(count);
  parallelFor(count, [&](std::ptrdiff_t image, int) {
    float* dst = diff + image * size;
    const float *made = result.image(image, dst), *wanted = target + image * size;
    double sum = 0;
    for (int64_t i = 0; i < size; ++i) {
      const float error = made[i] - wanted[i];
      sum += static_cast<double>(error) * error;
      dst[i] = slope * error;
    }
    losses[image] = sum * share;
  });
  double total = 0;
  for (const double loss : losses) total += loss;
  return total;
}

}  // namespace brightcell
