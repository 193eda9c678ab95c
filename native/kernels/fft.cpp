// Tiles of 16 x 16 positions to spectra and back (fft.h says how they lie).
#include "kernels/fft.h"

#include "kernels/fft_transform.h"
#include "kernels/set.h"

namespace brightcell::BRIGHTCELL_SET {

namespace {

BRIGHTCELL_INLINE void storeRow(const Complex* spectrum, float* dst, ptrdiff_t groupStep) {
  store(dst, spectrum[0].re);
  store(dst + lanes, spectrum[8].re);
  BRIGHTCELL_UNROLL
  for (int g = 1; g < fftGroups; ++g) {
    store(dst + g * groupStep, spectrum[g].re);
    store(dst + g * groupStep + lanes, spectrum[g].im);
  }
}

// The first Columns positions of each row, the rest being zero.
template <int Columns, bool Scaled>
void rowsOf(const float* src, const FftSource& s, int rows, float* dst, ptrdiff_t groupStep) {
  const Vector scale = Scaled ? load(s.scale) : Vector{}, shift = Scaled ? load(s.shift) : Vector{};
  for (int y = 0; y < rows; ++y, src += s.rowStep, dst += 2 * lanes) {
    Vector x[fftSide];
    BRIGHTCELL_UNROLL
    for (int i = 0; i < fftSide; ++i) {
      x[i] = i < Columns ? load(src + i * s.columnStep) : Vector{};
      if constexpr (Scaled)
        if (i < Columns) x[i] = x[i] * scale + shift;
    }
    Complex spectrum[9];
    RealTransform<fftSide>::run(x, 1, spectrum);
    storeRow(spectrum, dst, groupStep);
  }
}

template <bool Scaled>
void rowsOfWidth(const float* src, const FftSource& s, int columns, int rows, float* dst, ptrdiff_t groupStep) {
  switch (columns) {
    case 5: return rowsOf<5, Scaled>(src, s, rows, dst, groupStep);
    case 6: return rowsOf<6, Scaled>(src, s, rows, dst, groupStep);
    case 7: return rowsOf<7, Scaled>(src, s, rows, dst, groupStep);
    case 8: return rowsOf<8, Scaled>(src, s, rows, dst, groupStep);
    case 9: return rowsOf<9, Scaled>(src, s, rows, dst, groupStep);
    case 10: return rowsOf<10, Scaled>(src, s, rows, dst, groupStep);
    case 11: return rowsOf<11, Scaled>(src, s, rows, dst, groupStep);
    case 12: return rowsOf<12, Scaled>(src, s, rows, dst, groupStep);
    case 13: return rowsOf<13, Scaled>(src, s, rows, dst, groupStep);
    case 14: return rowsOf<14, Scaled>(src, s, rows, dst, groupStep);
    default: return rowsOf<16, Scaled>(src, s, rows, dst, groupStep);
  }
}

// A row at the border: gathered into a vector row of its own first.
void rowsAtBorder(const FftSource& s, int top, int bottom, float* dst, ptrdiff_t groupStep) {
  const Vector scale = s.scale ? load(s.scale) : all(1.0f), shift = s.scale ? load(s.shift) : Vector{};
  float row[fftSide * lanes];
  for (int x = 0; x < fftSide; ++x) store(row + x * lanes, Vector{});
  const FftSource own{row, 0, lanes, 0, 1, 0, fftSide, nullptr, nullptr};
  for (int y = top; y < bottom; ++y) {
    for (int x = s.left; x < s.right; ++x) {
      const Vector v = load(s.src + y * s.rowStep + x * s.columnStep);
      store(row + x * lanes, s.scale ? v * scale + shift : v);
    }
    rowsOf<fftSide, false>(row, own, 1, dst + y * 2 * lanes, groupStep);
  }
}

void zeroRows(int from, int to, float* dst, ptrdiff_t groupStep) {
  for (int g = 0; g < fftGroups; ++g)
    for (int i = 2 * from; i < 2 * to; ++i) store(dst + g * groupStep + i * lanes, Vector{});
}

// What becomes of a frequency's number: three floats a channel, or a pair of bfloat16.
struct Parts {
  float* dst;
  ptrdiff_t frequencyStep, partStep;
  BRIGHTCELL_INLINE void put(const Parts& to, int frequency, Complex v) {
    float* at = to.dst + frequency * to.frequencyStep;
    store(at, v.re);
    store(at + to.partStep, v.im);
    store(at + 2 * to.partStep, v.re + v.im);
  }
};

struct Pairs {
  uint32_t* dst;
  ptrdiff_t frequencyStep;
  // Rounded to the nearest, ties to even.
  BRIGHTCELL_INLINE void put(const Pairs& to, int frequency, Complex v) {
    Integers re = reinterpret_cast<Integers>(v.re), im = reinterpret_cast<Integers>(v.im);
    re += 0x7fff + ((re >> 16) & 1);
    im += 0x7fff + ((im >> 16) & 1);
    const Integers pair = ((re >> 16) & 0xffff) | (im & static_cast<int32_t>(0xffff0000u));
    store(reinterpret_cast<float*>(to.dst + frequency * to.frequencyStep), reinterpret_cast<Vector>(pair));
  }
};

template <typename To>
BRIGHTCELL_INLINE void columnsTo(const float* src, int rows, bool real, const To& to) {
  Complex x[fftSide];
  BRIGHTCELL_UNROLL
  for (int y = 0; y < fftSide; ++y)
    x[y] = y < rows ? Complex{load(src + 2 * y * lanes), load(src + (2 * y + 1) * lanes)} : Complex{};
  if (!real) {
    transform16<false>(x);
    BRIGHTCELL_UNROLL
    for (int k = 0; k < fftSide; ++k) To::put(to, k, x[position(k)]);
    return;
  }
  Vector column[fftSide];
  Complex spectrum[9];
  BRIGHTCELL_UNROLL
  for (int y = 0; y < fftSide; ++y) column[y] = x[y].re;
  RealTransform<fftSide>::run(column, 1, spectrum);
  BRIGHTCELL_UNROLL
  for (int k = 0; k < 9; ++k) To::put(to, k, spectrum[k]);
  BRIGHTCELL_UNROLL
  for (int y = 0; y < fftSide; ++y) column[y] = x[y].im;
  RealTransform<fftSide>::run(column, 1, spectrum);
  BRIGHTCELL_UNROLL
  for (int k = 0; k < 9; ++k) To::put(to, 9 + k, spectrum[k]);
}

// A row's 16 numbers, of which the first Columns are wanted.
BRIGHTCELL_INLINE void inverseRow(const float* src, ptrdiff_t groupStep, Vector* x) {
  Complex spectrum[9];
  spectrum[0].re = load(src);
  spectrum[8].re = load(src + lanes);
  BRIGHTCELL_UNROLL
  for (int g = 1; g < fftGroups; ++g)
    spectrum[g] = {load(src + g * groupStep), load(src + g * groupStep + lanes)};
  RealInverse<fftSide>::run(spectrum, x, 1);
}

template <int Columns>
void inverseRowsOf(const float* src, ptrdiff_t groupStep, const FftTarget& t) {
  const Vector bias = t.bias ? load(t.bias) : Vector{};
  float* dst = t.dst;
  for (int y = 0; y < t.rows; ++y, src += 2 * lanes, dst += t.rowStep) {
    Vector x[fftSide];
    inverseRow(src, groupStep, x);
    BRIGHTCELL_UNROLL
    for (int i = 0; i < Columns; ++i) store(dst + i * t.columnStep, x[i] + bias);
  }
}

// Any number of columns and channels.
void inverseRowsAtBorder(const float* src, ptrdiff_t groupStep, const FftTarget& t) {
  const Vector bias = t.bias ? load(t.bias) : Vector{};
  for (int y = 0; y < t.rows; ++y, src += 2 * lanes) {
    Vector x[fftSide];
    float row[fftSide * lanes];
    inverseRow(src, groupStep, x);
    BRIGHTCELL_UNROLL
    for (int i = 0; i < fftSide; ++i) store(row + i * lanes, x[i] + bias);
    for (int i = 0; i < t.columns; ++i)
      for (int c = 0; c < t.channels; ++c) t.dst[y * t.rowStep + i * t.columnStep + c] = row[i * lanes + c];
  }
}

}  // namespace

void fftRows(const FftSource& s, int rows, float* dst, ptrdiff_t groupStep) {
  const int top = s.top < rows ? s.top : rows, bottom = s.bottom < rows ? s.bottom : rows;
  if (top >= bottom || s.left >= s.right) return zeroRows(0, rows, dst, groupStep);
  zeroRows(0, top, dst, groupStep);
  zeroRows(bottom, rows, dst, groupStep);
  const bool direct = s.left == 0 && (s.right == fftSide || (s.right >= 5 && s.right <= 14));
  if (!direct) return rowsAtBorder(s, top, bottom, dst, groupStep);
  const float* src = s.src + top * s.rowStep;
  float* to = dst + top * 2 * lanes;
  if (s.scale) return rowsOfWidth<true>(src, s, s.right, bottom - top, to, groupStep);
  rowsOfWidth<false>(src, s, s.right, bottom - top, to, groupStep);
}

void fftColumns(const float* src, int rows, bool real, float* dst, ptrdiff_t frequencyStep, ptrdiff_t partStep) {
  columnsTo(src, rows, real, Parts{dst, frequencyStep, partStep});
}

void fftColumnPairs(const float* src, int rows, bool real, uint32_t* dst, ptrdiff_t frequencyStep) {
  columnsTo(src, rows, real, Pairs{dst, frequencyStep});
}

void fftInverseColumns(const float* src, ptrdiff_t frequencyStep, ptrdiff_t partStep, bool real, int rows,
                       float* dst) {
  const auto read = [&](int k) {
    return Complex{load(src + k * frequencyStep), load(src + k * frequencyStep + partStep)};
  };
  if (!real) {
    Complex x[fftSide];
    BRIGHTCELL_UNROLL
    for (int k = 0; k < fftSide; ++k) x[k] = read(k);
    transform16<true>(x);
    BRIGHTCELL_UNROLL
    for (int y = 0; y < fftSide; ++y) {
      if (y >= rows) break;
      store(dst + 2 * y * lanes, x[position(y)].re);
      store(dst + (2 * y + 1) * lanes, x[position(y)].im);
    }
    return;
  }
  for (int half = 0; half < 2; ++half) {
    Complex spectrum[9];
    Vector x[fftSide];
    BRIGHTCELL_UNROLL
    for (int k = 0; k < 9; ++k) spectrum[k] = read(9 * half + k);
    RealInverse<fftSide>::run(spectrum, x, 1);
    BRIGHTCELL_UNROLL
    for (int y = 0; y < fftSide; ++y) {
      if (y >= rows) break;
      store(dst + (2 * y + half) * lanes, x[y]);
    }
  }
}

void fftInverseRows(const float* src, ptrdiff_t groupStep, const FftTarget& t) {
  if (t.channels < lanes) return inverseRowsAtBorder(src, groupStep, t);
  switch (t.columns) {
    case 5: return inverseRowsOf<5>(src, groupStep, t);
    case 6: return inverseRowsOf<6>(src, groupStep, t);
    case 7: return inverseRowsOf<7>(src, groupStep, t);
    case 8: return inverseRowsOf<8>(src, groupStep, t);
    case 9: return inverseRowsOf<9>(src, groupStep, t);
    case 10: return inverseRowsOf<10>(src, groupStep, t);
    case 11: return inverseRowsOf<11>(src, groupStep, t);
    case 12: return inverseRowsOf<12>(src, groupStep, t);
    case 13: return inverseRowsOf<13>(src, groupStep, t);
    case 14: return inverseRowsOf<14>(src, groupStep, t);
    default: return inverseRowsAtBorder(src, groupStep, t);
  }
}

const FftKernels fftKernels = {
    .rows = fftRows,
    .columns = fftColumns,
    .columnPairs = fftColumnPairs,
    .inverseColumns = fftInverseColumns,
    .inverseRows = fftInverseRows,
    .multiply = fftMultiply,
#if defined(__AVX512BF16__)
    .multiplyPairs = fftMultiplyPairs,
#else
    .multiplyPairs = nullptr,
#endif
};

}  // namespace brightcell::BRIGHTCELL_SET
