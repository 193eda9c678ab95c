#include "core/pair_convolution.h"

#include <algorithm>
#include <cstring>

#include "core/direct_layout.h"
#include "core/parallel.h"

namespace brightcell {
namespace {

constexpr ptrdiff_t numberBytes = 2, wordBytes = 4;

class PairForward : public ConvForward {
 public:
  explicit PairForward(const ConvLayer& layer)
      : d_(layer), runWords_((d_.run + 1) / 2), depthWords_(layer.window.height * runWords_) {}

  // padded source | the same in bfloat16 | wide map
  int64_t scratchFloats() const override { return paddedFloats() + roundedFloats() + d_.wide.size(); }

  // [panel of filters][kernel row][word of the run][panel]
  void prepare(const float* weights, const float* bias) override {
    const int panel = kernels().panel;
    const int64_t panels = roundUp(d_.filters(), panel) / panel;
    const int rows = d_.layer.window.height;
    uint32_t* packed = packed_.zeroed(panels * depthWords_ * panel);
    parallelFor(panels, [&](std::ptrdiff_t p, int) {
      for (int y = 0; y < rows; ++y)
        kernels().pack({weights + p * panel * d_.depth + y * d_.run, 1, d_.depth, d_.run, d_.columns(p * panel), panel,
                        true, packed + (p * depthWords_ + y * runWords_) * panel});
    });
    float* b = bias_.zeroed(panels * panel);
    if (bias != nullptr) std::copy_n(bias, d_.filters(), b);
  }

  void run(const Features& src, Images images, float* result, uint8_t* place, float* scratch) const override {
    const ConvLayer& layer = d_.layer;
    float *padded = scratch, *rounded = padded + paddedFloats(), *own = rounded + roundedFloats();
    for (int64_t image = images.first; image < images.last; ++image) {
      float* dst = result + image * layer.result.size();
      float* wide = d_.straight() ? dst : own;
      padImage(src, image, d_.source, padded);
      kernels().roundPairs(padded, roundUp(d_.source.size(), kernels().lanes), wordsOf(rounded));
      uint8_t* places = place ? place + image * layer.result.size() : nullptr;
      if (layer.poolsSquares()) {
        convolveAndPool(rounded, own, dst, places);
        continue;
      }
      convolve(rounded, 0, layer.output.height, wide);
      finishWide(layer, wide, d_.wide, dst, places);
    }
  }

 private:
  // Behind the source stands what fills a vector.
  int64_t paddedFloats() const { return roundUp(d_.source.size(), 16); }
  int64_t roundedFloats() const { return roundUp(paddedFloats() / 2, 16); }

  // Rows [first, last) of the wide map.
  void convolve(const float* rounded, int first, int last, float* wide) const {
    const Window& w = d_.layer.window;
    const int64_t panel = kernels().panel;
    const char* from = reinterpret_cast<const char*>(rounded);
    for (int y = first; y < last; ++y)
      kernels().pairProduct({from + y * w.strideY * d_.source.rowStep() * numberBytes,
                             w.strideX * d_.source.step * numberBytes, wordBytes, d_.source.rowStep() * numberBytes,
                             w.height, runWords_, packed_.data(), panel, depthWords_ * panel,
                             wide + (y - first) * d_.wide.rowStep(), d_.wideStep, d_.layer.output.width, d_.wideStep,
                             false, bias_.data()});
  }

  // Two rows of the wide map at a time, while they are in the first-level cache.
  void convolveAndPool(const float* rounded, float* rows, float* result, uint8_t* place) const {
    const Shape& r = d_.layer.result;
    ConvLayer strip = d_.layer;
    strip.output.height = 2, strip.result.height = 1;
    const int64_t step = static_cast<int64_t>(r.width) * r.channels;
    for (int y = 0; y < r.height; ++y) {
      convolve(rounded, 2 * y, 2 * y + 2, rows);
      finishWide(strip, rows, d_.wide, result + y * step, place ? place + y * step : nullptr);
    }
  }

  DirectLayout d_;
  int64_t runWords_, depthWords_;
  Buffer<uint32_t> packed_;
  Buffer<float> bias_;
};

class PairBackward : public ConvBackward {
 public:
  explicit PairBackward(const ConvLayer& layer)
      : d_(layer),
        apart_(static_cast<int64_t>(layer.window.strideX) * d_.source.step),
        rowPairs_((layer.output.width + 1) / 2),
        filterWords_((d_.filters() + 1) / 2) {}

