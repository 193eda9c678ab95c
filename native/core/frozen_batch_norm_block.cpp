// Batch norm by its running statistics, through which a gradient goes back: a scale and a shift, both ways.
#include <cmath>

#include "core/blocks.h"
#include "core/parallel.h"

namespace brightcell {
namespace {

class FrozenBatchNormBlock : public Block {
 public:
  FrozenBatchNormBlock(Shape source, const BatchNormParameters& parameters) : shape_(source), p_(parameters) {
    for (auto* values : {&scale_, &shift_, &zeros_}) values->zeroed(source.channels);
  }
  Shape output() const override { return shape_; }
  Features features() const override { return {data_, shape_, scale_.data(), shift_.data()}; }
  int64_t bytesPerImage() const override { return 0; }
  bool inPlace() const override { return true; }

  void forward(const Pass& pass, const Features& src) override {
    data_ = src.data;
    if (src.scale != nullptr) {
      float* plain = plain_.reserve(pass.count * shape_.size());
      parallelFor(pass.count, [&](std::ptrdiff_t image, int) { src.image(image, plain + image * shape_.size()); });
      data_ = plain;
    }
    for (int c = 0; c < shape_.channels; ++c) {
      const double deviation = std::sqrt(static_cast<double>(p_.variance->value.data()[c]) + p_.epsilon);
      const double scale = p_.gamma->value.data()[c] / deviation;
      scale_.data()[c] = static_cast<float>(scale);
      shift_.data()[c] = static_cast<float>(p_.beta->value.data()[c] - p_.mean->value.data()[c] * scale);
    }
  }

  // The block before multiplies the gradient by the scale, as it reads it anyway.
  void backward(const Pass&, const Features&, const Gradient&, float*) override {}
  Gradient sourceGradient(float* diffSrc) const override {
    return {diffSrc, scale_.data(), zeros_.data(), zeros_.data()};
  }

 private:
  Shape shape_;
  BatchNormParameters p_;
  const float* data_ = nullptr;
  Buffer<float> scale_, shift_, zeros_, plain_;
};

}  // namespace

std::unique_ptr<Block> createFrozenBatchNormBlock(Shape source, const BatchNormParameters& parameters) {
  return std::make_unique<FrozenBatchNormBlock>(source, parameters);
}

}  // namespace brightcell
