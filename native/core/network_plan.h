// How a network carries out a pass: its layers as blocks, for one purpose. For the files of class Network.
#pragma once
#include <memory>
#include <vector>

#include "core/instruction_set.h"
#include "core/network.h"
#include "core/parallel.h"

namespace brightcell {

// training: batch statistics, units dropped. inference: nothing kept. looking: evaluation that keeps what a backward
// to the input needs; batch norm uses its running statistics and no unit is dropped.
enum class Network::Purpose { training, inference, looking };

struct Network::Plan {
  std::vector<std::unique_ptr<Block>> blocks;
  std::vector<size_t> firstLayers;  // of each block, and the number of layers after them
  int64_t bytesPerImage = 0, scratchFloats = 0;
};

constexpr int64_t trainingPartBytes = int64_t{256} << 20, inferencePartBytes = int64_t{64} << 20;

// What a layer makes of a source of this shape.
Shape outputOf(const Layer& layer, Shape source);

inline void toChannelsLast(const float* src, Shape shape, float* dst) {
  const int64_t positions = shape.positions();
  for (int c = 0; c < shape.channels; ++c)
    for (int64_t p = 0; p < positions; ++p) dst[p * shape.channels + c] = src[c * positions + p];
}

inline void toChannelsFirst(const float* src, Shape shape, float* dst) {
  const int64_t positions = shape.positions();
  for (int c = 0; c < shape.channels; ++c)
    for (int64_t p = 0; p < positions; ++p) dst[c * positions + p] = src[p * shape.channels + c];
}

// Gradient of a block's result with its factor, slope and offset done.
inline Gradient carryOut(const Pass& pass, const Features& result, const Gradient& g) {
  if (g.factor == nullptr) return g;
  const int64_t size = result.shape.size();
  parallelFor(pass.count, [&](std::ptrdiff_t image, int) {
    kernels().combine(g.data + image * size, result.data + image * size, g.factor, g.slope, g.offset,
                      result.shape.positions(), result.shape.channels);
  });
  return {g.data};
}

}  // namespace brightcell
