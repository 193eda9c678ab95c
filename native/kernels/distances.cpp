// Distances between vectors: the inner loops. Idea: |a - b|^2 = |a|^2 + |b|^2 - 2 a b, and for bytes every term is a whole
// number, so nothing cancels. The products are those of a matrix product: a tile of sums stays in registers while words
// of a few left vectors (broadcast) meet words of some vectors full of right ones. A word is four bytes where the
// processor multiplies unsigned by signed bytes (AVX512-VNNI; left bytes are x - 128 for its sake), else two numbers of
// 16 bits. Floats are subtracted before they are squared: equal vectors have distance 0, and near ones lose no digits.
#include "kernels/set.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace brightcell::BRIGHTCELL_SET {
namespace {

#if defined(__AVX512F__)
constexpr int tileRows = 6, tileVectors = 4;
#elif defined(__AVX2__)
constexpr int tileRows = 6, tileVectors = 2;
#elif defined(__aarch64__)
constexpr int tileRows = 4, tileVectors = 4;
#else
constexpr int tileRows = 4, tileVectors = 2;
#endif
constexpr int tileColumns = tileVectors * lanes;

typedef int32_t Word __attribute__((may_alias));
typedef uint8_t Quads __attribute__((vector_size(lanes * 4)));
typedef uint8_t UnalignedQuads __attribute__((vector_size(lanes * 4), aligned(1), may_alias));
typedef uint8_t Pairs __attribute__((vector_size(lanes * 2)));
typedef uint8_t UnalignedPairs __attribute__((vector_size(lanes * 2), aligned(1), may_alias));
typedef int16_t Shorts __attribute__((vector_size(lanes * 4)));
typedef float Half __attribute__((vector_size(lanes * 2)));
typedef double Doubles __attribute__((vector_size(lanes * 4)));
typedef double UnalignedDoubles __attribute__((vector_size(lanes * 4), aligned(8), may_alias));

// Numbers of 16 bits, two to a word. `words` gives those of a vector's bytes; of the left, less 128.
struct InPairs {
  static constexpr int bytesPerWord = 2;
  static inline __attribute__((always_inline)) Integers words(const uint8_t* src, bool left) {
    const Shorts wide = __builtin_convertvector(*reinterpret_cast<const UnalignedPairs*>(src), Shorts);
    return (Integers)(left ? wide - static_cast<int16_t>(128) : wide);
  }
  static inline __attribute__((always_inline)) void add(Integers& sum, Integers left, Integers right) {
#if defined(__AVX512F__)
    sum += (Integers)_mm512_madd_epi16((__m512i)left, (__m512i)right);
#elif defined(__AVX2__)
    sum += (Integers)_mm256_madd_epi16((__m256i)left, (__m256i)right);
#elif defined(__x86_64__)
    sum += (Integers)_mm_madd_epi16((__m128i)left, (__m128i)right);
#else
    sum += (left << 16 >> 16) * (right << 16 >> 16) + (left >> 16) * (right >> 16);
#endif
  }
};

#if defined(__AVX512F__)
// Bytes, four to a word, on processors that multiply them; not all with AVX-512 do, but the assembler always knows how.
struct InQuads {
  static constexpr int bytesPerWord = 4;
  static inline __attribute__((always_inline)) Integers words(const uint8_t* src, bool left) {
    const Quads bytes = *reinterpret_cast<const UnalignedQuads*>(src);
    return (Integers)(left ? bytes ^ 0x80 : bytes);
  }
  static inline __attribute__((always_inline)) void add(Integers& sum, Integers left, Integers right) {
    asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(right), "v"(left));
  }
};
#endif

BRIGHTCELL_INLINE Integers interleave(Integers first, Integers second, Integers places) {
  return (Integers)shuffle((Vector)first, (Vector)second, places);
}

// Turns a square of words over: each of log2(lanes) rounds interleaves halves of `lanes` rows.
BRIGHTCELL_INLINE void transpose(Integers (&square)[lanes]) {
  Integers low{}, high{};
  for (int i = 0; i < lanes; ++i) {
    low[i] = i / 2 + i % 2 * lanes;
    high[i] = low[i] + lanes / 2;
  }
  BRIGHTCELL_UNROLL
  for (int round = 1; round < lanes; round *= 2) {
    Integers turned[lanes];
    BRIGHTCELL_UNROLL
    for (int i = 0; i < lanes / 2; ++i) {
      turned[2 * i] = interleave(square[i], square[i + lanes / 2], low);
      turned[2 * i + 1] = interleave(square[i], square[i + lanes / 2], high);
    }
    BRIGHTCELL_UNROLL
    for (int i = 0; i < lanes; ++i) square[i] = turned[i];
  }
}

