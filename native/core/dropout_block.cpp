#include <algorithm>

#include "core/blocks.h"
#include "core/parallel.h"
#include "core/random.h"

namespace brightcell {
namespace {

class DropoutBlock : public Block {
 public:
  DropoutBlock(Shape source, int layer, double rate) : shape_(source), layer_(layer), rate_(rate) {}
  Shape output() const override { return shape_; }
  Features features() const override { return passed_.data ? passed_ : Features{result_.data(), shape_}; }
  bool inPlace() const override { return true; }

  void forward(const Pass& pass, const Features& src) override {
    passed_ = pass.training ? Features{} : src;
    if (!pass.training) return;
    const int64_t size = shape_.size();
    float* result = result_.reserve(pass.count * size);
    parallelFor(pass.count, [&](std::ptrdiff_t image, int) {
      float* dst = result + image * size;
      const float* from = src.image(image, dst);
      if (from != dst) std::copy_n(from, size, dst);
      mask(pass, image, dst);
    });
  }

  void backward(const Pass& pass, const Features&, const Gradient& diff, float* diffSrc) override {
    if (diffSrc == nullptr) return;
    parallelFor(pass.count, [&](std::ptrdiff_t image, int) { mask(pass, image, diff.data + image * shape_.size()); });
  }

 private:
  // Units are numbered [C, H, W], as the outside sees them.
  void mask(const Pass& pass, int64_t image, float* values) const {
    const Random key(pass.dropSeed, static_cast<uint64_t>(layer_));
    Random random(Random(key).next(), static_cast<uint64_t>(pass.first + image));
    const float keep = static_cast<float>(1.0 / (1.0 - rate_));
    const int64_t positions = shape_.positions();
    for (int c = 0; c < shape_.channels; ++c)
      for (int64_t p = 0; p < positions; ++p) values[p * shape_.channels + c] *= random.uniform() < rate_ ? 0.0f : keep;
  }

  Shape shape_;
  int layer_;
  double rate_;
  Features passed_;
  Buffer<float> result_;
};

}  // namespace

std::unique_ptr<Block> createDropoutBlock(Shape source, int layer, double rate) {
  return std::make_unique<DropoutBlock>(source, layer, rate);
}

}  // namespace brightcell
