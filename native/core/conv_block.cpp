// A convolution with the pool and the activation after it, a few images at a time on one thread each. The backward
// walks the images in a number of chunks that depends on the batch only; each chunk sums its own weight gradient, and
// the chunks are added in order; a way whose sums are too large for that has all threads to itself. What a batch norm
// before or after needs of a map (moments, sums over the gradient, its change of the gradient) is done while that map
// is in cache.
#include <algorithm>
#include <cstring>

#include "core/blocks.h"
#include "core/byte_convolution.h"
#include "core/choice.h"
#include "core/instruction_set.h"
#include "core/parallel.h"

namespace brightcell {
namespace {

constexpr int64_t accumulatorBytes = int64_t{16} << 20;

ConvLayer layerOf(Shape source, const ConvLayers& l) {
  ConvLayer layer;
  layer.source = source;
  layer.window = l.window;
  layer.output = {l.filters, l.window.outputHeight(source.height), l.window.outputWidth(source.width)};
  layer.activation = l.activation;
  layer.pooled = l.pooled;
  layer.pool = l.pool;
  layer.result = layer.output;
  if (l.pooled) {
    layer.result.height = l.pool.outputHeight(layer.output.height);
    layer.result.width = l.pool.outputWidth(layer.output.width);
  }
  return layer;
}

class ConvBlock : public Block {
 public:
  ConvBlock(Shape source, const ConvLayers& layers) : parameters_(layers), layer_(layerOf(source, layers)) {
    const auto forward = chooseForward(layer_, layers.precision);
    forward_ = forward.create();
    ways_.forward = forward.name;
    if (!layers.training) {
      chooseStored();
      return;
    }
    const auto backward = chooseBackward(layer_, !layers.first, layers.precision);
    backward_ = backward.create();
    ways_.backward = backward.name;
  }

  Ways ways() const override { return ways_; }
  Shape output() const override { return layer_.result; }
  Features features() const override {
    return {result_.data(), layer_.result, nullptr, nullptr, measured_ ? moments_.data() : nullptr};
  }
  int64_t bytesPerImage() const override { return layer_.result.size() * (layer_.pooled ? 5 : 4); }
  int64_t scratchFloats() const override {
    return std::max({forward_->scratchFloats(), backward_ ? backward_->scratchFloats() : 0,
                     storedForward_ ? storedForward_->scratchFloats() : 0}) + 64;
  }
  bool takesStored() const override { return storedForward_ != nullptr; }
  bool takesScaledGradient() const override { return true; }

  void forward(const Pass& pass, const Features& src) override {
    ConvForward& way = src.stored ? *storedForward_ : *forward_;
    prepareForward(way, src.stored ? storedVersion_ : forwardVersion_);
    const int64_t size = layer_.result.size();
    float* result = result_.reserve(pass.count * size);
    uint8_t* place = layer_.pooled && pass.training ? place_.reserve(pass.count * size) : nullptr;
    measured_ = pass.training && parameters_.measured;
    if (measured_) moments_.reserve(pass.count * 2 * layer_.result.channels);
    if (way.takesAllThreads()) return forwardTogether(way, pass, src, result, place);
    // Fewer images at once where a small batch must feed all threads: a result does not depend on its neighbours.
    const int64_t group = std::clamp<int64_t>(pass.count / (2 * threads()), 1, way.group());
    parallelFor((pass.count + group - 1) / group, [&](std::ptrdiff_t i, int worker) {
      const Images images{i * group, std::min<int64_t>((i + 1) * group, pass.count)};
      way.run(src, images, result, place, pass.scratch->of(worker));
      if (measured_)
        for (int64_t image = images.first; image < images.last; ++image) measure(image);
    });
  }

  void backward(const Pass& pass, const Features& src, const Gradient& diff, float* diffSrc) override {
    if (diffSrc != nullptr) prepareBackward();
    const bool together = backward_->takesAllThreads();
    const int64_t step = roundUp(backward_->accumulatorFloats(), 16), channels = layer_.result.channels;
    const int64_t most = together ? 64 : std::clamp<int64_t>(accumulatorBytes / (step * 4), 1, 64);
    // A multiple of four, so that two or four threads end together.
    const Chunks chunks(pass.count, most > 4 ? most / 4 * 4 : most);
    const int64_t parts = together ? 1 : chunks.number, biasStep = roundUp(channels, 16);
    float* sums = sums_.reserve(parts * step);
    float* biasSums = biasSums_.zeroed(chunks.number * biasStep);
    if (together)
      backwardTogether(pass, src, diff, diffSrc, chunks, biasStep);
    else
      backwardByChunks(pass, src, diff, diffSrc, chunks, step, biasStep);
    if (diffSrc != nullptr && src.gradientSums != nullptr) src.gradientSums->complete = true;
    if (!pass.parameters) return;
    sumParts(sums, parts, step, backward_->accumulatorFloats());
    sumParts(biasSums, chunks.number, biasStep, channels);
    collect(pass.accumulate, sums, biasSums);
  }

 private:
  void forwardTogether(const ConvForward& way, const Pass& pass, const Features& src, float* result, uint8_t* place) {
    for (int64_t first = 0; first < pass.count; first += way.group())
      way.run(src, {first, std::min(first + way.group(), pass.count)}, result, place, nullptr);
    if (measured_) parallelFor(pass.count, [&](std::ptrdiff_t image, int) { measure(image); });
  }