// `read` gives lanes words of a row from an element on.
template <class Element, class Read>
BRIGHTCELL_INLINE void packGroup(const Element* const* rows, int count, int width, int first, int64_t elements,
                                 int perWord, Word* dst, Read read) {
  const int step = lanes * perWord;
  const int columns = width - first < lanes ? width - first : lanes;
  for (int64_t k = 0; k < elements; k += step) {
    Integers square[lanes];
    const int64_t left = elements - k;
    if (left >= step) {
      BRIGHTCELL_UNROLL
      for (int i = 0; i < lanes; ++i) square[i] = read(rows[first + i < count ? first + i : count - 1] + k);
    } else {
      for (int i = 0; i < lanes; ++i) {
        Element last[lanes * 4] = {};
        const Element* src = rows[first + i < count ? first + i : count - 1] + k;
        for (int64_t e = 0; e < left; ++e) last[e] = src[e];
        square[i] = read(last);
      }
    }
    transpose(square);
    Word* to = dst + k / perWord * width + first;
    if (columns == lanes) {
      BRIGHTCELL_UNROLL
      for (int i = 0; i < lanes; ++i) storeIntegers(to + i * width, square[i]);
    } else {
      for (int i = 0; i < lanes; ++i)
        for (int j = 0; j < columns; ++j) to[i * width + j] = square[i][j];
    }
  }
}

template <class Products>
void packBytes(const uint8_t* const* rows, int count, int width, int64_t elements, bool left, uint32_t* dst) {
  for (int first = 0; first < width; first += lanes)
    packGroup(rows, count, width, first, elements, Products::bytesPerWord, reinterpret_cast<Word*>(dst),
              [left](const uint8_t* src) { return Products::words(src, left); });
}

void packFloats(const float* const* rows, int count, int width, int64_t elements, uint32_t* dst) {
  for (int first = 0; first < width; first += lanes)
    packGroup(rows, count, width, first, elements, 1, reinterpret_cast<Word*>(dst),
              [](const float* src) { return loadIntegers(src); });
}

template <class Products, int Rows>
void byteRows(const DistanceTile& t, int32_t* c, ptrdiff_t cStep, bool accumulate) {
  Integers acc[Rows][tileVectors];
  BRIGHTCELL_UNROLL
  for (int i = 0; i < Rows; ++i) {
    BRIGHTCELL_UNROLL
    for (int v = 0; v < tileVectors; ++v)
      acc[i][v] = accumulate ? loadIntegers(c + i * cStep + v * lanes) : Integers{};
  }
  const Word* left = reinterpret_cast<const Word*>(t.left);
  const Word* right = reinterpret_cast<const Word*>(t.right);
  for (int64_t k = t.words; k > 0; --k, left += tileRows, right += tileColumns) {
    Integers w[tileVectors];
    BRIGHTCELL_UNROLL
    for (int v = 0; v < tileVectors; ++v) {
      w[v] = loadIntegers(right + v * lanes);
      BRIGHTCELL_KEEP(w[v]);
    }
    BRIGHTCELL_UNROLL
    for (int i = 0; i < Rows; ++i) {
      const Integers x = left[i] - Integers{};
      BRIGHTCELL_UNROLL
      for (int v = 0; v < tileVectors; ++v) Products::add(acc[i][v], x, w[v]);
    }
  }
  BRIGHTCELL_UNROLL
  for (int i = 0; i < Rows; ++i) {
    BRIGHTCELL_UNROLL
    for (int v = 0; v < tileVectors; ++v) storeIntegers(c + i * cStep + v * lanes, acc[i][v]);
  }
}

template <class Products>
void byteTile(const DistanceTile& t, int32_t* c, ptrdiff_t cStep, bool accumulate) {
  switch (t.rows) {
#define BRIGHTCELL_CASE(n) \
  case n:                  \
    return byteRows<Products, n <= tileRows ? n : tileRows>(t, c, cStep, accumulate);
    BRIGHTCELL_CASE(1)
    BRIGHTCELL_CASE(2)
    BRIGHTCELL_CASE(3)
    BRIGHTCELL_CASE(4)
    BRIGHTCELL_CASE(5)
    BRIGHTCELL_CASE(6)
#undef BRIGHTCELL_CASE
  }
}

