// Products with a gradient of which only the entries that are not zero are listed.
#include "kernels/set.h"

namespace brightcell::BRIGHTCELL_SET {

namespace {

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

}  // namespace

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

namespace {

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

}  // namespace

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

}  // namespace brightcell::BRIGHTCELL_SET
