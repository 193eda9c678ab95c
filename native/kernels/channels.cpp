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

}  // namespace

namespace {

// Sums over positions are made of rounds, each of a few sums that are added pairwise: the rounding of a sum grows with its
// length, and the error of a mean moves a whole map the same way.
constexpr int64_t roundPositions = 64;
constexpr int chains = 4;

// Channels from `at` on of maps that end at `end`: what stands behind may be another thread's.
BRIGHTCELL_INLINE Vector channelsAt(const float* src, const float* end, int64_t at, int channels) {
  return end - (src + at) < lanes ? loadPart(src + at, channels) : load(src + at);
}

// Adds to each dst [C] what `add` puts, position by position, into a sum of its own.
template <typename Add, typename... Dst>
BRIGHTCELL_INLINE void addUp(int64_t positions, int channels, Add add, Dst*... dst) {
  constexpr int outputs = sizeof...(Dst);
  float* const into[outputs] = {dst...};
  for (int64_t first = 0; first < positions; first += roundPositions) {
    const int64_t end = positions - first < roundPositions ? positions : first + roundPositions;
    for (int c = 0; c < channels; c += lanes) {
      Vector sums[chains][outputs] = {};
      int64_t p = first;
      for (; p + chains <= end; p += chains) {
        BRIGHTCELL_UNROLL
        for (int i = 0; i < chains; ++i) add(p + i, c, sums[i]);
      }
      for (; p < end; ++p) add(p, c, sums[p % chains]);
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
  addUp(positions, channels, [&](int64_t p, int c, Vector* sums) {
    sums[0] += channelsAt(src, end, p * channels + c, channels - c);
  }, sum);
}

void addSquares(const float* src, const float* mean, int64_t positions, int channels, float* __restrict sum) {
  const float* end = src + positions * channels;
  addUp(positions, channels, [&](int64_t p, int c, Vector* sums) {
    const Vector apart = channelsAt(src, end, p * channels + c, channels - c) - loadPart(mean + c, channels - c);
    sums[0] += apart * apart;
  }, sum);
}

void addProducts(const float* diff, const float* src, const float* mean, int64_t positions, int channels,
                 float* __restrict sum, float* __restrict product) {
  const float *end = src + positions * channels, *diffEnd = diff + positions * channels;
  addUp(positions, channels, [&](int64_t p, int c, Vector* sums) {
    const Vector d = channelsAt(diff, diffEnd, p * channels + c, channels - c);
    sums[0] += d;
    sums[1] += d * (channelsAt(src, end, p * channels + c, channels - c) - loadPart(mean + c, channels - c));
  }, sum, product);
}

void combine(float* __restrict diff, const float* src, const float* a, const float* b, const float* d,
             int64_t positions, int channels) {
  for (int64_t p = 0; p < positions; ++p, src += channels, diff += channels)
    for (int c = 0; c < channels; ++c) diff[c] = a[c] * diff[c] + b[c] * src[c] + d[c];
}

}  // namespace brightcell::BRIGHTCELL_SET
