// Max pool of one vector of channels, whose map lies alone in the cache, and its way back.
#include "kernels/fft.h"
#include "kernels/set.h"

namespace brightcell::BRIGHTCELL_SET {

namespace {

// The gradient's channels and no more: what stands behind the last position may be another thread's.
BRIGHTCELL_INLINE Vector loadChannels(const float* src, int channels) {
  if (channels >= lanes) return load(src);
  Vector v{};
  for (int i = 0; i < channels; ++i) v[i] = src[i];
  return v;
}

bool isQuarter(const FftPool& p) {
  return p.windowHeight == 2 && p.windowWidth == 2 && p.strideY == 2 && p.strideX == 2 && p.top == 0 && p.left == 0 &&
         2 * p.outputHeight <= p.height && 2 * p.outputWidth <= p.width;
}

// A larger value, or one that is no number, takes the place of what came before.
BRIGHTCELL_INLINE Integers wins(Vector v, Vector best) { return (v > best) | (v != v); }

BRIGHTCELL_INLINE void put(const FftPool& p, Vector best, Integers index, float* dst, uint8_t* place) {
  const Bytes bytes = __builtin_convertvector(index, Bytes);
  if (p.channels == lanes) {
    store(dst, best);
    if (place) *reinterpret_cast<UnalignedBytes*>(place) = bytes;
    return;
  }
  for (int c = 0; c < p.channels; ++c) {
    dst[c] = best[c];
    if (place) place[c] = bytes[c];
  }
}

void poolQuarters(const float* plane, const FftPool& p, float* dst, uint8_t* place) {
  for (int y = 0; y < p.outputHeight; ++y) {
    const float *upper = plane + 2 * y * p.planeRow, *lower = upper + p.planeRow;
    for (int x = 0; x < p.outputWidth; ++x, upper += 2 * lanes, lower += 2 * lanes, dst += p.step) {
      Vector best = load(upper);
      Integers index{};
      const Vector others[3] = {load(upper + lanes), load(lower), load(lower + lanes)};
      BRIGHTCELL_UNROLL
      for (int i = 0; i < 3; ++i) {
        const Integers larger = wins(others[i], best);
        best = larger ? others[i] : best;
        index = larger ? Integers{} + (i + 1) : index;
      }
      put(p, best, index, dst, place);
      if (place) place += p.step;
    }
  }
}

BRIGHTCELL_INLINE Integers indexAt(const uint8_t* place) {
  return __builtin_convertvector(*reinterpret_cast<const UnalignedBytes*>(place), Integers);
}

void unpoolQuarters(const float* diff, const uint8_t* place, const FftPool& p, float* plane) {
  for (int y = 0; y < p.outputHeight; ++y) {
    float *upper = plane + 2 * y * p.planeRow, *lower = upper + p.planeRow;
    for (int x = 0; x < p.outputWidth; ++x, upper += 2 * lanes, lower += 2 * lanes, diff += p.step, place += p.step) {
      const Vector v = loadChannels(diff, p.channels);
      const Integers index = indexAt(place);
      store(upper, index == 0 ? v : Vector{});
      store(upper + lanes, index == 1 ? v : Vector{});
      store(lower, index == 2 ? v : Vector{});
      store(lower + lanes, index == 3 ? v : Vector{});
    }
  }
}

}  // namespace

void fftMaxPool(const float* plane, const FftPool& p, float* dst, uint8_t* place) {
  if (isQuarter(p)) return poolQuarters(plane, p, dst, place);
  for (int y = 0; y < p.outputHeight; ++y)
    for (int x = 0; x < p.outputWidth; ++x, dst += p.step) {
      Vector best{};
      Integers index{};
      bool first = true;
      for (int i = 0; i < p.windowHeight; ++i) {
        const int row = y * p.strideY - p.top + i;
        if (row < 0 || row >= p.height) continue;
        for (int j = 0; j < p.windowWidth; ++j) {
          const int column = x * p.strideX - p.left + j;
          if (column < 0 || column >= p.width) continue;
          const Vector v = load(plane + row * p.planeRow + column * lanes);
          const Integers larger = first ? ~Integers{} : wins(v, best);
          best = larger ? v : best;
          index = larger ? Integers{} + (i * p.windowWidth + j) : index;
          first = false;
        }
      }
      put(p, best, index, dst, place);
      if (place) place += p.step;
    }
}

void fftUnpool(const float* diff, const uint8_t* place, const FftPool& p, float* plane) {
  if (place != nullptr && isQuarter(p)) return unpoolQuarters(diff, place, p, plane);
  const bool overlap = p.windowHeight > p.strideY || p.windowWidth > p.strideX;
  if (overlap)
    for (int y = 0; y < p.height; ++y)
      for (int x = 0; x < p.width; ++x) store(plane + y * p.planeRow + x * lanes, Vector{});
  for (int y = 0; y < p.outputHeight; ++y)
    for (int x = 0; x < p.outputWidth; ++x, diff += p.step) {
      const Vector v = loadChannels(diff, p.channels);
      Integers index{};
      if (place != nullptr) {
        index = indexAt(place);
        place += p.step;
      }
      for (int i = 0; i < p.windowHeight; ++i) {
        const int row = y * p.strideY - p.top + i;
        if (row < 0 || row >= p.height) continue;
        for (int j = 0; j < p.windowWidth; ++j) {
          const int column = x * p.strideX - p.left + j;
          if (column < 0 || column >= p.width) continue;
          float* at = plane + row * p.planeRow + column * lanes;
          const Vector share = index == i * p.windowWidth + j ? v : Vector{};
          store(at, overlap ? load(at) + share : share);
        }
      }
    }
}

}  // namespace brightcell::BRIGHTCELL_SET
