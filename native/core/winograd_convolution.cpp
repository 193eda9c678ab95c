// T tiles in a batch, D the depth of the products (source channels times parts of the kernel), F filters rounded up to
// vectors; 36 frequencies, number fx * 6 + fy. A batch goes: transformed source [36][T][D] times weights [36][D][F],
// six frequencies at a time ([6][T][F]) turned back into rows ([6 fx][4 rows][T][F]), and these into the result.
// In bfloat16 the forward's products are of 16-bit integers: the transforms would amplify the rounding of bfloat16's 8
// bits to more than 1e-2 of a result. Each tile and each filter has a scale of its own at each frequency, so small that
// no sum leaves 32 bits. A word holds two depths.
#include "core/winograd_convolution.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/instruction_set.h"
#include "core/maps.h"
#include "core/parallel.h"

namespace brightcell {
namespace {

constexpr int side = 4, taps = 3, points = 6, frequencies = 36;
constexpr int64_t skew = 16;  // floats between frequencies, so that they do not share cache sets
constexpr int64_t batchBytes = int64_t{640} << 10;
constexpr int64_t batchAcross = 64;  // tiles of a batch whose vectors are tiles
// Tiles whose products are made and turned back at once: few enough for the first-level cache beside the weights.
constexpr int64_t stripFloats = 4608;

// Above it, integers small enough for the sum would round too coarsely.
constexpr int64_t deepestFixed = 256;

uint32_t* wordsOf(float* p) { return reinterpret_cast<uint32_t*>(p); }
const uint32_t* wordsOf(const float* p) { return reinterpret_cast<const uint32_t*>(p); }

int64_t ceilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }

// A 3 x 3 block of one phase of the kernel: where its first sample stands, and where its taps are in a filter.
struct Part {
  int y, x;
  int64_t tap[taps * taps];  // offset in [kernel rows, kernel columns, C], -1: none
};

struct Plan {
  explicit Plan(const ConvLayer& l) : layer(l) {
    const Window& w = l.window;
    const int lanes = kernels().lanes, rows = kernels().rows;
    for (int py = 0; py < w.strideY; ++py)
      for (int by = 0; py + by * taps * w.strideY < w.height; ++by)
        for (int px = 0; px < w.strideX; ++px)
          for (int bx = 0; px + bx * taps * w.strideX < w.width; ++bx)
            addPart(py + by * taps * w.strideY, px + bx * taps * w.strideX);
    poolsInTile = l.pooled && w.height > 0 && l.pool.height == 2 && l.pool.width == 2 && l.pool.strideY == 2 &&
                  l.pool.strideX == 2 && l.pool.top == 0 && l.pool.left == 0 &&
                  2 * l.result.height <= l.output.height && 2 * l.result.width <= l.output.width;
    tilesY = static_cast<int>(ceilDivide(poolsInTile ? 2 * l.result.height : l.output.height, side));
    tilesX = static_cast<int>(ceilDivide(poolsInTile ? 2 * l.result.width : l.output.width, side));
    filters = roundUp(l.output.channels, lanes);
    acrossTiles = l.source.channels < lanes;
    channels = acrossTiles ? l.source.channels : roundUp(l.source.channels, lanes);
    depth = static_cast<int64_t>(parts.size()) * channels;
    int farY = 0, farX = 0;
    for (const Part& part : parts) farY = std::max(farY, part.y), farX = std::max(farX, part.x);
    source = {w.strideY * (side * (tilesY - 1) + points - 1) + farY + 1,
              w.strideX * (side * (tilesX - 1) + points - 1) + farX + 1, w.top, w.left, channels};
    wide = {l.output.height, l.output.width, 0, 0, filters};
    gridX = acrossTiles ? roundUp(tilesX, lanes) : tilesX;
    if (acrossTiles) {
      group = 1;
      batch = gridX * std::clamp<int64_t>(batchAcross / gridX, 1, tilesY);
    } else {
      batch = std::clamp<int64_t>(batchBytes / (4 * frequencies * depth), 8, 32);
      group = std::clamp<int64_t>(batch / tiles(), 1, 16);
      batch = std::min(batch, group * tiles());
    }
    strip = std::clamp<int64_t>(stripFloats / (points * filters) / rows * rows, rows, batch);
  }

