// One image at a time, on one thread: pad, convolve into scratch, pool, activate. The backward walks the images in
// a number of chunks that depends on the batch only; each chunk sums its own weight gradient, and the chunks are
// added in order.
#include <algorithm>
#include <cstring>

#include "core/blocks.h"
#include "core/convolution.h"
#include "core/instruction_set.h"
#include "core/parallel.h"

namespace brightcell {
namespace {

// Widest share of live gradients at which the sparse backward still wins over the dense one.
constexpr int sparseFromPoolArea = 4;
constexpr int64_t accumulatorBytes = int64_t{64} << 20;

class ConvBlock : public Block {
 public:
  ConvBlock(Shape source, const ConvLayers& layers)
      : layers_(layers), g_(source, layers.filters, layers.window, kernels().lanes), output_(g_.output) {
    if (layers.pooled) {
      const Window& w = layers.pool;
      output_ = {g_.output.channels, w.outputHeight(g_.output.height), w.outputWidth(g_.output.width)};
      pool_ = {g_.output.height, g_.output.width, static_cast<int>(g_.wideStep), g_.output.channels,
               output_.height,   output_.width,   w.height,                      w.width,
               w.strideY,        w.strideX,       w.top,                         w.left};
    }
    sparse_ = layers.pooled && layers.pool.strideY * layers.pool.strideX >= sparseFromPoolArea;
    algorithm_ = sparse_ ? createSparseConvolution(g_) : createDirectConvolution(g_);
  }

  Shape output() const override { return output_; }
  Features features() const override { return {result_.data(), output_}; }
  int64_t bytesPerImage() const override { return output_.size() * (layers_.pooled ? 5 : 4); }

  // padded source | wide map or lists | padded gradient | counts | the source as read
  int64_t scratchFloats() const override {
    return 2 * roundUp(g_.paddedSize, 16) + std::max(roundUp(g_.wideSize(), 16) + 64, 2 * output_.size() + 64) +
           2 * g_.output.channels + g_.source.size() + 256;
  }

  void forward(const Pass& pass, const Features& src) override {
    algorithm_->prepare(layers_.weights->value.data(), layers_.bias ? layers_.bias->value.data() : nullptr,
                        pass.training);
    float* result = result_.reserve(pass.count * output_.size());
    uint8_t* place = layers_.pooled ? place_.reserve(pass.count * output_.size()) : nullptr;
    parallelFor(pass.count, [&](std::ptrdiff_t image, int worker) {
      const Parts parts = partsOf(pass, worker);
      pad(src, image, parts.source, parts.padded);
      float* dst = result + image * output_.size();
      const bool straight = !layers_.pooled && g_.wideStep == g_.output.channels;
      float* wide = straight ? dst : parts.wide;
      algorithm_->forward(parts.padded, wide);
      if (layers_.pooled)
        kernels().maxPool(wide, pool_, dst, place + image * output_.size());
      else if (!straight)
        for (int64_t p = 0; p < output_.positions(); ++p)
          std::copy_n(wide + p * g_.wideStep, output_.channels, dst + p * output_.channels);
      kernels().activate(layers_.activation, dst, output_.size());
    });
  }

  void backward(const Pass& pass, const Features& src, float* diffDst, float* diffSrc) override {
    const int64_t step = roundUp(algorithm_->accumulatorFloats(), 16);
    const int64_t filters = roundUp(g_.output.channels, 16);
    const Chunks chunks(pass.count, std::clamp<int64_t>(accumulatorBytes / (step * 4), 1, 64));
    float* sums = sums_.zeroed(chunks.number * step);
    float* biasSums = biasSums_.zeroed(chunks.number * filters);
    parallelFor(chunks.number, [&](std::ptrdiff_t chunk, int worker) {
      const Parts parts = partsOf(pass, worker);
      for (int64_t image = chunks.begin(chunk); image < chunks.end(chunk); ++image)
        backwardImage(src, image, diffDst, diffSrc, parts, sums + chunk * step, biasSums + chunk * filters);
    });
    sumParts(sums, chunks.number, step, algorithm_->accumulatorFloats());
    sumParts(biasSums, chunks.number, filters, g_.output.channels);
    collect(pass.accumulate, sums, biasSums);
  }

 private:
  struct Parts {
    float *padded, *wide, *diffPadded, *source;
    int64_t* counts;
    Live* live;
  };

  Parts partsOf(const Pass& pass, int worker) const {
    float* at = pass.scratch->of(worker);
    Parts parts{};
    parts.padded = at;
    parts.diffPadded = at += roundUp(g_.paddedSize, 16);
    parts.wide = at += roundUp(g_.paddedSize, 16);
    parts.live = reinterpret_cast<Live*>(parts.wide);
    at += std::max(roundUp(g_.wideSize(), 16) + 64, 2 * output_.size() + 64);
    parts.counts = reinterpret_cast<int64_t*>(roundUp(reinterpret_cast<int64_t>(at), 64));
    parts.source = at + 2 * g_.output.channels + 32;
    return parts;
  }

  void backwardImage(const Features& src, int64_t image, float* diffDst, float* diffSrc, const Parts& parts,
                     float* sums, float* biasSums) const {
    float* diff = diffDst + image * output_.size();
    kernels().activateBackward(layers_.activation, result_.data() + image * output_.size(), diff, output_.size());
    kernels().addChannels(diff, output_.positions(), output_.channels, biasSums);
    const ResultGradient gradient = sparse_ ? listLive(image, diff, parts) : widen(image, diff, parts);
    pad(src, image, parts.source, parts.padded);
    algorithm_->addDiffWeights(parts.padded, gradient, sums);
    if (diffSrc == nullptr) return;
    std::memset(parts.diffPadded, 0, g_.paddedSize * sizeof(float));
    algorithm_->addDiffSource(gradient, parts.diffPadded);
    crop(parts.diffPadded, diffSrc + image * g_.source.size());
  }

