// Idea: B is packed once, all of it, into panels as wide as a tile; then blocks of C are computed, each by one
// thread, depth block after depth block, from a copy of A's block that stands in the second-level cache.
#include "core/gemm.h"

#include <algorithm>
#include <vector>

#include "core/buffer.h"
#include "core/instruction_set.h"
#include "core/parallel.h"
#include "core/shape.h"

namespace brightcell {
namespace {

constexpr int64_t depthBlock = 256;
constexpr int64_t rowBlock = 96;  // a multiple of every Kernels::rows but 8; a short last tile costs little
constexpr int64_t panelsPerBlock = 8;
constexpr int64_t rowPadding = 16;  // keeps the rows of a packed block out of one cache set

// Panel p of B is [depth][panel], its missing columns zero.
void packPanel(const Product& p, int64_t panel, int width, float* dst) {
  const int64_t first = panel * width;
  const int64_t count = std::min<int64_t>(width, p.columns - first);
  const float* src = p.b.data + first * p.b.columnStep;
  if (p.b.columnStep == 1) {
    for (int64_t k = 0; k < p.depth; ++k) {
      const float* row = src + k * p.b.rowStep;
      for (int64_t j = 0; j < count; ++j) dst[k * width + j] = row[j];
      for (int64_t j = count; j < width; ++j) dst[k * width + j] = 0;
    }
    return;
  }
  for (int64_t k0 = 0; k0 < p.depth; k0 += 16) {
    const int64_t k1 = std::min(p.depth, k0 + 16);
    for (int64_t j = 0; j < width; ++j)
      for (int64_t k = k0; k < k1; ++k)
        dst[k * width + j] = j < count ? src[k * p.b.rowStep + j * p.b.columnStep] : 0.0f;
  }
}

void packRows(const Product& p, int64_t row, int64_t rows, int64_t k, int64_t depth, float* dst, int64_t step) {
  const float* src = p.a.data + row * p.a.rowStep + k * p.a.columnStep;
  if (p.a.columnStep == 1) {
    for (int64_t i = 0; i < rows; ++i) std::copy_n(src + i * p.a.rowStep, depth, dst + i * step);
    return;
  }
  for (int64_t i0 = 0; i0 < rows; i0 += 16) {
    const int64_t i1 = std::min(rows, i0 + 16);
    for (int64_t j = 0; j < depth; ++j)
      for (int64_t i = i0; i < i1; ++i) dst[i * step + j] = src[i * p.a.rowStep + j * p.a.columnStep];
  }
}

struct Block {
  int64_t row, rows, panel, panels;
};

void computeBlock(const Product& p, const Block& block, const float* packed, float* scratch) {
  const Kernels& k = kernels();
  const int64_t step = std::min(depthBlock, p.depth) + rowPadding;
  std::vector<const float*> a(k.rows);
  std::vector<float*> c(k.rows);
  float edge[16 * 32];
  for (int64_t at = 0; at < p.depth; at += depthBlock) {
    const int64_t depth = std::min(depthBlock, p.depth - at);
    packRows(p, block.row, block.rows, at, depth, scratch, step);
    for (int64_t panel = block.panel; panel < block.panel + block.panels; ++panel) {
      const int64_t column = panel * k.panel;
      const int columns = static_cast<int>(std::min<int64_t>(k.panel, p.columns - column));
      const bool whole = columns % k.lanes == 0;
      for (int64_t i = 0; i < block.rows; i += k.rows) {
        const int rows = static_cast<int>(std::min<int64_t>(k.rows, block.rows - i));
        const bool add = p.accumulate || at > 0;
        for (int r = 0; r < rows; ++r) {
          a[r] = scratch + (i + r) * step;
          float* into = p.c + (block.row + i + r) * p.cStep + column;
          c[r] = whole ? into : edge + r * 32;
          if (!whole && add) std::copy_n(into, columns, c[r]);
        }
        float bias[32] = {};
        const bool withBias = p.bias != nullptr && at == 0;
        if (withBias) std::copy_n(p.bias + column, columns, bias);
        k.tile({a.data(), 1, 1, 0, depth, packed + (panel * p.depth + at) * k.panel, k.panel, c.data(), rows,
                columns, add, withBias ? bias : nullptr});
        if (!whole)
          for (int r = 0; r < rows; ++r)
            std::copy_n(c[r], columns, p.c + (block.row + i + r) * p.cStep + column);
      }
    }
  }
}

}  // namespace

void multiply(const Product& p) {
  if (p.rows == 0 || p.columns == 0) return;
  const Kernels& k = kernels();
  const int64_t panels = roundUp(p.columns, k.panel) / k.panel;
  // Kept between calls; one product runs at a time on a thread that calls.
  thread_local Buffer<float> packedBuffer, scratchBuffer;
  float* packed = packedBuffer.reserve(panels * k.panel * p.depth);
  parallelFor(panels, [&](std::ptrdiff_t i, int) { packPanel(p, i, k.panel, packed + i * k.panel * p.depth); });

  const int64_t rowBlocks = roundUp(p.rows, rowBlock) / rowBlock;
  const int64_t panelBlocks = roundUp(panels, panelsPerBlock) / panelsPerBlock;
  const int64_t scratchStep = rowBlock * (depthBlock + rowPadding);
  float* scratch = scratchBuffer.reserve(scratchStep * threads());
  parallelFor(rowBlocks * panelBlocks, [&](std::ptrdiff_t i, int worker) {
    const int64_t row = i / panelBlocks * rowBlock, panel = i % panelBlocks * panelsPerBlock;
    computeBlock(p, {row, std::min(rowBlock, p.rows - row), panel, std::min(panelsPerBlock, panels - panel)}, packed,
                 scratch + worker * scratchStep);
  });
}

}  // namespace brightcell
