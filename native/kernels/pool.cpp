// Max pooling, a vector of channels at a time, and its way back.
#include "kernels/set.h"

namespace brightcell::BRIGHTCELL_SET {
namespace {

// 2 x 2 windows side by side, all of them inside the map: the usual pool.
bool isQuarter(const PoolGeometry& g) {
  return g.windowHeight == 2 && g.windowWidth == 2 && g.strideY == 2 && g.strideX == 2 && g.top == 0 && g.left == 0 &&
         2 * g.outputHeight <= g.height && 2 * g.outputWidth <= g.width;
}

// The largest so far and where it stands.
struct Best {
  Vector value;
  Integers index;
};

// A NaN wins and stays: it must not get lost.
BRIGHTCELL_INLINE void meet(Best& best, Vector v, int at) {
  const Integers greater = (v > best.value) | (v != v);
  best.value = greater ? v : best.value;
  best.index = greater ? Integers{} + at : best.index;
}

// Calls visit(offset in the map, number in the window) for each position of window (y, x) that is in the map.
template <typename Visit>
BRIGHTCELL_INLINE void visitWindow(const PoolGeometry& g, int y, int x, Visit visit) {
  for (int i = 0; i < g.windowHeight; ++i) {
    const int row = y * g.strideY - g.top + i;
    if (row < 0 || row >= g.height) continue;
    for (int j = 0; j < g.windowWidth; ++j) {
      const int column = x * g.strideX - g.left + j;
      if (column >= 0 && column < g.width) visit(row * g.sourceRow + column * g.sourceStep, i * g.windowWidth + j);
    }
  }
}

// Calls visit(y, x, offset in the result) for each window.
template <typename Visit>
BRIGHTCELL_INLINE void visitWindows(const PoolGeometry& g, Visit visit) {
  for (int y = 0; y < g.outputHeight; ++y)
    for (int x = 0; x < g.outputWidth; ++x) visit(y, x, (static_cast<ptrdiff_t>(y) * g.outputWidth + x) * g.resultStep);
}

void zero(const PoolGeometry& g, float* map) {
  for (int y = 0; y < g.height; ++y)
    for (int x = 0; x < g.width; ++x)
      for (int c = 0; c < g.channels; c += lanes)
        storePart(map + y * g.sourceRow + x * g.sourceStep + c, Vector{}, static_cast<int>(g.sourceStep - c));
}

}  // namespace

void maxPool(const float* src, const PoolGeometry& g, float* dst, uint8_t* place) {
  const bool quarter = isQuarter(g);
  const ptrdiff_t row = g.sourceRow, step = g.sourceStep;
  visitWindows(g, [&](int y, int x, ptrdiff_t at) {
    for (int c = 0; c < g.channels; c += lanes) {
      Best best{all(-INFINITY), Integers{}};
      if (quarter) {
        const float* corner = src + 2 * y * row + 2 * x * step + c;
        best.value = load(corner);
        meet(best, load(corner + step), 1);
        meet(best, load(corner + row), 2);
        meet(best, load(corner + row + step), 3);
      } else {
        bool first = true;
        visitWindow(g, y, x, [&](ptrdiff_t from, int number) {
          const Vector v = load(src + from + c);
          if (first)
            best = {v, Integers{} + number};
          else
            meet(best, v, number);
          first = false;
        });
      }
      storePart(dst + at + c, best.value, g.channels - c);
      if (place != nullptr) storePlaces(place + at + c, best.index, g.channels - c);
    }
  });
}

void unpool(const float* diff, const uint8_t* place, const PoolGeometry& g, float* map) {
  const bool overlap = g.windowHeight > g.strideY || g.windowWidth > g.strideX;
  const bool quarter = isQuarter(g);
  const ptrdiff_t row = g.sourceRow, step = g.sourceStep;
  if (overlap) zero(g, map);
  visitWindows(g, [&](int y, int x, ptrdiff_t at) {
    for (int c = 0; c < g.channels; c += lanes) {
      const Vector v = loadPart(diff + at + c, g.channels - c);
      const Integers index = place == nullptr ? Integers{} : loadPlaces(place + at + c, g.channels - c);
      const int count = static_cast<int>(step - c);
      if (quarter) {
        float* corner = map + 2 * y * row + 2 * x * step + c;
        storePart(corner, index == 0 ? v : Vector{}, count);
        storePart(corner + step, index == 1 ? v : Vector{}, count);
        storePart(corner + row, index == 2 ? v : Vector{}, count);
        storePart(corner + row + step, index == 3 ? v : Vector{}, count);
        continue;
      }
      visitWindow(g, y, x, [&](ptrdiff_t to, int number) {
        const Vector share = index == number ? v : Vector{};
        storePart(map + to + c, overlap ? loadPart(map + to + c, count) + share : share, count);
      });
    }
  });
}

}  // namespace brightcell::BRIGHTCELL_SET
