#include "core/convolution.h"

#include <algorithm>
#include <cstring>

#include "core/instruction_set.h"

namespace brightcell {

ConvGeometry::ConvGeometry(Shape src, int filters, Window w, int lanes)
    : source(src), output{filters, w.outputHeight(src.height), w.outputWidth(src.width)}, window(w) {
  paddedHeight = (output.height - 1) * w.strideY + w.height;
  paddedWidth = (output.width - 1) * w.strideX + w.width;
  run = static_cast<int64_t>(w.width) * src.channels;
  sourceRow = static_cast<int64_t>(paddedWidth) * src.channels;
  paddedSize = paddedHeight * sourceRow + 64;
  wideStep = roundUp(filters, lanes);
}

namespace {

class DirectConvolution : public ConvAlgorithm {
 public:
  explicit DirectConvolution(const ConvGeometry& geometry) : g_(geometry) {}

  void prepare(const float* weights, const float* bias, bool backward) override {
    packForward(weights, bias);
    if (backward) packBackward(weights);
  }

  void forward(const float* padded, float* wide) const override {
    const Kernels& k = kernels();
    const float* a[16];
    float* c[16];
    const int64_t positions = g_.output.positions();
    for (int64_t p = 0; p < positions; p += k.rows) {
      const int rows = static_cast<int>(std::min<int64_t>(k.rows, positions - p));
      for (int r = 0; r < rows; ++r) a[r] = padded + windowOffset(p + r);
      for (int64_t f = 0; f < g_.output.channels; f += k.panel) {
        for (int r = 0; r < rows; ++r) c[r] = wide + (p + r) * g_.wideStep + f;
        k.tile({a, 1, g_.window.height, g_.sourceRow, g_.run, packed_.data() + f * depth(), k.panel, c, rows,
                columns(f), false, bias_.data() + f});
      }
    }
  }

  // [depth][wideStep]: the source's elements are the rows, the filters the columns, the positions the depth.
  int64_t accumulatorFloats() const override { return depth() * g_.wideStep; }

  void addDiffWeights(const float* padded, const ResultGradient& diff, float* accumulator) const override {
    const Kernels& k = kernels();
    const float* a[16];
    float* c[16];
    for (int64_t row = 0; row < depth(); row += k.rows) {
      const int rows = static_cast<int>(std::min<int64_t>(k.rows, depth() - row));
      for (int r = 0; r < rows; ++r) a[r] = padded + (row + r) / g_.run * g_.sourceRow + (row + r) % g_.run;
      for (int64_t f = 0; f < g_.output.channels; f += k.panel) {
        for (int r = 0; r < rows; ++r) c[r] = accumulator + (row + r) * g_.wideStep + f;
        k.tile({a, static_cast<ptrdiff_t>(g_.window.strideX) * g_.source.channels, g_.output.height,
                g_.window.strideY * g_.sourceRow, g_.output.width, diff.wide + f, g_.wideStep, c, rows, columns(f),
                true, nullptr});
      }
    }
  }

  void collectDiffWeights(const float* accumulator, float* gradient) const override {
    for (int64_t f = 0; f < g_.output.channels; ++f)
      for (int64_t i = 0; i < depth(); ++i) gradient[f * depth() + i] += accumulator[i * g_.wideStep + f];
  }

  void addDiffSource(const ResultGradient& diff, float* padded) const override {
    const Kernels& k = kernels();
    const float* a[16];
    float* c[16];
    const int64_t positions = g_.output.positions(), panels = roundUp(g_.run, k.panel) / k.panel;
    for (int64_t p = 0; p < positions; p += k.rows) {
      const int rows = static_cast<int>(std::min<int64_t>(k.rows, positions - p));
      for (int r = 0; r < rows; ++r) a[r] = diff.wide + (p + r) * g_.wideStep;
      for (int y = 0; y < g_.window.height; ++y)
        for (int64_t panel = 0; panel < panels; ++panel) {
          const int64_t at = panel * k.panel;
          for (int r = 0; r < rows; ++r) c[r] = padded + windowOffset(p + r) + y * g_.sourceRow + at;
          k.tile({a, 1, 1, 0, g_.output.channels,
                  transposed_.data() + (y * panels + panel) * g_.output.channels * k.panel, k.panel, c, rows,
                  static_cast<int>(std::min<int64_t>(k.panel, g_.run - at)), true, nullptr});
        }
    }
  }

