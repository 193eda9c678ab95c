// A dense layer and the activation after it: three matrix products over the whole pass. N images, U units, I inputs.
// Evaluation keeps the weights in the order that the product reads, for as long as nobody writes them: one image is
// then one reading of them, front to back. Training writes them every step and packs them on the way.
#include <algorithm>

#include "core/blocks.h"
#include "core/gemm.h"
#include "core/instruction_set.h"
#include "core/parallel.h"

namespace brightcell {
namespace {

class DenseBlock : public Block {
 public:
  DenseBlock(Shape source, int units, Parameter* weights, Parameter* bias, Activation activation, Precision precision)
      : inputs_(source.size()), units_(units), weights_(weights), bias_(bias), activation_(activation),
        precision_(precision) {}

  Ways ways() const override { return {"packed product", "packed product"}; }
  Shape output() const override { return {units_, 1, 1}; }
  Features features() const override { return {result_.data(), output()}; }

  void forward(const Pass& pass, const Features& src) override {
    Product product{pass.count, units_, inputs_, {source(pass, src), inputs_, 1}, {weights_->value.data(), 1, inputs_},
                    result_.reserve(pass.count * units_), units_};
    if (bias_ != nullptr) product.bias = bias_->value.data();
    product.precision = precision_;
    product.activation = activation_;
    if (!pass.training) product.packed = packedWeights(product.b);
    multiply(product);
  }

  void backward(const Pass& pass, const Features& src, const Gradient& gradient, float* diffSrc) override {
    float* diffDst = gradient.data;
    if (activation_ != Activation::none)
      parallelFor(pass.count, [&](std::ptrdiff_t image, int) {
        kernels().activateBackward(activation_, result_.data() + image * units_, diffDst + image * units_, units_);
      });
    const Matrix diff{diffDst, units_, 1};
    if (pass.parameters) weightGradients(pass, src, diff);
    if (diffSrc == nullptr) return;
    Product toSource{pass.count, inputs_, units_, diff, {weights_->value.data(), inputs_, 1}, diffSrc, inputs_};
    toSource.precision = precision_;
    multiply(toSource);
  }

 private:
  void weightGradients(const Pass& pass, const Features& src, const Matrix& diff) {
    Product product{units_, inputs_, pass.count, diff.transposed(), {source(pass, src), inputs_, 1},
                    weights_->gradient.reserve(weights_->size()), inputs_, pass.accumulate};
    product.precision = precision_;
    multiply(product);
    if (bias_ != nullptr) sumBias(pass, diff.data);
  }

  // The features as a plain matrix; written out where they come with a scale.
  const float* source(const Pass& pass, const Features& src) {
    if (src.scale == nullptr) return src.data;
    float* plain = plain_.reserve(pass.count * inputs_);
    parallelFor(pass.count, [&](std::ptrdiff_t image, int) { src.image(image, plain + image * inputs_); });
    return plain;
  }

  const PackedColumns* packedWeights(const Matrix& weights) {
    if (packedVersion_ != weights_->version || packedFor_ != &kernels()) {
      packed_.pack(weights, inputs_, units_, precision_);
      packedVersion_ = weights_->version;
      packedFor_ = &kernels();
    }
    return &packed_;
  }

  void sumBias(const Pass& pass, const float* diff) {
    const Chunks chunks(pass.count, 16);
    const int64_t step = roundUp(units_, 16);
    float* sums = biasSums_.zeroed(chunks.number * step);
    parallelFor(chunks.number, [&](std::ptrdiff_t i, int) {
      const int64_t first = chunks.begin(i);
      kernels().addChannels(diff + first * units_, chunks.end(i) - first, units_, sums + i * step);
    });
    if (!pass.accumulate) bias_->gradient.zeroed(units_);
    for (int64_t i = 0; i < chunks.number; ++i) kernels().add(sums + i * step, bias_->gradient.data(), units_);
  }

  int64_t inputs_;
  int units_;
  Parameter *weights_, *bias_;
  Activation activation_;
  Precision precision_;
  Buffer<float> result_, plain_, biasSums_;
  PackedColumns packed_;
  uint64_t packedVersion_ = 0;
  const Kernels* packedFor_ = nullptr;
};

}  // namespace

std::unique_ptr<Block> createDenseBlock(Shape source, int units, Parameter* weights, Parameter* bias,
                                        Activation activation, Precision precision) {
  return std::make_unique<DenseBlock>(source, units, weights, bias, activation, precision);
}

}  // namespace brightcell
