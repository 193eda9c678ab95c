#include "core/winograd_tiles.h"

#include <algorithm>

#include "core/instruction_set.h"
#include "core/parallel.h"

namespace brightcell::winograd {

int64_t resultWeightStep(const Plan& plan) { return plan.depth * roundUp(plan.filters, kernels().panel) + skew; }

void transformResultWeights(const Plan& plan, const float* weights, float* dst) {
  const int64_t lanes = kernels().lanes, panel = kernels().panel, channels = plan.layer.source.channels;
  const int64_t step = resultWeightStep(plan), filters = plan.layer.output.channels, filterStep = plan.layer.depth();
  parallelFor(static_cast<int64_t>(plan.parts.size()) * channels, [&](std::ptrdiff_t i, int) {
    const int64_t part = i / channels, c = i % channels;
    for (int64_t f = 0; f < filters; f += lanes)
      kernels().winogradTaps(weights + f * filterStep + c, filterStep, plan.parts[part].tap,
                             static_cast<int>(std::min(lanes, filters - f)),
                             dst + f / panel * plan.depth * panel + (part * plan.channels + c) * panel + f % panel,
                             step);
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
  const int64_t lanes = kernels().lanes, filters = plan.layer.output.channels, filterStep = plan.layer.depth();
  const int64_t channels = plan.layer.source.channels, runs = roundUp(channels, 16) / 16;
  parallelFor(static_cast<int64_t>(plan.parts.size()) * runs, [&](std::ptrdiff_t i, int) {
    const int64_t part = i / runs, end = std::min(channels, (i % runs + 1) * 16);
    for (int64_t c = i % runs * 16; c < end; ++c)
      for (int64_t f = 0; f < filters; f += lanes)
        kernels().winogradAddTaps(sums + (part * plan.channels + c) * plan.filters + f, sumStep(plan),
                                  plan.parts[part].tap, static_cast<int>(std::min(lanes, filters - f)),
                                  gradient + f * filterStep + c, filterStep);
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
