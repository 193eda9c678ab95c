// A convolution's sums straight from stored bytes: unsigned bytes of the image times signed bytes of the weights, four
// to a word, 64 products to an instruction where a vector has 16 floats. Sums are whole numbers, exact in any order.
#include "kernels/set.h"

#if defined(__AVX512BF16__)

namespace brightcell::BRIGHTCELL_SET {
namespace {

typedef int32_t Word __attribute__((may_alias, aligned(1)));
// Every processor with bfloat16 products has it.
BRIGHTCELL_INLINE void addDot(Integers& sum, Integers unsignedBytes, Integers signedBytes) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(unsignedBytes), "v"(signedBytes));
}

// Words of the weights: their offsets, and what stands `step` apart for each.
struct Words {
  const int32_t* offsets;
  const uint32_t* weights;
  ptrdiff_t step;
  int count;
};

// A pair of rows of `Columns` positions meets words of the weights, `Vectors` vectors from number `first` on. Both rows in
// one go, and three positions a base: the processor's addresses reach them without more registers.
template <int Vectors, int Columns, int All>
BRIGHTCELL_INLINE void addWords(const ByteTile& t, const Words& words, int first, Integers (&acc)[2][Columns][All]) {
  const ptrdiff_t step = t.columnStep;
  const Word* weights = reinterpret_cast<const Word*>(words.weights);
  for (int k = 0; k < words.count; ++k, weights += words.step) {
    Integers w[Vectors];
    BRIGHTCELL_UNROLL
    for (int v = 0; v < Vectors; ++v) {
      w[v] = loadIntegers(weights + v * lanes);
      BRIGHTCELL_KEEP(w[v]);
    }
    BRIGHTCELL_UNROLL
    for (int row = 0; row < 2; ++row) {
      const uint8_t* window = t.src + words.offsets[k] + row * t.rowStep;
      const uint8_t* base[2] = {window, window + 3 * step};
      BRIGHTCELL_UNROLL
      for (int x = 0; x < Columns; ++x) {
        const Integers bytes = *reinterpret_cast<const Word*>(base[x / 3] + x % 3 * step) - Integers{};
        BRIGHTCELL_UNROLL
        for (int v = 0; v < Vectors; ++v) addDot(acc[row][x][first + v], bytes, w[v]);
      }
    }
  }
}

BRIGHTCELL_INLINE Integers larger(Integers x, Integers y) { return x > y ? x : y; }
BRIGHTCELL_INLINE Vector scaled(Integers sum, Vector scale, const float* shift) {
  return __builtin_convertvector(sum, Vector) * scale + load(shift);
}
BRIGHTCELL_INLINE Vector finish(Vector value, bool relu) {
  return relu ? (value < Vector{} ? Vector{} : value) : value;
}

// The largest of each 2 x 2 positions. Where all have the same shift the whole numbers are compared.
template <int Columns, int Vectors>
BRIGHTCELL_INLINE void pool(const ByteTile& t, int v, const Integers (&acc)[2][Columns][Vectors]) {
  const int left = t.filters - v * lanes, count = left < lanes ? left : lanes;
  const Vector scale = load(t.scale + v * lanes);
  BRIGHTCELL_UNROLL
  for (int cell = 0; cell < Columns / 2; ++cell) {
    if (2 * cell >= t.width) break;
    Vector best{};
    Integers place{};
    const Integers one = Integers{} + 1;
    if (t.alike) {
      const Integers a = acc[0][2 * cell][v], b = acc[0][2 * cell + 1][v];
      const Integers c = acc[1][2 * cell][v], d = acc[1][2 * cell + 1][v];
      const Integers whole = larger(larger(a, b), larger(c, d));
      if (t.place != nullptr) place = a == whole ? Integers{} : b == whole ? one : c == whole ? 2 * one : 3 * one;
      best = scaled(whole, scale, t.shift[0] + v * lanes);
    } else {
      BRIGHTCELL_UNROLL
      for (int i = 0; i < 4; ++i) {
        const int row = i / 2, x = 2 * cell + i % 2;
        const Vector value = scaled(acc[row][x][v], scale, t.shift[row * Columns + x] + v * lanes);
        const Integers greater = i == 0 ? ~Integers{} : (value > best) | (value != value);
        best = greater ? value : best;
        place = greater ? Integers{} + i : place;
      }
    }
    storePart(t.dst + cell * t.dstColumn + v * lanes, finish(best, t.relu), count);
    if (t.place != nullptr) storePlaces(t.place + cell * t.dstColumn + v * lanes, place, count);
  }
}

// Every position, whole vectors.
template <int Columns, int Vectors>
BRIGHTCELL_INLINE void spread(const ByteTile& t, int v, const Integers (&acc)[2][Columns][Vectors]) {
  const Vector scale = load(t.scale + v * lanes);
  BRIGHTCELL_UNROLL
  for (int row = 0; row < 2; ++row) {
    if (row >= t.height) break;
    BRIGHTCELL_UNROLL
    for (int x = 0; x < Columns; ++x) {
      if (x >= t.width) break;
      const float* shift = t.shift[t.alike ? 0 : row * Columns + x] + v * lanes;
      const Vector value = scaled(acc[row][x][v], scale, shift);
      store(t.dst + row * t.dstRow + x * t.dstColumn + v * lanes, value);
    }
  }
}

template <int Columns, int Vectors>
void tileOf(const ByteTile& t) {
  Integers acc[2][Columns][Vectors];
  BRIGHTCELL_UNROLL
  for (int i = 0; i < 2 * Columns; ++i) {
    BRIGHTCELL_UNROLL
    for (int v = 0; v < Vectors; ++v)
      acc[i / Columns][i % Columns][v] = t.coarse > 0 ? Integers{} : loadIntegers(t.start + v * lanes);
  }
  constexpr int panel = 2 * lanes;
  if (t.coarse > 0) {
    addWords<Vectors>(t, {t.offsets, t.weights, panel, t.coarse}, 0, acc);
    BRIGHTCELL_UNROLL
    for (int i = 0; i < 2 * Columns; ++i) {
      BRIGHTCELL_UNROLL
      for (int v = 0; v < Vectors; ++v) {
        Integers& sum = acc[i / Columns][i % Columns][v];
        sum = (sum << 8) + loadIntegers(t.start + v * lanes);
      }
    }
  }
  addWords<Vectors>(t, {t.offsets + t.coarse, t.weights + t.coarse * panel, panel, t.words - t.coarse}, 0, acc);
  Words own{t.offsets + t.words, t.weights + t.words * panel, lanes, 0};
  BRIGHTCELL_UNROLL
  for (int v = 0; v < Vectors; ++v) {
    own.count = t.own[v];
    addWords<1>(t, own, v, acc);
    own.offsets += own.count, own.weights += own.count * lanes;
  }
  BRIGHTCELL_UNROLL
  for (int v = 0; v < Vectors; ++v) {
    if (t.pooled) pool<Columns, Vectors>(t, v, acc);
    else spread<Columns, Vectors>(t, v, acc);
  }
}

template <int Columns>
void tileOf(const ByteTile& t) {
  if (t.filters > lanes) return tileOf<Columns, 2>(t);
  tileOf<Columns, 1>(t);
}

}  // namespace

void byteTile(const ByteTile& t) {
  if (t.columns == 6) return tileOf<6>(t);
  if (t.columns == 4) return tileOf<4>(t);
  tileOf<2>(t);
}

}  // namespace brightcell::BRIGHTCELL_SET
#endif
