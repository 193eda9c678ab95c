// Written with vector extensions that GCC and Clang share. This file is compiled with flags that not every
// processor understands, so it includes no library header with inline code: the linker keeps one copy of such code
// for the whole addon, and it might keep the wrong one.
#include "kernels/kernels.h"

#include <math.h>

#if defined(__AVX512F__)
#define BRIGHTCELL_KERNELS avx512Kernels
#define BRIGHTCELL_NAME "avx512"
#define BRIGHTCELL_LANES 16
#define BRIGHTCELL_ROWS 12
#elif defined(__AVX2__)
#define BRIGHTCELL_KERNELS avx2Kernels
#define BRIGHTCELL_NAME "avx2"
#define BRIGHTCELL_LANES 8
#define BRIGHTCELL_ROWS 6
#else
#define BRIGHTCELL_KERNELS plainKernels
#define BRIGHTCELL_NAME "plain"
#define BRIGHTCELL_LANES 4
#if defined(__aarch64__)
#define BRIGHTCELL_ROWS 8
#else
#define BRIGHTCELL_ROWS 4
#endif
#endif

namespace brightcell {
namespace {

constexpr int lanes = BRIGHTCELL_LANES;
constexpr int maxRows = BRIGHTCELL_ROWS;

typedef float Vector __attribute__((vector_size(lanes * 4)));
typedef int32_t Integers __attribute__((vector_size(lanes * 4)));
typedef uint8_t Bytes __attribute__((vector_size(lanes)));
typedef float Unaligned __attribute__((vector_size(lanes * 4), aligned(4), may_alias));
typedef uint8_t UnalignedBytes __attribute__((vector_size(lanes), aligned(1), may_alias));

inline Vector load(const float* p) { return *reinterpret_cast<const Unaligned*>(p); }
inline void store(float* p, Vector v) { *reinterpret_cast<Unaligned*>(p) = v; }
// Not "+": adding zero is work (it turns -0 into 0), subtracting it is none.
inline Vector all(float x) { return x - Vector{}; }

template <int Rows, int Vectors>
void tileOf(const Tile& t) {
  Vector acc[Rows][Vectors];
#pragma GCC unroll 4
  for (int v = 0; v < Vectors; ++v) {
    const Vector first = t.bias ? load(t.bias + v * lanes) : Vector{};
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) acc[i][v] = first;
  }
  const float* a[Rows];
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i) a[i] = t.a[i < t.rows ? i : 0];
  const float* b = t.b;
  const ptrdiff_t aStep = t.aStep, bStep = t.bStep;
  for (int s = 0; s < t.segments; ++s) {
    ptrdiff_t at = s * t.aSegment;
    for (ptrdiff_t k = t.length; k > 0; --k, at += aStep, b += bStep) {
      Vector w[Vectors];
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) w[v] = load(b + v * lanes);
#pragma GCC unroll 16
      for (int i = 0; i < Rows; ++i) {
        const Vector x = all(a[i][at]);
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) acc[i][v] += x * w[v];
      }
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i) {
    if (i >= t.rows) break;
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) {
      float* c = t.c[i] + v * lanes;
      store(c, t.accumulate ? load(c) + acc[i][v] : acc[i][v]);
    }
  }
}

template <int Vectors>
void tileOfColumns(const Tile& t) {
  if (t.rows == 1) return tileOf<1, Vectors>(t);
  if (t.rows <= 2) return tileOf<2, Vectors>(t);
  if (t.rows <= 4) return tileOf<4, Vectors>(t);
  if constexpr (maxRows > 4) {
    if (t.rows <= 6) return tileOf<6, Vectors>(t);
    if constexpr (maxRows > 6) {
      if (t.rows <= 8) return tileOf<8, Vectors>(t);
      if constexpr (maxRows > 8) return tileOf<12, Vectors>(t);
    }
  }
}

void tile(const Tile& t) {
  if (t.columns > lanes) return tileOfColumns<2>(t);
  tileOfColumns<1>(t);
}

template <int Vectors>
void addPatchRow(const Live* live, int64_t count, const float* src, float* acc) {
  Vector sum[Vectors];
#pragma GCC unroll 16
  for (int v = 0; v < Vectors; ++v) sum[v] = load(acc + v * lanes);
  for (int64_t i = 0; i < count; ++i) {
    const Vector value = all(live[i].value);
    const float* x = src + live[i].offset;
#pragma GCC unroll 16
    for (int v = 0; v < Vectors; ++v) sum[v] += value * load(x + v * lanes);
  }
#pragma GCC unroll 16
  for (int v = 0; v < Vectors; ++v) store(acc + v * lanes, sum[v]);
}

