// Stores nothing of its own: it hands the source on with a scale and a shift per channel. Sums are made in float
// over one image and in double over images, in chunks that depend on the batch only.
#include <algorithm>
#include <cmath>
#include <vector>

#include "core/blocks.h"
#include "core/instruction_set.h"
#include "core/parallel.h"

namespace brightcell {
namespace {

class BatchNormBlock : public Block {
 public:
  BatchNormBlock(Shape source, const BatchNormParameters& parameters) : shape_(source), p_(parameters) {
    const int64_t channels = source.channels;
    for (auto* values : {&scale_, &shift_, &mean_, &factor_, &slope_, &offset_}) values->zeroed(channels);
    means_.resize(channels);
    variances_.resize(channels);
  }
  Shape output() const override { return shape_; }
  Features features() const override {
    return {data_, shape_, scale_.data(), shift_.data(), nullptr, training_ ? &wanted_ : nullptr};
  }
  int64_t bytesPerImage() const override { return 0; }
  int64_t scratchFloats() const override { return shape_.size() + 2 * shape_.channels + 64; }
  bool inPlace() const override { return true; }

  void forward(const Pass& pass, const Features& src) override {
    data_ = materialise(pass, src);
    training_ = pass.training;
    if (pass.training) {
      measure(pass, src);
      wanted_ = {mean_.data(), gradientSums_.reserve(pass.count * 2 * shape_.channels)};
      setScale(means_.data(), variances_.data());
    } else {
      setScale(p_.mean->value.data(), p_.variance->value.data());
    }
  }

  void backward(const Pass& pass, const Features& src, const Gradient& diff, float* diffSrc) override {
    const int channels = shape_.channels;
    const std::vector<double> sums = sumGradient(pass, diff.data);
    const double number = static_cast<double>(pass.count * shape_.positions());
    float* gamma = prepareGradient(*p_.gamma, pass.accumulate);
    float* beta = prepareGradient(*p_.beta, pass.accumulate);
    for (int c = 0; c < channels; ++c) {
      const double inverse = 1.0 / std::sqrt(variances_[c] + p_.epsilon);
      const double product = sums[channels + c] * inverse;
      beta[c] += static_cast<float>(sums[c]);
      gamma[c] += static_cast<float>(product);
      // diffSrc = gamma / deviation * (diff - mean(diff) - normalised * mean(diff * normalised))
      const double factor = p_.gamma->value.data()[c] * inverse;
      const double slope = -factor * product / number * inverse;
      factor_.data()[c] = static_cast<float>(factor);
      slope_.data()[c] = static_cast<float>(slope);
      offset_.data()[c] = static_cast<float>(-factor * sums[c] / number - slope * means_[c]);
    }
    plainGradient_ = src.scale != nullptr;
    if (!plainGradient_ || diffSrc == nullptr) return;
    parallelFor(pass.count, [&](std::ptrdiff_t image, int) {
      kernels().combine(diffSrc + image * shape_.size(), data_ + image * shape_.size(), factor_.data(),
                        slope_.data(), offset_.data(), shape_.positions(), channels);
    });
  }
  // Carried out by the block before, which reads the gradient anyway; unless its result is not what was normalised.
  Gradient sourceGradient(float* diffSrc) const override {
    if (plainGradient_) return {diffSrc};
    return {diffSrc, factor_.data(), slope_.data(), offset_.data()};
  }

  void commit(int64_t steps) override {
    const double t = static_cast<double>(steps);
    ++p_.mean->version;
    ++p_.variance->version;
    const double decay = std::min(p_.decay, (1 + t) / (10 + t));
    const double unbiased = number_ > 1 ? number_ / (number_ - 1) : 1.0;
    for (int c = 0; c < shape_.channels; ++c) {
      move(p_.mean->value.data()[c], means_[c], decay);
      move(p_.variance->value.data()[c], variances_[c] * unbiased, decay);
    }
  }

 private:
  // Another batch norm before this one leaves a scale that must be carried out first.
  const float* materialise(const Pass& pass, const Features& src) {
    if (src.scale == nullptr) return src.data;
    float* plain = plain_.reserve(pass.count * shape_.size());
    parallelFor(pass.count, [&](std::ptrdiff_t image, int) { src.image(image, plain + image * shape_.size()); });
    return plain;
  }

