// T tiles in a batch, D, F and the frequencies as in winograd_plan.h. A batch goes: transformed source [36][T][D] times
// weights [36][D][F], six frequencies at a time ([6][T][F]) turned back into rows ([6 fx][4 rows][T][F]), and these into
// the result.
// In bfloat16 products are of 16-bit integers (winograd_fixed.h), with a scale for each tile and each filter. Where few
// filters meet a number, rounding it costs more than it saves, so plain products are a way beside them (`winograd32`).
#include "core/winograd_convolution.h"

#include <algorithm>
#include <cstring>

#include "core/instruction_set.h"
#include "core/maps.h"
#include "core/parallel.h"
#include "core/winograd_fixed.h"
#include "core/winograd_sources.h"
#include "core/winograd_tiles.h"

namespace brightcell {
namespace {

using namespace winograd;

class WinogradForward : public ConvForward {
 public:
  WinogradForward(const ConvLayer& layer, bool fixed) : p_(layer), sources_(p_), fixed_(fixed) {}

  int64_t group() const override { return p_.group; }

  // sources | transformed | products | rows | wide maps | scales of tiles
  int64_t scratchFloats() const override {
    return sources_.scratchFloats() + frequencies * p_.sourceStep() + (points + points * side) * p_.resultStep() +
           (p_.poolsInTile ? 0 : p_.group * p_.wide.size()) + frequencies * p_.batch + 128;
  }

  void prepare(const float* weights, const float* bias) override {
    const int64_t filters = p_.layer.output.channels;
    transformResultWeights(p_, weights, weights_.zeroed(frequencies * resultWeightStep(p_)));
    if (fixed_) fixedWeights_.round(weights_.data(), resultWeightStep(p_), p_.depth, p_.filters);
    float* b = bias_.zeroed(p_.filters);
    if (bias != nullptr) std::copy_n(bias, filters, b);
  }

  void run(const Features& src, Images images, float* result, uint8_t* place, float* scratch) const override {
    const ConvLayer& l = p_.layer;
    float* transformed = scratch + roundUp(sources_.scratchFloats(), 16);
    float* products = transformed + frequencies * p_.sourceStep();
    float* rows = products + points * p_.resultStep();
    float* wide = rows + points * side * p_.resultStep();
    float* scales = wide + (p_.poolsInTile ? 0 : p_.group * p_.wide.size());
    sources_.read(src, images, scratch);
    const int64_t tiles = images.count() * p_.tiles();
    for (int64_t first = 0; first < tiles; first += p_.batch) {
      const int64_t count = std::min(p_.batch, tiles - first);
      sources_.transform(scratch, first, count, transformed);
      if (fixed_) roundSources(transformed, count, scales);
      multiply(transformed, count, scales, products, rows);
      for (int64_t t = 0; t < count; ++t) {
        const TileAt tile = p_.tileAt(first + t);
        const int64_t at = (images.first + tile.image) * l.result.size();
        writeResult(p_, tile, rows + t * p_.filters, p_.resultStep(), bias_.data(), result + at,
                    place ? place + at : nullptr, wide + tile.image * p_.wide.size());
      }
    }
    for (int64_t i = 0; i < images.count(); ++i) {
      const int64_t at = (images.first + i) * l.result.size();
      if (!p_.poolsInTile)
        finishWide(l, wide + i * p_.wide.size(), p_.wide, result + at, place ? place + at : nullptr);
      else if (l.activation != Activation::relu)
        kernels().activate(l.activation, result + at, l.result.size());
    }
  }

 private:
  // A batch's transformed sources, in place: to [36][T][D in words] or [36][D in words][T].
  void roundSources(float* transformed, int64_t count, float* scales) const {
    const float limit = fixedLimit(p_.depth);
    for (int f = 0; f < frequencies; ++f, scales += p_.batch) {
      float* at = transformed + f * p_.sourceStep();
      if (p_.acrossTiles)
        kernels().fixedRows({at, p_.batch, p_.depth, count, limit, wordsOf(at), p_.batch, scales});
      else
        kernels().fixedPairs({at, p_.depth, count, p_.depth, limit, wordsOf(at), p_.wordStep(), scales});
    }
  }