  int64_t tiles() const { return tilesY * gridX; }
  int64_t sourceStep() const { return batch * depth + skew; }
  // Between tiles and between depths of a transformed source.
  int64_t tileStep() const { return acrossTiles ? 1 : depth; }
  int64_t depthStep() const { return acrossTiles ? batch : 1; }
  // Whether products are of integers, their largest size, and the step between tiles of words.
  bool isFixed(Precision precision) const {
    return precision == Precision::bfloat16 && kernels().fixedProduct != nullptr && depth <= deepestFixed;
  }
  float limit() const { return std::min(32767.0f, std::floor(std::sqrt(2147480000.0f / static_cast<float>(depth)))); }
  int64_t wordStep() const { return acrossTiles ? 1 : depth / 2; }
  int64_t resultStep() const { return batch * filters + skew; }
  int64_t stripStep() const { return strip * filters + skew; }
  double products() const { return static_cast<double>(tiles()) * frequencies * depth * filters; }

  ConvLayer layer;
  std::vector<Part> parts;
  bool poolsInTile, acrossTiles;  // acrossTiles: vectors hold tiles of a row, for sources of few channels
  int tilesY, tilesX;
  int64_t gridX;  // tiles of a row, with those that only fill a vector
  int64_t filters, channels, depth, group, batch, strip;
  MapLayout source, wide;

 private:
  void addPart(int y, int x) {
    const Window& w = layer.window;
    Part part{y, x, {}};
    for (int i = 0; i < taps; ++i)
      for (int j = 0; j < taps; ++j) {
        const int row = y + i * w.strideY, column = x + j * w.strideX;
        part.tap[i * taps + j] =
            row < w.height && column < w.width
                ? (static_cast<int64_t>(row) * w.width + column) * layer.source.channels
                : -1;
      }
    parts.push_back(part);
  }
};

struct TileAt {
  int64_t image;
  int y, x;
};

// Turns sources into [36][T][D] (channels in the vectors) or [36][D][T] (tiles in the vectors).
class Sources {
 public:
  explicit Sources(const Plan& plan) : p_(plan) {
    if (!p_.acrossTiles) return;
    for (const Part& part : p_.parts)
      if (std::find(columns_.begin(), columns_.end(), part.x) == columns_.end()) columns_.push_back(part.x);
    residues_ = side * p_.layer.window.strideX;
    byHalves_ = p_.channels == 1 && (residues_ & (residues_ - 1)) == 0;
    sampleRow_ = roundUp(std::max<int64_t>(p_.gridX + points, p_.source.width / residues_ + 1), kernels().lanes);
  }

  int64_t scratchFloats() const {
    const int64_t padded = p_.group * paddedStep();
    return p_.acrossTiles ? padded + p_.source.height * rowStep() + 2 * residues_ * sampleRow_ : padded;
  }
  int64_t paddedStep() const { return roundUp(p_.source.size(), 16) + residues_ * sampleRow_ + skew; }

  void read(const Features& src, Images images, float* scratch) const {
    for (int64_t i = 0; i < images.count(); ++i) {
      float* padded = scratch + i * paddedStep();
      padImage(src, images.first + i, p_.source, padded);
      std::fill(padded + p_.source.size(), padded + paddedStep(), 0.0f);
      if (p_.acrossTiles) transformRows(scratch, scratch + paddedStep());
    }
  }

  // Tiles [first, first + count) of the group; in vectors across tiles they are whole rows of tiles.
  void transform(const float* scratch, int64_t first, int64_t count, float* dst) const {
    const Window& w = p_.layer.window;
    if (p_.acrossTiles) {
      for (int64_t t = 0; t < count; t += p_.gridX)
        transformColumns(scratch + paddedStep(), (first + t) / p_.gridX, dst + t);
      return;
    }
    for (int64_t t = 0; t < count; ++t) {
      const int64_t tile = (first + t) % p_.tiles(), image = (first + t) / p_.tiles();
      const float* corner = scratch + image * paddedStep() + p_.source.at(w.strideY * side * (tile / p_.gridX),
                                                                          w.strideX * side * (tile % p_.gridX));
      float* into = dst + t * p_.depth;
      for (const Part& part : p_.parts) {
        kernels().winogradSource(corner + p_.source.at(part.y, part.x), w.strideY * p_.source.rowStep(),
                                 w.strideX * p_.source.step, p_.channels, into, p_.sourceStep());
        into += p_.channels;
      }
    }
  }

