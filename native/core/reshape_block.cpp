// A vector, in the order [C, H, W] that dense layers count in, as a map of that shape, and back for the gradient.
#include "core/blocks.h"
#include "core/parallel.h"

namespace brightcell {
namespace {

class ReshapeBlock : public Block {
 public:
  ReshapeBlock(Shape source, Shape output) : source_(source), output_(output) {}
  Shape output() const override { return output_; }
  Features features() const override { return {result_.data(), output_}; }
  int64_t scratchFloats() const override { return source_.size() + 64; }

  void forward(const Pass& pass, const Features& src) override {
    float* result = result_.reserve(pass.count * output_.size());
    parallelFor(pass.count, [&](std::ptrdiff_t image, int worker) {
      const float* from = src.image(image, pass.scratch->of(worker));
      float* dst = result + image * output_.size();
      for (int64_t i = 0; i < source_.size(); ++i) dst[place(output_, i)] = from[place(source_, i)];
    });
  }

  void backward(const Pass& pass, const Features&, const Gradient& diff, float* diffSrc) override {
    if (diffSrc == nullptr) return;
    parallelFor(pass.count, [&](std::ptrdiff_t image, int) {
      const float* from = diff.data + image * output_.size();
      float* into = diffSrc + image * source_.size();
      for (int64_t i = 0; i < source_.size(); ++i) into[place(source_, i)] = from[place(output_, i)];
    });
  }

 private:
  // Where number `index` of [C, H, W] stands in [H, W, C].
  static int64_t place(Shape shape, int64_t index) {
    return index % shape.positions() * shape.channels + index / shape.positions();
  }

  Shape source_, output_;
  Buffer<float> result_;
};

}  // namespace

std::unique_ptr<Block> createReshapeBlock(Shape source, Shape output) {
  return std::make_unique<ReshapeBlock>(source, output);
}

}  // namespace brightcell