 protected:
  int64_t depth() const { return g_.window.height * g_.run; }
  int64_t windowOffset(int64_t position) const {
    const int64_t y = position / g_.output.width, x = position % g_.output.width;
    return y * g_.window.strideY * g_.sourceRow + x * g_.window.strideX * g_.source.channels;
  }
  int columns(int64_t filter) const {
    return static_cast<int>(std::min<int64_t>(kernels().panel, g_.output.channels - filter));
  }

  ConvGeometry g_;

 private:
  // [panel of filters][depth][panel]
  void packForward(const float* weights, const float* bias) {
    const int panel = kernels().panel;
    const int64_t filters = roundUp(g_.output.channels, panel);
    float* packed = packed_.zeroed(filters * depth());
    for (int64_t f = 0; f < g_.output.channels; ++f)
      for (int64_t i = 0; i < depth(); ++i)
        packed[f / panel * panel * depth() + i * panel + f % panel] = weights[f * depth() + i];
    float* b = bias_.zeroed(filters);
    if (bias != nullptr) std::copy_n(bias, g_.output.channels, b);
  }

  // [kernel row][panel of the run][filter][panel]
  void packBackward(const float* weights) {
    const int panel = kernels().panel;
    const int64_t panels = roundUp(g_.run, panel) / panel;
    float* packed = transposed_.zeroed(g_.window.height * panels * g_.output.channels * panel);
    for (int64_t f = 0; f < g_.output.channels; ++f)
      for (int y = 0; y < g_.window.height; ++y)
        for (int64_t j = 0; j < g_.run; ++j)
          packed[((y * panels + j / panel) * g_.output.channels + f) * panel + j % panel] =
              weights[(f * g_.window.height + y) * g_.run + j];
  }

  Buffer<float> packed_, transposed_, bias_;
};

class SparseConvolution : public DirectConvolution {
 public:
  explicit SparseConvolution(const ConvGeometry& geometry)
      : DirectConvolution(geometry), step_(roundUp(geometry.run, kernels().lanes)) {}

  void prepare(const float* weights, const float* bias, bool backward) override {
    DirectConvolution::prepare(weights, bias, false);
    if (!backward) return;
    const int64_t rows = static_cast<int64_t>(g_.output.channels) * g_.window.height;
    float* padded = rows_.zeroed(rows * step_);
    for (int64_t i = 0; i < rows; ++i) std::copy_n(weights + i * g_.run, g_.run, padded + i * step_);
  }

  // [F][kernel row][run rounded up to vectors]
  int64_t accumulatorFloats() const override { return g_.output.channels * g_.window.height * step_; }

  void addDiffWeights(const float* padded, const ResultGradient& diff, float* accumulator) const override {
    for (int64_t f = 0; f < g_.output.channels; ++f)
      kernels().addLivePatches(diff.live + f * diff.liveStep, diff.liveCount[f], padded, g_.sourceRow,
                               g_.window.height, step_, accumulator + f * g_.window.height * step_);
  }

  void collectDiffWeights(const float* accumulator, float* gradient) const override {
    const int64_t rows = static_cast<int64_t>(g_.output.channels) * g_.window.height;
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < g_.run; ++j) gradient[i * g_.run + j] += accumulator[i * step_ + j];
  }

  void addDiffSource(const ResultGradient& diff, float* padded) const override {
    for (int64_t f = 0; f < g_.output.channels; ++f)
      kernels().scatterLive(diff.live + f * diff.liveStep, diff.liveCount[f],
                            rows_.data() + f * g_.window.height * step_, g_.window.height, step_, padded,
                            g_.sourceRow);
  }

 private:
  int64_t step_;
  Buffer<float> rows_;
};

}  // namespace

std::unique_ptr<ConvAlgorithm> createDirectConvolution(const ConvGeometry& geometry) {
  return std::make_unique<DirectConvolution>(geometry);
}

std::unique_ptr<ConvAlgorithm> createSparseConvolution(const ConvGeometry& geometry) {
  return std::make_unique<SparseConvolution>(geometry);
}

}  // namespace brightcell
