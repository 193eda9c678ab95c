// One factor, summand or sum per channel over maps whose channels stand last.
#include "kernels/set.h"

namespace brightcell::BRIGHTCELL_SET {
namespace {

// Factors of up to two vectors stay in registers while the positions go by, in the order of memory for 32 channels.
void scaleShiftVectors(const float* src, const float* scale, const float* shift, int64_t positions, int channels,
                       float* dst) {
  const int64_t end = positions * channels;
  int c = 0;
  for (; c + 2 * lanes <= channels; c += 2 * lanes) {
    const Vector factors[2] = {load(scale + c), load(scale + c + lanes)};
    const Vector summands[2] = {load(shift + c), load(shift + c + lanes)};
    for (int64_t i = c; i < end; i += channels) {
      store(dst + i, load(src + i) * factors[0] + summands[0]);
      store(dst + i + lanes, load(src + i + lanes) * factors[1] + summands[1]);
    }
  }
  if (c == channels) return;
  const Vector factor = load(scale + c), summand = load(shift + c);
  for (int64_t i = c; i < end; i += channels) store(dst + i, load(src + i) * factor + summand);
}

// Factors of channels that do not fill vectors, one behind the other as they stand in a map: a vector of it that begins
// at any channel is one load.
constexpr int mostRepeated = 512;
struct Repeated {
  float values[mostRepeated + lanes];
  Repeated(const float* src, int channels) {
    for (int i = 0; i < channels + lanes; ++i) values[i] = i < channels ? src[i] : values[i - channels];
  }
};

// Calls body(i, count, channel) for each vector of a map; `count` floats of it are the map's.
template <typename Body>
BRIGHTCELL_INLINE void overMap(int64_t size, int channels, Body body) {
  int channel = 0;
  const int step = lanes % channels;
  for (int64_t i = 0; i < size; i += lanes) {
    body(i, size - i < lanes ? static_cast<int>(size - i) : lanes, channel);
    channel += step;
    if (channel >= channels) channel -= channels;
  }
}

// Sums over positions are made of rounds, each of a few sums that are added pairwise: the rounding of a sum grows with its
// length, and the error of a mean moves a whole map the same way.
constexpr int64_t roundPositions = 64;
constexpr int chains = 4;

// Channels from `at` on of maps that end at `end`: what stands behind may be another thread's.
BRIGHTCELL_INLINE Vector channelsAt(const float* src, const float* end, int64_t at, int channels) {
  return end - (src + at) < lanes ? loadPart(src + at, channels) : load(src + at);
}

// Adds to each dst [C] what `add` puts, position by position, into a sum of its own; `mean` is null or [C].
template <typename Add, typename... Dst>
BRIGHTCELL_INLINE void addUp(int64_t positions, int channels, const float* mean, Add add, Dst*... dst) {
  constexpr int outputs = sizeof...(Dst);
  float* const into[outputs] = {dst...};
  for (int64_t first = 0; first < positions; first += roundPositions) {
    const int64_t end = positions - first < roundPositions ? positions : first + roundPositions;
    for (int c = 0; c < channels; c += lanes) {
      const Vector centre = mean ? loadPart(mean + c, channels - c) : Vector{};
      Vector sums[chains][outputs] = {};
      int64_t p = first;
      for (; p + chains <= end; p += chains) {
        BRIGHTCELL_UNROLL
        for (int i = 0; i < chains; ++i) add(p + i, c, centre, sums[i]);
      }
      for (; p < end; ++p) add(p, c, centre, sums[p % chains]);
      BRIGHTCELL_UNROLL
      for (int o = 0; o < outputs; ++o) {
        const Vector round = (sums[0][o] + sums[1][o]) + (sums[2][o] + sums[3][o]);
        storePart(into[o] + c, loadPart(into[o] + c, channels - c) + round, channels - c);
      }
    }
  }
}

}  // namespace

void scaleShift(const float* src, const float* scale, const float* shift, int64_t positions, int channels,
                float* __restrict dst) {
  if (channels % lanes == 0) return scaleShiftVectors(src, scale, shift, positions, channels, dst);
  if (channels <= mostRepeated) {
    const Repeated factor(scale, channels), summand(shift, channels);
    return overMap(positions * channels, channels, [&](int64_t i, int count, int c) {
      const Vector v = loadPart(src + i, count) * load(factor.values + c) + load(summand.values + c);
      storePart(dst + i, v, count);
    });
  }
  for (int64_t p = 0; p < positions; ++p, src += channels, dst += channels)
    for (int c = 0; c < channels; ++c) dst[c] = src[c] * scale[c] + shift[c];
}

void placeChannels(const float* src, const float* scale, const float* shift, int64_t positions, int channels,
                   int64_t step, float* dst) {
  Integers number;
  for (int i = 0; i < lanes; ++i) number[i] = i;
  const float* end = src + positions * channels;
  for (int64_t p = 0; p < positions; ++p, src += channels, dst += step)
    for (int64_t c = 0; c < step; c += lanes) {
      // What stands behind the last position may be another thread's.
      const bool edge = end - src < c + lanes;
      Vector v{};
      if (!edge) v = load(src + c);
      for (int i = 0; edge && c + i < channels; ++i) v[i] = src[c + i];
      if (scale != nullptr) v = v * load(scale + c) + load(shift + c);
      if (c + lanes > channels) v = number < static_cast<int>(channels - c) ? v : Vector{};
      store(dst + c, v);
    }
}

void takeChannels(const float* src, int64_t step, int64_t positions, int channels, float* dst) {
  const float* end = dst + positions * channels;
  const int64_t whole = (channels + lanes - 1) / lanes * lanes;
  // A vector's surplus is overwritten by the next positions, as long as it does not reach beyond the last.
  for (; end - dst >= whole; src += step, dst += channels)
    for (int64_t c = 0; c < channels; c += lanes) store(dst + c, load(src + c));
  for (; dst < end; src += step, dst += channels)
    for (int64_t c = 0; c < channels; ++c) dst[c] = src[c];
}

void addChannels(const float* src, int64_t positions, int channels, float* __restrict sum) {
  const float* end = src + positions * channels;
  addUp(positions, channels, nullptr, [&](int64_t p, int c, Vector, Vector* sums) {
    sums[0] += channelsAt(src, end, p * channels + c, channels - c);
  }, sum);
}

void addSquares(const float* src, const float* mean, int64_t positions, int channels, float* __restrict sum) {
  const float* end = src + positions * channels;
  addUp(positions, channels, mean, [&](int64_t p, int c, Vector centre, Vector* sums) {
    const Vector apart = channelsAt(src, end, p * channels + c, channels - c) - centre;
    sums[0] += apart * apart;
  }, sum);
}

void addProducts(const float* diff, const float* src, const float* mean, int64_t positions, int channels,
                 float* __restrict sum, float* __restrict product) {
  const float *end = src + positions * channels, *diffEnd = diff + positions * channels;
  addUp(positions, channels, mean, [&](int64_t p, int c, Vector centre, Vector* sums) {
    const Vector d = channelsAt(diff, diffEnd, p * channels + c, channels - c);
    sums[0] += d;
    sums[1] += d * (channelsAt(src, end, p * channels + c, channels - c) - centre);
  }, sum, product);
}

void combine(float* __restrict diff, const float* src, const float* a, const float* b, const float* d,
             int64_t positions, int channels) {
  if (channels <= mostRepeated) {
    const Repeated factor(a, channels), slope(b, channels), offset(d, channels);
    return overMap(positions * channels, channels, [&](int64_t i, int count, int c) {
      const Vector v = load(factor.values + c) * loadPart(diff + i, count) +
                       load(slope.values + c) * loadPart(src + i, count) + load(offset.values + c);
      storePart(diff + i, v, count);
    });
  }
  for (int64_t p = 0; p < positions; ++p, src += channels, diff += channels)
    for (int c = 0; c < channels; ++c) diff[c] = a[c] * diff[c] + b[c] * src[c] + d[c];
}

}  // namespace brightcell::BRIGHTCELL_SET