  void measure(const Pass& pass, const Features& src) {
    number_ = static_cast<double>(pass.count * shape_.positions());
    if (src.moments != nullptr && src.scale == nullptr) return mergeMoments(pass, src.moments);
    const int channels = shape_.channels;
    const auto sums = sumImages(pass, 1, [&](int64_t image, float* part) {
      kernels().addChannels(data_ + image * shape_.size(), shape_.positions(), channels, part);
    });
    for (int c = 0; c < channels; ++c) mean_.data()[c] = static_cast<float>(means_[c] = sums[c] / number_);
    const auto squares = sumImages(pass, 1, [&](int64_t image, float* part) {
      kernels().addSquares(data_ + image * shape_.size(), mean_.data(), shape_.positions(), channels, part);
    });
    for (int c = 0; c < channels; ++c) variances_[c] = squares[c] / number_;
  }

  // Chan's rule: squares about the mean of all are those about each image's mean and those of the means themselves.
  void mergeMoments(const Pass& pass, const float* moments) {
    const int channels = shape_.channels;
    const double positions = static_cast<double>(shape_.positions());
    std::vector<double> means(channels), squares(channels);
    for (int64_t image = 0; image < pass.count; ++image)
      for (int c = 0; c < channels; ++c) means[c] += moments[image * 2 * channels + c];
    for (double& mean : means) mean /= static_cast<double>(pass.count);
    for (int64_t image = 0; image < pass.count; ++image)
      for (int c = 0; c < channels; ++c) {
        const float* at = moments + image * 2 * channels + c;
        const double apart = at[0] - means[c];
        squares[c] += at[channels] + positions * apart * apart;
      }
    for (int c = 0; c < channels; ++c) {
      mean_.data()[c] = static_cast<float>(means_[c] = means[c]);
      variances_[c] = squares[c] / number_;
    }
  }

  // Sums over all images and positions of the gradient, and of its products with data - mean: [2][C].
  std::vector<double> sumGradient(const Pass& pass, const float* diff) {
    const int channels = shape_.channels;
    if (!wanted_.complete)
      return sumImages(pass, 2, [&](int64_t image, float* part) {
        kernels().addProducts(diff + image * shape_.size(), data_ + image * shape_.size(), mean_.data(),
                              shape_.positions(), channels, part, part + channels);
      });
    std::vector<double> sums(2 * channels);
    for (int64_t image = 0; image < pass.count; ++image)
      for (int i = 0; i < 2 * channels; ++i) sums[i] += wanted_.sums[image * 2 * channels + i];
    return sums;
  }

  // `columns` sums per channel: `add` fills floats of one image, which are added up in double.
  template <typename Add>
  std::vector<double> sumImages(const Pass& pass, int columns, Add add) {
    const int64_t size = static_cast<int64_t>(columns) * shape_.channels;
    const Chunks chunks(pass.count, 64);
    std::vector<double> parts(chunks.number * size);
    parallelFor(chunks.number, [&](std::ptrdiff_t chunk, int worker) {
      float* part = pass.scratch->of(worker);
      for (int64_t image = chunks.begin(chunk); image < chunks.end(chunk); ++image) {
        std::fill_n(part, size, 0.0f);
        add(image, part);
        for (int64_t i = 0; i < size; ++i) parts[chunk * size + i] += part[i];
      }
    });
    for (int64_t chunk = 1; chunk < chunks.number; ++chunk)
      for (int64_t i = 0; i < size; ++i) parts[i] += parts[chunk * size + i];
    parts.resize(size);
    return parts;
  }

  template <typename Number>
  void setScale(const Number* mean, const Number* variance) {
    for (int c = 0; c < shape_.channels; ++c) {
      const double scale = p_.gamma->value.data()[c] / std::sqrt(static_cast<double>(variance[c]) + p_.epsilon);
      scale_.data()[c] = static_cast<float>(scale);
      shift_.data()[c] = static_cast<float>(p_.beta->value.data()[c] - mean[c] * scale);
    }
  }

  static float* prepareGradient(Parameter& parameter, bool accumulate) {
    return accumulate ? parameter.gradient.data() : parameter.gradient.zeroed(parameter.size());
  }

  static void move(float& running, double batch, double decay) {
    running = static_cast<float>(decay * running + (1.0 - decay) * batch);
  }

  Shape shape_;
  BatchNormParameters p_;
  double number_ = 1;
  bool training_ = false, plainGradient_ = false;
  const float* data_ = nullptr;
  Buffer<float> scale_, shift_, mean_, factor_, slope_, offset_, plain_, gradientSums_;
  // Of the batch, in double: their rounding would move every position of a channel the same way.
  std::vector<double> means_, variances_;
  mutable GradientSums wanted_{};
};

}  // namespace

std::unique_ptr<Block> createBatchNormBlock(Shape source, const BatchNormParameters& parameters) {
  return std::make_unique<BatchNormBlock>(source, parameters);
}

}  // namespace brightcell