  // Where pooled cell (y, x)'s largest stood: offset of its window in the padded source, and its position.
  struct Source {
    int y, x;
  };
  Source sourceOf(int y, int x, int place) const {
    return {y * pool_.strideY - pool_.top + place / pool_.windowWidth,
            x * pool_.strideX - pool_.left + place % pool_.windowWidth};
  }

  ResultGradient listLive(int64_t image, const float* diff, const Parts& parts) const {
    const int channels = output_.channels;
    const int64_t cells = output_.positions();
    const uint8_t* place = place_.data() + image * output_.size();
    std::fill_n(parts.counts, channels, 0);
    // Offsets of the places of one window, so that a cell costs one addition.
    const int64_t rowStep = g_.window.strideY * g_.sourceRow;
    const int64_t columnStep = static_cast<int64_t>(g_.window.strideX) * g_.source.channels;
    int32_t offsets[256];
    for (int i = 0; i < layers_.pool.area(); ++i)
      offsets[i] = static_cast<int32_t>(i / pool_.windowWidth * rowStep + i % pool_.windowWidth * columnStep);
    for (int y = 0; y < output_.height; ++y)
      for (int x = 0; x < output_.width; ++x) {
        const int64_t corner = (y * pool_.strideY - pool_.top) * rowStep + (x * pool_.strideX - pool_.left) * columnStep;
        for (int f = 0; f < channels; ++f, ++diff, ++place) {
          parts.live[f * cells + parts.counts[f]] = {static_cast<int32_t>(corner + offsets[*place]), *diff};
          parts.counts[f] += *diff != 0.0f;
        }
      }
    return {nullptr, parts.live, parts.counts, cells};
  }

  ResultGradient widen(int64_t image, const float* diff, const Parts& parts) const {
    const int channels = output_.channels;
    if (!layers_.pooled && g_.wideStep == channels) return {diff};
    std::memset(parts.wide, 0, g_.wideSize() * sizeof(float));
    if (!layers_.pooled) {
      for (int64_t p = 0; p < output_.positions(); ++p)
        std::copy_n(diff + p * channels, channels, parts.wide + p * g_.wideStep);
      return {parts.wide};
    }
    const uint8_t* place = place_.data() + image * output_.size();
    for (int y = 0; y < output_.height; ++y)
      for (int x = 0; x < output_.width; ++x)
        for (int f = 0; f < channels; ++f, ++diff, ++place) {
          const Source s = sourceOf(y, x, *place);
          parts.wide[(static_cast<int64_t>(s.y) * g_.output.width + s.x) * g_.wideStep + f] += *diff;
        }
    return {parts.wide};
  }

  // Copies one image into its padded place, scaled and shifted where the source asks for it; zeros around.
  void pad(const Features& src, int64_t image, float* scratch, float* padded) const {
    const float* from = src.image(image, scratch);
    const int64_t channels = g_.source.channels;
    const int rows = std::clamp(g_.paddedHeight - g_.window.top, 0, g_.source.height);
    const int columns = std::clamp(g_.paddedWidth - g_.window.left, 0, g_.source.width);
    const int64_t left = g_.window.left * channels, inside = columns * channels;
    std::memset(padded, 0, g_.window.top * g_.sourceRow * sizeof(float));
    float* row = padded + g_.window.top * g_.sourceRow;
    for (int y = 0; y < rows; ++y, row += g_.sourceRow) {
      std::memset(row, 0, left * sizeof(float));
      std::memcpy(row + left, from + y * g_.source.width * channels, inside * sizeof(float));
      std::memset(row + left + inside, 0, (g_.sourceRow - left - inside) * sizeof(float));
    }
    std::memset(row, 0, (padded + g_.paddedSize - row) * sizeof(float));
  }

  void crop(const float* padded, float* dst) const {
    const int64_t channels = g_.source.channels, width = g_.source.width * channels;
    const int rows = std::clamp(g_.paddedHeight - g_.window.top, 0, g_.source.height);
    const int64_t inside = std::clamp(g_.paddedWidth - g_.window.left, 0, g_.source.width) * channels;
    for (int y = 0; y < rows; ++y) {
      std::memcpy(dst + y * width, padded + (g_.window.top + y) * g_.sourceRow + g_.window.left * channels,
                  inside * sizeof(float));
      std::memset(dst + y * width + inside, 0, (width - inside) * sizeof(float));
    }
    std::memset(dst + rows * width, 0, (g_.source.height - rows) * width * sizeof(float));
  }

  void collect(bool accumulate, const float* sums, const float* biasSums) {
    Parameter& weights = *layers_.weights;
    if (!accumulate) weights.gradient.zeroed(weights.size());
    algorithm_->collectDiffWeights(sums, weights.gradient.data());
    if (layers_.bias == nullptr) return;
    Parameter& bias = *layers_.bias;
    if (!accumulate) bias.gradient.zeroed(bias.size());
    kernels().add(biasSums, bias.gradient.data(), bias.size());
  }

  ConvLayers layers_;
  ConvGeometry g_;
  Shape output_;
  PoolGeometry pool_{};
  bool sparse_ = false;
  std::unique_ptr<ConvAlgorithm> algorithm_;
  Buffer<float> result_, sums_, biasSums_;
  Buffer<uint8_t> place_;
};

}  // namespace

std::unique_ptr<Block> createConvBlock(Shape source, const ConvLayers& layers) {
  return std::make_unique<ConvBlock>(source, layers);
}

}  // namespace brightcell