BRIGHTCELL_INLINE Vector loadFloats(const Word* p) { return (Vector)loadIntegers(p); }

BRIGHTCELL_INLINE void addToDoubles(Vector sum, double* c, bool accumulate) {
  constexpr int half = lanes / 2;
  float values[lanes];
  store(values, sum);
  BRIGHTCELL_UNROLL
  for (int part = 0; part < 2; ++part) {
    const Half floats = *reinterpret_cast<const Half __attribute__((aligned(4), may_alias))*>(values + part * half);
    UnalignedDoubles* to = reinterpret_cast<UnalignedDoubles*>(c + part * half);
    const Doubles added = __builtin_convertvector(floats, Doubles);
    *to = accumulate ? *to + added : added;
  }
}

// Sums over `run` words of a tile, which moves on past them.
BRIGHTCELL_INLINE void sumSquares(const Word*& left, const Word*& right, int64_t run,
                                  Vector (&acc)[tileRows][tileVectors]) {
  BRIGHTCELL_UNROLL
  for (int i = 0; i < tileRows; ++i) {
    BRIGHTCELL_UNROLL
    for (int v = 0; v < tileVectors; ++v) acc[i][v] = Vector{};
  }
  for (int64_t k = run; k > 0; --k, left += tileRows, right += tileColumns) {
    Vector w[tileVectors];
    BRIGHTCELL_UNROLL
    for (int v = 0; v < tileVectors; ++v) {
      w[v] = loadFloats(right + v * lanes);
      BRIGHTCELL_KEEP(w[v]);
    }
    BRIGHTCELL_UNROLL
    for (int i = 0; i < tileRows; ++i) {
      const Vector x = (Vector)(left[i] - Integers{});
      BRIGHTCELL_UNROLL
      for (int v = 0; v < tileVectors; ++v) {
        const Vector difference = x - w[v];
        acc[i][v] += difference * difference;
      }
    }
  }
}

void floatTile(const DistanceTile& t, double* c, ptrdiff_t cStep, bool accumulate) {
  const Word* left = reinterpret_cast<const Word*>(t.left);
  const Word* right = reinterpret_cast<const Word*>(t.right);
  for (int64_t first = 0; first < t.words; first += floatRun) {
    Vector acc[tileRows][tileVectors];
    sumSquares(left, right, t.words - first < floatRun ? t.words - first : floatRun, acc);
    BRIGHTCELL_UNROLL
    for (int i = 0; i < tileRows; ++i) {
      BRIGHTCELL_UNROLL
      for (int v = 0; v < tileVectors; ++v)
        addToDoubles(acc[i][v], c + i * cStep + v * lanes, accumulate || first > 0);
    }
  }
}

void shortTile(const DistanceTile& t, float* c) {
  const Word* left = reinterpret_cast<const Word*>(t.left);
  const Word* right = reinterpret_cast<const Word*>(t.right);
  Vector acc[tileRows][tileVectors];
  sumSquares(left, right, t.words, acc);
  BRIGHTCELL_UNROLL
  for (int i = 0; i < tileRows; ++i) {
    BRIGHTCELL_UNROLL
    for (int v = 0; v < tileVectors; ++v) store(c + i * tileColumns + v * lanes, acc[i][v]);
  }
}

uint64_t notAbove(const float* row, float limit) {
  uint64_t bits = 0;
  BRIGHTCELL_UNROLL
  for (int v = 0; v < tileVectors; ++v) {
    const Vector values = load(row + v * lanes);
#if defined(__AVX512F__)
    const auto mask = static_cast<uint64_t>(_mm512_cmp_ps_mask(values, _mm512_set1_ps(limit), _CMP_NGT_UQ));
#elif defined(__AVX2__)
    const auto mask = static_cast<uint64_t>(
        static_cast<unsigned>(_mm256_movemask_ps(_mm256_cmp_ps(values, _mm256_set1_ps(limit), _CMP_NGT_UQ))));
#else
    uint64_t mask = 0;
    for (int i = 0; i < lanes; ++i) mask |= static_cast<uint64_t>(!(values[i] > limit)) << i;
#endif
    bits |= mask << (v * lanes);
  }
  return bits;
}

