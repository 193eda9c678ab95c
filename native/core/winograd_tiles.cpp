#include "core/winograd_tiles.h"

#include <algorithm>

#include "core/instruction_set.h"
#include "core/parallel.h"

namespace brightcell::winograd {
namespace {

// Taps of a block of weights, [filter][tap][channel]. In the weights themselves they stand so far apart, often by a power
// of two, that they push each other out of the cache between one channel and the next.
constexpr int64_t blockChannels = 16, blockFilters = 64, blockStep = taps * taps * blockChannels;
constexpr int64_t blockTaps[taps * taps] = {0, 16, 32, 48, 64, 80, 96, 112, 128};

struct TapBlock {
  int64_t part, channel, channels, filter, filters;
  alignas(64) float taps[blockFilters * blockStep];
};

// body(block) for all of them, on all threads.
template <typename Body>
void forBlocks(const Plan& plan, const Body& body) {
  const int64_t channels = plan.layer.source.channels, runs = roundUp(channels, blockChannels) / blockChannels;
  const int64_t filters = plan.layer.output.channels;
  parallelFor(static_cast<int64_t>(plan.parts.size()) * runs, [&](std::ptrdiff_t i, int) {
    TapBlock block;
    block.part = i / runs, block.channel = i % runs * blockChannels;
    block.channels = std::min(blockChannels, channels - block.channel);
    for (block.filter = 0; block.filter < filters; block.filter += blockFilters) {
      block.filters = std::min(blockFilters, filters - block.filter);
      body(block);
    }
  });
}

// visit(offset in the weights, row of the block)
template <typename Visit>
void forRows(const Plan& plan, TapBlock& block, const Visit& visit) {
  for (int64_t f = 0; f < block.filters; ++f)
    for (int i = 0; i < taps * taps; ++i)
      if (const int64_t tap = plan.parts[block.part].tap[i]; tap >= 0)
        visit((block.filter + f) * plan.layer.depth() + tap + block.channel, block.taps + f * blockStep + blockTaps[i]);
}

}  // namespace

int64_t resultWeightStep(const Plan& plan) { return plan.depth * roundUp(plan.filters, kernels().panel) + skew; }

void transformResultWeights(const Plan& plan, const float* weights, float* dst) {
  const int64_t lanes = kernels().lanes, panel = kernels().panel, step = resultWeightStep(plan);
  forBlocks(plan, [&](TapBlock& b) {
    std::fill_n(b.taps, b.filters * blockStep, 0.0f);  // taps that the kernel lacks, and channels that fill a vector
    forRows(plan, b, [&](int64_t at, float* row) { std::copy_n(weights + at, b.channels, row); });
    const int64_t filled = std::min(blockChannels, plan.channels - b.channel);
    for (int64_t f = b.filter; f < b.filter + b.filters; f += lanes)
      for (int64_t c = 0; c < filled; ++c)
        kernels().winogradTaps(
            b.taps + (f - b.filter) * blockStep + c, blockStep, blockTaps,
            static_cast<int>(std::min(lanes, b.filter + b.filters - f)),
            dst + f / panel * plan.depth * panel + (b.part * plan.channels + b.channel + c) * panel + f % panel, step);
  });
}

void writeResult(const Plan& plan, const TileAt& tile, const float* rows, int64_t step, const float* bias,
                 float* result, uint8_t* place, float* wide) {
  WinogradTile geometry = plan.geometryOf(tile);
  geometry.frequencyStep = step;
  const int64_t at = plan.resultOffset(tile);
  if (plan.poolsInTile)
    kernels().winogradPool(geometry, rows, bias, plan.layer.activation == Activation::relu, result + at,
                           place ? place + at : nullptr);
  else
    kernels().winogradWide(geometry, rows, bias, wide + plan.wideOffset(tile));
}

int64_t sourceWeightStep(const Plan& plan) { return plan.filters * roundUp(plan.depth, kernels().panel) + skew; }

void transformSourceWeights(const Plan& plan, const float* weights, float* dst) {
  const int64_t lanes = kernels().lanes, panel = kernels().panel, channels = plan.layer.source.channels;
  const int64_t step = sourceWeightStep(plan), filters = plan.layer.output.channels;
  parallelFor(static_cast<int64_t>(plan.parts.size()) * filters, [&](std::ptrdiff_t i, int) {
    const int64_t part = i / filters, f = i % filters;
    for (int64_t c = 0; c < channels; c += lanes) {
      const int64_t d = part * plan.channels + c;
      kernels().winogradTaps(weights + f * plan.layer.depth() + c, 1, plan.parts[part].tap,
                             static_cast<int>(std::min(lanes, channels - c)),
                             dst + d / panel * plan.filters * panel + f * panel + d % panel, step);
    }
  });
}

int64_t sumStep(const Plan& plan) { return plan.depth * plan.filters + skew; }

void addSumsToWeights(const Plan& plan, const float* sums, float* gradient) {
  const int64_t lanes = kernels().lanes;
  forBlocks(plan, [&](TapBlock& b) {
    std::fill_n(b.taps, b.filters * blockStep, 0.0f);
    for (int64_t c = 0; c < b.channels; ++c)
      for (int64_t f = 0; f < b.filters; f += lanes)
        kernels().winogradAddTaps(sums + (b.part * plan.channels + b.channel + c) * plan.filters + b.filter + f,
                                  sumStep(plan), blockTaps, static_cast<int>(std::min(lanes, b.filters - f)),
                                  b.taps + f * blockStep + c, blockStep);
    forRows(plan, b, [&](int64_t at, const float* row) {
      for (int64_t c = 0; c < b.channels; ++c) gradient[at + c] += row[c];
    });
  });
}

void spreadGradient(const Plan& plan, const TileAt& tile, const float* diff, const uint8_t* place, const float* wide,
                    float* rows, int64_t step) {
  WinogradTile geometry = plan.geometryOf(tile);
  geometry.frequencyStep = step;
  if (plan.poolsInTile) {
    const int64_t at = plan.resultOffset(tile);
    kernels().winogradUnpool(geometry, diff + at, place + at, rows);
  } else {
    kernels().winogradNarrow(geometry, wide + plan.wideOffset(tile), rows);
  }
}

void addToSources(const Plan& plan, const float* transformed, int64_t first, int64_t count, float* padded,
                  int64_t imageStep) {
  const Window& w = plan.layer.window;
  for (int64_t t = 0; t < count; ++t) {
    const TileAt tile = plan.tileAt(first + t);
    float* corner = padded + tile.image * imageStep + plan.sourceOffset(tile);
    const float* from = transformed + t * plan.depth;
    for (const Part& part : plan.parts) {
      kernels().winogradAddSource(from, plan.sourceStep(), plan.channels, corner + plan.source.at(part.y, part.x),
                                  w.strideY * plan.source.rowStep(), w.strideX * plan.source.step);
      from += plan.channels;
    }
  }
}

}  // namespace brightcell::winograd
