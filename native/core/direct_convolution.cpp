#include "core/direct_convolution.h"

#include <algorithm>
#include <cstring>

#include "core/direct_layout.h"
#include "core/instruction_set.h"
#include "core/parallel.h"

namespace brightcell {
namespace {

class DirectForward : public ConvForward {
 public:
  explicit DirectForward(const ConvLayer& layer) : d_(layer) {}

  int64_t scratchFloats() const override { return roundUp(d_.source.size(), 16) + d_.wide.size(); }

  // [panel of filters][depth][panel]
  void prepare(const float* weights, const float* bias) override {
    const int panel = kernels().panel;
    const int64_t filters = roundUp(d_.filters(), panel);
    float* packed = packed_.zeroed(filters * d_.depth);
    parallelFor(d_.filters(), [&](std::ptrdiff_t f, int) {
      for (int64_t i = 0; i < d_.depth; ++i)
        packed[f / panel * panel * d_.depth + i * panel + f % panel] = weights[f * d_.depth + i];
    });
    float* b = bias_.zeroed(filters);
    if (bias != nullptr) std::copy_n(bias, d_.filters(), b);
  }

  void run(const Features& src, Images images, float* result, uint8_t* place, float* scratch) const override {
    const ConvLayer& layer = d_.layer;
    float* padded = scratch;
    for (int64_t image = images.first; image < images.last; ++image) {
      float* dst = result + image * layer.result.size();
      float* wide = d_.straight() ? dst : padded + roundUp(d_.source.size(), 16);
      padImage(src, image, d_.source, padded);
      convolve(padded, wide);
      finishWide(layer, wide, d_.wide, dst, place ? place + image * layer.result.size() : nullptr);
    }
  }

 private:
  void convolve(const float* padded, float* wide) const {
    const Kernels& k = kernels();
    const float* a[16];
    float* c[16];
    const int64_t positions = d_.layer.output.positions();
    for (int64_t p = 0; p < positions; p += k.rows) {
      const int rows = static_cast<int>(std::min<int64_t>(k.rows, positions - p));
      for (int r = 0; r < rows; ++r) a[r] = padded + d_.windowOffset(p + r);
      for (int64_t f = 0; f < d_.filters(); f += k.panel) {
        for (int r = 0; r < rows; ++r) c[r] = wide + (p + r) * d_.wideStep + f;
        k.tile({a, 1, d_.layer.window.height, d_.source.rowStep(), d_.run, packed_.data() + f * d_.depth, k.panel, c,
                rows, d_.columns(f), false, bias_.data() + f});
      }
    }
  }

  DirectLayout d_;
  Buffer<float> packed_, bias_;
};

class DirectBackward : public ConvBackward {
 public:
  explicit DirectBackward(const ConvLayer& layer) : d_(layer) {}

  // padded source | padded gradient of it | wide gradient
  int64_t scratchFloats() const override { return 2 * roundUp(d_.source.size(), 16) + d_.wide.size(); }

  // [kernel row][panel of the run][filter][panel]
  void prepare(const float* weights) override {
    const int panel = kernels().panel;
    const int64_t panels = roundUp(d_.run, panel) / panel;
    const int kernelRows = d_.layer.window.height;
    float* packed = transposed_.zeroed(kernelRows * panels * d_.filters() * panel);
    parallelFor(d_.filters(), [&](std::ptrdiff_t f, int) {
      for (int y = 0; y < kernelRows; ++y)
        for (int64_t j = 0; j < d_.run; ++j)
          packed[((y * panels + j / panel) * d_.filters() + f) * panel + j % panel] =
              weights[(f * kernelRows + y) * d_.run + j];
    });
  }

  // [depth][wideStep]: the source's elements are the rows, the filters the columns, the positions the depth.
  int64_t accumulatorFloats() const override { return d_.depth * d_.wideStep; }

