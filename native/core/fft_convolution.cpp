// Both directions are correlations, dst[p] = sum over k of w[k] src[p + k]: the forward one of the padded source, the
// gradient of the source one of the padded gradient with the kernel turned round. The gradient of the weights is one
// too: of a block of the source with the padded gradient around it, which has been transformed already; it is summed
// as a spectrum and turned back once a step. Numbers of a spectrum go group of columns by group of columns (fft.h)
// through transform, product and inverse, so that they and the weights' spectrum stay in the cache.
// C channels of the source, F filters.
#include "core/fft_convolution.h"

#include <algorithm>
#include <cstring>

#include "core/fft_spectra.h"
#include "core/parallel.h"

namespace brightcell {
namespace {

constexpr int largestKernel = 12;
// Spectra that are in work at once, and tiles that make a product worth while.
constexpr int64_t workFloats = 160 * 1024;
constexpr int64_t enoughTiles = 24;

int64_t imagesAtOnce(const Tiling& tiling) { return std::max<int64_t>(1, enoughTiles / tiling.count()); }

// Cuts a worker's scratch into pieces.
class Pieces {
 public:
  explicit Pieces(float* at) : at_(at) {}
  float* take(int64_t floats) {
    float* piece = at_ + used_;
    used_ += roundUp(floats, 16) + 16;
    return piece;
  }
  int64_t used() const { return used_; }

 private:
  float* at_;
  int64_t used_ = 0;
};

// The pool of one vector of channels; without one, a window of one position.
PoolGeometry poolOf(const ConvLayer& layer, int64_t planeRow, int64_t vector) {
  const Window w = layer.pooled ? layer.pool : Window{};
  const Shape &wide = layer.output, &r = layer.result;
  const int lanes = kernels().lanes;
  const int channels = static_cast<int>(std::min<int64_t>(lanes, r.channels - vector * lanes));
  return {wide.height, wide.width, planeRow,  lanes,     channels, r.height, r.width,
          r.channels,  w.height,   w.width,   w.strideY, w.strideX, w.top,   w.left};
}

int64_t tilesAtOnce(int64_t floatsEach, int64_t tiles) {
  return std::min(tiles, std::max<int64_t>(8, workFloats / floatsEach / 4 * 4));
}

class FftForward : public ConvForward {
 public:
  FftForward(const ConvLayer& layer, Precision precision)
      : layer_(layer),
        precision_(precision),
        tiling_(layer.window, layer.output),
        kernel_(layer.source.channels, layer.output.channels, layer.window, precision) {}

  int64_t group() const override { return imagesAtOnce(tiling_); }
  int64_t scratchFloats() const override { return partsAt(nullptr).floats; }

  void prepare(const float* weights, const float* bias) override {
    const Window& w = layer_.window;
    const int channels = layer_.source.channels, filters = layer_.output.channels;
    kernel_.prepare([&](int64_t c, int64_t f, int y, int x) {
      return weights[((f * w.height + y) * w.width + x) * channels + c];
    });
    float* to = bias_.zeroed(wholeVectors(filters));
    if (bias != nullptr) std::copy_n(bias, filters, to);
  }

  void run(const Features& src, Images images, float* result, uint8_t* place, float* scratch) const override {
    const Parts parts = partsAt(scratch);
    for (int64_t first = images.first; first < images.last; first += group())
      runGroup(src, {first, std::min(images.last, first + group())}, result, place, parts);
  }

 private:
  struct Parts {
    RowSpectra rows, results;
    Spectra numbers, products;
    float* plane;
    int64_t floats;
  };

  int64_t atOnce() const {
    return tilesAtOnce(Spectra(layer_.source.channels, partsOf(precision_)).tileStep +
                           Spectra(layer_.output.channels, 2).tileStep,
                       group() * tiling_.count());
  }

  Parts partsAt(float* scratch) const {
    const int64_t tiles = group() * tiling_.count();
    Parts p{RowSpectra(fftSide, layer_.source.channels, tiles),
            RowSpectra(tiling_.height, layer_.output.channels, tiles),
            Spectra(layer_.source.channels, partsOf(precision_)),
            Spectra(layer_.output.channels, 2),
            nullptr,
            0};
    Pieces pieces(scratch);
    p.rows.data = pieces.take(p.rows.size());
    p.results.data = pieces.take(p.results.size());
    p.numbers.data = pieces.take(atOnce() * p.numbers.tileStep);
    p.products.data = pieces.take(atOnce() * p.products.tileStep);
    p.plane = pieces.take(tiling_.rows * tiling_.height * planeRow());
    p.floats = pieces.used();
    return p;
  }

  int64_t planeRow() const { return static_cast<int64_t>(tiling_.columns) * tiling_.width * kernels().lanes; }

