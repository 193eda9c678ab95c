// Fourier transforms of 16 numbers, real or complex, each number a vector of channels. Straight-line code: every
// factor is a constant. Nothing is divided by 16.
#pragma once
#include "kernels/vector.h"

namespace brightcell::BRIGHTCELL_SET {

struct Complex {
  Vector re, im;
};

BRIGHTCELL_INLINE Complex operator+(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
BRIGHTCELL_INLINE Complex operator-(Complex a, Complex b) { return {a.re - b.re, a.im - b.im}; }
BRIGHTCELL_INLINE Complex conjugated(Complex a) { return {a.re, -a.im}; }

// cos(2 pi k / 16).
constexpr float fftCosines[16] = {1.0f,
                                  0.923879532511286756f,
                                  0.707106781186547524f,
                                  0.382683432365089772f,
                                  0.0f,
                                  -0.382683432365089772f,
                                  -0.707106781186547524f,
                                  -0.923879532511286756f,
                                  -1.0f,
                                  -0.923879532511286756f,
                                  -0.707106781186547524f,
                                  -0.382683432365089772f,
                                  0.0f,
                                  0.382683432365089772f,
                                  0.707106781186547524f,
                                  0.923879532511286756f};

// a * exp(-2 pi i K / 16).
template <int K>
BRIGHTCELL_INLINE Complex turned(Complex a) {
  constexpr int k = ((K % 16) + 16) % 16;
  constexpr float c = fftCosines[k], s = fftCosines[(k + 12) % 16];
  if constexpr (k == 0) return a;
  else if constexpr (k == 4) return {a.im, -a.re};
  else if constexpr (k == 8) return {-a.re, -a.im};
  else if constexpr (k == 12) return {-a.im, a.re};
  else if constexpr (k == 2 || k == 10) return {(a.re + a.im) * c, (a.im - a.re) * c};
  else if constexpr (k == 6 || k == 14) return {(a.re - a.im) * c, (a.re + a.im) * c};
  else return {a.re * c + a.im * s, a.im * c - a.re * s};
}

// Real numbers x[0], x[step], ... to the frequencies 0..N/2.
template <int N>
struct RealTransform {
  BRIGHTCELL_INLINE void run(const Vector* x, int step, Complex* spectrum) {
    Complex even[N / 4 + 1], odd[N / 4 + 1];
    RealTransform<N / 2>::run(x, 2 * step, even);
    RealTransform<N / 2>::run(x + step, 2 * step, odd);
    spectrum[0] = {even[0].re + odd[0].re, Vector{}};
    spectrum[N / 2] = {even[0].re - odd[0].re, Vector{}};
    spectrum[N / 4] = {even[N / 4].re, -odd[N / 4].re};
    combine<1>(even, odd, spectrum);
  }

 private:
  template <int K>
  BRIGHTCELL_INLINE void combine(const Complex* even, const Complex* odd, Complex* spectrum) {
    if constexpr (K < N / 4) {
      const Complex w = turned<K * (16 / N)>(odd[K]);
      spectrum[K] = even[K] + w;
      spectrum[N / 2 - K] = {even[K].re - w.re, w.im - even[K].im};
      combine<K + 1>(even, odd, spectrum);
    }
  }
};

template <>
struct RealTransform<2> {
  BRIGHTCELL_INLINE void run(const Vector* x, int step, Complex* spectrum) {
    spectrum[0] = {x[0] + x[step], Vector{}};
    spectrum[1] = {x[0] - x[step], Vector{}};
  }
};

// The way back: N times the numbers.
template <int N>
struct RealInverse {
  BRIGHTCELL_INLINE void run(const Complex* spectrum, Vector* x, int step) {
    Complex even[N / 4 + 1], odd[N / 4 + 1];
    even[0].re = spectrum[0].re + spectrum[N / 2].re;
    odd[0].re = spectrum[0].re - spectrum[N / 2].re;
    even[N / 4].re = spectrum[N / 4].re + spectrum[N / 4].re;
    odd[N / 4].re = -(spectrum[N / 4].im + spectrum[N / 4].im);
    split<1>(spectrum, even, odd);
    RealInverse<N / 2>::run(even, x, 2 * step);
    RealInverse<N / 2>::run(odd, x + step, 2 * step);
  }

 private:
  template <int K>
  BRIGHTCELL_INLINE void split(const Complex* spectrum, Complex* even, Complex* odd) {
    if constexpr (K < N / 4) {
      const Complex a = spectrum[K], b = spectrum[N / 2 - K];
      even[K] = {a.re + b.re, a.im - b.im};
      odd[K] = turned<-K * (16 / N)>(Complex{a.re - b.re, a.im + b.im});
      split<K + 1>(spectrum, even, odd);
    }
  }
};

template <>
struct RealInverse<2> {
  BRIGHTCELL_INLINE void run(const Complex* spectrum, Vector* x, int step) {
    x[0] = spectrum[0].re + spectrum[1].re;
    x[step] = spectrum[0].re - spectrum[1].re;
  }
};

template <bool Inverse>
BRIGHTCELL_INLINE void transform4(Complex& a, Complex& b, Complex& c, Complex& d) {
  const Complex s = a + c, t = a - c, u = b + d, v = b - d;
  a = s + u;
  c = s - u;
  b = Inverse ? Complex{t.re - v.im, t.im + v.re} : Complex{t.re + v.im, t.im - v.re};
  d = Inverse ? Complex{t.re + v.im, t.im - v.re} : Complex{t.re - v.im, t.im + v.re};
}

// 16 complex numbers in place; frequency k is left at position(k).
template <bool Inverse>
BRIGHTCELL_INLINE void transform16(Complex* x) {
  constexpr int sign = Inverse ? -1 : 1;
  BRIGHTCELL_UNROLL
  for (int i = 0; i < 4; ++i) transform4<Inverse>(x[i], x[i + 4], x[i + 8], x[i + 12]);
  x[5] = turned<sign>(x[5]);
  x[6] = turned<2 * sign>(x[6]);
  x[7] = turned<3 * sign>(x[7]);
  x[9] = turned<2 * sign>(x[9]);
  x[10] = turned<4 * sign>(x[10]);
  x[11] = turned<6 * sign>(x[11]);
  x[13] = turned<3 * sign>(x[13]);
  x[14] = turned<6 * sign>(x[14]);
  x[15] = turned<9 * sign>(x[15]);
  BRIGHTCELL_UNROLL
  for (int i = 0; i < 16; i += 4) transform4<Inverse>(x[i], x[i + 1], x[i + 2], x[i + 3]);
}
constexpr int position(int k) { return 4 * (k % 4) + k / 4; }

}  // namespace brightcell::BRIGHTCELL_SET
