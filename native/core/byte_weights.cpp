// Eight bits a weight are few. They are enough, since
// - rounding goes up or down so that the errors of neighbouring taps cancel out over what is smooth, as images are (the
//   sum of e e' C is made small, C falling with the distance of taps). Beside rounding to the nearest the error of a
//   trained first layer on cells falls to a sixth, below bfloat16's own, and is the same on pure noise;
// - the errors are made to cancel out over the finest pattern as well, where what keeps them small over smooth images
//   would add up;
// - taps so large that they would make the scale of their filter too coarse for noise stand in two words or more.
// Where two planes of bytes take no more words than that, all weights have 16 bits.
#include "core/byte_weights.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "core/instruction_set.h"
#include "core/parallel.h"

namespace brightcell {
namespace {

constexpr int most = 127;          // of a byte
constexpr int mostOfTwo = 32511;   // 256 * 127 - 1: of two planes
constexpr int64_t quad = 4;        // taps of a word
constexpr double allowed = 0.0070;  // error over pure noise, as a share of the filters' results
constexpr int64_t fewest = 64;      // taps; of fewer the results may be small beside the weights, by chance
constexpr double reach = 4;        // pixels over which the likeness of what is smooth in an image falls to 1/e
constexpr double smooth = 0.5;     // how much of an image is; the rest is taken for noise
constexpr double chequered = 0.1;  // how much of it is the finest pattern, whose pixels differ from all four neighbours
// Below it, numbers are taken for zero: their reciprocal would be infinite.
constexpr float smallest = 1e-33f;

struct Taps {
  explicit Taps(const ConvLayer& l)
      : channels(l.source.channels), rows(l.window.height), columns(l.window.width), depth(l.depth()) {}
  int64_t at(int c, int y, int x) const { return (static_cast<int64_t>(c) * rows + y) * columns + x; }
  int channels, rows, columns;
  int64_t depth;
};

using Filters = std::span<const std::vector<float>>;

struct WordAt {
  int channel, row, column;
};

// Of filter f in the order of Taps.
std::vector<float> tapsOf(const Taps& t, const float* weights, int64_t f) {
  std::vector<float> taps(t.depth);
  const float* from = weights + f * t.depth;
  for (int y = 0; y < t.rows; ++y)
    for (int x = 0; x < t.columns; ++x)
      for (int c = 0; c < t.channels; ++c) taps[t.at(c, y, x)] = *from++;
  return taps;
}

// The largest size; not a number where one is none.
float largestOf(const std::vector<float>& taps) {
  float largest = 0;
  for (const float w : taps) {
    if (std::isnan(w)) return w;
    largest = std::max(largest, std::abs(w));
  }
  return largest;
}

std::vector<WordAt> wordsOverAll(const Taps& t) {
  std::vector<WordAt> words;
  for (int c = 0; c < t.channels; ++c)
    for (int y = 0; y < t.rows; ++y)
      for (int x = 0; x < t.columns; x += quad) words.push_back({c, y, x});
  return words;
}

// Words over every tap that is above `limit` in some filter, once more for each time that it is; no further than `enough`.
std::vector<WordAt> wordsOverLarge(const Taps& t, Filters filters, double limit, size_t enough) {
  std::vector<WordAt> words;
  const auto above = [&](int64_t tap, double bound) {
    return std::any_of(filters.begin(), filters.end(), [&](const auto& f) { return std::abs(f[tap]) > bound; });
  };
  size_t before = 0;
  for (int times = 1; times == 1 || (words.size() > before && words.size() < enough); ++times) {
    before = words.size();
    for (int c = 0; c < t.channels; ++c)
      for (int y = 0; y < t.rows; ++y)
        for (int x = 0; x < t.columns; ++x) {
          if (!above(t.at(c, y, x), times * limit)) continue;
          words.push_back({c, y, x});
          x += quad - 1;
        }
  }
  return words;
}

// How alike two pixels of an image are that stand so far apart.
std::vector<double> likenessOf(const Taps& t) {
  std::vector<double> likeness(static_cast<size_t>(t.rows) * t.columns);
  for (int y = 0; y < t.rows; ++y)
    for (int x = 0; x < t.columns; ++x)
      likeness[y * t.columns + x] = smooth * std::exp(-std::hypot(y, x) / reach) +
                                    ((y + x) % 2 == 0 ? chequered : -chequered);
  likeness[0] = 1;
  return likeness;
}

// One plane of a filter: wanted numbers, whole numbers at most `limit`. Goes to the neighbour of one number after the
// other, as long as that makes the expected square of the error over an image smaller.
class Rounding {
 public:
  Rounding(const Taps& t, const std::vector<double>& likeness, const double* wanted, const int* limit, int32_t* whole)
      : t_(t), likeness_(likeness), limit_(limit), whole_(whole), size_(t.rows * t.columns), slope_(size_) {
    for (int i = 0; i < size_; ++i) whole[i] = static_cast<int32_t>(std::lrint(wanted[i]));
    for (int i = 0; i < size_; ++i) addSlope(i, whole[i] - wanted[i]);
  }