  // padded source | pairs of it | wide gradient | pairs of its positions | pairs of its filters | padded gradient of the source
  int64_t scratchFloats() const override {
    return paddedFloats() + sourceFloats() + wideFloats() + positionFloats() + filterFloats() + sourceFloats();
  }

  // [kernel row][panel of the run][word of filters][panel]
  void prepare(const float* weights) override {
    const int panel = kernels().panel;
    const int64_t panels = roundUp(d_.run, panel) / panel;
    const int rows = d_.layer.window.height;
    uint32_t* packed = transposed_.zeroed(rows * panels * filterWords_ * panel);
    parallelFor(rows * panels, [&](std::ptrdiff_t i, int) {
      const int64_t y = i / panels, at = i % panels * panel;
      kernels().pack({weights + y * d_.run + at, d_.depth, 1, d_.filters(),
                      static_cast<int>(std::min<int64_t>(panel, d_.run - at)), panel, true,
                      packed + i * filterWords_ * panel});
    });
  }

  // [depth][wideStep]
  int64_t accumulatorFloats() const override { return d_.depth * d_.wideStep; }

  void run(const Features& src, Images images, const float* diff, const uint8_t* place, float* accumulator,
           float* diffSrc, float* scratch) const override {
    const ConvLayer& layer = d_.layer;
    float *padded = scratch, *source = padded + paddedFloats(), *own = source + sourceFloats();
    float *positions = own + wideFloats(), *filters = positions + positionFloats(), *back = filters + filterFloats();
    for (int64_t image = images.first; image < images.last; ++image) {
      const int64_t at = image * layer.result.size();
      pairSource(src, image, padded, source);
      if (diffSrc == nullptr && layer.poolsSquares()) {
        pairPooled(diff + at, place + at, wordsOf(positions));
        addDiffWeights(source, positions, accumulator);
        continue;
      }
      if (!d_.straight()) widenGradient(layer, diff + at, place ? place + at : nullptr, d_.wide, own);
      const float* wide = d_.straight() ? diff + at : own;
      pairPositions(wide, positions);
      addDiffWeights(source, positions, accumulator);
      if (diffSrc == nullptr) continue;
      kernels().roundPairs(wide, layer.output.positions() * d_.wideStep, wordsOf(filters));
      std::memset(back, 0, d_.source.size() * sizeof(float));
      addDiffSource(filters, back);
      cropImage(back, d_.source, layer.source, diffSrc + image * layer.source.size());
    }
  }

  void collect(const float* accumulator, float* gradient) const override {
    d_.addToWeights(accumulator, gradient);
  }

 private:
  int64_t sourceFloats() const { return roundUp(d_.source.size(), 64); }
  // With the position after the last, which has no weight.
  int64_t paddedFloats() const { return sourceFloats() + roundUp(apart_, 64); }
  int64_t wideFloats() const { return roundUp(d_.wide.size(), 16); }
  int64_t positionFloats() const { return d_.layer.output.height * rowPairs_ * d_.wideStep; }
  int64_t filterFloats() const { return roundUp(d_.layer.output.positions() * d_.wideStep / 2, 16); }

  // Each number with the one that the next window has in its place.
  void pairSource(const Features& src, int64_t image, float* padded, float* pairs) const {
    padImage(src, image, d_.source, padded);
    std::fill(padded + d_.source.size(), padded + paddedFloats(), 0.0f);
    const int count = static_cast<int>(sourceFloats());
    kernels().pack({padded, apart_, 1, 2, count, count, true, wordsOf(pairs)});
  }

  // [output row][pair][filter]
  void pairPositions(const float* wide, float* pairs) const {
    const int width = static_cast<int>(d_.wideStep);
    for (int y = 0; y < d_.layer.output.height; ++y)
      kernels().pack({wide + y * d_.wide.rowStep(), d_.wideStep, 1, d_.layer.output.width, width, width, true,
                      wordsOf(pairs) + y * rowPairs_ * d_.wideStep});
  }