// Several short rows at once, so that one pass over the list feeds enough independent sums.
template <int Rows>
void addPatchRows(const Live* live, int64_t count, const float* src, ptrdiff_t sourceRow, float* acc) {
  Vector sum[Rows];
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) sum[r] = load(acc + r * lanes);
  for (int64_t i = 0; i < count; ++i) {
    const Vector value = all(live[i].value);
    const float* x = src + live[i].offset;
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) sum[r] += value * load(x + r * sourceRow);
  }
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) store(acc + r * lanes, sum[r]);
}

void addLivePatches(const Live* live, int64_t count, const float* src, ptrdiff_t sourceRow, int kernelRows,
                    int64_t length, float* acc) {
  if (length == lanes) {
    int y = 0;
    for (; y + 11 <= kernelRows; y += 11)
      addPatchRows<11>(live, count, src + y * sourceRow, sourceRow, acc + y * length);
    for (; y + 4 <= kernelRows; y += 4)
      addPatchRows<4>(live, count, src + y * sourceRow, sourceRow, acc + y * length);
    for (; y < kernelRows; ++y) addPatchRow<1>(live, count, src + y * sourceRow, acc + y * length);
    return;
  }
  for (int y = 0; y < kernelRows; ++y) {
    const float* row = src + y * sourceRow;
    float* into = acc + y * length;
    int64_t at = 0;
    for (; at + 12 * lanes <= length; at += 12 * lanes) addPatchRow<12>(live, count, row + at, into + at);
    for (; at + 4 * lanes <= length; at += 4 * lanes) addPatchRow<4>(live, count, row + at, into + at);
    for (; at < length; at += lanes) addPatchRow<1>(live, count, row + at, into + at);
  }
}

template <int Vectors>
void scatterRow(const Live* live, int64_t count, const float* weights, float* dst) {
  Vector w[Vectors];
#pragma GCC unroll 16
  for (int v = 0; v < Vectors; ++v) w[v] = load(weights + v * lanes);
  for (int64_t i = 0; i < count; ++i) {
    const Vector value = all(live[i].value);
    float* x = dst + live[i].offset;
#pragma GCC unroll 16
    for (int v = 0; v < Vectors; ++v) store(x + v * lanes, load(x + v * lanes) + value * w[v]);
  }
}

void scatterLive(const Live* live, int64_t count, const float* weights, int kernelRows, int64_t length, float* dst,
                 ptrdiff_t destinationRow) {
  for (int y = 0; y < kernelRows; ++y) {
    const float* w = weights + y * length;
    float* row = dst + y * destinationRow;
    int64_t at = 0;
    for (; at + 12 * lanes <= length; at += 12 * lanes) scatterRow<12>(live, count, w + at, row + at);
    for (; at + 4 * lanes <= length; at += 4 * lanes) scatterRow<4>(live, count, w + at, row + at);
    for (; at < length; at += lanes) scatterRow<1>(live, count, w + at, row + at);
  }
}

void maxPool(const float* src, const PoolGeometry& g, float* dst, uint8_t* place) {
  for (int y = 0; y < g.outputHeight; ++y) {
    const int top = y * g.strideY - g.top;
    for (int x = 0; x < g.outputWidth; ++x) {
      const int left = x * g.strideX - g.left;
      const int64_t at = (static_cast<int64_t>(y) * g.outputWidth + x) * g.channels;
      for (int c = 0; c < g.channels; c += lanes) {
        Vector best = all(-INFINITY);
        Integers index{};
        bool first = true;
        for (int dy = 0; dy < g.windowHeight; ++dy) {
          if (top + dy < 0 || top + dy >= g.height) continue;
          for (int dx = 0; dx < g.windowWidth; ++dx) {
            if (left + dx < 0 || left + dx >= g.width) continue;
            const Vector v =
                load(src + (static_cast<int64_t>(top + dy) * g.width + left + dx) * g.sourceStep + c);
            const Integers here = Integers{} + (dy * g.windowWidth + dx);
            if (first) {
              best = v;
              index = here;
              first = false;
              continue;
            }
            const Integers greater = (v > best) | (v != v);  // a NaN wins and stays: it must not get lost
            best = greater ? v : best;
            index = greater ? here : index;
          }
        }
        const Bytes bytes = __builtin_convertvector(index, Bytes);
        if (c + lanes <= g.channels) {
          store(dst + at + c, best);
          *reinterpret_cast<UnalignedBytes*>(place + at + c) = bytes;
        } else {
          for (int i = 0; c + i < g.channels; ++i) {
            dst[at + c + i] = best[i];
            place[at + c + i] = bytes[i];
          }
        }
      }
    }
  }
}