  void settle() {
    for (int step = 0; step < 4 * size_; ++step) {
      int best = -1, by = 0;
      double least = -1e-6;  // what a change by one adds to the square
      for (int i = 0; i < size_; ++i) {
        const int to = slope_[i] > 0 ? -1 : 1;
        const double change = 1 - 2 * std::abs(slope_[i]);
        if (change >= least || std::abs(whole_[i] + to) > limit_[i]) continue;
        least = change, best = i, by = to;
      }
      if (best < 0) return;
      whole_[best] += by;
      addSlope(best, by);
    }
  }

 private:
  void addSlope(int tap, double error) {
    const int y = tap / t_.columns, x = tap % t_.columns;
    double* slope = slope_.data();
    for (int v = 0; v < t_.rows; ++v)
      for (int u = 0; u < t_.columns; ++u) *slope++ += error * likeness_[std::abs(v - y) * t_.columns + std::abs(u - x)];
  }

  const Taps& t_;
  const std::vector<double>& likeness_;
  const int* limit_;
  int32_t* whole_;
  int size_;
  std::vector<double> slope_;  // half the slope of the square
};

// A filter's whole numbers; gives their scale.
float roundFilter(const Taps& t, const std::vector<float>& taps, const std::vector<int>& limit, bool settled,
                  const std::vector<double>& likeness, int32_t* whole) {
  std::fill_n(whole, t.depth, 0);
  const float largest = largestOf(taps);
  if (!std::isfinite(largest)) return std::numeric_limits<float>::quiet_NaN();
  if (largest < smallest) return 0;
  double scale = 0, sum = 0;
  for (int64_t i = 0; i < t.depth; ++i) {
    scale = std::max(scale, std::abs(static_cast<double>(taps[i])) / limit[i]);
    sum += std::abs(static_cast<double>(taps[i]));
  }
  // The sum over a window of bytes, and as much again of the level that is taken off, stay within 32 bits.
  scale = std::max(scale, sum / (2147480000.0 / 510 - static_cast<double>(t.depth)));
  std::vector<double> wanted(t.depth);
  for (int64_t i = 0; i < t.depth; ++i) wanted[i] = taps[i] / scale;
  const int64_t plane = t.depth / t.channels;
  for (int64_t at = 0; at < t.depth; at += plane) {
    Rounding rounding(t, likeness, wanted.data() + at, limit.data() + at, whole + at);
    if (settled) rounding.settle();
  }
  return static_cast<float>(scale);
}

// Takes what a byte holds of `left`.
uint32_t takeByte(int32_t& left) {
  const int32_t taken = std::clamp(left, -most, most);
  left -= taken;
  return static_cast<uint8_t>(taken);
}

// Of one filter: bytes of its whole numbers, each word taking what those before it left; words `step` apart.
void packFilter(const Taps& t, const std::vector<WordAt>& words, int32_t* left, uint32_t* dst, int64_t step) {
  for (const WordAt& word : words) {
    for (int i = 0; i < quad && word.column + i < t.columns; ++i)
      *dst |= takeByte(left[t.at(word.channel, word.row, word.column + i)]) << 8 * i;
    dst += step;
  }
}

// The same in two planes: the high bytes of all words, then the low ones.
void packPlanes(const Taps& t, const std::vector<WordAt>& words, const int32_t* whole, uint32_t* dst, int64_t step) {
  uint32_t* lows = dst + static_cast<int64_t>(words.size()) * step;
  for (const WordAt& word : words) {
    for (int i = 0; i < quad && word.column + i < t.columns; ++i) {
      const int32_t tap = whole[t.at(word.channel, word.row, word.column + i)];
      const int32_t high = (tap + 128) >> 8, low = tap - 256 * high;
      *dst |= uint32_t{static_cast<uint8_t>(high)} << 8 * i;
      *lows |= uint32_t{static_cast<uint8_t>(low)} << 8 * i;
    }
    dst += step, lows += step;
  }
}

// Which words a panel of filters has: all filters these, and each vector of them its own.
struct PanelWords {
  std::vector<WordAt> shared, own[2];
  bool twoPlanes;

