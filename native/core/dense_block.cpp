// A dense layer and the activation after it: three matrix products over the whole pass.
#include <algorithm>

#include "core/blocks.h"
#include "core/gemm.h"
#include "core/instruction_set.h"
#include "core/parallel.h"

namespace brightcell {
namespace {

class DenseBlock : public Block {
 public:
  DenseBlock(Shape source, int units, Parameter* weights, Parameter* bias, Activation activation)
      : inputs_(source.size()), units_(units), weights_(weights), bias_(bias), activation_(activation) {}

  Shape output() const override { return {units_, 1, 1}; }
  Features features() const override { return {result_.data(), output()}; }

  void forward(const Pass& pass, const Features& src) override {
    float* result = result_.reserve(pass.count * units_);
    multiply({pass.count, units_, inputs_, {source(pass, src), inputs_, 1}, {weights_->value.data(), 1, inputs_},
              result, units_, false, bias_ ? bias_->value.data() : nullptr});
    if (activation_ == Activation::none) return;
    parallelFor(pass.count, [&](std::ptrdiff_t image, int) {
      kernels().activate(activation_, result + image * units_, units_);
    });
  }

  void backward(const Pass& pass, const Features& src, const Gradient& gradient, float* diffSrc) override {
    float* diffDst = gradient.data;
    parallelFor(pass.count, [&](std::ptrdiff_t image, int) {
      kernels().activateBackward(activation_, result_.data() + image * units_, diffDst + image * units_, units_);
    });
    const Matrix diff{diffDst, units_, 1};
    weights_->gradient.reserve(weights_->size());
    multiply({units_, inputs_, pass.count, diff.transposed(), {source(pass, src), inputs_, 1},
              weights_->gradient.data(), inputs_, pass.accumulate});
    if (bias_ != nullptr) {
      if (!pass.accumulate) bias_->gradient.zeroed(units_);
      kernels().addChannels(diffDst, pass.count, units_, bias_->gradient.data());
    }
    if (diffSrc != nullptr)
      multiply({pass.count, inputs_, units_, diff, {weights_->value.data(), inputs_, 1}, diffSrc, inputs_});
  }

 private:
  // The features as a plain matrix; written out where they come with a scale.
  const float* source(const Pass& pass, const Features& src) {
    if (src.scale == nullptr) return src.data;
    float* plain = plain_.reserve(pass.count * inputs_);
    parallelFor(pass.count, [&](std::ptrdiff_t image, int) { src.image(image, plain + image * inputs_); });
    return plain;
  }

  int64_t inputs_;
  int units_;
  Parameter *weights_, *bias_;
  Activation activation_;
  Buffer<float> result_, plain_;
};

}  // namespace

std::unique_ptr<Block> createDenseBlock(Shape source, int units, Parameter* weights, Parameter* bias,
                                        Activation activation, Precision) {
  return std::make_unique<DenseBlock>(source, units, weights, bias, activation);
}

}  // namespace brightcell