  void runGroup(const Features& src, Images images, float* result, uint8_t* place, const Parts& p) const {
    const Window& w = layer_.window;
    transformRows(src, images, tiling_, fftSide, fftSide, w.top, w.left, p.rows);
    const int64_t tiles = images.count() * tiling_.count();
    for (int group = 0; group < fftGroups; ++group)
      for (int64_t first = 0; first < tiles; first += atOnce()) {
        const int64_t count = std::min(atOnce(), tiles - first);
        transformColumns(p.rows, first, count, group, precision_, p.numbers);
        for (int f = 0; f < fftCount(group); ++f) kernel_.multiply(p.numbers, count, group, f, p.products);
        inverseColumns(p.products, first, count, group, p.results);
      }
    for (int64_t image = images.first; image < images.last; ++image)
      finish(p, (image - images.first) * tiling_.count(), result + image * layer_.result.size(),
             layer_.pooled && place ? place + image * layer_.result.size() : nullptr);
  }

  void finish(const Parts& p, int64_t firstTile, float* result, uint8_t* place) const {
    const int lanes = kernels().lanes;
    for (int64_t v = 0; v < p.results.vectors; ++v) {
      FftTarget target{nullptr, planeRow(), lanes, tiling_.height, tiling_.width, lanes, bias_.data() + v * lanes};
      for (int64_t t = 0; t < tiling_.count(); ++t) {
        target.dst = p.plane + t / tiling_.columns * tiling_.height * planeRow() +
                     t % tiling_.columns * tiling_.width * lanes;
        kernels().fft->inverseRows(p.results.at(firstTile + t, v), p.results.groupStep, target);
      }
      kernels().maxPool(p.plane, poolOf(layer_, planeRow(), v), result + v * lanes,
                             place ? place + v * lanes : nullptr);
    }
    kernels().activate(layer_.activation, result, layer_.result.size());
  }

  ConvLayer layer_;
  Precision precision_;
  Tiling tiling_;
  KernelSpectrum kernel_;
  Buffer<float> bias_;
};

class FftBackward : public ConvBackward {
 public:
  FftBackward(const ConvLayer& layer, bool diffSource, Precision precision)
      : layer_(layer),
        diffSource_(diffSource),
        precision_(precision),
        tiling_(layer.window, layer.source),
        kernel_(layer.output.channels, layer.source.channels, layer.window, precision) {}

  int64_t group() const override { return imagesAtOnce(tiling_); }
  int64_t scratchFloats() const override { return partsAt(nullptr).floats; }

  void prepare(const float* weights) override {
    const Window& w = layer_.window;
    const int channels = layer_.source.channels;
    kernel_.prepare([&](int64_t f, int64_t c, int y, int x) {
      return weights[((f * w.height + w.height - 1 - y) * w.width + w.width - 1 - x) * channels + c];
    });
  }

  // [frequency][C][re, im][F in whole vectors]
  int64_t accumulatorFloats() const override { return fftFrequencies * accumulatorStep(); }

  void run(const Features& src, Images images, const float* diff, const uint8_t* place, float* accumulator,
           float* diffSrc, float* scratch) const override {
    const Parts parts = partsAt(scratch);
    for (int64_t first = images.first; first < images.last; first += group())
      runGroup(src, {first, std::min(images.last, first + group())}, diff, place, accumulator, diffSrc, parts);
  }

  void collect(const float* accumulator, float* gradient) const override {
    parallelFor(layer_.source.channels, [&](std::ptrdiff_t c, int) { collectChannel(accumulator, c, gradient); });
  }

 private:
  struct Parts {
    RowSpectra source, diff;
    Spectra sourceNumbers, diffNumbers, products;
    float* plane;
    int64_t floats;
  };

  int64_t accumulatorStep() const { return 2 * layer_.source.channels * wholeVectors(layer_.output.channels); }
  int64_t planeRow() const {
    return (static_cast<int64_t>(tiling_.columns) * tiling_.width + layer_.window.width - 1) * kernels().lanes;
  }
  int64_t planeFloats() const { return (tiling_.rows * tiling_.height + layer_.window.height - 1) * planeRow(); }

  int64_t atOnce() const {
    const int parts = partsOf(precision_);
    return tilesAtOnce(Spectra(layer_.source.channels, parts + 2).tileStep +
                           Spectra(layer_.output.channels, parts).tileStep,
                       group() * tiling_.count());
  }

