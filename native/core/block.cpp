#include "core/block.h"

#include <algorithm>

#include "core/instruction_set.h"
#include "core/parallel.h"

namespace brightcell {

const float* Features::image(int64_t index, float* scratch) const {
  const float* src = data + index * shape.size();
  if (scale == nullptr) return src;
  kernels().scaleShift(src, scale, shift, shape.positions(), shape.channels, scratch);
  return scratch;
}

void GradientSums::add(const Features& features, int64_t image, const float* diff) const {
  const int channels = features.shape.channels;
  const int64_t at = image * features.shape.size();
  float* sum = sums + image * 2 * channels;
  std::fill_n(sum, 2 * channels, 0.0f);
  kernels().addProducts(diff + at, features.data + at, mean, features.shape.positions(), channels, sum,
                        sum + channels);
}

void Scratch::reserve(int64_t floatsEach, int workers) {
  step_ = roundUp(floatsEach, 64) + 64;
  buffer_.reserve(step_ * workers);
}

Chunks::Chunks(int64_t count, int64_t most)
    : number(std::max<int64_t>(1, std::min(most, (count + 7) / 8))), count_(count) {}

void sumParts(float* parts, int64_t number, int64_t step, int64_t size) {
  constexpr int64_t run = 4096;
  parallelFor(roundUp(size, run) / run, [&](std::ptrdiff_t i, int) {
    const int64_t at = i * run, count = std::min(run, size - at);
    for (int64_t part = 1; part < number; ++part) kernels().add(parts + part * step + at, parts + at, count);
  });
}

}  // namespace brightcell
