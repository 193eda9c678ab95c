// What ways have in common that read windows where they stand in a padded image: sizes in floats.
#pragma once
#include <algorithm>

#include "core/convolution.h"
#include "core/instruction_set.h"
#include "core/maps.h"
#include "core/parallel.h"

namespace brightcell {

struct DirectLayout {
  explicit DirectLayout(const ConvLayer& l)
      : layer(l),
        run(static_cast<int64_t>(l.window.width) * l.source.channels),
        depth(l.window.height * run),
        wideStep(roundUp(l.output.channels, kernels().lanes)) {
    const Window& w = l.window;
    source = {(l.output.height - 1) * w.strideY + w.height, (l.output.width - 1) * w.strideX + w.width, w.top, w.left,
              l.source.channels};
    wide = {l.output.height, l.output.width, 0, 0, wideStep};
  }
  int64_t windowOffset(int64_t position) const {
    const int64_t y = position / layer.output.width, x = position % layer.output.width;
    return source.at(y * layer.window.strideY, x * layer.window.strideX);
  }
  int columns(int64_t filter) const {
    return static_cast<int>(std::min<int64_t>(kernels().panel, layer.output.channels - filter));
  }
  int64_t filters() const { return layer.output.channels; }
  // Whether the wide map is the layer's result, position by position.
  bool straight() const { return !layer.pooled && wideStep == filters(); }
  // From sums [depth][wideStep] to the weights' gradient. On all threads.
  void addToWeights(const float* sums, float* gradient) const {
    parallelFor(filters(), [&](std::ptrdiff_t f, int) {
      for (int64_t i = 0; i < depth; ++i) gradient[f * depth + i] += sums[i * wideStep + f];
    });
  }

  ConvLayer layer;
  int64_t run;       // floats of one kernel row
  int64_t depth;     // floats of a window
  int64_t wideStep;  // floats between positions of the wide map: whole vectors
  MapLayout source, wide;
};

}  // namespace brightcell
