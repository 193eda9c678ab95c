#include "core/winograd_wide.h"

#include <algorithm>
#include <cstring>

#include "core/instruction_set.h"
#include "core/parallel.h"
#include "core/winograd_fixed.h"
#include "core/winograd_sources.h"
#include "core/winograd_tiles.h"

namespace brightcell {
namespace {

using namespace winograd;

constexpr int64_t blockBytes = int64_t{32} << 20;  // of transformed sources and gradients
constexpr int64_t spreadTiles = 8;                  // turned into frequencies at once
constexpr int64_t sumTiles = 128, sumDepths = 128;  // of one task's factors, in a core's second-level cache
constexpr int64_t fixedDepths = 256;  // the same of integers, half as large
constexpr int64_t productTiles = 96;
constexpr int64_t leastSums = int64_t{1} << 19;  // floats: fewer go well in sums of each thread's own

Plan planOf(const ConvLayer& layer) {
  Plan plan(layer);
  const int64_t image = 4 * frequencies * (plan.depth + plan.filters) * plan.tiles();
  plan.group = 1;
  plan.batch = std::clamp<int64_t>(blockBytes / image, 1, 64) * plan.tiles();
  return plan;
}

// Of some tiles the rows of the filters' frequencies in x, [6 x 4][spreadTiles][F]; behind them stands the map of a layer
// that does not pool in tiles.
int64_t rowsStep(const Plan& plan) { return spreadTiles * plan.filters + skew; }
int64_t rowsFloats(const Plan& plan) {
  return points * side * rowsStep(plan) + (plan.poolsInTile ? 0 : plan.wide.size());
}

// Rows of a block's tiles, [36][T][depth], and the weights that they meet, [36][panels][depth][panel].
struct Factors {
  const float* tiles;
  int64_t tileStep, depth;  // between frequencies; numbers of a tile
  const float* weights;
  int64_t weightStep;         // between frequencies
  const FixedWeights* fixed;  // of weights that are integers
};

// Words of a round of a run of tiles, and their scales.
int64_t runStep(int64_t depth) { return Rounds(depth).length / 2 + skew; }
int64_t runFloats(int64_t depth) { return productTiles * (runStep(depth) + 1); }

// Tiles [first, first + count) at frequency f, rounded on the way.
void multiplyFixed(const Factors& x, int64_t f, int64_t first, int64_t count, float* into, int64_t width,
                   float* scratch) {
  const int64_t panel = kernels().panel, step = runStep(x.depth);
  const float* tiles = x.tiles + f * x.tileStep + first * x.depth;
  const uint32_t* weights = wordsOf(x.weights + f * x.weightStep);
  float* scales = scratch + productTiles * step;
  const Rounds rounds(x.depth);
  for (int64_t i = 0; i < rounds.number; ++i) {
    const int64_t at = i * rounds.length, terms = rounds.terms(i);
    kernels().fixedPairs({tiles + at, x.depth, count, terms, fixedLimit(terms), wordsOf(scratch), step, scales});
    kernels().fixedProduct({wordsOf(scratch), step, 1, scales, weights + at / 2 * panel, panel, x.depth * panel,
                            x.fixed->scales(f, i), into, width, count, width, terms / 2, i > 0});
  }
}

// Their products, [36][T][width]. A task is a frequency and a run of tiles.
void multiply(const Factors& x, int64_t tiles, float* into, int64_t intoStep, int64_t width, Scratch& own) {
  const int64_t panel = kernels().panel, runs = (tiles + productTiles - 1) / productTiles;
  parallelFor(frequencies * runs, [&](std::ptrdiff_t task, int worker) {
    const int64_t f = task / runs, first = task % runs * productTiles, count = std::min(productTiles, tiles - first);
    float* products = into + f * intoStep + first * width;
    if (x.fixed != nullptr)
      multiplyFixed(x, f, first, count, products, width, own.of(worker));
    else
      kernels().smallProduct({x.tiles + f * x.tileStep + first * x.depth, x.depth, 1, x.weights + f * x.weightStep,
                              panel, x.depth * panel, products, width, count, width, x.depth, false});
  });
}

class WinogradWideForward : public ConvForward {
 public:
  WinogradWideForward(const ConvLayer& layer, bool fixed) : p_(planOf(layer)), sources_(p_), fixed_(fixed) {}

  bool takesAllThreads() const override { return true; }
  int64_t group() const override { return p_.batch / p_.tiles(); }
  int64_t scratchFloats() const override { return 0; }

