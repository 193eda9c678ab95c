#include "core/few_filters.h"

#include <algorithm>

#include "core/instruction_set.h"
#include "core/maps.h"
#include "core/parallel.h"

namespace brightcell {
namespace {

constexpr int mostFilters = 8;

// Row y of an image, as an image of one row.
void padRow(const Features& src, int64_t image, int y, const MapLayout& layout, float* padded) {
  const Shape& s = src.shape;
  const Features row{src.data + (image * s.height + y) * s.width * s.channels, {s.channels, 1, s.width}, src.scale,
                     src.shift};
  padImage(row, 0, layout, padded);
}

class FewForward : public ConvForward {
 public:
  explicit FewForward(const ConvLayer& layer)
      : l_(layer),
        length_(roundUp(static_cast<int64_t>(layer.window.width) * layer.source.channels, kernels().lanes)),
        row_{1, layer.output.width + layer.window.width - 1, 0, layer.window.left, layer.source.channels},
        rowStep_(roundUp(row_.size(), 16)) {}

  int64_t scratchFloats() const override { return l_.window.height * rowStep_; }

  // [F][kernel rows][length]
  void prepare(const float* weights, const float* bias) override {
    const int64_t rows = static_cast<int64_t>(l_.output.channels) * l_.window.height;
    const int64_t run = l_.depth() / l_.window.height;
    float* padded = weights_.zeroed(rows * length_);
    for (int64_t i = 0; i < rows; ++i) std::copy_n(weights + i * run, run, padded + i * length_);
    float* b = bias_.zeroed(l_.output.channels);
    if (bias != nullptr) std::copy_n(bias, l_.output.channels, b);
  }

  // The scratch holds as many padded rows as the kernel has, each at its number modulo that.
  void run(const Features& src, Images images, float* result, uint8_t*, float* scratch) const override {
    const int kernelRows = l_.window.height, height = l_.output.height;
    std::vector<const float*> rows(kernelRows);
    for (int64_t image = images.first; image < images.last; ++image) {
      float* dst = result + image * l_.result.size();
      for (int y = 0; y < height + kernelRows - 1; ++y) {
        readRow(src, image, y, scratch + y % kernelRows * rowStep_);
        const int first = y - kernelRows + 1;
        if (first < 0) continue;
        for (int i = 0; i < kernelRows; ++i) rows[i] = scratch + (first + i) % kernelRows * rowStep_;
        kernels().rowDots({rows.data(), kernelRows, row_.step, length_, weights_.data(), bias_.data(),
                           l_.output.channels, l_.output.width,
                           dst + static_cast<int64_t>(first) * l_.output.width * l_.output.channels});
      }
      kernels().activate(l_.activation, dst, l_.result.size());
    }
  }

 private:
  void readRow(const Features& src, int64_t image, int padded, float* dst) const {
    const int y = padded - l_.window.top;
    if (y >= 0 && y < l_.source.height)
      padRow(src, image, y, row_, dst);
    else
      std::fill_n(dst, row_.size(), 0.0f);
  }

  ConvLayer l_;
  int64_t length_;  // of a kernel row, in whole vectors
  MapLayout row_;
  int64_t rowStep_;
  Buffer<float> weights_, bias_;
};

// With a border around the gradient the source needs none: row s of it meets, at tap (y, x), the gradient y rows
// before and x columns before.
class FewBackward : public ConvBackward {
 public:
  explicit FewBackward(const ConvLayer& layer)
      : l_(layer), channels_(roundUp(layer.source.channels, kernels().lanes)) {
    const Window& w = l_.window;
    diff_ = {l_.source.height + w.top + w.height - 1, l_.source.width + w.left + w.width - 1, w.height - 1, w.width - 1,
             l_.output.channels};
    row_ = {1, l_.source.width, 0, 0, channels_};
  }

  // padded gradient | row of the source | row of its gradient
  int64_t scratchFloats() const override { return roundUp(diff_.size(), 16) + 2 * roundUp(row_.size(), 16); }

  // [panel of channels][kernel rows, last first][columns likewise][F][panel]
  void prepare(const float* weights) override {
    const int64_t panel = kernels().panel, area = l_.window.area(), filters = l_.output.channels;
    float* packed = weights_.zeroed(roundUp(channels_, panel) * area * filters);
    for (int64_t f = 0; f < filters; ++f)
      for (int64_t tap = 0; tap < area; ++tap)
        for (int64_t c = 0; c < l_.source.channels; ++c)
          packed[((c / panel * area + area - 1 - tap) * filters + f) * panel + c % panel] =
              weights[(f * area + tap) * l_.source.channels + c];
  }

  // [F][taps][channels in whole vectors]
  int64_t accumulatorFloats() const override { return taps() * channels_; }

