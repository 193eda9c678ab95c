// Idea: A is packed once into panels as tall as a tile. Blocks of C are computed each by one thread, which packs the
// part of B it needs into its second-level cache on the way: B is read once from memory for a few hundred rows, and
// never written back there. The depth goes in blocks whose sums are added in order, which keeps a panel of A in the
// first-level cache and rounding errors small.
#include "core/gemm.h"

#include <algorithm>

#include "core/instruction_set.h"
#include "core/parallel.h"

namespace brightcell {
namespace {

constexpr int64_t depthBlock = 256;  // words
constexpr int64_t rowBlock = 768;    // C's block and B's part share the second-level cache
constexpr int64_t panelsPerBlock = 4;
constexpr int mostPanel = 32;  // the widest Kernels::panel

struct Work {
  const Product& p;
  const Kernels& k;
  bool pairs;
  int64_t words, panels;
  const uint32_t* a;

  Work(const Product& product)
      : p(product), k(kernels()), pairs(p.precision == Precision::bfloat16), words(pairs ? (p.depth + 1) / 2 : p.depth),
        panels(roundUp(p.columns, k.panel) / k.panel), a(nullptr) {}
  int64_t elements(int64_t wordCount) const { return pairs ? 2 * wordCount : wordCount; }
};

int64_t wordsOf(int64_t depth, Precision precision) { return precision == Precision::bfloat16 ? (depth + 1) / 2 : depth; }

// The height of the tile for so many rows.
int heightFor(int64_t rows) {
  for (const int height : {1, 2, 4, 6, 8, 12})
    if (rows <= height) return height;
  return 12;
}

// Words k .. k + count of panel `panel` of B.
void packB(const Matrix& b, int64_t depth, int64_t columns, bool pairs, int64_t panel, int64_t k, int64_t count,
           uint32_t* dst) {
  const int width = kernels().panel;
  const int64_t first = panel * width, element = pairs ? 2 * k : k;
  kernels().pack({b.data + element * b.rowStep + first * b.columnStep, b.rowStep, b.columnStep,
                  std::min(depth - element, pairs ? 2 * count : count),
                  static_cast<int>(std::min<int64_t>(width, columns - first)), width, pairs, dst});
}

void packA(const Work& w, int64_t row, uint32_t* dst) {
  const Matrix& a = w.p.a;
  const int64_t rows = std::min<int64_t>(w.k.rows, w.p.rows - row);
  w.k.pack({a.data + row * a.rowStep, a.columnStep, a.rowStep, w.p.depth, static_cast<int>(rows), heightFor(rows),
            w.pairs, dst});
}

struct Block {
  int64_t row, rows, panel, panels;
};

// One block of depth, all tiles of a panel of A.
void computeRow(const Work& w, const Block& block, int64_t row, int64_t at, int64_t count, const uint32_t* b,
                int64_t bStep) {
  const Product& p = w.p;
  const int rows = static_cast<int>(std::min<int64_t>(w.k.rows, block.row + block.rows - row));
  const int height = heightFor(rows);
  const bool first = at == 0;
  float* c = p.c + row * p.cStep + block.panel * w.k.panel;
  int64_t column = block.panel * w.k.panel;
  for (int64_t i = 0; i < block.panels; ++i, column += w.k.panel) {
    const int columns = static_cast<int>(std::min<int64_t>(w.k.panel, p.columns - column));
    const float* bias = first && p.bias != nullptr ? p.bias + column : nullptr;
    float edge[mostPanel];
    if (bias != nullptr && columns < w.k.panel) {
      std::copy_n(bias, columns, edge);
      std::fill(edge + columns, edge + w.k.panel, 0.0f);
      bias = edge;
    }
    w.k.productTile({w.a + row * w.words + at * height, b + i * bStep, count, height, w.pairs, c + i * w.k.panel,
                     p.cStep, rows, columns, p.accumulate || !first, bias});
  }
  if (p.activation == Activation::none || at + count < w.words) return;
  const int64_t width = std::min(block.panels * w.k.panel, p.columns - block.panel * w.k.panel);
  for (int i = 0; i < rows; ++i) w.k.activate(p.activation, c + i * p.cStep, width);
}

void computeBlock(const Work& w, const Block& block, uint32_t* scratch) {
  const int64_t panelWords = w.words * w.k.panel;
  for (int64_t at = 0; at == 0 || at < w.words; at += depthBlock) {
    const int64_t count = std::min(depthBlock, w.words - at);
    const uint32_t* b = scratch;
    int64_t bStep = count * w.k.panel;
    if (w.p.packed != nullptr) {
      b = w.p.packed->data() + block.panel * panelWords + at * w.k.panel;
      bStep = panelWords;
    } else {
      for (int64_t i = 0; i < block.panels; ++i)
        packB(w.p.b, w.p.depth, w.p.columns, w.pairs, block.panel + i, at, count, scratch + i * bStep);
    }
    for (int64_t row = block.row; row < block.row + block.rows; row += w.k.rows)
      computeRow(w, block, row, at, count, b, bStep);
  }
}

}  // namespace

void PackedColumns::pack(const Matrix& b, int64_t depth, int64_t columns, Precision precision) {
  const int width = kernels().panel;
  const int64_t panels = roundUp(columns, width) / width, words = wordsOf(depth, precision);
  uint32_t* dst = words_.reserve(panels * width * words);
  parallelFor(panels, [&](std::ptrdiff_t panel, int) {
    packB(b, depth, columns, precision == Precision::bfloat16, panel, 0, words, dst + panel * width * words);
  });
}

void multiply(const Product& p) {
  if (p.rows == 0 || p.columns == 0) return;
  Work w(p);
  // Kept between calls; one product runs at a time on a thread that calls.
  thread_local Buffer<uint32_t> packedBuffer, scratchBuffer;
  const int64_t rowPanels = roundUp(p.rows, w.k.rows) / w.k.rows;
  uint32_t* a = packedBuffer.reserve(rowPanels * w.k.rows * w.words);
  parallelFor(rowPanels, [&](std::ptrdiff_t i, int) { packA(w, i * w.k.rows, a + i * w.k.rows * w.words); });
  w.a = a;

  const int64_t rowStep = rowBlock / w.k.rows * w.k.rows;
  const int64_t rowBlocks = roundUp(p.rows, rowStep) / rowStep;
  const int64_t panelBlocks = roundUp(w.panels, panelsPerBlock) / panelsPerBlock;
  const int64_t scratchStep = panelsPerBlock * w.k.panel * depthBlock + 16;
  uint32_t* scratch = p.packed == nullptr ? scratchBuffer.reserve(scratchStep * threads()) : nullptr;
  parallelFor(rowBlocks * panelBlocks, [&](std::ptrdiff_t i, int worker) {
    const int64_t row = i / panelBlocks * rowStep, panel = i % panelBlocks * panelsPerBlock;
    computeBlock(w, {row, std::min(rowStep, p.rows - row), panel, std::min(panelsPerBlock, w.panels - panel)},
                 scratch == nullptr ? nullptr : scratch + worker * scratchStep);
  });
}

}  // namespace brightcell
