// Products with a gradient of which only the entries that are not zero are listed. A pass over the list feeds as many
// sums as registers hold, in parts of about equal size: fewer than four would wait for each other.
#include "kernels/row_blocks.h"
#include "kernels/set.h"

namespace brightcell::BRIGHTCELL_SET {

namespace {

// `Vectors` vectors of the window, `step` apart.
template <int Vectors>
void addPatches(const Live* live, int64_t count, const float* src, ptrdiff_t step, float* acc) {
  Vector sum[Vectors];
  BRIGHTCELL_UNROLL
  for (int v = 0; v < Vectors; ++v) sum[v] = load(acc + v * lanes);
  for (int64_t i = 0; i < count; ++i) {
    const Vector value = all(live[i].value);
    const float* x = src + live[i].offset;
    BRIGHTCELL_UNROLL
    for (int v = 0; v < Vectors; ++v) sum[v] += value * load(x + v * step);
  }
  BRIGHTCELL_UNROLL
  for (int v = 0; v < Vectors; ++v) store(acc + v * lanes, sum[v]);
}

template <int Vectors>
void scatterRow(const Live* live, int64_t count, const float* weights, float* dst) {
  Vector w[Vectors];
  BRIGHTCELL_UNROLL
  for (int v = 0; v < Vectors; ++v) w[v] = load(weights + v * lanes);
  for (int64_t i = 0; i < count; ++i) {
    const Vector value = all(live[i].value);
    float* x = dst + live[i].offset;
    BRIGHTCELL_UNROLL
    for (int v = 0; v < Vectors; ++v) store(x + v * lanes, load(x + v * lanes) + value * w[v]);
  }
}

}  // namespace

void addLivePatches(const Live* live, int64_t count, const float* src, ptrdiff_t sourceRow, int kernelRows,
                    int64_t length, float* acc) {
  if (length == lanes)
    return inBlocks(kernelRows, [&]<int Rows>(ptrdiff_t row) {
      addPatches<Rows>(live, count, src + row * sourceRow, sourceRow, acc + row * lanes);
    });
  for (int y = 0; y < kernelRows; ++y)
    inBlocks(length / lanes, [&]<int Vectors>(ptrdiff_t first) {
      addPatches<Vectors>(live, count, src + y * sourceRow + first * lanes, lanes, acc + y * length + first * lanes);
    });
}

void scatterLive(const Live* live, int64_t count, const float* weights, int kernelRows, int64_t length, float* dst,
                 ptrdiff_t destinationRow) {
  for (int y = 0; y < kernelRows; ++y)
    inBlocks(length / lanes, [&]<int Vectors>(ptrdiff_t first) {
      scatterRow<Vectors>(live, count, weights + y * length + first * lanes, dst + y * destinationRow + first * lanes);
    });
}

}  // namespace brightcell::BRIGHTCELL_SET