  void run(const Features& src, Images images, const float* diff, const uint8_t* place, float* accumulator,
           float* diffSrc, float* scratch) const override {
    const ConvLayer& layer = d_.layer;
    float* padded = scratch;
    float* diffPadded = padded + roundUp(d_.source.size(), 16);
    float* wide = diffPadded + roundUp(d_.source.size(), 16);
    for (int64_t image = images.first; image < images.last; ++image) {
      const int64_t at = image * layer.result.size();
      if (!d_.straight()) widenGradient(layer, diff + at, place ? place + at : nullptr, d_.wide, wide);
      const float* gradient = d_.straight() ? diff + at : wide;
      padImage(src, image, d_.source, padded);
      addDiffWeights(padded, gradient, accumulator);
      if (diffSrc == nullptr) continue;
      std::memset(diffPadded, 0, d_.source.size() * sizeof(float));
      addDiffSource(gradient, diffPadded);
      cropImage(diffPadded, d_.source, layer.source, diffSrc + image * layer.source.size());
    }
  }

  void collect(const float* accumulator, float* gradient) const override {
    d_.addToWeights(accumulator, gradient);
  }

 private:
  void addDiffWeights(const float* padded, const float* wide, float* accumulator) const {
    const Kernels& k = kernels();
    const ConvLayer& layer = d_.layer;
    const float* a[16];
    float* c[16];
    for (int64_t row = 0; row < d_.depth; row += k.rows) {
      const int rows = static_cast<int>(std::min<int64_t>(k.rows, d_.depth - row));
      for (int r = 0; r < rows; ++r) a[r] = padded + (row + r) / d_.run * d_.source.rowStep() + (row + r) % d_.run;
      for (int64_t f = 0; f < d_.filters(); f += k.panel) {
        for (int r = 0; r < rows; ++r) c[r] = accumulator + (row + r) * d_.wideStep + f;
        k.tile({a, layer.window.strideX * d_.source.step, layer.output.height,
                layer.window.strideY * d_.source.rowStep(), layer.output.width, wide + f, d_.wideStep, c, rows,
                d_.columns(f), true, nullptr});
      }
    }
  }

  void addDiffSource(const float* wide, float* diffPadded) const {
    const Kernels& k = kernels();
    const float* a[16];
    float* c[16];
    const int64_t positions = d_.layer.output.positions(), panels = roundUp(d_.run, k.panel) / k.panel;
    for (int64_t p = 0; p < positions; p += k.rows) {
      const int rows = static_cast<int>(std::min<int64_t>(k.rows, positions - p));
      for (int r = 0; r < rows; ++r) a[r] = wide + (p + r) * d_.wideStep;
      for (int y = 0; y < d_.layer.window.height; ++y)
        for (int64_t panel = 0; panel < panels; ++panel) {
          const int64_t at = panel * k.panel;
          for (int r = 0; r < rows; ++r) c[r] = diffPadded + d_.windowOffset(p + r) + y * d_.source.rowStep() + at;
          k.tile({a, 1, 1, 0, d_.filters(), transposed_.data() + (y * panels + panel) * d_.filters() * k.panel,
                  k.panel, c, rows, static_cast<int>(std::min<int64_t>(k.panel, d_.run - at)), true, nullptr});
        }
    }
  }

  DirectLayout d_;
  Buffer<float> transposed_;
};

class SparseBackward : public ConvBackward {
 public:
  explicit SparseBackward(const ConvLayer& layer)
      : d_(layer), step_(roundUp(d_.run, kernels().lanes)), cells_(layer.result.positions()) {}

  // padded source | padded gradient of it | counts | lists
  int64_t scratchFloats() const override {
    return 2 * roundUp(d_.source.size(), 16) + roundUp(2 * d_.filters(), 16) + 2 * d_.layer.result.size() + 64;
  }

  void prepare(const float* weights) override {
    const int64_t rows = d_.filters() * d_.layer.window.height;
    float* padded = rows_.zeroed(rows * step_);
    for (int64_t i = 0; i < rows; ++i) std::copy_n(weights + i * d_.run, d_.run, padded + i * step_);
  }

  // [F][kernel row][run rounded up to vectors]
  int64_t accumulatorFloats() const override { return d_.filters() * filterStep(); }