  // Strip by strip, so that the six products of a strip are turned back while in cache, and their weights stay there.
  void multiply(const float* transformed, int64_t count, const float* scales, float* products, float* rows) const {
    const int64_t panel = kernels().panel, step = p_.stripStep();
    for (int fx = 0; fx < points; ++fx)
      for (int64_t first = 0; first < count; first += p_.strip) {
        const int64_t tiles = std::min(p_.strip, count - first);
        for (int fy = 0; fy < points; ++fy) {
          const int f = fx * points + fy;
          const float *source = transformed + f * p_.sourceStep(), *weights = weights_.data() + f * resultWeightStep(p_);
          if (fixed_)
            kernels().fixedProduct({wordsOf(source) + first * p_.wordStep(), p_.wordStep(), p_.depthStep(),
                                    scales + f * p_.batch + first, wordsOf(weights), panel, p_.depth * panel,
                                    fixedWeights_.scales(f), products + fy * step, p_.filters, tiles,
                                    p_.filters, (p_.depth + 1) / 2, false});
          else
            kernels().smallProduct({source + first * p_.tileStep(), p_.tileStep(), p_.depthStep(), weights, panel,
                                    p_.depth * panel, products + fy * step, p_.filters, tiles, p_.filters, p_.depth,
                                    false});
        }
        kernels().winogradToRows(products, step, tiles * p_.filters,
                                 rows + fx * side * p_.resultStep() + first * p_.filters, p_.resultStep());
      }
  }

  Plan p_;
  Sources sources_;
  bool fixed_;
  Buffer<float> weights_, bias_;
  FixedWeights fixedWeights_;
};

class WinogradBackward : public ConvBackward {
 public:
  WinogradBackward(const ConvLayer& layer, bool fixed) : p_(layer), sources_(p_), fixed_(fixed) {}

  int64_t group() const override { return p_.group; }

  // sources | transformed, then its gradient | frequencies of the gradient | rows | rounded gradient and scales |
  // wide maps | padded gradient of the source
  int64_t scratchFloats() const override {
    return sources_.scratchFloats() + frequencies * p_.sourceStep() + (points + points * side) * p_.resultStep() +
           roundedFloats() + (p_.poolsInTile ? 0 : p_.group * p_.wide.size()) + p_.group * sources_.paddedStep() + 128;
  }

  void prepare(const float* weights) override {
    transformSourceWeights(p_, weights, weights_.zeroed(frequencies * sourceWeightStep(p_)));
    if (fixed_) fixedWeights_.round(weights_.data(), sourceWeightStep(p_), p_.filters, p_.depth);
  }

  // [36][D][F]
  int64_t accumulatorFloats() const override { return frequencies * sumStep(p_); }

