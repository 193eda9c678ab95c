#include "core/byte_convolution.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/byte_weights.h"
#include "core/instruction_set.h"
#include "core/maps.h"

namespace brightcell {
namespace {

constexpr int tileColumns = 6;

// Of a window's rows (or columns), those inside the image.
struct Inside {
  int first, last;
  bool operator==(const Inside&) const = default;
};

// The positions of one direction, in pairs, each with the number of what its window has inside the image.
struct Positions {
  Positions(int wanted, int size, int stride, int before, int length) : count(wanted), all(wanted + wanted % 2) {
    for (int i = 0; i < all; ++i) {
      const int start = std::min(i, wanted - 1) * stride - before;
      const int first = std::clamp(-start, 0, size);
      const Inside inside{first, std::clamp(length - start, first, size)};
      const auto known = std::find(kinds.begin(), kinds.end(), inside);
      kind.push_back(static_cast<int>(known - kinds.begin()));
      if (known == kinds.end()) kinds.push_back(inside);
    }
  }
  int count, all;  // wanted, and with the one that fills the last pair
  std::vector<int> kind;
  std::vector<Inside> kinds;
};

// Where a tile stands, and of each of its positions the number of what is inside the image.
struct Spot {
  int y, x, columns;
  bool alike;
  int kinds[2 * tileColumns];
};

int wantedOf(const ConvLayer& l, int output, int result) { return l.poolsSquares() ? 2 * result : output; }

class ByteForward : public ConvForward {
 public:
  explicit ByteForward(const ConvLayer& l)
      : layer_(l),
        rows_(wantedOf(l, l.output.height, l.result.height), l.window.height, l.window.strideY, l.window.top, l.source.height),
        columns_(wantedOf(l, l.output.width, l.result.width), l.window.width, l.window.strideX, l.window.left, l.source.width),
        height_((rows_.all - 1) * l.window.strideY + l.window.height),
        width_((columns_.all - 1) * l.window.strideX + l.window.width + 4),  // a word may begin at the last tap
        filters_(roundUp(l.output.channels, kernels().panel)) {
    wide_ = {l.output.height, l.output.width, 0, 0, roundUp(l.output.channels, kernels().lanes)};
    listSpots();
  }

  // padded bytes | starts | scales | shifts | wide map
  int64_t scratchFloats() const override {
    return bytesAsFloats() + (2 + kinds()) * filters_ + (layer_.poolsSquares() ? 0 : wide_.size());
  }

  void prepare(const float* weights, const float* bias) override {
    weights_.round(layer_, weights, width_, planeBytes());
    float* b = bias_.zeroed(filters_);
    if (bias != nullptr) std::copy_n(bias, layer_.output.channels, b);
    sumInside();
  }

  void run(const Features& src, Images images, float* result, uint8_t* place, float* scratch) const override {
    const int64_t size = layer_.result.size();
    const bool pooled = layer_.poolsSquares();
    uint8_t* padded = reinterpret_cast<uint8_t*>(scratch);
    float* perImage = scratch + bytesAsFloats();
    float* wide = perImage + (2 + kinds()) * filters_;
    for (int64_t image = images.first; image < images.last; ++image) {
      const StoredImage& stored = src.stored[image];
      const int fill = static_cast<int>(std::clamp(std::rint(stored.level), 0.0, 255.0));
      float* dst = result + image * size;
      uint8_t* places = place ? place + image * size : nullptr;
      pad(stored.pixels, fill, padded);
      settleImage(stored, fill, perImage);
      convolve(padded, perImage, pooled ? dst : wide, pooled ? places : nullptr);
      if (!pooled) finishWide(layer_, wide, wide_, dst, places);
      else if (layer_.activation != Activation::relu) kernels().activate(layer_.activation, dst, size);
    }
  }

 private:
  int64_t planeBytes() const { return static_cast<int64_t>(height_) * width_; }
  int64_t bytesAsFloats() const { return roundUp(layer_.source.channels * planeBytes() + 64, 64) / 4; }
  int64_t kinds() const { return static_cast<int64_t>(rows_.kinds.size() * columns_.kinds.size()); }

  void listSpots() {
    for (int y = 0; y < rows_.all; y += 2)
      for (int x = 0; x < columns_.all; x += tileColumns) {
        Spot spot{y, x, std::min(tileColumns, columns_.all - x), true, {}};
        for (int i = 0; i < 2 * spot.columns; ++i) {
          const int row = rows_.kind[y + i / spot.columns], column = columns_.kind[x + i % spot.columns];
          spot.kinds[i] = row * static_cast<int>(columns_.kinds.size()) + column;
          spot.alike = spot.alike && spot.kinds[i] == spot.kinds[0];
        }
        spots_.push_back(spot);
      }
  }

  // Of the rounded weights, over all taps and over those inside the image: [F], [kinds][F].
  void sumInside() {
    const Window& w = layer_.window;
    int32_t* whole = whole_.zeroed(filters_);
    float* sums = sums_.zeroed(kinds() * filters_);
    for (int64_t f = 0; f < layer_.output.channels; ++f) {
      const int32_t* taps = weights_.wholes.data() + f * layer_.depth();
      const auto sumOver = [&](Inside rows, Inside columns) {
        int32_t sum = 0;
        for (int c = 0; c < layer_.source.channels; ++c)
          for (int y = rows.first; y < rows.last; ++y)
            for (int x = columns.first; x < columns.last; ++x) sum += taps[(c * w.height + y) * w.width + x];
        return sum;
      };
      whole[f] = sumOver({0, w.height}, {0, w.width});
      float* sum = sums + f;
      for (const Inside& rows : rows_.kinds)
        for (const Inside& columns : columns_.kinds) {
          *sum = static_cast<float>(sumOver(rows, columns));
          sum += filters_;
        }
    }
  }

