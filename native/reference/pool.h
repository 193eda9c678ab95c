// Max pool: the largest of each window, the first of equals in row-major order gets the gradient; outside the map
// nothing counts. Average pool: the mean of the positions inside the map.
#pragma once
#include "reference/maps.h"

namespace brightcell::reference {

// Calls visit(n, c, y, x, cells), cells being the window's positions inside the map in row-major order.
template <typename T, typename Visit>
void visitWindows(const Maps<T>& src, Shape dst, const Window& w, Visit visit) {
  struct Cell {
    int y, x;
  };
  std::vector<Cell> cells;
  for (int64_t n = 0; n < src.count; ++n)
    for (int c = 0; c < dst.channels; ++c)
      for (int y = 0; y < dst.height; ++y)
        for (int x = 0; x < dst.width; ++x) {
          cells.clear();
          for (int i = 0; i < w.height; ++i)
            for (int j = 0; j < w.width; ++j) {
              const Cell cell{y * w.strideY - w.top + i, x * w.strideX - w.left + j};
              if (src.has(cell.y, cell.x)) cells.push_back(cell);
            }
          visit(n, c, y, x, cells);
        }
}

inline Shape pooledShape(Shape src, const Window& w) {
  return {src.channels, w.outputHeight(src.height), w.outputWidth(src.width)};
}

template <typename T>
Maps<T> maxPool(const Maps<T>& src, const Window& w) {
  Maps<T> dst(src.count, pooledShape(src.shape, w));
  visitWindows(src, dst.shape, w, [&](int64_t n, int c, int y, int x, const auto& cells) {
    T best = src.at(n, c, cells[0].y, cells[0].x);
    for (const auto& cell : cells) best = src.at(n, c, cell.y, cell.x) > best ? src.at(n, c, cell.y, cell.x) : best;
    dst.at(n, c, y, x) = best;
  });
  return dst;
}

template <typename T>
Maps<T> maxPoolBackward(const Maps<T>& src, const Window& w, const Maps<T>& diffDst) {
  Maps<T> diff(src.count, src.shape);
  visitWindows(src, diffDst.shape, w, [&](int64_t n, int c, int y, int x, const auto& cells) {
    auto best = cells[0];
    for (const auto& cell : cells)
      if (src.at(n, c, cell.y, cell.x) > src.at(n, c, best.y, best.x)) best = cell;
    diff.at(n, c, best.y, best.x) += diffDst.at(n, c, y, x);
  });
  return diff;
}

template <typename T>
Maps<T> averagePool(const Maps<T>& src, const Window& w) {
  Maps<T> dst(src.count, pooledShape(src.shape, w));
  visitWindows(src, dst.shape, w, [&](int64_t n, int c, int y, int x, const auto& cells) {
    for (const auto& cell : cells) dst.at(n, c, y, x) += src.at(n, c, cell.y, cell.x) / static_cast<T>(cells.size());
  });
  return dst;
}

template <typename T>
Maps<T> averagePoolBackward(const Maps<T>& src, const Window& w, const Maps<T>& diffDst) {
  Maps<T> diff(src.count, src.shape);
  visitWindows(src, diffDst.shape, w, [&](int64_t n, int c, int y, int x, const auto& cells) {
    for (const auto& cell : cells) diff.at(n, c, cell.y, cell.x) += diffDst.at(n, c, y, x) / static_cast<T>(cells.size());
  });
  return diff;
}

}  // namespace brightcell::reference