 private:
  // [row][C][column of parts][fx][tiles of the row]
  int64_t rowStep() const {
    return p_.channels * static_cast<int64_t>(columns_.size()) * points * p_.gridX + skew;
  }
  int64_t columnIndex(int x) const { return std::find(columns_.begin(), columns_.end(), x) - columns_.begin(); }

  void transformRows(const float* padded, float* rows) const {
    float* samples = rows + p_.source.height * rowStep();
    for (int y = 0; y < p_.source.height; ++y)
      for (int64_t c = 0; c < p_.channels; ++c) {
        spread(padded + y * p_.source.rowStep() + c, samples);
        for (size_t i = 0; i < columns_.size(); ++i) {
          const float* at[points];
          for (int j = 0; j < points; ++j) {
            const int x = p_.layer.window.strideX * j + columns_[i];
            at[j] = samples + x % residues_ * sampleRow_ + x / residues_;
          }
          kernels().winogradRow(at, p_.gridX, rows + y * rowStep() + (c * columns_.size() + i) * points * p_.gridX,
                                p_.gridX);
        }
      }
  }

  // Sample x of the row goes to [x mod (4 strides)][x div (4 strides)]: what one tap of all tiles reads is a run.
  void spread(const float* row, float* samples) const {
    if (byHalves_) return spreadByHalves(row, samples);
    for (int r = 0; r < residues_; ++r) {
      float* to = samples + r * sampleRow_;
      const float* from = row + r * p_.channels;
      const int64_t step = static_cast<int64_t>(residues_) * p_.channels;
      for (int x = r; x < p_.source.width; x += residues_, from += step) *to++ = *from;
      std::fill(to, samples + (r + 1) * sampleRow_, 0.0f);
    }
  }

  // Even from odd, as often as it takes; what stands behind the row is read along.
  void spreadByHalves(const float* row, float* samples) const {
    const int64_t all = residues_ * sampleRow_;
    const float* from = row;
    float *to = samples, *other = samples + all;
    for (int m = 4; m <= residues_; m *= 2) std::swap(to, other);  // so that the last step ends in `samples`
    for (int m = 1; m < residues_; m *= 2) {
      const int64_t length = all / m, half = length / 2;
      for (int r = 0; r < m; ++r)
        kernels().splitPairs(from + r * length, half, to + r * half, to + (r + m) * half);
      from = to;
      std::swap(to, other);
    }
  }

  void transformColumns(const float* rows, int64_t tileRow, float* dst) const {
    const int stride = p_.layer.window.strideY;
    int64_t d = 0;
    for (const Part& part : p_.parts)
      for (int64_t c = 0; c < p_.channels; ++c, ++d)
        kernels().winogradColumns(
            rows + (stride * side * tileRow + part.y) * rowStep() +
                (c * columns_.size() + columnIndex(part.x)) * points * p_.gridX,
            stride * rowStep(), p_.gridX, p_.gridX, dst + d * p_.batch, p_.sourceStep());
  }

  const Plan& p_;
  std::vector<int> columns_;
  int residues_ = 0;
  bool byHalves_ = false;
  int64_t sampleRow_ = 0;
};

// The steps between positions of the layer's result, or of its wide map, for one tile.
WinogradTile tileOf(const Plan& p, int y, int x) {
  const ConvLayer& l = p.layer;
  const Shape& r = l.result;
  if (p.poolsInTile)
    return {p.resultStep(), r.channels, std::min(2, r.height - 2 * y), std::min(2, r.width - 2 * x),
            static_cast<ptrdiff_t>(r.width) * r.channels, r.channels};
  return {p.resultStep(), p.filters, std::min(side, l.output.height - side * y),
          std::min(side, l.output.width - side * x), p.wide.rowStep(), p.filters};
}

int64_t resultOffset(const Plan& p, int y, int x) {
  const Shape& r = p.layer.result;
  return (static_cast<int64_t>(2 * y) * r.width + 2 * x) * r.channels;
}

class WinogradForward : public ConvForward {
 public:
  WinogradForward(const ConvLayer& layer, Precision precision)
      : p_(layer), sources_(p_), fixed_(p_.isFixed(precision)) {}