  void run(const Features& src, Images images, const float* diff, const uint8_t* place, float* accumulator,
           float* diffSrc, float* scratch) const override {
    const ConvLayer& l = p_.layer;
    float* transformed = scratch + roundUp(sources_.scratchFloats(), 16);
    float* gradient = transformed + frequencies * p_.sourceStep();
    float* rows = gradient + points * p_.resultStep();
    float* rounded = rows + points * side * p_.resultStep();
    float* wide = rounded + roundedFloats();
    float* padded = wide + (p_.poolsInTile ? 0 : roundUp(p_.group * p_.wide.size(), 16));
    sources_.read(src, images, scratch);
    if (!p_.poolsInTile)
      for (int64_t i = 0; i < images.count(); ++i) {
        const int64_t at = (images.first + i) * l.result.size();
        widenGradient(l, diff + at, place ? place + at : nullptr, p_.wide, wide + i * p_.wide.size());
      }
    if (diffSrc != nullptr) std::memset(padded, 0, images.count() * sources_.paddedStep() * sizeof(float));
    const int64_t tiles = images.count() * p_.tiles();
    for (int64_t first = 0; first < tiles; first += p_.batch) {
      const int64_t count = std::min(p_.batch, tiles - first);
      spread(images, first, count, diff, place, wide, rows);
      sources_.transform(scratch, first, count, transformed);
      multiply(rows, count, gradient, rounded, transformed, accumulator, diffSrc != nullptr);
      if (diffSrc != nullptr) addToSources(p_, transformed, first, count, padded, sources_.paddedStep());
    }
    if (diffSrc == nullptr) return;
    for (int64_t i = 0; i < images.count(); ++i)
      cropImage(padded + i * sources_.paddedStep(), p_.source, l.source, diffSrc + (images.first + i) * l.source.size());
  }

  void collect(const float* accumulator, float* gradient) const override {
    addSumsToWeights(p_, accumulator, gradient);
  }

 private:
  int64_t roundedFloats() const {
    return fixed_ ? roundUp(p_.batch * p_.filters / 2, 16) + roundUp(p_.batch, 16) + p_.filters + p_.depth : 0;
  }

  // The gradient of the tiles, as frequencies in x of each of their rows.
  void spread(Images images, int64_t first, int64_t count, const float* diff, const uint8_t* place, const float* wide,
              float* rows) const {
    for (int64_t t = 0; t < count; ++t) {
      const TileAt tile = p_.tileAt(first + t);
      const int64_t at = (images.first + tile.image) * p_.layer.result.size();
      spreadGradient(p_, tile, diff + at, place ? place + at : nullptr, wide + tile.image * p_.wide.size(),
                     rows + t * p_.filters, p_.resultStep());
    }
  }

  void multiply(const float* rows, int64_t count, float* gradient, float* rounded, float* transformed,
                float* accumulator, bool diffSource) const {
    const int64_t step = p_.resultStep();
    for (int fx = 0; fx < points; ++fx) {
      kernels().winogradFromRows(rows + fx * side * step, step, count * p_.filters, gradient, step);
      for (int fy = 0; fy < points; ++fy) {
        const int f = fx * points + fy;
        float *source = transformed + f * p_.sourceStep(), *sum = accumulator + f * sumStep(p_);
        if (fixed_)
          multiplyFixed(f, count, gradient + fy * step, rounded, source, sum, diffSource);
        else
          multiplyOne(f, count, gradient + fy * step, source, sum, diffSource);
      }
    }
  }

  // Frequency f: [T][F] of the gradient, and [T][D] of the source, which has done its work after the first product: the
  // gradient of it takes its place.
  void multiplyOne(int f, int64_t count, const float* gradient, float* source, float* sum, bool diffSource) const {
    const int64_t panel = kernels().panel;
    kernels().smallProduct({source, p_.depthStep(), p_.tileStep(), gradient, p_.filters, panel, sum, p_.filters,
                            p_.depth, p_.filters, count, true});
    if (diffSource)
      kernels().smallProduct({gradient, p_.filters, 1, weights_.data() + f * sourceWeightStep(p_), panel, p_.filters * panel,
                              source, p_.depth, count, p_.depth, p_.filters, false});
  }