  void prepare(const float* weights, const float* bias) override {
    const int64_t size = frequencies * resultWeightStep(p_);
    // What only fills a panel stays zero.
    if (weights_.capacity() < size) weights_.zeroed(size);
    transformResultWeights(p_, weights, weights_.data());
    if (fixed_) fixedWeights_.round(weights_.data(), resultWeightStep(p_), p_.depth, p_.filters);
    float* b = bias_.zeroed(p_.filters);
    if (bias != nullptr) std::copy_n(bias, p_.layer.output.channels, b);
  }

  void run(const Features& src, Images images, float* result, uint8_t* place, float*) const override {
    transformed_.reserve(frequencies * p_.sourceStep());
    products_.reserve(frequencies * p_.resultStep());
    own_.reserve(std::max({sources_.scratchFloats(), rowsFloats(p_), runFloats(p_.depth)}), threads());
    parallelFor(images.count(), [&](std::ptrdiff_t i, int worker) {
      const int64_t image = images.first + i;
      sources_.read(src, {image, image + 1}, own_.of(worker));
      sources_.transform(own_.of(worker), 0, p_.tiles(), transformed_.data() + i * p_.tiles() * p_.depth);
    });
    multiply({transformed_.data(), p_.sourceStep(), p_.depth, weights_.data(), resultWeightStep(p_),
              fixed_ ? &fixedWeights_ : nullptr},
             images.count() * p_.tiles(), products_.data(), p_.resultStep(), p_.filters, own_);
    const int64_t size = p_.layer.result.size();
    parallelFor(images.count(), [&](std::ptrdiff_t i, int worker) {
      const int64_t at = (images.first + i) * size;
      turnBack(i, result + at, place ? place + at : nullptr, own_.of(worker));
    });
  }

 private:
  // Image `at` of the block, from its products to its result.
  void turnBack(int64_t at, float* result, uint8_t* place, float* rows) const {
    const ConvLayer& l = p_.layer;
    float* wide = rows + points * side * rowsStep(p_);
    for (int64_t first = 0; first < p_.tiles(); first += spreadTiles) {
      const int64_t count = std::min(spreadTiles, p_.tiles() - first);
      for (int fx = 0; fx < points; ++fx)
        kernels().winogradToRows(
            products_.data() + fx * points * p_.resultStep() + (at * p_.tiles() + first) * p_.filters, p_.resultStep(),
            count * p_.filters, rows + fx * side * rowsStep(p_), rowsStep(p_));
      for (int64_t t = 0; t < count; ++t)
        writeResult(p_, p_.tileAt(first + t), rows + t * p_.filters, rowsStep(p_), bias_.data(), result, place, wide);
    }
    if (!p_.poolsInTile)
      finishWide(l, wide, p_.wide, result, place);
    else if (l.activation != Activation::relu)
      kernels().activate(l.activation, result, l.result.size());
  }

  Plan p_;
  Sources sources_;
  bool fixed_;
  Buffer<float> weights_, bias_;
  FixedWeights fixedWeights_;
  // Of the run under way; one caller at a time.
  mutable Buffer<float> transformed_, products_;
  mutable Scratch own_;
};

class WinogradWideBackward : public ConvBackward {
 public:
  WinogradWideBackward(const ConvLayer& layer, bool fixed) : p_(planOf(layer)), sources_(p_), fixed_(fixed) {}

  bool takesAllThreads() const override { return true; }
  int64_t group() const override { return p_.batch / p_.tiles(); }
  int64_t scratchFloats() const override { return 0; }

  void prepare(const float* weights) override {
    const int64_t size = frequencies * sourceWeightStep(p_);
    // What only fills a panel stays zero.
    if (weights_.capacity() < size) weights_.zeroed(size);
    transformSourceWeights(p_, weights, weights_.data());
    if (fixed_) fixedWeights_.round(weights_.data(), sourceWeightStep(p_), p_.filters, p_.depth);
  }

  // [36][D][F]
  int64_t accumulatorFloats() const override { return frequencies * sumStep(p_); }