  int64_t group() const override { return p_.group; }

  // sources | transformed | products | rows | wide maps | scales of tiles
  int64_t scratchFloats() const override {
    return sources_.scratchFloats() + frequencies * p_.sourceStep() + (points + points * side) * p_.resultStep() +
           (p_.poolsInTile ? 0 : p_.group * p_.wide.size()) + frequencies * p_.batch + 128;
  }

  // [36][panel of filters][D][panel]
  void prepare(const float* weights, const float* bias) override {
    const int64_t lanes = kernels().lanes, panel = kernels().panel, filters = p_.layer.output.channels;
    const int64_t step = weightStep(), filterStep = p_.layer.depth();
    float* dst = weights_.zeroed(frequencies * step);
    parallelFor(static_cast<int64_t>(p_.parts.size()), [&](std::ptrdiff_t i, int) {
      const Part& part = p_.parts[i];
      for (int64_t c = 0; c < p_.layer.source.channels; ++c)
        for (int64_t f = 0; f < filters; f += lanes)
          kernels().winogradTaps(weights + f * filterStep + c, filterStep, part.tap,
                                 static_cast<int>(std::min(lanes, filters - f)),
                                 dst + f / panel * p_.depth * panel + (i * p_.channels + c) * panel + f % panel, step);
    });
    if (fixed_) roundWeights();
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
        const int64_t image = (first + t) / p_.tiles(), tile = (first + t) % p_.tiles();
        const int y = static_cast<int>(tile / p_.gridX), x = static_cast<int>(tile % p_.gridX);
        const float* from = rows + t * p_.filters;
        if (p_.poolsInTile) {
          const int64_t at = (images.first + image) * l.result.size() + resultOffset(p_, y, x);
          kernels().winogradPool(tileOf(p_, y, x), from, bias_.data(), l.activation == Activation::relu, result + at,
                                 place ? place + at : nullptr);
        } else {
          kernels().winogradWide(tileOf(p_, y, x), from, bias_.data(),
                                 wide + image * p_.wide.size() + p_.wide.at(side * y, side * x));
        }
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
  int64_t weightStep() const { return p_.depth * roundUp(p_.filters, kernels().panel) + skew; }

  int64_t scaleStep() const { return roundUp(p_.filters, kernels().panel); }

  void roundWeights() {
    const int64_t panel = kernels().panel;
    float* scales = weightScales_.zeroed(frequencies * scaleStep());
    parallelFor(frequencies, [&](std::ptrdiff_t f, int) {
      float* weights = weights_.data() + f * weightStep();
      for (int64_t column = 0; column < p_.filters; column += panel, weights += p_.depth * panel)
        kernels().fixedRows(weights, panel, p_.depth, panel, p_.limit(), wordsOf(weights),
                            scales + f * scaleStep() + column);
    });
  }

  // A batch's transformed sources, in place: to [36][T][D in words] or [36][D in words][T].
  void roundSources(float* transformed, int64_t count, float* scales) const {
    const float limit = p_.limit();
    for (int f = 0; f < frequencies; ++f, scales += p_.batch) {
      float* at = transformed + f * p_.sourceStep();
      if (p_.acrossTiles)
        kernels().fixedRows(at, p_.batch, p_.depth, count, limit, wordsOf(at), scales);
      else
        for (int64_t t = 0; t < count; ++t)
          scales[t] = kernels().fixedPairs(at + t * p_.depth, p_.depth, limit, wordsOf(at) + t * p_.wordStep());
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
          const float *source = transformed + f * p_.sourceStep(), *weights = weights_.data() + f * weightStep();
          if (fixed_)
            kernels().fixedProduct({wordsOf(source) + first * p_.wordStep(), p_.wordStep(), p_.depthStep(),
                                    scales + f * p_.batch + first, wordsOf(weights), panel, p_.depth * panel,
                                    weightScales_.data() + f * scaleStep(), products + fy * step, p_.filters, tiles,
                                    p_.filters, ceilDivide(p_.depth, 2)});
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
  Buffer<float> weights_, weightScales_, bias_;
};

class WinogradBackward : public ConvBackward {
 public:
  explicit WinogradBackward(const ConvLayer& layer) : p_(layer), sources_(p_) {}

  int64_t group() const override { return p_.group; }

  // sources | transformed, then its gradient | frequencies of the gradient | rows | wide maps
  int64_t scratchFloats() const override {
    return sources_.scratchFloats() + frequencies * p_.sourceStep() + (points + points * side) * p_.resultStep() +
           (p_.poolsInTile ? 0 : p_.group * p_.wide.size()) + p_.group * sources_.paddedStep() + 128;
  }

  // [36][panel of D][filters][panel]
  void prepare(const float* weights) override {
    const int64_t lanes = kernels().lanes, panel = kernels().panel, channels = p_.layer.source.channels;
    const int64_t step = weightStep(), filters = p_.layer.output.channels;
    float* dst = weights_.zeroed(frequencies * step);
    parallelFor(static_cast<int64_t>(p_.parts.size()), [&](std::ptrdiff_t i, int) {
      const Part& part = p_.parts[i];
      for (int64_t f = 0; f < filters; ++f)
        for (int64_t c = 0; c < channels; c += lanes) {
          const int64_t d = i * p_.channels + c;
          kernels().winogradTaps(weights + f * p_.layer.depth() + c, 1, part.tap,
                                 static_cast<int>(std::min(lanes, channels - c)),
                                 dst + d / panel * p_.filters * panel + f * panel + d % panel, step);
        }
    });
  }

  // [36][D][F]
  int64_t accumulatorFloats() const override { return frequencies * sumStep(); }

  void run(const Features& src, Images images, const float* diff, const uint8_t* place, float* accumulator,
           float* diffSrc, float* scratch) const override {
    const ConvLayer& l = p_.layer;
    float* transformed = scratch + roundUp(sources_.scratchFloats(), 16);
    float* gradient = transformed + frequencies * p_.sourceStep();
    float* rows = gradient + points * p_.resultStep();
    float* wide = rows + points * side * p_.resultStep();
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
      multiply(rows, count, gradient, transformed, accumulator, diffSrc != nullptr);
      if (diffSrc != nullptr) addToSource(transformed, first, count, padded);
    }
    if (diffSrc == nullptr) return;
    for (int64_t i = 0; i < images.count(); ++i)
      cropImage(padded + i * sources_.paddedStep(), p_.source, l.source, diffSrc + (images.first + i) * l.source.size());
  }

  void collect(const float* accumulator, float* gradient) const override {
    const int64_t lanes = kernels().lanes, filters = p_.layer.output.channels, filterStep = p_.layer.depth();
    parallelFor(static_cast<int64_t>(p_.parts.size()), [&](std::ptrdiff_t i, int) {
      for (int64_t c = 0; c < p_.layer.source.channels; ++c)
        for (int64_t f = 0; f < filters; f += lanes)
          kernels().winogradAddTaps(accumulator + (i * p_.channels + c) * p_.filters + f, sumStep(), p_.parts[i].tap,
                                    static_cast<int>(std::min(lanes, filters - f)), gradient + f * filterStep + c,
                                    filterStep);
    });
  }

 private:
  int64_t weightStep() const { return p_.filters * roundUp(p_.depth, kernels().panel) + skew; }
  int64_t sumStep() const { return p_.depth * p_.filters + skew; }

  // The gradient of the tiles, as frequencies in x of each of their rows.
  void spread(Images images, int64_t first, int64_t count, const float* diff, const uint8_t* place, const float* wide,
              float* rows) const {
    const Shape& result = p_.layer.result;
    for (int64_t t = 0; t < count; ++t) {
      const int64_t image = (first + t) / p_.tiles(), tile = (first + t) % p_.tiles();
      const int y = static_cast<int>(tile / p_.gridX), x = static_cast<int>(tile % p_.gridX);
      float* into = rows + t * p_.filters;
      if (p_.poolsInTile) {
        const int64_t at = (images.first + image) * result.size() + resultOffset(p_, y, x);
        kernels().winogradUnpool(tileOf(p_, y, x), diff + at, place + at, into);
      } else {
        kernels().winogradNarrow(tileOf(p_, y, x), wide + image * p_.wide.size() + p_.wide.at(side * y, side * x),
                                 into);
      }
    }
  }

  void multiply(const float* rows, int64_t count, float* gradient, float* transformed, float* accumulator,
                bool diffSource) const {
    const int64_t panel = kernels().panel, step = p_.resultStep();
    for (int fx = 0; fx < points; ++fx) {
      kernels().winogradFromRows(rows + fx * side * step, step, count * p_.filters, gradient, step);
      for (int fy = 0; fy < points; ++fy) {
        const int f = fx * points + fy;
        float* source = transformed + f * p_.sourceStep();
        kernels().smallProduct({source, p_.depthStep(), p_.tileStep(), gradient + fy * step, p_.filters, panel,
                                accumulator + f * sumStep(), p_.filters, p_.depth, p_.filters, count, true});
        // The transformed source has done its work: the gradient of it takes its place.
        if (diffSource)
          kernels().smallProduct({gradient + fy * step, p_.filters, 1, weights_.data() + f * weightStep(), panel,
                                  p_.filters * panel, source, p_.depth, count, p_.depth, p_.filters, false});
      }
    }
  }

  void addToSource(const float* transformed, int64_t first, int64_t count, float* padded) const {
    const Window& w = p_.layer.window;
    for (int64_t t = 0; t < count; ++t) {
      const int64_t tile = (first + t) % p_.tiles(), image = (first + t) / p_.tiles();
      float* corner = padded + image * sources_.paddedStep() +
                      p_.source.at(w.strideY * side * (tile / p_.gridX), w.strideX * side * (tile % p_.gridX));
      const float* from = transformed + t * p_.depth;
      for (const Part& part : p_.parts) {
        kernels().winogradAddSource(from, p_.sourceStep(), p_.channels, corner + p_.source.at(part.y, part.x),
                                    w.strideY * p_.source.rowStep(), w.strideX * p_.source.step);
        from += p_.channels;
      }
    }
  }

  Plan p_;
  Sources sources_;
  Buffer<float> weights_;
};

// Share of the peak that the products reach, and what a transform costs beside a product, as measured.
constexpr double productShare = 0.85;
constexpr double transformOperations = 150;
constexpr double fixedCost = 0.6;  // of a product of integers with its rounding, beside one in float32

double costOf(const Plan& p, double products, double sourceTransforms, double resultTransforms) {
  const double tiles = static_cast<double>(p.tiles());
    return products * p.products() / productShare +
         transformOperations * tiles * (sourceTransforms * p.depth + resultTransforms * p.filters);
}

bool worthAsking(const ConvLayer& layer) {
  return layer.window.height > 1 && layer.window.width > 1 && layer.source.height > 1 && layer.source.width > 1;
}

}  // namespace

void addWinogradForward(const ConvLayer& layer, Precision precision,
                        std::vector<ConvCandidate<ConvForward>>& candidates) {
  if (!worthAsking(layer)) return;
  const Plan plan(layer);
  candidates.push_back({"winograd", costOf(plan, plan.isFixed(precision) ? fixedCost : 1, 1, 1),
                        [=] { return std::make_unique<WinogradForward>(layer, precision); }});
}

void addWinogradBackward(const ConvLayer& layer, bool diffSource,
                         std::vector<ConvCandidate<ConvBackward>>& candidates) {
  if (!worthAsking(layer)) return;
  const Plan plan(layer);
  if (diffSource && plan.acrossTiles) return;  // vectors of tiles have no way back to the source
  candidates.push_back({"winograd", diffSource ? costOf(plan, 2, 2, 1) : costOf(plan, 1, 1, 1),
                        [layer] { return std::make_unique<WinogradBackward>(layer); }});
}

}  // namespace brightcell