  // The same of integers. For the weights, whose sums run over tiles, pairs are of two tiles, and each channel and each
  // filter has a scale; for the source, pairs are of two filters, and each tile has a scale.
  void multiplyFixed(int f, int64_t count, float* gradient, float* rounded, float* source, float* sum,
                     bool diffSource) const {
    const int64_t panel = kernels().panel, filters = p_.filters, depth = p_.depth;
    uint32_t* pairs = wordsOf(rounded);
    float *tileScales = rounded + roundUp(p_.batch * filters / 2, 16), *filterScales = tileScales + roundUp(p_.batch, 16);
    float* depthScales = filterScales + filters;
    if (diffSource)
      kernels().fixedPairs({gradient, filters, count, filters, fixedLimit(filters), pairs, filters / 2, tileScales});
    kernels().fixedRows(
        {gradient, filters, count, filters, fixedLimit(count), wordsOf(gradient), filters, filterScales});
    kernels().fixedRows({source, depth, count, depth, fixedLimit(count), wordsOf(source), depth, depthScales});
    kernels().fixedProduct({wordsOf(source), 1, depth, depthScales, wordsOf(gradient), filters, panel, filterScales, sum,
                            filters, depth, filters, (count + 1) / 2, true});
    if (diffSource)
      kernels().fixedProduct({pairs, filters / 2, 1, tileScales, wordsOf(weights_.data() + f * sourceWeightStep(p_)), panel,
                              filters * panel, fixedWeights_.scales(f), source, depth, count, depth,
                              filters / 2, false});
  }

  Plan p_;
  Sources sources_;
  bool fixed_;
  Buffer<float> weights_;
  FixedWeights fixedWeights_;
};

// Share of the peak that the products reach, and what a transform costs beside a product, as measured.
constexpr double productShare = 0.85;
constexpr double transformOperations = 150, acrossOperations = 320;  // across tiles: samples are sorted first
// Weights, and sums, that stay in a core's share of the cache; what a number of more costs, once a batch of tiles: read
// forward, also written backward.
constexpr int64_t cachedFloats = int64_t{1} << 19;
constexpr double readOperations = 3, sumOperations = 45, fixedSumOperations = 25;
constexpr double fixedCost = 0.6;  // of a product of integers with its rounding, beside one in float32

double costOf(const Plan& p, double products, double sourceTransforms, double resultTransforms) {
  const double tiles = static_cast<double>(p.tiles());
  return products * p.products() / productShare +
         (p.acrossTiles ? acrossOperations : transformOperations) * tiles * (sourceTransforms * p.depth + resultTransforms * p.filters);
}

double weightCost(const Plan& p, double operations) {
  const double floats = static_cast<double>(frequencies) * p.depth * p.filters;
  return floats < cachedFloats ? 0 : operations * floats * p.tiles() / p.batch;
}

}  // namespace

void addWinogradForward(const ConvLayer& layer, Precision precision,
                        std::vector<ConvCandidate<ConvForward>>& candidates) {
  if (!canBeWinograd(layer)) return;
  const Plan plan(layer);
  const auto add = [&](const char* name, bool integers) {
    candidates.push_back({name, costOf(plan, integers ? fixedCost : 1, 1, 1) + weightCost(plan, readOperations),
                          [=] { return std::make_unique<WinogradForward>(layer, integers); }});
  };
  const bool fixed = canBeFixed(plan, precision);
  add("winograd", fixed);
  if (fixed) add("winograd32", false);
}

void addWinogradBackward(const ConvLayer& layer, bool diffSource, Precision precision,
                         std::vector<ConvCandidate<ConvBackward>>& candidates) {
  if (!canBeWinograd(layer)) return;
  const Plan plan(layer);
  if (diffSource && plan.acrossTiles) return;  // vectors of tiles have no way back to the source
  const auto add = [&](const char* name, bool integers) {
    const double products = integers ? fixedCost : 1;
    const double cost = diffSource ? costOf(plan, 2 * products, 2, 1) : costOf(plan, products, 1, 1);
    candidates.push_back({name, cost + weightCost(plan, integers ? fixedSumOperations : sumOperations),
                          [=] { return std::make_unique<WinogradBackward>(layer, integers); }});
  };
  const bool fixed = canBeFixedBackward(plan, precision);
  add("winograd", fixed);
  if (fixed) add("winograd32", false);
}

}  // namespace brightcell
