// Winograd's F(4x4, 3x3): a tile of 4 x 4 outputs of a 3 x 3 correlation from 36 products instead of 144. In one
// direction, with the points 0, a, -a, b, -b and infinity:
//   outputs = A' ((G taps) * (B' inputs)),  6 inputs, 3 taps, 4 outputs.
// a = 5/8 and b = 3/2 instead of the usual 1 and 2: the transforms cost the same, and rounding is amplified half as
// much (found by minimising the sum of squares that the three matrices multiply the rounding errors with).
// The way back is the transpose of each step. Frequency (fy, fx) of a tile is number fx * 6 + fy.
#include "kernels/set.h"

namespace brightcell::BRIGHTCELL_SET {
namespace {

constexpr double a = 0.625, b = 1.5, aa = a * a, bb = b * b;
constexpr double sum = aa + bb, product = aa * bb;

// The same in double precision, for what is done once a step.
constexpr int pairs = lanes / 2;  // doubles in a vector
typedef double Doubles __attribute__((vector_size(lanes * 4)));
typedef float Half __attribute__((vector_size(lanes * 2)));
typedef float UnalignedHalf __attribute__((vector_size(lanes * 2), aligned(4), may_alias));

template <typename V>
BRIGHTCELL_INLINE V times(double factor, V v) {
  return static_cast<decltype(v[0] + v[0])>(factor) * v;
}

// B': 6 inputs to 6 frequencies. The odd parts are multiplied by a and b as they are added: fewer steps, fewer roundings.
template <typename V>
BRIGHTCELL_INLINE void fromSource(const V* d, int step, V* v, int to) {
  const V d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
  v[0] = d4 - times(sum, d2) + times(product, d0);
  const V e1 = d4 - times(bb, d2), o1 = d3 - times(bb, d1);
  v[to] = e1 + times(a, o1);
  v[2 * to] = e1 - times(a, o1);
  const V e2 = d4 - times(aa, d2), o2 = d3 - times(aa, d1);
  v[3 * to] = e2 + times(b, o2);
  v[4 * to] = e2 - times(b, o2);
  v[5 * to] = d5 - times(sum, d3) + times(product, d1);
}

// B: its transpose, 6 frequencies to 6 inputs.
template <typename V>
BRIGHTCELL_INLINE void toSource(const V* v, int step, V* d, int to) {
  const V s1 = v[step] + v[2 * step], d1 = v[step] - v[2 * step];
  const V s2 = v[3 * step] + v[4 * step], d2 = v[3 * step] - v[4 * step];
  const V first = v[0], last = v[5 * step];
  d[0] = times(product, first);
  d[to] = times(product, last) - times(a * bb, d1) - times(b * aa, d2);
  d[2 * to] = times(-sum, first) - times(bb, s1) - times(aa, s2);
  d[3 * to] = times(a, d1) + times(b, d2) - times(sum, last);
  d[4 * to] = first + s1 + s2;
  d[5 * to] = last;
}

// A': 6 frequencies to 4 outputs.
template <typename V>
BRIGHTCELL_INLINE void toResult(const V* m, int step, V* y, int to) {
  const V s1 = m[step] + m[2 * step], d1 = m[step] - m[2 * step];
  const V s2 = m[3 * step] + m[4 * step], d2 = m[3 * step] - m[4 * step];
  y[0] = m[0] + s1 + s2;
  y[to] = times(a, d1) + times(b, d2);
  y[2 * to] = times(aa, s1) + times(bb, s2);
  y[3 * to] = m[5 * step] + times(a * aa, d1) + times(b * bb, d2);
}

// A: its transpose, 4 outputs to 6 frequencies.
template <typename V>
BRIGHTCELL_INLINE void fromResult(const V* y, int step, V* m, int to) {
  const V y0 = y[0], y1 = y[step], y2 = y[2 * step], y3 = y[3 * step];
  m[0] = y0;
  const V e1 = y0 + times(aa, y2), o1 = y1 + times(aa, y3);
  m[to] = e1 + times(a, o1);
  m[2 * to] = e1 - times(a, o1);
  const V e2 = y0 + times(bb, y2), o2 = y1 + times(bb, y3);
  m[3 * to] = e2 + times(b, o2);
  m[4 * to] = e2 - times(b, o2);
  m[5 * to] = y3;
}

constexpr double gA = 1 / (2 * aa * (aa - bb)), gB = 1 / (2 * bb * (bb - aa));

// G: 3 taps to 6 frequencies.
template <typename V>
BRIGHTCELL_INLINE void fromTaps(const V* g, int step, V* v, int to) {
  const V g0 = g[0], g1 = g[step], g2 = g[2 * step];
  v[0] = times(1 / product, g0);
  const V e1 = times(gA, g0 + times(aa, g2)), o1 = times(gA * a, g1);
  v[to] = e1 + o1;
  v[2 * to] = e1 - o1;
  const V e2 = times(gB, g0 + times(bb, g2)), o2 = times(gB * b, g1);
  v[3 * to] = e2 + o2;
  v[4 * to] = e2 - o2;
  v[5 * to] = g2;
}

// G': its transpose, 6 frequencies to 3 taps.
template <typename V>
BRIGHTCELL_INLINE void toTaps(const V* v, int step, V* g, int to) {
  const V s1 = v[step] + v[2 * step], d1 = v[step] - v[2 * step];
  const V s2 = v[3 * step] + v[4 * step], d2 = v[3 * step] - v[4 * step];
  g[0] = times(1 / product, v[0]) + times(gA, s1) + times(gB, s2);
  g[to] = times(gA * a, d1) + times(gB * b, d2);
  g[2 * to] = times(gA * aa, s1) + times(gB * bb, s2) + v[5 * step];
}

}  // namespace

void winogradSource(const float* src, ptrdiff_t rowStep, ptrdiff_t columnStep, int64_t channels, float* dst,
                    ptrdiff_t frequencyStep) {
  for (int64_t c = 0; c < channels; c += lanes) {
    Vector z[36];
    BRIGHTCELL_UNROLL
    for (int x = 0; x < 6; ++x) {
      Vector d[6];
      BRIGHTCELL_UNROLL
      for (int y = 0; y < 6; ++y) d[y] = load(src + y * rowStep + x * columnStep + c);
      fromSource(d, 1, z + x, 6);
    }
    BRIGHTCELL_UNROLL
    for (int fy = 0; fy < 6; ++fy) {
      Vector v[6];
      fromSource(z + fy * 6, 1, v, 1);
      BRIGHTCELL_UNROLL
      for (int fx = 0; fx < 6; ++fx) store(dst + (fx * 6 + fy) * frequencyStep + c, v[fx]);
    }
  }
}

void winogradAddSource(const float* src, ptrdiff_t frequencyStep, int64_t channels, float* dst, ptrdiff_t rowStep,
                       ptrdiff_t columnStep) {
  for (int64_t c = 0; c < channels; c += lanes) {
    Vector z[36];
    BRIGHTCELL_UNROLL
    for (int fx = 0; fx < 6; ++fx) {
      Vector v[6];
      BRIGHTCELL_UNROLL
      for (int fy = 0; fy < 6; ++fy) v[fy] = load(src + (fx * 6 + fy) * frequencyStep + c);
      toSource(v, 1, z + fx, 6);
    }
    BRIGHTCELL_UNROLL
    for (int y = 0; y < 6; ++y) {
      Vector d[6];
      toSource(z + y * 6, 1, d, 1);
      BRIGHTCELL_UNROLL
      for (int x = 0; x < 6; ++x) {
        float* into = dst + y * rowStep + x * columnStep + c;
        store(into, load(into) + d[x]);
      }
    }
  }
}

void splitPairs(const float* src, int64_t pairs, float* even, float* odd) {
  Integers evens, odds;
  for (int i = 0; i < lanes; ++i) evens[i] = 2 * i, odds[i] = 2 * i + 1;
  for (int64_t i = 0; i < pairs; i += lanes) {
    const Vector first = load(src + 2 * i), second = load(src + 2 * i + lanes);
    store(even + i, shuffle(first, second, evens));
    store(odd + i, shuffle(first, second, odds));
  }
}

void winogradRow(const float* const* samples, int64_t tiles, float* dst, ptrdiff_t frequencyStep) {
  for (int64_t t = 0; t < tiles; t += lanes) {
    Vector d[6], v[6];
    BRIGHTCELL_UNROLL
    for (int j = 0; j < 6; ++j) d[j] = load(samples[j] + t);
    fromSource(d, 1, v, 1);
    BRIGHTCELL_UNROLL
    for (int f = 0; f < 6; ++f) store(dst + f * frequencyStep + t, v[f]);
  }
}

void winogradColumns(const float* src, ptrdiff_t rowStep, ptrdiff_t sourceStep, int64_t tiles, float* dst,
                     ptrdiff_t frequencyStep) {
  for (int fx = 0; fx < 6; ++fx, src += sourceStep)
    for (int64_t t = 0; t < tiles; t += lanes) {
      Vector d[6], v[6];
      BRIGHTCELL_UNROLL
      for (int j = 0; j < 6; ++j) d[j] = load(src + j * rowStep + t);
      fromSource(d, 1, v, 1);
      BRIGHTCELL_UNROLL
      for (int fy = 0; fy < 6; ++fy) store(dst + (fx * 6 + fy) * frequencyStep + t, v[fy]);
    }
}

void winogradToRows(const float* src, ptrdiff_t sourceStep, int64_t count, float* dst, ptrdiff_t step) {
  for (int64_t i = 0; i < count; i += lanes) {
    Vector m[6], y[4];
    BRIGHTCELL_UNROLL
    for (int f = 0; f < 6; ++f) m[f] = load(src + f * sourceStep + i);
    toResult(m, 1, y, 1);
    BRIGHTCELL_UNROLL
    for (int j = 0; j < 4; ++j) store(dst + j * step + i, y[j]);
  }
}

void winogradFromRows(const float* src, ptrdiff_t sourceStep, int64_t count, float* dst, ptrdiff_t step) {
  for (int64_t i = 0; i < count; i += lanes) {
    Vector y[4], m[6];
    BRIGHTCELL_UNROLL
    for (int j = 0; j < 4; ++j) y[j] = load(src + j * sourceStep + i);
    fromResult(y, 1, m, 1);
    BRIGHTCELL_UNROLL
    for (int f = 0; f < 6; ++f) store(dst + f * step + i, m[f]);
  }
}

void winogradPool(const WinogradTile& t, const float* rows, const float* bias, bool relu, float* dst, uint8_t* place) {
  for (int64_t c = 0; c < t.channels; c += lanes) {
    const int count = t.channels - c < lanes ? static_cast<int>(t.channels - c) : lanes;
    const Vector shift = load(bias + c);
    BRIGHTCELL_UNROLL
    for (int r = 0; r < 2; ++r) {
      if (r >= t.height) break;
      Vector y[2][4];
      BRIGHTCELL_UNROLL
      for (int j = 0; j < 2; ++j) {
        Vector m[6];
        BRIGHTCELL_UNROLL
        for (int f = 0; f < 6; ++f) m[f] = load(rows + (f * 4 + 2 * r + j) * t.frequencyStep + c);
        toResult(m, 1, y[j], 1);
      }
      BRIGHTCELL_UNROLL
      for (int q = 0; q < 2; ++q) {
        if (q >= t.width) break;
        Vector best = y[0][2 * q];
        Integers index{};
        BRIGHTCELL_UNROLL
        for (int i = 1; i < 4; ++i) {
          const Vector v = y[i / 2][2 * q + i % 2];
          const Integers greater = (v > best) | (v != v);
          best = greater ? v : best;
          index = greater ? Integers{} + i : index;
        }
        best += shift;
        if (relu) best = best < Vector{} ? Vector{} : best;
        const ptrdiff_t at = r * t.rowStep + q * t.columnStep + c;
        storePart(dst + at, best, count);
        if (place != nullptr) storePlaces(place + at, index, count);
      }
    }
  }
}

void winogradUnpool(const WinogradTile& t, const float* diff, const uint8_t* place, float* rows) {
  for (int64_t c = 0; c < t.channels; c += lanes) {
    const int count = t.channels - c < lanes ? static_cast<int>(t.channels - c) : lanes;
    BRIGHTCELL_UNROLL
    for (int r = 0; r < 2; ++r) {
      Vector y[2][4] = {};
      BRIGHTCELL_UNROLL
      for (int q = 0; q < 2; ++q) {
        if (r >= t.height || q >= t.width) continue;
        const ptrdiff_t at = r * t.rowStep + q * t.columnStep + c;
        const Vector value = loadPart(diff + at, count);
        const Integers index = loadPlaces(place + at, count);
        BRIGHTCELL_UNROLL
        for (int i = 0; i < 4; ++i) y[i / 2][2 * q + i % 2] = index == i ? value : Vector{};
      }
      BRIGHTCELL_UNROLL
      for (int j = 0; j < 2; ++j) {
        Vector m[6];
        fromResult(y[j], 1, m, 1);
        BRIGHTCELL_UNROLL
        for (int f = 0; f < 6; ++f) store(rows + (f * 4 + 2 * r + j) * t.frequencyStep + c, m[f]);
      }
    }
  }
}

void winogradWide(const WinogradTile& t, const float* rows, const float* bias, float* dst) {
  for (int64_t c = 0; c < t.channels; c += lanes) {
    const Vector shift = load(bias + c);
    for (int r = 0; r < t.height; ++r) {
      Vector m[6], y[4];
      BRIGHTCELL_UNROLL
      for (int f = 0; f < 6; ++f) m[f] = load(rows + (f * 4 + r) * t.frequencyStep + c);
      toResult(m, 1, y, 1);
      BRIGHTCELL_UNROLL
      for (int q = 0; q < 4; ++q)
        if (q < t.width) store(dst + r * t.rowStep + q * t.columnStep + c, y[q] + shift);
    }
  }
}

void winogradNarrow(const WinogradTile& t, const float* diff, float* rows) {
  for (int64_t c = 0; c < t.channels; c += lanes)
    for (int r = 0; r < 4; ++r) {
      Vector y[4], m[6];
      BRIGHTCELL_UNROLL
      for (int q = 0; q < 4; ++q)
        y[q] = r < t.height && q < t.width ? load(diff + r * t.rowStep + q * t.columnStep + c) : Vector{};
      fromResult(y, 1, m, 1);
      BRIGHTCELL_UNROLL
      for (int f = 0; f < 6; ++f) store(rows + (f * 4 + r) * t.frequencyStep + c, m[f]);
    }
}

// Taps stand far apart: they are gathered, and added, number by number outside of the arithmetic.
void winogradTaps(const float* weights, ptrdiff_t laneStep, const int64_t* taps, int count, float* dst,
                  ptrdiff_t frequencyStep) {
  alignas(64) float gathered[9][lanes] = {};
  for (int i = 0; i < 9; ++i)
    if (taps[i] >= 0)
      for (int lane = 0; lane < count; ++lane) gathered[i][lane] = weights[lane * laneStep + taps[i]];
  for (int first = 0; first < lanes; first += pairs) {
    Doubles g[9], z[18];
    BRIGHTCELL_UNROLL
    for (int i = 0; i < 9; ++i)
      g[i] = __builtin_convertvector(*reinterpret_cast<const UnalignedHalf*>(gathered[i] + first), Doubles);
    BRIGHTCELL_UNROLL
    for (int x = 0; x < 3; ++x) fromTaps(g + x, 3, z + x, 3);
    BRIGHTCELL_UNROLL
    for (int fy = 0; fy < 6; ++fy) {
      Doubles v[6];
      fromTaps(z + fy * 3, 1, v, 1);
      BRIGHTCELL_UNROLL
      for (int fx = 0; fx < 6; ++fx)
        *reinterpret_cast<UnalignedHalf*>(dst + (fx * 6 + fy) * frequencyStep + first) =
            __builtin_convertvector(v[fx], Half);
    }
  }
}

void winogradAddTaps(const float* src, ptrdiff_t frequencyStep, const int64_t* taps, int count, float* gradient,
                     ptrdiff_t laneStep) {
  alignas(64) float sums[9][lanes];
  for (int first = 0; first < count; first += pairs) {
    Doubles z[18];
    BRIGHTCELL_UNROLL
    for (int fx = 0; fx < 6; ++fx) {
      Doubles v[6];
      BRIGHTCELL_UNROLL
      for (int fy = 0; fy < 6; ++fy) {
        const Half values = *reinterpret_cast<const UnalignedHalf*>(src + (fx * 6 + fy) * frequencyStep + first);
        v[fy] = __builtin_convertvector(values, Doubles);
      }
      toTaps(v, 1, z + fx, 6);
    }
    BRIGHTCELL_UNROLL
    for (int y = 0; y < 3; ++y) {
      Doubles g[3];
      toTaps(z + y * 6, 1, g, 1);
      BRIGHTCELL_UNROLL
      for (int x = 0; x < 3; ++x)
        *reinterpret_cast<UnalignedHalf*>(sums[y * 3 + x] + first) = __builtin_convertvector(g[x], Half);
    }
  }
  for (int i = 0; i < 9; ++i)
    if (taps[i] >= 0)
      for (int lane = 0; lane < count; ++lane) gradient[lane * laneStep + taps[i]] += sums[i][lane];
}

}  // namespace brightcell::BRIGHTCELL_SET
