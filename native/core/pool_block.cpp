// Pools that do not follow a convolution directly, and average pools.
#include <algorithm>
#include <cstring>

#include "core/blocks.h"
#include "core/instruction_set.h"
#include "core/parallel.h"

namespace brightcell {
namespace {

class PoolBlock : public Block {
 public:
  PoolBlock(Shape source, const Window& w)
      : source_(source), output_{source.channels, w.outputHeight(source.height), w.outputWidth(source.width)} {
    const ptrdiff_t row = static_cast<ptrdiff_t>(source.width) * source.channels;
    g_ = {source.height, source.width,    row,      source.channels, source.channels, output_.height, output_.width,
          source.channels, w.height, w.width, w.strideY,      w.strideX,       w.top,           w.left};
  }
  Shape output() const override { return output_; }
  Features features() const override { return {result_.data(), output_}; }
  int64_t scratchFloats() const override { return source_.size() + 64; }

  void forward(const Pass& pass, const Features& src) override {
    float* result = result_.reserve(pass.count * output_.size());
    reserve(pass.count * output_.size());
    parallelFor(pass.count, [&](std::ptrdiff_t image, int worker) {
      forwardImage(image, src.image(image, pass.scratch->of(worker)), result + image * output_.size());
    });
  }

  void backward(const Pass& pass, const Features&, const Gradient& diff, float* diffSrc) override {
    if (diffSrc == nullptr) return;
    parallelFor(pass.count, [&](std::ptrdiff_t image, int) {
      float* into = diffSrc + image * source_.size();
      std::memset(into, 0, source_.size() * sizeof(float));
      backwardImage(image, diff.data + image * output_.size(), into);
    });
  }

 protected:
  virtual void reserve(int64_t) {}
  virtual void forwardImage(int64_t image, const float* src, float* dst) = 0;
  virtual void backwardImage(int64_t image, const float* diff, float* into) const = 0;

  Shape source_, output_;
  PoolGeometry g_{};

 private:
  Buffer<float> result_;
};

class MaxPoolBlock : public PoolBlock {
 public:
  using PoolBlock::PoolBlock;
  int64_t bytesPerImage() const override { return output_.size() * 5; }

 protected:
  void reserve(int64_t count) override { place_.reserve(count); }

  void forwardImage(int64_t image, const float* src, float* dst) override {
    kernels().maxPool(src, g_, dst, place_.data() + image * output_.size());
  }

  void backwardImage(int64_t image, const float* diff, float* into) const override {
    kernels().unpool(diff, place_.data() + image * output_.size(), g_, into);
  }

 private:
  Buffer<uint8_t> place_;
};

class AveragePoolBlock : public PoolBlock {
 public:
  using PoolBlock::PoolBlock;

 protected:
  void forwardImage(int64_t, const float* src, float* dst) override {
    for (int y = 0; y < g_.outputHeight; ++y)
      for (int x = 0; x < g_.outputWidth; ++x, dst += g_.channels) {
        const Inside in = inside(y, x);
        std::fill_n(dst, g_.channels, 0.0f);
        for (int sy = in.top; sy < in.bottom; ++sy)
          kernels().addChannels(src + (static_cast<int64_t>(sy) * g_.width + in.left) * g_.channels,
                                in.right - in.left, g_.channels, dst);
        for (int c = 0; c < g_.channels; ++c) dst[c] *= in.share();
      }
  }

  void backwardImage(int64_t, const float* diff, float* into) const override {
    for (int y = 0; y < g_.outputHeight; ++y)
      for (int x = 0; x < g_.outputWidth; ++x, diff += g_.channels) {
        const Inside in = inside(y, x);
        for (int sy = in.top; sy < in.bottom; ++sy)
          for (int sx = in.left; sx < in.right; ++sx) {
            float* cell = into + (static_cast<int64_t>(sy) * g_.width + sx) * g_.channels;
            for (int c = 0; c < g_.channels; ++c) cell[c] += diff[c] * in.share();
          }
      }
  }

 private:
  struct Inside {
    int top, bottom, left, right;
    float share() const { return 1.0f / static_cast<float>((bottom - top) * (right - left)); }
  };
  Inside inside(int y, int x) const {
    const int top = y * g_.strideY - g_.top, left = x * g_.strideX - g_.left;
    return {std::max(top, 0), std::min(top + g_.windowHeight, g_.height), std::max(left, 0),
            std::min(left + g_.windowWidth, g_.width)};
  }
};

}  // namespace

std::unique_ptr<Block> createMaxPoolBlock(Shape source, const Window& window) {
  return std::make_unique<MaxPoolBlock>(source, window);
}

std::unique_ptr<Block> createAveragePoolBlock(Shape source, const Window& window) {
  return std::make_unique<AveragePoolBlock>(source, window);
}

}  // namespace brightcell