  void run(const Features& src, Images images, const float* diff, const uint8_t* place, float* accumulator,
           float* diffSrc, float*) const override {
    transformed_.reserve(frequencies * p_.sourceStep());
    gradients_.reserve(frequencies * p_.resultStep());
    own_.reserve(std::max({readFloats() + rowsFloats(p_), fixed_ ? roundedFloats() : packedFloats(),
                           runFloats(p_.filters), sources_.paddedStep()}),
                 threads());
    parallelFor(images.count(), [&](std::ptrdiff_t i, int worker) {
      transformSource(src, images.first + i, i, own_.of(worker));
      transformGradient(images.first + i, i, diff, place, own_.of(worker) + readFloats());
    });
    const int64_t tiles = images.count() * p_.tiles();
    sum(tiles, accumulator);
    if (diffSrc == nullptr) return;
    // The sources have done their work: their gradients take their place.
    multiply({gradients_.data(), p_.resultStep(), p_.filters, weights_.data(), sourceWeightStep(p_),
              fixed_ ? &fixedWeights_ : nullptr},
             tiles, transformed_.data(), p_.sourceStep(), p_.depth, own_);
    parallelFor(images.count(), [&](std::ptrdiff_t i, int worker) {
      float* padded = own_.of(worker);
      std::memset(padded, 0, sources_.paddedStep() * sizeof(float));
      addToSources(p_, transformed_.data() + i * p_.tiles() * p_.depth, 0, p_.tiles(), padded, sources_.paddedStep());
      const Shape& shape = p_.layer.source;
      cropImage(padded, p_.source, shape, diffSrc + (images.first + i) * shape.size());
    });
  }

  void collect(const float* accumulator, float* gradient) const override {
    addSumsToWeights(p_, accumulator, gradient);
  }

 private:
  int64_t readFloats() const { return roundUp(sources_.scratchFloats(), 16); }
  int64_t packedFloats() const { return sumTiles * (sumDepths + 2 * kernels().rows + kernels().panel); }
  // Words and scales of a task's sources, and of a panel of gradients.
  int64_t roundedFloats() const {
    return (sumTiles / 2) * (fixedDepths + skew + kernels().panel) + fixedDepths + kernels().panel;
  }

  // Image `at` of the block: [36][T][D].
  void transformSource(const Features& src, int64_t image, int64_t at, float* scratch) const {
    sources_.read(src, {image, image + 1}, scratch);
    sources_.transform(scratch, 0, p_.tiles(), transformed_.data() + at * p_.tiles() * p_.depth);
  }

  // [36][T][F]
  void transformGradient(int64_t image, int64_t at, const float* diff, const uint8_t* place, float* scratch) const {
    const ConvLayer& l = p_.layer;
    float *rows = scratch, *wide = rows + points * side * rowsStep(p_);
    diff += image * l.result.size();
    if (place != nullptr) place += image * l.result.size();
    if (!p_.poolsInTile) widenGradient(l, diff, place, p_.wide, wide);
    for (int64_t first = 0; first < p_.tiles(); first += spreadTiles) {
      const int64_t count = std::min(spreadTiles, p_.tiles() - first);
      for (int64_t t = 0; t < count; ++t)
        spreadGradient(p_, p_.tileAt(first + t), diff, place, wide, rows + t * p_.filters, rowsStep(p_));
      for (int fx = 0; fx < points; ++fx)
        kernels().winogradFromRows(rows + fx * side * rowsStep(p_), rowsStep(p_), count * p_.filters,
                                   gradients_.data() + fx * points * p_.resultStep() +
                                       (at * p_.tiles() + first) * p_.filters,
                                   p_.resultStep());
    }
  }

  // A task is a frequency and a part of the depths.
  void sum(int64_t tiles, float* accumulator) const {
    const int64_t most = fixed_ ? fixedDepths : sumDepths, parts = (p_.depth + most - 1) / most;
    const int64_t length = roundUp((p_.depth + parts - 1) / parts, fixed_ ? kernels().lanes : kernels().rows);
    parallelFor(frequencies * parts, [&](std::ptrdiff_t task, int worker) {
      const int64_t f = task / parts, first = task % parts * length, depths = std::min(length, p_.depth - first);
      for (int64_t tile = 0; tile < tiles && depths > 0; tile += sumTiles) {
        const Sum s{transformed_.data() + f * p_.sourceStep() + tile * p_.depth + first,
                    gradients_.data() + f * p_.resultStep() + tile * p_.filters, std::min(sumTiles, tiles - tile),
                    depths, accumulator + f * sumStep(p_) + first * p_.filters};
        if (fixed_)
          addFixed(s, own_.of(worker));
        else
          addProducts(s, own_.of(worker));
      }
    });
  }

  struct Sum {
    const float *source, *gradient;
    int64_t tiles, depths;
    float* into;
  };