  void run(const Features& src, Images images, const float* diff, const uint8_t* place, float* accumulator,
           float* diffSrc, float* scratch) const override {
    const ConvLayer& layer = d_.layer;
    float* padded = scratch;
    float* diffPadded = padded + roundUp(d_.source.size(), 16);
    int64_t* counts = reinterpret_cast<int64_t*>(diffPadded + roundUp(d_.source.size(), 16));
    Live* live = reinterpret_cast<Live*>(counts + roundUp(d_.filters(), 8));
    const int rows = layer.window.height;
    for (int64_t image = images.first; image < images.last; ++image) {
      const int64_t at = image * layer.result.size();
      listLive(diff + at, place + at, counts, live);
      padImage(src, image, d_.source, padded);
      for (int64_t f = 0; f < d_.filters(); ++f)
        kernels().addLivePatches(live + f * cells_, counts[f], padded, d_.source.rowStep(), rows, step_,
                                 accumulator + f * filterStep());
      if (diffSrc == nullptr) continue;
      std::memset(diffPadded, 0, d_.source.size() * sizeof(float));
      for (int64_t f = 0; f < d_.filters(); ++f)
        kernels().scatterLive(live + f * cells_, counts[f], rows_.data() + f * filterStep(), rows, step_, diffPadded,
                              d_.source.rowStep());
      cropImage(diffPadded, d_.source, layer.source, diffSrc + image * layer.source.size());
    }
  }

  void collect(const float* accumulator, float* gradient) const override {
    const int64_t rows = d_.filters() * d_.layer.window.height;
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < d_.run; ++j) gradient[i * d_.run + j] += accumulator[i * step_ + j];
  }

 private:
  int64_t filterStep() const { return d_.layer.window.height * step_; }

  // Filter f's entries stand at live + f * cells.
  void listLive(const float* diff, const uint8_t* place, int64_t* counts, Live* live) const {
    const Window &pool = d_.layer.pool, &window = d_.layer.window;
    const Shape& shape = d_.layer.result;
    std::fill_n(counts, shape.channels, 0);
    // Offsets of the places of one window, so that a cell costs one addition.
    const int64_t rowStep = window.strideY * d_.source.rowStep(), columnStep = window.strideX * d_.source.step;
    int32_t offsets[256];
    for (int i = 0; i < pool.area(); ++i)
      offsets[i] = static_cast<int32_t>(i / pool.width * rowStep + i % pool.width * columnStep);
    // Every second cell first: windows side by side share positions, and adding to what was written an instant ago
    // waits for it.
    for (int y = 0; y < shape.height; ++y)
      for (int first = 0; first < 2; ++first)
        for (int x = first; x < shape.width; x += 2) {
          const int64_t corner = (y * pool.strideY - pool.top) * rowStep + (x * pool.strideX - pool.left) * columnStep;
          const int64_t cell = (static_cast<int64_t>(y) * shape.width + x) * shape.channels;
          for (int f = 0; f < shape.channels; ++f) {
            const float value = diff[cell + f];
            live[f * cells_ + counts[f]] = {static_cast<int32_t>(corner + offsets[place[cell + f]]), value};
            counts[f] += value != 0.0f;
          }
        }
  }

  DirectLayout d_;
  int64_t step_, cells_;
  Buffer<float> rows_;
};

// Share of the peak that the ways reach, as measured; three fourths of a pooled gradient are taken as alive.
constexpr double directShare = 0.85, sparseShare = 0.45, liveShare = 0.75;

}  // namespace

void addDirectForward(const ConvLayer& layer, std::vector<ConvCandidate<ConvForward>>& candidates) {
  const double filled = static_cast<double>(layer.output.channels) / roundUp(layer.output.channels, kernels().lanes);
  candidates.push_back({"direct", layer.multiplyAdds() / directShare / filled,
                        [layer] { return std::make_unique<DirectForward>(layer); }});
}

void addDirectBackward(const ConvLayer& layer, bool diffSource, std::vector<ConvCandidate<ConvBackward>>& candidates) {
  const double passes = diffSource ? 2 : 1;
  const double filled = static_cast<double>(layer.output.channels) / roundUp(layer.output.channels, kernels().lanes);
  candidates.push_back({"direct", passes * layer.multiplyAdds() / directShare / filled,
                        [layer] { return std::make_unique<DirectBackward>(layer); }});
  if (!layer.pooled || layer.pool.area() > 256) return;
  const double run = static_cast<double>(layer.window.width) * layer.source.channels;
  const double live = static_cast<double>(layer.result.size()) * layer.depth() * liveShare;
  candidates.push_back({"sparse", passes * live / sparseShare * (roundUp(run, kernels().lanes) / run),
                        [layer] { return std::make_unique<SparseBackward>(layer); }});
}

}  // namespace brightcell