constexpr float scaledTanhHeight = 1.7159f;
constexpr float scaledTanhSlope = 2.0f / 3.0f;

void activate(Activation kind, float* values, int64_t count) {
  if (kind == Activation::relu)
    for (int64_t i = 0; i < count; ++i) values[i] = values[i] < 0.0f ? 0.0f : values[i];
  else if (kind == Activation::tanh)
    for (int64_t i = 0; i < count; ++i) values[i] = tanhf(values[i]);
  else if (kind == Activation::scaledTanh)
    for (int64_t i = 0; i < count; ++i) values[i] = scaledTanhHeight * tanhf(scaledTanhSlope * values[i]);
}

void activateBackward(Activation kind, const float* result, float* diff, int64_t count) {
  if (kind == Activation::relu)
    for (int64_t i = 0; i < count; ++i) diff[i] = result[i] > 0.0f ? diff[i] : 0.0f;
  else if (kind == Activation::tanh)
    for (int64_t i = 0; i < count; ++i) diff[i] *= 1.0f - result[i] * result[i];
  else if (kind == Activation::scaledTanh)
    for (int64_t i = 0; i < count; ++i)
      diff[i] *= scaledTanhSlope / scaledTanhHeight * (scaledTanhHeight * scaledTanhHeight - result[i] * result[i]);
}

void scaleShift(const float* src, const float* scale, const float* shift, int64_t positions, int channels,
                float* __restrict dst) {
  for (int64_t p = 0; p < positions; ++p, src += channels, dst += channels)
    for (int c = 0; c < channels; ++c) dst[c] = src[c] * scale[c] + shift[c];
}

void addChannels(const float* src, int64_t positions, int channels, float* __restrict sum) {
  for (int64_t p = 0; p < positions; ++p, src += channels)
    for (int c = 0; c < channels; ++c) sum[c] += src[c];
}

void addSquares(const float* src, const float* mean, int64_t positions, int channels, float* __restrict sum) {
  for (int64_t p = 0; p < positions; ++p, src += channels)
    for (int c = 0; c < channels; ++c) sum[c] += (src[c] - mean[c]) * (src[c] - mean[c]);
}

void addProducts(const float* diff, const float* src, const float* mean, int64_t positions, int channels,
                 float* __restrict sum, float* __restrict product) {
  for (int64_t p = 0; p < positions; ++p, src += channels, diff += channels)
    for (int c = 0; c < channels; ++c) {
      sum[c] += diff[c];
      product[c] += diff[c] * (src[c] - mean[c]);
    }
}

void combine(float* __restrict diff, const float* src, const float* a, const float* b, const float* d,
             int64_t positions, int channels) {
  for (int64_t p = 0; p < positions; ++p, src += channels, diff += channels)
    for (int c = 0; c < channels; ++c) diff[c] = a[c] * diff[c] + b[c] * src[c] + d[c];
}

void add(const float* src, float* __restrict dst, int64_t count) {
  for (int64_t i = 0; i < count; ++i) dst[i] += src[i];
}

double sumSquares(const float* src, int64_t count) {
  double sums[8] = {};
  int64_t i = 0;
  for (; i + 8 <= count; i += 8)
    for (int j = 0; j < 8; ++j) sums[j] += static_cast<double>(src[i + j]) * src[i + j];
  for (; i < count; ++i) sums[0] += static_cast<double>(src[i]) * src[i];
  return ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
}

void adam(const AdamSettings& s, const float* gradient, float* __restrict value, float* __restrict m,
          float* __restrict v, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const float g = gradient[i] * s.gradientScale;
    m[i] = s.beta1 * m[i] + (1.0f - s.beta1) * g;
    v[i] = s.beta2 * v[i] + (1.0f - s.beta2) * g * g;
    value[i] = s.keep * value[i] - s.stepSize * m[i] / (sqrtf(v[i]) * s.correction + s.epsilon);
  }
}

void sgd(const SgdSettings& s, const float* gradient, float* __restrict value, float* __restrict velocity,
         int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const float g = gradient[i] * s.gradientScale + s.decay * value[i];
    velocity[i] = s.momentum * velocity[i] + g;
    value[i] -= s.learningRate * (s.nesterov ? g + s.momentum * velocity[i] : velocity[i]);
  }
}

}  // namespace

const Kernels& BRIGHTCELL_KERNELS() {
  static constexpr Kernels kernels = {
      BRIGHTCELL_NAME, lanes,      2 * lanes,  maxRows,     tile,        addLivePatches, scatterLive,
      maxPool,         activate,   activateBackward, scaleShift, addChannels, addSquares, addProducts,
      combine,         add,        sumSquares, adam,        sgd,
  };
  return kernels;
}

}  // namespace brightcell