  void run(const Features& src, Images images, const float* diff, const uint8_t*, float* accumulator, float* diffSrc,
           float* scratch) const override {
    const Shape& s = l_.source;
    float *padded = scratch, *row = padded + roundUp(diff_.size(), 16), *diffRow = row + roundUp(row_.size(), 16);
    const bool whole = channels_ == s.channels;
    for (int64_t image = images.first; image < images.last; ++image) {
      padImage({diff, l_.result}, image, diff_, padded);
      for (int y = 0; y < s.height; ++y) {
        const int64_t at = (image * s.height + y) * s.width * s.channels;
        const bool straight = whole && src.scale == nullptr;
        if (!straight) padRow(src, image, y, row_, row);
        addDiffWeights(straight ? src.data + at : row, y, padded, accumulator);
        if (diffSrc == nullptr) continue;
        writeDiffRow(y, padded, whole ? diffSrc + at : diffRow);
        if (!whole) kernels().takeChannels(diffRow, channels_, s.width, s.channels, diffSrc + at);
      }
    }
  }

  void collect(const float* accumulator, float* gradient) const override {
    const int64_t channels = l_.source.channels;
    for (int64_t i = 0; i < taps(); ++i)
      for (int64_t c = 0; c < channels; ++c) gradient[i * channels + c] += accumulator[i * channels_ + c];
  }

 private:
  int64_t taps() const { return static_cast<int64_t>(l_.window.area()) * l_.output.channels; }

  // Taps are rows of a product, channels its columns, positions of the source's row the depth.
  void addDiffWeights(const float* source, int y, const float* padded, float* accumulator) const {
    const Kernels& k = kernels();
    const int64_t area = l_.window.area();
    const float* a[16];
    float* c[16];
    for (int64_t channel = 0; channel < channels_; channel += k.panel)
      for (int64_t first = 0; first < taps(); first += k.rows) {
        const int rows = static_cast<int>(std::min<int64_t>(k.rows, taps() - first));
        for (int r = 0; r < rows; ++r) {
          const int64_t filter = (first + r) / area, tap = (first + r) % area;
          const int64_t ky = tap / l_.window.width, kx = tap % l_.window.width;
          a[r] = padded + diff_.at(y + l_.window.top + diff_.top - ky, l_.window.left + diff_.left - kx) + filter;
          c[r] = accumulator + (first + r) * channels_ + channel;
        }
        k.tile({a, diff_.step, 1, 0, l_.source.width, source + channel, channels_, c, rows, columns(channel), true,
                nullptr});
      }
  }

  // Positions are rows of a product, channels its columns, taps the depth.
  void writeDiffRow(int y, const float* padded, float* dst) const {
    const Kernels& k = kernels();
    const float* a[16];
    float* c[16];
    for (int64_t x = 0; x < l_.source.width; x += k.rows) {
      const int rows = static_cast<int>(std::min<int64_t>(k.rows, l_.source.width - x));
      for (int r = 0; r < rows; ++r) a[r] = padded + diff_.at(y + l_.window.top, x + r + l_.window.left);
      for (int64_t channel = 0; channel < channels_; channel += k.panel) {
        for (int r = 0; r < rows; ++r) c[r] = dst + (x + r) * channels_ + channel;
        k.tile({a, 1, l_.window.height, diff_.rowStep(), l_.window.width * diff_.step,
                weights_.data() + channel * taps(), k.panel, c, rows, columns(channel), false, nullptr});
      }
    }
  }

  int columns(int64_t channel) const {
    return static_cast<int>(std::min<int64_t>(kernels().panel, channels_ - channel));
  }

  ConvLayer l_;
  int64_t channels_;  // in whole vectors
  MapLayout diff_, row_;
  Buffer<float> weights_;
};

bool canBeFew(const ConvLayer& l) {
  return l.output.channels <= mostFilters && l.window.strideY == 1 && l.window.strideX == 1 && !l.pooled;
}

// Shares of the peak that the ways reach, as measured.
constexpr double forwardShare = 0.6, backwardShare = 0.6;

}  // namespace

void addFewForward(const ConvLayer& layer, std::vector<ConvCandidate<ConvForward>>& candidates) {
  if (!canBeFew(layer)) return;
  const double run = static_cast<double>(layer.window.width) * layer.source.channels;
  candidates.push_back({"few", layer.multiplyAdds() / forwardShare * roundUp(run, kernels().lanes) / run,
                        [layer] { return std::make_unique<FewForward>(layer); }});
}

void addFewBackward(const ConvLayer& layer, bool diffSource, std::vector<ConvCandidate<ConvBackward>>& candidates) {
  if (!canBeFew(layer)) return;
  const double channels = layer.source.channels;
  candidates.push_back({"few",
                        (diffSource ? 2 : 1) * layer.multiplyAdds() / backwardShare *
                            roundUp(channels, kernels().lanes) / channels,
                        [layer] { return std::make_unique<FewBackward>(layer); }});
}

}  // namespace brightcell
