// Sums over an image, and its change of scale from stored pixels or from floats. Bytes are summed as whole numbers,
// exactly; real numbers in double about a pivot, so that a faint texture on a bright ground is not lost.
#include "kernels/set.h"

namespace brightcell::BRIGHTCELL_SET {
namespace {

typedef double Doubles __attribute__((vector_size(lanes * 4)));
typedef float Half __attribute__((vector_size(lanes * 2)));
typedef float UnalignedHalf __attribute__((vector_size(lanes * 2), aligned(4), may_alias));
constexpr int pairs = lanes / 2;  // doubles in a vector

template <class Pixel>
BRIGHTCELL_INLINE void scale(const Pixel* src, int64_t count, const Affine& affine, float* dst) {
  const float middle = affine.middle, gain = affine.gain, shift = affine.shift;
  for (int64_t i = 0; i < count; ++i) dst[i] = gain * (static_cast<float>(src[i]) - middle) + shift;
}

}  // namespace

void scaleBytes(const uint8_t* src, int64_t count, const Affine& affine, float* dst) { scale(src, count, affine, dst); }
void scaleWords(const uint16_t* src, int64_t count, const Affine& affine, float* dst) { scale(src, count, affine, dst); }
void scaleReals(const float* src, int64_t count, const Affine& affine, float* dst) { scale(src, count, affine, dst); }

ByteSums sumBytes(const uint8_t* src, int64_t count) {
  constexpr int64_t most = 1 << 16;  // bytes whose squares 32 bits can hold: 65536 * 255^2 < 2^32
  ByteSums result{0, 0};
  for (int64_t first = 0; first < count; first += most) {
    const int64_t end = count - first < most ? count : first + most;
    uint32_t sum = 0, squares = 0;
    for (int64_t i = first; i < end; ++i) {
      const uint32_t value = src[i];
      sum += value;
      squares += value * value;
    }
    result.sum += sum;
    result.squares += squares;
  }
  return result;
}

RealSums sumReals(const float* src, int64_t count, double pivot) {
  constexpr int rows = 4;
  Doubles sum[rows] = {}, squares[rows] = {};
  int64_t i = 0;
  for (; i + rows * pairs <= count; i += rows * pairs) {
    BRIGHTCELL_UNROLL
    for (int j = 0; j < rows; ++j) {
      const Half values = *reinterpret_cast<const UnalignedHalf*>(src + i + j * pairs);
      const Doubles difference = __builtin_convertvector(values, Doubles) - pivot;
      sum[j] += difference;
      squares[j] += difference * difference;
    }
  }
  RealSums result{0, 0};
  for (int j = 0; j < rows; ++j)
    for (int lane = 0; lane < pairs; ++lane) {
      result.sum += sum[j][lane];
      result.squares += squares[j][lane];
    }
  for (; i < count; ++i) {
    const double difference = src[i] - pivot;
    result.sum += difference;
    result.squares += difference * difference;
  }
  return result;
}

}  // namespace brightcell::BRIGHTCELL_SET