  // The same straight from the pooled gradient, whose cells are pairs of two rows; what no cell covers is zero.
  void pairPooled(const float* diff, const uint8_t* place, uint32_t* pairs) const {
    const Shape& r = d_.layer.result;
    const int64_t row = rowPairs_ * d_.wideStep, filled = r.width * d_.wideStep;
    for (int y = 0; y < r.height; ++y, pairs += 2 * row) {
      const int64_t at = static_cast<int64_t>(y) * r.width * r.channels;
      kernels().pairPooled(diff + at, place + at, r.width, r.channels, pairs, pairs + row, d_.wideStep);
      std::fill(pairs + filled, pairs + row, 0);
      std::fill(pairs + row + filled, pairs + 2 * row, 0);
    }
    std::fill_n(pairs, (d_.layer.output.height - 2 * r.height) * row, 0);
  }

  void addDiffWeights(const float* source, const float* gradient, float* accumulator) const {
    for (int y = 0; y < d_.layer.window.height; ++y)
      kernels().pairProduct({source + y * d_.source.rowStep(), wordBytes, 2 * apart_ * wordBytes,
                             d_.layer.window.strideY * d_.source.rowStep() * wordBytes, d_.layer.output.height,
                             rowPairs_, wordsOf(gradient), d_.wideStep, kernels().panel,
                             accumulator + y * d_.run * d_.wideStep, d_.wideStep, d_.run, d_.wideStep, true, nullptr});
  }

  // Windows of one product do not overlap: adding to what was written an instant ago waits for it.
  void addDiffSource(const float* gradient, float* back) const {
    const Window& w = d_.layer.window;
    const int width = d_.layer.output.width;
    const int64_t panel = kernels().panel, panels = roundUp(d_.run, panel) / panel;
    const int apart = (w.width + w.strideX - 1) / w.strideX;
    const char* from = reinterpret_cast<const char*>(gradient);
    for (int y = 0; y < d_.layer.output.height; ++y)
      for (int row = 0; row < w.height; ++row)
        for (int x = 0; x < std::min(apart, width); ++x) {
          const int64_t position = static_cast<int64_t>(y) * width + x;
          kernels().pairProduct({from + position * d_.wideStep * numberBytes, apart * d_.wideStep * numberBytes,
                                 wordBytes, 0, 1, filterWords_, transposed_.data() + row * panels * filterWords_ * panel,
                                 panel, filterWords_ * panel,
                                 back + d_.windowOffset(position) + row * d_.source.rowStep(), apart * apart_,
                                 (width - x + apart - 1) / apart, roundUp(d_.run, kernels().lanes), true, nullptr});
        }
  }

  DirectLayout d_;
  int64_t apart_;  // floats between windows of a row
  int64_t rowPairs_, filterWords_;
  Buffer<uint32_t> transposed_;
};

// Share of the peak of bfloat16, twice that of float32, that the products reach, and what a number costs that is padded,
// rounded or pooled, as measured.
constexpr double forwardShare = 0.9, weightShare = 0.9, sourceShare = 0.7;
constexpr double numberCost = 2;

bool canPair(Precision precision) { return precision == Precision::bfloat16 && kernels().pairProduct != nullptr; }

}  // namespace

void addPairForward(const ConvLayer& layer, Precision precision, std::vector<ConvCandidate<ConvForward>>& candidates) {
  if (!canPair(precision)) return;
  const DirectLayout d(layer);
  const double words = static_cast<double>(layer.window.height) * ((d.run + 1) / 2);
  const double products = static_cast<double>(layer.output.positions()) * words * d.wideStep;
  candidates.push_back({"pairs", products / forwardShare + numberCost * (d.source.size() + d.wide.size()),
                        [layer] { return std::make_unique<PairForward>(layer); }});
}

void addPairBackward(const ConvLayer& layer, bool diffSource, Precision precision,
                     std::vector<ConvCandidate<ConvBackward>>& candidates) {
  if (!canPair(precision)) return;
  const DirectLayout d(layer);
  const double pairs = static_cast<double>(layer.output.height) * ((layer.output.width + 1) / 2);
  double cost = pairs * d.depth * d.wideStep / weightShare + 2 * numberCost * (d.source.size() + d.wide.size());
  if (diffSource) {
    const double run = static_cast<double>(roundUp(d.run, kernels().lanes));
    cost += static_cast<double>(layer.output.positions()) * layer.window.height * ((d.filters() + 1) / 2) * run / sourceShare +
            2 * numberCost * (d.source.size() + d.wide.size());
  }
  candidates.push_back({"pairs", cost, [layer] { return std::make_unique<PairBackward>(layer); }});
}

}  // namespace brightcell