#if defined(__AVX512F__)
ByteSums quadSums(const uint8_t* src, int64_t count) {
  constexpr int step = lanes * 4, chains = 2;
  constexpr int64_t most = 16384 * step;  // a lane's sum: 16384 * 4 * 255 * 127 < 2^31
  const int64_t whole = count / (chains * step) * (chains * step);
  ByteSums result = sumBytes(src + whole, count - whole);
  for (int64_t first = 0; first < whole; first += most) {
    const int64_t end = whole - first < most ? whole : first + most;
    Integers sum[chains] = {}, products[chains] = {};  // products: x * (x - 128)
    const Integers ones = Integers{} + 0x01010101, middle = Integers{} + static_cast<int32_t>(0x80808080);
    for (int64_t i = first; i < end; i += chains * step) {
      BRIGHTCELL_UNROLL
      for (int chain = 0; chain < chains; ++chain) {
        const Integers bytes = InQuads::words(src + i + chain * step, false);
        InQuads::add(sum[chain], ones, bytes);
        InQuads::add(products[chain], bytes ^ middle, bytes);
      }
    }
    int64_t total = 0, product = 0;
    for (int chain = 0; chain < chains; ++chain)
      for (int lane = 0; lane < lanes; ++lane) {
        total += sum[chain][lane];
        product += products[chain][lane];
      }
    result.sum += static_cast<uint64_t>(total);
    result.squares += static_cast<uint64_t>(product + 128 * total);
  }
  return result;
}
#endif

template <class Sum>
BRIGHTCELL_INLINE int64_t finish(const Sum* dot, const int64_t* other, int64_t own, int64_t count, int64_t* dst) {
  int64_t smallest = INT64_MAX;
  for (int64_t j = 0; j < count; ++j) {
    const int64_t distance = own + other[j] - 2 * static_cast<int64_t>(dot[j]);
    dst[j] = distance;
    smallest = distance < smallest ? distance : smallest;
  }
  return smallest;
}

int64_t distanceRow(const int32_t* dot, const int64_t* other, int64_t own, int64_t count, int64_t* dst) {
  return finish(dot, other, own, count, dst);
}

int64_t wideDistanceRow(const int64_t* dot, const int64_t* other, int64_t own, int64_t count, int64_t* dst) {
  return finish(dot, other, own, count, dst);
}

void wholeToReal(const int64_t* src, int64_t count, double* dst) {
  for (int64_t i = 0; i < count; ++i) dst[i] = static_cast<double>(src[i]);
}

// Enough sums at once for latency times units (peak.cpp).
template <class Products>
int64_t peakBytes(int64_t rounds, float* sink) {
  constexpr int sums = 12;
  Integers acc[sums], left{}, right{};
  BRIGHTCELL_UNROLL
  for (int i = 0; i < sums; ++i) acc[i] = Integers{} + i;
  BRIGHTCELL_KEEP(left);
  BRIGHTCELL_KEEP(right);
  for (int64_t round = 0; round < rounds; ++round) {
    BRIGHTCELL_UNROLL
    for (int i = 0; i < sums; ++i) {
      Products::add(acc[i], left, right);
      BRIGHTCELL_KEEP(acc[i]);
    }
  }
  BRIGHTCELL_UNROLL
  for (int i = 1; i < sums; ++i) acc[0] += acc[i];
  store(sink, (Vector)acc[0]);
  return sums * lanes * Products::bytesPerWord;
}

template <class Products>
constexpr DistanceKernels kernelsWith(ByteSums (*sums)(const uint8_t*, int64_t)) {
  return {
      .tileRows = tileRows,
      .tileColumns = tileColumns,
      .bytesPerWord = Products::bytesPerWord,
      .packBytes = packBytes<Products>,
      .packFloats = packFloats,
      .byteTile = byteTile<Products>,
      .floatTile = floatTile,
      .shortTile = shortTile,
      .notAbove = notAbove,
      .byteSums = sums,
      .distanceRow = distanceRow,
      .wideDistanceRow = wideDistanceRow,
      .wholeToReal = wholeToReal,
      .peakBytes = peakBytes<Products>,
  };
}

}  // namespace

#if defined(__AVX512BF16__)  // every processor that has it multiplies bytes as well
const DistanceKernels distanceKernels = kernelsWith<InQuads>(quadSums);
#else
const DistanceKernels distanceKernels = kernelsWith<InPairs>(sumBytes);
#if defined(__AVX512F__)
const DistanceKernels quadDistanceKernels = kernelsWith<InQuads>(quadSums);
#endif
#endif

}  // namespace brightcell::BRIGHTCELL_SET