  Parts partsAt(float* scratch) const {
    const int64_t tiles = group() * tiling_.count();
    const int channels = layer_.source.channels, filters = layer_.output.channels, parts = partsOf(precision_);
    Parts p{RowSpectra(tiling_.height, channels, tiles),
            RowSpectra(fftSide, filters, tiles),
            Spectra(channels, parts),
            Spectra(filters, parts),
            Spectra(channels, 2),
            nullptr,
            0};
    Pieces pieces(scratch);
    p.source.data = pieces.take(p.source.size());
    p.diff.data = pieces.take(p.diff.size());
    p.sourceNumbers.data = pieces.take(atOnce() * p.sourceNumbers.tileStep);
    p.diffNumbers.data = pieces.take(atOnce() * p.diffNumbers.tileStep);
    p.products.data = diffSource_ ? pieces.take(atOnce() * p.products.tileStep) : nullptr;
    p.plane = pieces.take(planeFloats());
    p.floats = pieces.used();
    return p;
  }

  void runGroup(const Features& src, Images images, const float* diff, const uint8_t* place, float* accumulator,
                float* diffSrc, const Parts& p) const {
    for (int64_t image = images.first; image < images.last; ++image)
      transformDiff(diff + image * layer_.result.size(),
                    layer_.pooled ? place + image * layer_.result.size() : nullptr,
                    (image - images.first) * tiling_.count(), p);
    transformRows(src, images, tiling_, tiling_.height, tiling_.width, 0, 0, p.source);
    const int64_t tiles = images.count() * tiling_.count();
    for (int group = 0; group < fftGroups; ++group)
      for (int64_t first = 0; first < tiles; first += atOnce()) {
        const int64_t count = std::min(atOnce(), tiles - first);
        transformColumns(p.diff, first, count, group, precision_, p.diffNumbers);
        transformColumns(p.source, first, count, group, precision_, p.sourceNumbers);
        if (diffSrc)
          for (int f = 0; f < fftCount(group); ++f) kernel_.multiply(p.diffNumbers, count, group, f, p.products);
        for (int f = 0; f < fftCount(group); ++f)
          addWeights(p, count, f, accumulator + (fftFirst(group) + f) * accumulatorStep());
        if (diffSrc) inverseColumns(p.products, first, count, group, p.source);
      }
    if (diffSrc)
      for (int64_t image = images.first; image < images.last; ++image)
        storeDiffSource(p, (image - images.first) * tiling_.count(), diffSrc + image * layer_.source.size());
  }

  // The gradient of the convolution's own map, a vector of filters at a time, with what the kernel reaches around it.
  void transformDiff(const float* diff, const uint8_t* place, int64_t firstTile, const Parts& p) const {
    const Window& w = layer_.window;
    const int lanes = kernels().lanes;
    float* origin = p.plane + (w.height - 1 - w.top) * planeRow() + (w.width - 1 - w.left) * lanes;
    std::memset(p.plane, 0, planeFloats() * sizeof(float));
    for (int64_t v = 0; v < p.diff.vectors; ++v) {
      kernels().unpool(diff + v * lanes, place ? place + v * lanes : nullptr, poolOf(layer_, planeRow(), v),
                            origin);
      FftSource s{nullptr, planeRow(), lanes, 0, fftSide, 0, fftSide, nullptr, nullptr};
      for (int64_t t = 0; t < tiling_.count(); ++t) {
        s.src = p.plane + t / tiling_.columns * tiling_.height * planeRow() +
                t % tiling_.columns * tiling_.width * lanes;
        kernels().fft->rows(s, fftSide, p.diff.at(firstTile + t, v), p.diff.groupStep);
      }
    }
  }

  // conj(source) * gradient, summed over the tiles.
  void addWeights(const Parts& p, int64_t tiles, int f, float* to) const {
    const Spectra &a = p.sourceNumbers, &b = p.diffNumbers;
    const int rows = layer_.source.channels, columns = static_cast<int>(b.channels);
    if (precision_ == Precision::bfloat16)
      kernels().fft->multiplyPairs({a.pairs(0, f), 1, a.tileStep, b.pairs(0, f), b.tileStep, 0, to, 2 * b.channels,
                                    b.channels, rows, columns, tiles, true, true});
    else
      kernels().fft->multiply({a.at(0, f), 1, a.tileStep, a.channels, b.at(0, f), b.tileStep, b.channels, to,
                               2 * b.channels, b.channels, rows, columns, tiles, true, true});
  }

  void storeDiffSource(const Parts& p, int64_t firstTile, float* dst) const {
    const Shape& s = layer_.source;
    const int lanes = kernels().lanes;
    const int64_t row = static_cast<int64_t>(s.width) * s.channels;
    for (int64_t t = 0; t < tiling_.count(); ++t) {
      const int y = static_cast<int>(t / tiling_.columns) * tiling_.height;
      const int x = static_cast<int>(t % tiling_.columns) * tiling_.width;
      for (int64_t v = 0; v < p.source.vectors; ++v) {
        const int channels = static_cast<int>(std::min<int64_t>(lanes, s.channels - v * lanes));
        kernels().fft->inverseRows(p.source.at(firstTile + t, v), p.source.groupStep,
                                   {dst + y * row + x * s.channels + v * lanes, row, s.channels,
                                    std::min(tiling_.height, s.height - y), std::min(tiling_.width, s.width - x),
                                    channels, nullptr});
      }
    }
  }

