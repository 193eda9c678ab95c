// Forces between points of an embedding, a vector of other points at a time; and Fourier transforms after Stockham,
// in which every stage writes its results in order, of as many sequences side by side as a vector has numbers.
#include "kernels/embedding.h"

#include "kernels/set.h"

namespace brightcell::BRIGHTCELL_SET {

namespace {

constexpr int half = lanes / 2;
typedef double Doubles __attribute__((vector_size(lanes * 4)));
typedef double UnalignedDoubles __attribute__((vector_size(lanes * 4), aligned(8), may_alias));

BRIGHTCELL_INLINE Doubles loadDoubles(const double* p) { return *reinterpret_cast<const UnalignedDoubles*>(p); }
BRIGHTCELL_INLINE void storeDoubles(double* p, Doubles v) { *reinterpret_cast<UnalignedDoubles*>(p) = v; }

BRIGHTCELL_INLINE double sumOf(Vector v) {
  double sum = 0;
  BRIGHTCELL_UNROLL
  for (int i = 0; i < lanes; ++i) sum += static_cast<double>(v[i]);
  return sum;
}

Repulsion repulse(const float* xs, const float* ys, int64_t count, float x, float y) {
  Vector forceX{}, forceY{}, sum{};
  int64_t j = 0;
  for (; j + lanes <= count; j += lanes) {
    const Vector dx = x - load(xs + j), dy = y - load(ys + j);
    const Vector q = 1.0f / (1.0f + dx * dx + dy * dy), square = q * q;
    sum += q;
    forceX += square * dx;
    forceY += square * dy;
  }
  Repulsion result{sumOf(forceX), sumOf(forceY), sumOf(sum)};
  for (; j < count; ++j) {
    const float dx = x - xs[j], dy = y - ys[j];
    const float q = 1.0f / (1.0f + dx * dx + dy * dy);
    result.sum += static_cast<double>(q);
    result.x += static_cast<double>(q * q * dx);
    result.y += static_cast<double>(q * q * dy);
  }
  return result;
}

typedef double Pair __attribute__((aligned(4), may_alias));

// Points (x, y) side by side, each moved as one number of 64 bits: piecing a vector together from single floats took
// twice the time.
template <class Pairs>
BRIGHTCELL_INLINE Pairs pairsAt(const float* points, const int32_t* at) {
  const auto pair = [points, at](int i) __attribute__((always_inline)) {
    return static_cast<double>(*reinterpret_cast<const Pair*>(points + 2 * static_cast<ptrdiff_t>(at[i])));
  };
  if constexpr (sizeof(Pairs) == 64)
    return Pairs{pair(0), pair(1), pair(2), pair(3), pair(4), pair(5), pair(6), pair(7)};
  else if constexpr (sizeof(Pairs) == 32)
    return Pairs{pair(0), pair(1), pair(2), pair(3)};
  else
    return Pairs{pair(0), pair(1)};
}

Attraction attract(const float* points, const int32_t* neighbours, const float* weights, int64_t count, float x,
                   float y) {
  Vector forceX{}, forceY{};
  Integers even{}, odd{};
  for (int i = 0; i < lanes; ++i) {
    even[i] = 2 * i;
    odd[i] = 2 * i + 1;
  }
  for (int64_t at = 0; at < count; at += lanes) {
    const int width = count - at < lanes ? static_cast<int>(count - at) : lanes;
    int32_t padded[lanes];
    const int32_t* own = neighbours + at;
    if (width < lanes) {
      for (int i = 0; i < lanes; ++i) padded[i] = own[i < width ? i : 0];
      own = padded;
    }
    const Vector first = (Vector)pairsAt<Doubles>(points, own);
    const Vector second = (Vector)pairsAt<Doubles>(points, own + half);
    const Vector dx = x - shuffle(first, second, even), dy = y - shuffle(first, second, odd);
    const Vector force = loadPart(weights + at, width) / (1.0f + dx * dx + dy * dy);
    forceX += force * dx;
    forceY += force * dy;
  }
  return {sumOf(forceX), sumOf(forceY)};
}

struct Complex {
  Doubles re, im;
};

BRIGHTCELL_INLINE Complex plus(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
BRIGHTCELL_INLINE Complex minus(Complex a, Complex b) { return {a.re - b.re, a.im - b.im}; }
// -i a.
BRIGHTCELL_INLINE Complex turned(Complex a) { return {a.im, -a.re}; }
BRIGHTCELL_INLINE Complex times(Complex a, double re, double im) {
  return {a.re * re - a.im * im, a.re * im + a.im * re};
}
BRIGHTCELL_INLINE Complex scaled(Complex a, double factor) { return {a.re * factor, a.im * factor}; }

template <int Radix>
BRIGHTCELL_INLINE void butterfly(Complex* a) {
  if constexpr (Radix == 2) {
    const Complex sum = plus(a[0], a[1]);
    a[1] = minus(a[0], a[1]);
    a[0] = sum;
  } else if constexpr (Radix == 3) {
    const Complex sum = plus(a[1], a[2]), turn = scaled(turned(minus(a[1], a[2])), 0.86602540378443864676);
    const Complex middle = minus(a[0], scaled(sum, 0.5));
    a[0] = plus(a[0], sum);
    a[1] = plus(middle, turn);
    a[2] = minus(middle, turn);
  } else if constexpr (Radix == 4) {
    const Complex even = plus(a[0], a[2]), odd = minus(a[0], a[2]);
    const Complex sum = plus(a[1], a[3]), turn = turned(minus(a[1], a[3]));
    a[0] = plus(even, sum);
    a[1] = plus(odd, turn);
    a[2] = minus(even, sum);
    a[3] = minus(odd, turn);
  } else {
    constexpr double c1 = 0.30901699437494742410, c2 = -0.80901699437494742410;
    constexpr double s1 = 0.95105651629515357212, s2 = 0.58778525229247312917;
    const Complex p = plus(a[1], a[4]), q = plus(a[2], a[3]);
    const Complex r = turned(minus(a[1], a[4])), s = turned(minus(a[2], a[3]));
    const Complex u = plus(a[0], plus(scaled(p, c1), scaled(q, c2))), v = plus(a[0], plus(scaled(p, c2), scaled(q, c1)));
    const Complex w = plus(scaled(r, s1), scaled(s, s2)), x = minus(scaled(r, s2), scaled(s, s1));
    a[0] = plus(a[0], plus(p, q));
    a[1] = plus(u, w);
    a[2] = plus(v, x);
    a[3] = minus(v, x);
    a[4] = minus(u, w);
  }
}

// One stage: n numbers are left of each sequence, `stride` sequences; total = n * stride.
template <int Radix>
void stage(const double* src, double* dst, int64_t n, int64_t stride, const double* twiddles, int64_t real) {
  const int64_t parts = n / Radix, imaginary = half - real;
  for (int64_t p = 0; p < parts; ++p) {
    double re[Radix], im[Radix];
    for (int k = 0; k < Radix; ++k) {
      re[k] = twiddles[2 * p * k * stride];
      im[k] = twiddles[2 * p * k * stride + 1];
    }
    for (int64_t q = 0; q < stride; ++q) {
      Complex a[Radix];
      BRIGHTCELL_UNROLL
      for (int k = 0; k < Radix; ++k) {
        const double* at = src + (q + stride * (p + k * parts)) * 2 * half;
        a[k] = {loadDoubles(at + real), loadDoubles(at + imaginary)};
      }
      butterfly<Radix>(a);
      BRIGHTCELL_UNROLL
      for (int k = 0; k < Radix; ++k) {
        const Complex value = k == 0 ? a[k] : times(a[k], re[k], im[k]);
        double* at = dst + (q + stride * (Radix * p + k)) * 2 * half;
        storeDoubles(at + real, value.re);
        storeDoubles(at + imaginary, value.im);
      }
    }
  }
}

// The inverse is the transform with real and imaginary parts exchanged.
double* transformStrip(double* data, double* scratch, int64_t n, const double* twiddles, bool inverse) {
  const int64_t real = inverse ? half : 0;
  for (int64_t left = n, stride = 1; left > 1;) {
    const int radix = left % 4 == 0 ? 4 : left % 2 == 0 ? 2 : left % 3 == 0 ? 3 : 5;
    const auto run = radix == 4 ? stage<4> : radix == 2 ? stage<2> : radix == 3 ? stage<3> : stage<5>;
    run(data, scratch, left, stride, twiddles, real);
    double* other = data;
    data = scratch;
    scratch = other;
    left /= radix;
    stride *= radix;
  }
  return data;
}

void scaleStrip(double* strip, const double* factors, ptrdiff_t step, int64_t count) {
  for (int64_t k = 0; k < count; ++k) {
    const Doubles factor = loadDoubles(factors + k * step);
    double* at = strip + k * 2 * half;
    storeDoubles(at, loadDoubles(at) * factor);
    storeDoubles(at + half, loadDoubles(at + half) * factor);
  }
}

}  // namespace

const EmbeddingKernels embeddingKernels = {.repulse = repulse,
                                           .attract = attract,
                                           .transformStrip = transformStrip,
                                           .scaleStrip = scaleStrip};

}  // namespace brightcell::BRIGHTCELL_SET