  // Both factors are packed: as they stand, their rows are multiples of 4 kB apart and evict each other.
  void addProducts(const Sum& s, float* scratch) const {
    const int rows = kernels().rows, panel = kernels().panel;
    float *left = scratch, *right = left + roundUp(s.depths, rows) * s.tiles;
    const auto pack = [&](const float* src, int64_t step, int64_t width, int most, float* dst) {
      kernels().pack({src, step, 1, s.tiles, static_cast<int>(width), most, false, wordsOf(dst)});
    };
    for (int64_t d = 0; d < s.depths; d += rows)
      pack(s.source + d, p_.depth, std::min<int64_t>(rows, s.depths - d), rows, left + d * s.tiles);
    for (int64_t column = 0; column < p_.filters; column += panel) {
      const int64_t columns = std::min<int64_t>(panel, p_.filters - column);
      pack(s.gradient + column, p_.filters, columns, panel, right);
      for (int64_t d = 0; d < s.depths; d += rows)
        kernels().smallProduct({left + d * s.tiles, 1, rows, right, panel, 0, s.into + d * p_.filters + column,
                                p_.filters, std::min<int64_t>(rows, s.depths - d), columns, s.tiles, true});
    }
  }

  // A round of integers: words are of two tiles, and each channel and each filter has a scale.
  void addFixed(const Sum& s, float* scratch) const {
    const int64_t panel = kernels().panel, step = fixedDepths + skew, words = (s.tiles + 1) / 2;
    const float limit = fixedLimit(s.tiles);
    float *right = scratch + sumTiles / 2 * step, *leftScales = right + sumTiles / 2 * panel;
    float* rightScales = leftScales + fixedDepths;
    kernels().fixedRows({s.source, p_.depth, s.tiles, s.depths, limit, wordsOf(scratch), step, leftScales});
    for (int64_t column = 0; column < p_.filters; column += panel) {
      const int64_t columns = std::min(panel, p_.filters - column);
      kernels().fixedRows({s.gradient + column, p_.filters, s.tiles, columns, limit, wordsOf(right), panel, rightScales});
      kernels().fixedProduct({wordsOf(scratch), 1, step, leftScales, wordsOf(right), panel, 0, rightScales,
                              s.into + column, p_.filters, s.depths, columns, words, true});
    }
  }

  Plan p_;
  Sources sources_;
  bool fixed_;
  Buffer<float> weights_;
  FixedWeights fixedWeights_;
  // Of the run under way; one caller at a time.
  mutable Buffer<float> transformed_, gradients_;
  mutable Scratch own_;
};

// Share of the peak that the products reach, and what a transform costs beside a product, as measured: its numbers go
// through memory or the last cache.
constexpr double productShare = 0.85, forwardTransform = 1000, backwardTransform = 2200;
constexpr double fixedCost = 0.5, fixedForwardTransform = 1500;  // of integers, with their rounding

bool isWide(const Plan& plan) {
  return !plan.acrossTiles && frequencies * plan.depth * plan.filters >= leastSums;
}

double productCost(const Plan& plan, bool fixed) { return (fixed ? fixedCost : 1) * plan.products() / productShare; }

}  // namespace

void addWinogradWideForward(const ConvLayer& layer, Precision precision,
                            std::vector<ConvCandidate<ConvForward>>& candidates) {
  if (!canBeWinograd(layer)) return;
  const Plan plan(layer);
  if (!isWide(plan)) return;
  const bool fixed = canBeFixedInRounds(plan, precision);
  const double transforms = static_cast<double>(plan.tiles()) * (plan.depth + plan.filters);
  candidates.push_back({"wide", productCost(plan, fixed) + (fixed ? fixedForwardTransform : forwardTransform) * transforms,
                        [=] { return std::make_unique<WinogradWideForward>(layer, fixed); }});
}

void addWinogradWideBackward(const ConvLayer& layer, bool diffSource, Precision precision,
                             std::vector<ConvCandidate<ConvBackward>>& candidates) {
  if (!canBeWinograd(layer)) return;
  const Plan plan(layer);
  if (!isWide(plan)) return;
  const bool fixed = canBeFixedInRounds(plan, precision);
  const double passes = diffSource ? 2 : 1;
  const double transforms = static_cast<double>(plan.tiles()) * (passes * plan.depth + plan.filters);
  candidates.push_back({"wide", passes * productCost(plan, fixed) + backwardTransform * transforms,
                        [=] { return std::make_unique<WinogradWideBackward>(layer, fixed); }});
}

}  // namespace brightcell