  void collectChannel(const float* accumulator, int64_t c, float* gradient) const {
    const Window& w = layer_.window;
    const int lanes = kernels().lanes, filters = layer_.output.channels, channels = layer_.source.channels;
    const int64_t columns = wholeVectors(filters), groupStep = 2 * w.height * lanes;
    std::vector<float> rows(fftGroups * groupStep), taps(w.area() * lanes);
    for (int64_t first = 0; first < filters; first += lanes) {
      for (int group = 0; group < fftGroups; ++group)
        kernels().fft->inverseColumns(
            accumulator + fftFirst(group) * accumulatorStep() + 2 * c * columns + first, accumulatorStep(), columns,
            group == 0, w.height, rows.data() + group * groupStep);
      kernels().fft->inverseRows(rows.data(), groupStep,
                                 {taps.data(), w.width * lanes, lanes, w.height, w.width, lanes, nullptr});
      for (int64_t f = first; f < std::min<int64_t>(filters, first + lanes); ++f)
        for (int tap = 0; tap < w.area(); ++tap)
          gradient[(f * w.area() + w.area() - 1 - tap) * channels + c] += taps[tap * lanes + f - first] * fftUnit;
    }
  }

  ConvLayer layer_;
  bool diffSource_;
  Precision precision_;
  Tiling tiling_;
  KernelSpectrum kernel_;
};

// In multiply-adds at full speed, as measured: a complex one, and the transforms of one number of a tile.
double productCost(Precision precision) { return precision == Precision::bfloat16 ? 2.5 : 3.8; }
constexpr double forwardTransformCost = 14, backwardTransformCost = 18;
// Sums of the weights' gradient that do not stay in a core's cache are read and written once an image.
constexpr int64_t cachedFloats = int64_t{1} << 19;
constexpr double sumCost = 90;

// A kernel larger than the map is left to others: what its outer taps add to the spectrum must cancel out again.
bool canDo(const ConvLayer& layer) {
  const Window& w = layer.window;
  const int height = std::min(largestKernel, layer.source.height), width = std::min(largestKernel, layer.source.width);
  return w.strideY == 1 && w.strideX == 1 && w.height <= height && w.width <= width && w.area() > 1 &&
         w.top < w.height && w.bottom < w.height && w.left < w.width && w.right < w.width;
}

Precision available(Precision precision) {
  return kernels().fft->multiplyPairs == nullptr ? Precision::float32 : precision;
}

// products: complex multiply-adds of a frequency; channels: of all maps that are transformed.
double costOf(const ConvLayer& layer, Shape domain, Precision precision, int64_t products, double transforms,
              int64_t channels) {
  return static_cast<double>(Tiling(layer.window, domain).count()) *
         (fftFrequencies * productCost(precision) * static_cast<double>(products) +
          fftSide * fftSide * transforms * static_cast<double>(channels));
}

double forwardCost(const ConvLayer& layer, Precision precision) {
  const int64_t filters = wholeVectors(layer.output.channels);
  return costOf(layer, layer.output, precision, layer.source.channels * filters, forwardTransformCost,
                wholeVectors(layer.source.channels) + filters);
}

double backwardCost(const ConvLayer& layer, bool diffSource, Precision precision) {
  const int64_t channels = wholeVectors(layer.source.channels), filters = wholeVectors(layer.output.channels);
  const int64_t toSource = diffSource ? layer.output.channels * channels : 0;
  const int64_t sums = 2 * fftFrequencies * layer.source.channels * filters;
  return costOf(layer, layer.source, precision, layer.source.channels * filters + toSource, backwardTransformCost,
                (diffSource ? 2 : 1) * channels + filters) +
         (sums > cachedFloats ? sumCost * static_cast<double>(sums) : 0);
}

}  // namespace

void addFftForward(const ConvLayer& layer, Precision wanted, std::vector<ConvCandidate<ConvForward>>& candidates) {
  if (!canDo(layer)) return;
  const Precision precision = available(wanted);
  candidates.push_back({"fft", forwardCost(layer, precision),
                        [=] { return std::make_unique<FftForward>(layer, precision); }});
}

void addFftBackward(const ConvLayer& layer, bool diffSource, Precision wanted,
                    std::vector<ConvCandidate<ConvBackward>>& candidates) {
  if (!canDo(layer)) return;
  const Precision precision = available(wanted);
  candidates.push_back({"fft", backwardCost(layer, diffSource, precision),
                        [=] { return std::make_unique<FftBackward>(layer, diffSource, precision); }});
}

}  // namespace brightcell