  // The image with a border of `fill`, the byte nearest to its level.
  void pad(const uint8_t* pixels, int fill, uint8_t* padded) const {
    const Window& w = layer_.window;
    const Shape& s = layer_.source;
    std::memset(padded, fill, layer_.source.channels * planeBytes() + 64);
    const int rows = std::clamp(height_ - w.top, 0, s.height), columns = std::clamp(width_ - w.left, 0, s.width);
    for (int c = 0; c < s.channels; ++c)
      for (int y = 0; y < rows; ++y)
        std::memcpy(padded + c * planeBytes() + static_cast<int64_t>(w.top + y) * width_ + w.left,
                    pixels + (static_cast<int64_t>(c) * s.height + y) * s.width, columns);
  }

  // starts | scales | shifts of an image: the border and `fill` are taken off in whole numbers, and what the level is from
  // there by the shift, in which positions at the border differ.
  void settleImage(const StoredImage& image, int fill, float* perImage) const {
    int32_t* starts = reinterpret_cast<int32_t*>(perImage);
    float *scales = perImage + filters_, *shifts = scales + filters_;
    const float left = static_cast<float>(fill - image.level);
    std::fill_n(scales, filters_, 0.0f);
    for (int64_t f = 0; f < layer_.output.channels; ++f) scales[f] = image.gain * weights_.scales[f];
    for (int64_t f = 0; f < filters_; ++f) starts[f] = -fill * whole_.data()[f];
    for (int64_t kind = 0; kind < kinds(); ++kind)
      for (int64_t f = 0; f < filters_; ++f)
        shifts[kind * filters_ + f] = bias_.data()[f] + scales[f] * (left * sums_.data()[kind * filters_ + f]);
  }

  void convolve(const uint8_t* padded, const float* perImage, float* dst, uint8_t* place) const {
    const bool pooled = layer_.poolsSquares();
    const int64_t panel = kernels().panel, unit = pooled ? 2 : 1, step = pooled ? layer_.result.channels : wide_.step;
    const int64_t rowStep = step * (pooled ? layer_.result.width : layer_.output.width);
    ByteTile tile{};
    tile.rowStep = static_cast<ptrdiff_t>(layer_.window.strideY) * width_;
    tile.columnStep = layer_.window.strideX;
    tile.pooled = pooled;
    tile.relu = layer_.activation == Activation::relu;
    tile.dstRow = rowStep;
    tile.dstColumn = step;
    const float* shift[2 * tileColumns];
    tile.shift = shift;
    for (const Spot& spot : spots_) {
      tile.columns = spot.columns;
      tile.height = std::min(2, rows_.count - spot.y);
      tile.width = std::min(tileColumns, columns_.count - spot.x);
      tile.src = padded + spot.y * static_cast<int64_t>(layer_.window.strideY) * width_ + spot.x * layer_.window.strideX;
      tile.alike = spot.alike;
      for (size_t p = 0; p < weights_.panels.size(); ++p) {
        const int64_t f = static_cast<int64_t>(p) * panel, at = spot.y / unit * rowStep + spot.x / unit * step + f;
        chooseFilters(weights_.panels[p], f, perImage, tile);
        for (int i = 0; i < (spot.alike ? 1 : 2 * spot.columns); ++i)
          shift[i] = perImage + (2 + spot.kinds[i]) * filters_ + f;
        tile.dst = dst + at;
        tile.place = place ? place + at : nullptr;
        kernels().byteTile(tile);
      }
    }
  }

  void chooseFilters(const BytePanel& panel, int64_t f, const float* perImage, ByteTile& tile) const {
    tile.offsets = panel.offsets.data();
    tile.weights = panel.words.data();
    tile.words = panel.shared;
    tile.coarse = panel.coarse;
    std::copy_n(panel.own, 2, tile.own);
    tile.filters = static_cast<int>(std::min<int64_t>(kernels().panel, layer_.output.channels - f));
    tile.start = reinterpret_cast<const int32_t*>(perImage) + f;
    tile.scale = perImage + filters_ + f;
  }

  ConvLayer layer_;
  Positions rows_, columns_;
  int height_, width_;  // of a padded plane
  int64_t filters_;     // in whole panels
  MapLayout wide_;
  std::vector<Spot> spots_;
  ByteWeights weights_;
  Buffer<float> bias_, sums_;
  Buffer<int32_t> whole_;
};

// Share of four times float32's peak that the products reach, as measured.
constexpr double byteShare = 0.95;
// Sums stay within 32 bits, and rounding within a few milliseconds.
constexpr int64_t deepest = 16384;
constexpr int largestWindow = 1024;

}  // namespace

void addByteForward(const ConvLayer& layer, Precision precision, std::vector<ConvCandidate<ConvForward>>& candidates) {
  if (!layer.stored || precision != Precision::bfloat16 || kernels().byteTile == nullptr) return;
  if (layer.depth() > deepest || layer.window.area() > largestWindow) return;
  const double words = static_cast<double>(layer.window.height) * layer.source.channels * (roundUp(layer.window.width, 4) / 4);
  const double filters = static_cast<double>(roundUp(layer.output.channels, kernels().lanes));
  candidates.push_back({bytesWay, static_cast<double>(layer.output.positions()) * words * filters / byteShare,
                        [layer] { return std::make_unique<ByteForward>(layer); }});
}

}  // namespace brightcell
