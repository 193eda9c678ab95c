// The affine warp. Beforehand each row of bytes is zipped with the one below it, so that one read of 32 bits brings the
// square of 2 x 2 pixels that bilinear sampling needs. A run of columns then goes through three loops: where each comes
// from (vectors), the reads (one by one: the whole takes 0.6 of the time that it took with gather instructions), the
// mixing (vectors). Coordinates are worked out in double once in 16 columns, and in float from the whole number below:
// every set samples at the same places, to a few millionths of a pixel.
#include "kernels/set.h"

namespace brightcell::BRIGHTCELL_SET {
namespace {

typedef uint32_t Unsigned __attribute__((vector_size(lanes * 4), may_alias));
constexpr int block = 16, run = 128;

BRIGHTCELL_INLINE Vector toFloat(Unsigned v) { return __builtin_convertvector((Integers)v, Vector); }
BRIGHTCELL_INLINE Unsigned loadBits(const uint32_t* p) { return *reinterpret_cast<const Unsigned*>(p); }
BRIGHTCELL_INLINE Vector mix(Vector a, Vector b, Vector share) { return a + share * (b - a); }

// What one pixel type's neighbours are read from: rows of width + 1 items, the last row and column standing twice so
// that every square is whole. `reads` of 32 bits bring a square.
struct ByteSquares {
  typedef uint16_t Item;
  static constexpr int reads = 1;
  BRIGHTCELL_INLINE Item zip(uint8_t above, uint8_t below) { return static_cast<Item>(above | below << 8); }
  BRIGHTCELL_INLINE ptrdiff_t place(int, ptrdiff_t) { return 0; }
  BRIGHTCELL_INLINE Vector sample(const uint32_t (*bits)[run], int at, Vector u, Vector v) {
    const Unsigned square = loadBits(bits[0] + at);
    const Vector above = mix(toFloat(square & 255), toFloat(square >> 16 & 255), u);
    return mix(above, mix(toFloat(square >> 8 & 255), toFloat(square >> 24), u), v);
  }
};

struct WordSquares {
  typedef uint32_t Item;
  static constexpr int reads = 2;
  BRIGHTCELL_INLINE Item zip(uint16_t above, uint16_t below) { return above | static_cast<Item>(below) << 16; }
  BRIGHTCELL_INLINE ptrdiff_t place(int read, ptrdiff_t) { return read; }
  BRIGHTCELL_INLINE Vector sample(const uint32_t (*bits)[run], int at, Vector u, Vector v) {
    const Unsigned left = loadBits(bits[0] + at), right = loadBits(bits[1] + at);
    const Vector above = mix(toFloat(left & 65535), toFloat(right & 65535), u);
    return mix(above, mix(toFloat(left >> 16), toFloat(right >> 16), u), v);
  }
};

// Real numbers fill their 32 bits; they are copied for the border's sake alone.
struct RealSquares {
  typedef float Item;
  static constexpr int reads = 4;
  BRIGHTCELL_INLINE Item zip(float above, float) { return above; }
  BRIGHTCELL_INLINE ptrdiff_t place(int read, ptrdiff_t step) { return (read & 1) + (read >> 1) * step; }
  BRIGHTCELL_INLINE Vector sample(const uint32_t (*bits)[run], int at, Vector u, Vector v) {
    const auto value = [&](int read) { return (Vector)loadBits(bits[read] + at); };
    return mix(mix(value(0), value(1), u), mix(value(2), value(3), u), v);
  }
};

// One coordinate over 16 columns: the lowest, and what each column is past it.
struct Ramp {
  float past[block];
  double lowest;
  int reach;  // no column is farther past the whole number below the lowest
  explicit Ramp(double step) : lowest(step < 0 ? (block - 1) * step : 0), reach(static_cast<int>((block - 1) * fabs(step)) + 2) {
    for (int i = 0; i < block; ++i) past[i] = static_cast<float>(i * step - lowest);
  }
};

// Where a run of columns comes from: items to read at, and how far to mix.
struct Places {
  alignas(64) int32_t at[run];
  alignas(64) float u[run];
  alignas(64) float v[run];
};

// A whole number in [0, last], and the fraction past it: 0 where the coordinate lies outside.
struct Coordinate {
  Integers whole;
  Vector fraction;
};

template <bool Clamped>
BRIGHTCELL_INLINE Coordinate coordinate(Vector past, int whole, int last) {
  const Integers steps = __builtin_convertvector(past, Integers);  // rounds down: past is not negative
  const Vector fraction = past - __builtin_convertvector(steps, Vector);
  const Integers at = steps + whole;
  if (!Clamped) return {at, fraction};
  const Integers inside = (at >= 0) & (at < last);
  const Integers raised = at < 0 ? Integers{} : at;
  return {raised > last ? last + Integers{} : raised, (Vector)((Integers)fraction & inside)};
}

// Where a block of columns starts along one axis.
struct Start {
  int whole;
  float past;
  Start(double at) {
    const double down = floor(at);
    whole = static_cast<int>(down);
    past = static_cast<float>(at - down);
  }
};

template <bool Clamped>
BRIGHTCELL_INLINE void locateBlock(const Warp& w, Start startX, Start startY, const Ramp& x, const Ramp& y, int i,
                                   Places& to) {
  BRIGHTCELL_UNROLL
  for (int j = 0; j < block; j += lanes) {
    const Coordinate column = coordinate<Clamped>(load(x.past + j) + startX.past, startX.whole, w.width - 1);
    const Coordinate line = coordinate<Clamped>(load(y.past + j) + startY.past, startY.whole, w.height - 1);
    *reinterpret_cast<Integers*>(to.at + i + j) = line.whole * (w.width + 1) + column.whole;
    store(to.u + i + j, column.fraction);
    store(to.v + i + j, line.fraction);
  }
}

// Fills whole blocks from column `first` on.
BRIGHTCELL_INLINE void locate(const Warp& w, int row, int first, int count, const Ramp& x, const Ramp& y, Places& to) {
  const double rowX = w.originX + row * w.rowX + x.lowest, rowY = w.originY + row * w.rowY + y.lowest;
  for (int i = 0; i < count; i += block) {
    const Start startX(rowX + (first + i) * w.columnX), startY(rowY + (first + i) * w.columnY);
    const bool within = startX.whole >= 0 && startX.whole + x.reach < w.width - 1 && startY.whole >= 0 &&
                        startY.whole + y.reach < w.height - 1;
    if (within) locateBlock<false>(w, startX, startY, x, y, i, to);
    else locateBlock<true>(w, startX, startY, x, y, i, to);
  }
}

template <class Squares>
BRIGHTCELL_INLINE void read(const typename Squares::Item* items, ptrdiff_t step, const Places& places, int count,
                            uint32_t (*__restrict bits)[run]) {
  _Pragma("GCC unroll 8")
  for (int i = 0; i < count; ++i)
    for (int r = 0; r < Squares::reads; ++r) {
      uint32_t value;
      __builtin_memcpy(&value, items + places.at[i] + Squares::place(r, step), 4);
      __asm__("" : "+r"(value));  // or the compiler builds vectors lane by lane, at twice the time
      bits[r][i] = value;
    }
}

template <class Squares>
BRIGHTCELL_INLINE void warpRow(const typename Squares::Item* items, const Warp& w, int row, const Ramp& x, const Ramp& y,
                               float* dst) {
  alignas(64) uint32_t bits[Squares::reads][run];
  Places places;
  for (int first = 0; first < w.width; first += run) {
    const int count = w.width - first < run ? w.width - first : run;
    const int whole = count / lanes * lanes, padded = (count + block - 1) / block * block;
    locate(w, row, first, count, x, y, places);
    read<Squares>(items, w.width + 1, places, padded, bits);
    for (int i = 0; i < whole; i += lanes)
      store(dst + first + i, Squares::sample(bits, i, load(places.u + i), load(places.v + i)));
    if (whole == count) continue;
    float rest[lanes];
    store(rest, Squares::sample(bits, whole, load(places.u + whole), load(places.v + whole)));
    __builtin_memcpy(dst + first + whole, rest, static_cast<size_t>(count - whole) * sizeof(float));
  }
}

template <class Squares, class Pixel>
BRIGHTCELL_INLINE void zipRow(const Pixel* above, const Pixel* below, int width, typename Squares::Item* __restrict items) {
  for (int x = 0; x < width; ++x) items[x] = Squares::zip(above[x], below[x]);
  items[width] = Squares::zip(above[width - 1], below[width - 1]);
}

template <class Squares, class Pixel>
void warp(const Pixel* src, const Warp& w, void* scratch, float* dst) {
  typename Squares::Item* items = static_cast<typename Squares::Item*>(scratch);
  for (int row = 0; row <= w.height; ++row) {
    const Pixel* above = src + static_cast<ptrdiff_t>(row < w.height ? row : w.height - 1) * w.width;
    const Pixel* below = row + 1 < w.height ? above + w.width : above;
    zipRow<Squares>(above, below, w.width, items + static_cast<ptrdiff_t>(row) * (w.width + 1));
  }
  const Ramp x(w.columnX), y(w.columnY);
  for (int row = 0; row < w.height; ++row)
    warpRow<Squares>(items, w, row, x, y, dst + static_cast<ptrdiff_t>(row) * w.width);
}

}  // namespace

void warpBytes(const uint8_t* src, const Warp& w, void* scratch, float* dst) {
  warp<ByteSquares>(src, w, scratch, dst);
}
void warpWords(const uint16_t* src, const Warp& w, void* scratch, float* dst) {
  warp<WordSquares>(src, w, scratch, dst);
}
void warpReals(const float* src, const Warp& w, void* scratch, float* dst) {
  warp<RealSquares>(src, w, scratch, dst);
}

}  // namespace brightcell::BRIGHTCELL_SET
