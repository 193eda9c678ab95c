// An activation that stands alone: after batch norm, an average pool or dropout.
#include <algorithm>

#include "core/blocks.h"
#include "core/instruction_set.h"
#include "core/parallel.h"

namespace brightcell {
namespace {

class ActivationBlock : public Block {
 public:
  ActivationBlock(Shape source, Activation kind) : shape_(source), kind_(kind) {}
  Shape output() const override { return shape_; }
  Features features() const override { return {result_.data(), shape_}; }
  bool inPlace() const override { return true; }

  void forward(const Pass& pass, const Features& src) override {
    const int64_t size = shape_.size();
    float* result = result_.reserve(pass.count * size);
    parallelFor(pass.count, [&](std::ptrdiff_t image, int) {
      float* dst = result + image * size;
      const float* from = src.image(image, dst);
      if (from != dst) std::copy_n(from, size, dst);
      kernels().activate(kind_, dst, size);
    });
  }

  void backward(const Pass& pass, const Features&, const Gradient& diff, float* diffSrc) override {
    if (diffSrc == nullptr) return;
    const int64_t size = shape_.size();
    parallelFor(pass.count, [&](std::ptrdiff_t image, int) {
      kernels().activateBackward(kind_, result_.data() + image * size, diff.data + image * size, size);
    });
  }

 private:
  Shape shape_;
  Activation kind_;
  Buffer<float> result_;
};

}  // namespace

std::unique_ptr<Block> createActivationBlock(Shape source, Activation kind) {
  return std::make_unique<ActivationBlock>(source, kind);
}

}  // namespace brightcell