  void backwardByChunks(const Pass& pass, const Features& src, const Gradient& diff, float* diffSrc,
                        const Chunks& chunks, int64_t step, int64_t biasStep) {
    parallelFor(chunks.number, [&](std::ptrdiff_t chunk, int worker) {
      float* sum = sums_.data() + chunk * step;
      std::memset(sum, 0, step * sizeof(float));
      const int64_t group = backward_->group(), end = chunks.end(chunk);
      for (int64_t first = chunks.begin(chunk); first < end; first += group) {
        const Images images{first, std::min(first + group, end)};
        for (int64_t image = first; image < images.last; ++image)
          throughActivation(diff, image, biasSums_.data() + chunk * biasStep);
        backward_->run(src, images, diff.data, place_.data(), sum, diffSrc, pass.scratch->of(worker));
        if (diffSrc != nullptr && src.gradientSums != nullptr)
          for (int64_t image = first; image < images.last; ++image) src.gradientSums->add(src, image, diffSrc);
      }
    });
  }

  void backwardTogether(const Pass& pass, const Features& src, const Gradient& diff, float* diffSrc,
                        const Chunks& chunks, int64_t biasStep) {
    parallelFor(chunks.number, [&](std::ptrdiff_t chunk, int) {
      for (int64_t image = chunks.begin(chunk); image < chunks.end(chunk); ++image)
        throughActivation(diff, image, biasSums_.data() + chunk * biasStep);
    });
    clear(sums_.data(), backward_->accumulatorFloats());
    for (int64_t first = 0; first < pass.count; first += backward_->group()) {
      const Images images{first, std::min(first + backward_->group(), pass.count)};
      backward_->run(src, images, diff.data, place_.data(), sums_.data(), diffSrc, nullptr);
      if (diffSrc != nullptr && src.gradientSums != nullptr)
        parallelFor(images.count(), [&](std::ptrdiff_t i, int) { src.gradientSums->add(src, first + i, diffSrc); });
    }
  }

  static void clear(float* values, int64_t count) {
    constexpr int64_t run = int64_t{1} << 16;
    parallelFor((count + run - 1) / run, [&](std::ptrdiff_t i, int) {
      std::fill_n(values + i * run, std::min(run, count - i * run), 0.0f);
    });
  }

  // A network's first layer may be faster from bytes than from what they are normalised to.
  void chooseStored() {
    if (!parameters_.first) return;
    ConvLayer layer = layer_;
    layer.stored = true;
    const auto stored = chooseForward(layer, parameters_.precision);
    if (stored.name != bytesWay) return;
    storedForward_ = stored.create();
    ways_.forward.insert(0, " or ").insert(0, bytesWay);
  }

  void prepareForward(ConvForward& way, uint64_t& prepared) {
    const Parameter &weights = *parameters_.weights, *bias = parameters_.bias;
    const uint64_t version = weights.version + (bias ? bias->version : 0);
    if (version == prepared) return;
    way.prepare(weights.value.data(), bias ? bias->value.data() : nullptr);
    prepared = version;
  }

  void prepareBackward() {
    if (parameters_.weights->version == backwardVersion_) return;
    backward_->prepare(parameters_.weights->value.data());
    backwardVersion_ = parameters_.weights->version;
  }

  // Mean of each channel, and the sum of the squares of what differs from it, over one image's map.
  void measure(int64_t image) {
    const int channels = layer_.result.channels;
    const int64_t positions = layer_.result.positions();
    const float* map = result_.data() + image * layer_.result.size();
    float *mean = moments_.data() + image * 2 * channels, *squares = mean + channels;
    std::memset(mean, 0, 2 * channels * sizeof(float));
    kernels().addChannels(map, positions, channels, mean);
    for (int c = 0; c < channels; ++c) mean[c] /= static_cast<float>(positions);
    kernels().addSquares(map, mean, positions, channels, squares);
  }

  // From the gradient of what the next block reads to that of the pooled map before the activation, in place.
  void throughActivation(const Gradient& gradient, int64_t image, float* biasSum) const {
    const int64_t size = layer_.result.size(), positions = layer_.result.positions();
    const int channels = layer_.result.channels;
    const float* result = result_.data() + image * size;
    float* diff = gradient.data + image * size;
    if (gradient.factor != nullptr)
      kernels().combine(diff, result, gradient.factor, gradient.slope, gradient.offset, positions, channels);
    kernels().activateBackward(layer_.activation, result, diff, size);
    kernels().addChannels(diff, positions, channels, biasSum);
  }

  void collect(bool accumulate, const float* sums, const float* biasSums) {
    Parameter& weights = *parameters_.weights;
    if (!accumulate) weights.gradient.zeroed(weights.size());
    backward_->collect(sums, weights.gradient.data());
    if (parameters_.bias == nullptr) return;
    Parameter& bias = *parameters_.bias;
    if (!accumulate) bias.gradient.zeroed(bias.size());
    kernels().add(biasSums, bias.gradient.data(), bias.size());
  }

  ConvLayers parameters_;
  ConvLayer layer_;
  Ways ways_;
  std::unique_ptr<ConvForward> forward_, storedForward_;
  std::unique_ptr<ConvBackward> backward_;
  uint64_t forwardVersion_ = 0, storedVersion_ = 0, backwardVersion_ = 0;
  bool measured_ = false;
  Buffer<float> result_, moments_, sums_, biasSums_;
  Buffer<uint8_t> place_;
};

}  // namespace

std::unique_ptr<Block> createConvBlock(Shape source, const ConvLayers& layers) {
  return std::make_unique<ConvBlock>(source, layers);
}

}  // namespace brightcell