  PanelWords(const Taps& t, Filters filters, double limit) : shared(wordsOverAll(t)) {
    const size_t lanes = kernels().lanes, half = std::min(lanes, filters.size());
    // A word of one vector costs half of one of all.
    const size_t enough = 2 * shared.size();
    own[0] = wordsOverLarge(t, filters.first(half), limit, enough);
    own[1] = wordsOverLarge(t, filters.subspan(half), limit, enough);
    twoPlanes = t.depth < fewest || own[0].size() + own[1].size() >= enough;
    if (twoPlanes) own[0].clear(), own[1].clear();
  }

  // The largest whole number of each tap, for the filters of one vector.
  std::vector<int> limits(const Taps& t, int vector) const {
    std::vector<int> limits(t.depth, twoPlanes ? mostOfTwo : 0);
    if (twoPlanes) return limits;
    for (const auto* words : {&shared, &own[vector]})
      for (const WordAt& word : *words)
        for (int x = word.column; x < std::min<int64_t>(word.column + quad, t.columns); ++x)
          limits[t.at(word.channel, word.row, x)] += most;
    return limits;
  }
};

}  // namespace

void ByteWeights::round(const ConvLayer& layer, const float* weights, int64_t rowStep, int64_t planeStep) {
  const Taps t(layer);
  const int64_t filters = layer.output.channels, width = kernels().panel;
  std::vector<std::vector<float>> taps;
  double squares = 0;
  for (int64_t f = 0; f < filters; ++f) {
    taps.push_back(tapsOf(t, weights, f));
    for (const double w : taps.back()) squares += w * w;
  }
  // A scale s leaves errors of s / sqrt(12) a tap.
  const double strength = std::sqrt(squares / static_cast<double>(filters * t.depth));
  const double limit = most * allowed * strength * std::sqrt(12.0);
  panels.assign((filters + width - 1) / width, {});
  scales.assign(filters, 0);
  wholes.assign(filters * t.depth, 0);
  const std::vector<double> likeness = likenessOf(t);
  for (size_t p = 0; p < panels.size(); ++p) {
    const int64_t first = static_cast<int64_t>(p) * width, count = std::min(width, filters - first), half = width / 2;
    const PanelWords words(t, {taps.data() + first, static_cast<size_t>(count)}, limit);
    BytePanel& panel = panels[p];
    const auto add = [&](const std::vector<WordAt>& some) {
      for (const WordAt& at : some)
        panel.offsets.push_back(static_cast<int32_t>(at.channel * planeStep + at.row * rowStep + at.column));
    };
    add(words.shared);
    if (words.twoPlanes) panel.coarse = static_cast<int>(words.shared.size()), add(words.shared);
    panel.shared = static_cast<int>(panel.offsets.size());
    for (int v = 0; v < 2; ++v) panel.own[v] = static_cast<int>(words.own[v].size()), add(words.own[v]);
    panel.words.assign(panel.shared * width + (panel.own[0] + panel.own[1]) * half, 0);
    const std::vector<int> limits[2] = {words.limits(t, 0), words.limits(t, 1)};
    parallelFor(count, [&](std::ptrdiff_t i, int) {
      const int64_t f = first + i, v = i / half;
      int32_t* whole = wholes.data() + f * t.depth;
      scales[f] = roundFilter(t, taps[f], limits[v], !words.twoPlanes, likeness, whole);
      if (words.twoPlanes) return packPlanes(t, words.shared, whole, panel.words.data() + i, width);
      std::vector<int32_t> left(whole, whole + t.depth);
      packFilter(t, words.shared, left.data(), panel.words.data() + i, width);
      packFilter(t, words.own[v], left.data(),
                 panel.words.data() + panel.shared * width + (v > 0 ? panel.own[0] * half : 0) + i % half, half);
    });
  }
}

}  // namespace brightcell
