// Nearest neighbour: each position becomes a rectangle of equal ones; its gradient is the sum over the rectangle.
#include <algorithm>
#include <cstring>

#include "core/blocks.h"
#include "core/instruction_set.h"
#include "core/parallel.h"

namespace brightcell {
namespace {

class UpsampleBlock : public Block {
 public:
  UpsampleBlock(Shape source, int rows, int columns)
      : source_(source), output_{source.channels, source.height * rows, source.width * columns}, rows_(rows),
        columns_(columns) {}
  Shape output() const override { return output_; }
  Features features() const override { return {result_.data(), output_}; }
  int64_t scratchFloats() const override { return source_.size() + 64; }

  void forward(const Pass& pass, const Features& src) override {
    float* result = result_.reserve(pass.count * output_.size());
    parallelFor(pass.count, [&](std::ptrdiff_t image, int worker) {
      const float* from = src.image(image, pass.scratch->of(worker));
      float* dst = result + image * output_.size();
      for (int y = 0; y < source_.height; ++y) {
        float* row = dst;
        for (int x = 0; x < source_.width; ++x, from += source_.channels)
          for (int i = 0; i < columns_; ++i, dst += source_.channels) std::copy_n(from, source_.channels, dst);
        for (int i = 1; i < rows_; ++i, dst += rowFloats()) std::memcpy(dst, row, rowFloats() * sizeof(float));
      }
    });
  }

  void backward(const Pass& pass, const Features&, const Gradient& diff, float* diffSrc) override {
    if (diffSrc == nullptr) return;
    parallelFor(pass.count, [&](std::ptrdiff_t image, int) {
      float* into = diffSrc + image * source_.size();
      std::memset(into, 0, source_.size() * sizeof(float));
      const float* from = diff.data + image * output_.size();
      for (int y = 0; y < output_.height; ++y) {
        float* row = into + static_cast<int64_t>(y / rows_) * source_.width * source_.channels;
        for (int x = 0; x < source_.width; ++x, from += columns_ * source_.channels)
          kernels().addChannels(from, columns_, source_.channels, row + static_cast<int64_t>(x) * source_.channels);
      }
    });
  }

 private:
  int64_t rowFloats() const { return static_cast<int64_t>(output_.width) * output_.channels; }

  Shape source_, output_;
  int rows_, columns_;
  Buffer<float> result_;
};

}  // namespace

std::unique_ptr<Block> createUpsampleBlock(Shape source, int rows, int columns) {
  return std::make_unique<UpsampleBlock>(source, rows, columns);
}

}  // namespace brightcell
