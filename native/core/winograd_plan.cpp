#include "core/winograd_plan.h"

#include <algorithm>

#include "core/instruction_set.h"

namespace brightcell::winograd {
namespace {

constexpr int64_t batchBytes = int64_t{640} << 10;
constexpr int64_t batchAcross = 64;  // tiles of a batch whose vectors are tiles
// A strip is small enough for the first-level cache beside the weights.
constexpr int64_t stripFloats = 4608;

int tilesOver(int positions) { return (positions + side - 1) / side; }

}  // namespace

Plan::Plan(const ConvLayer& l) : layer(l), poolsInTile(l.poolsSquares()) {
  const Window& w = l.window;
  const int lanes = kernels().lanes;
  takeApart();
  tilesY = tilesOver(poolsInTile ? 2 * l.result.height : l.output.height);
  tilesX = tilesOver(poolsInTile ? 2 * l.result.width : l.output.width);
  filters = roundUp(l.output.channels, lanes);
  acrossTiles = l.source.channels < lanes;
  gridX = acrossTiles ? roundUp(tilesX, lanes) : tilesX;
  channels = acrossTiles ? l.source.channels : roundUp(l.source.channels, lanes);
  depth = static_cast<int64_t>(parts.size()) * channels;
  int farY = 0, farX = 0;
  for (const Part& part : parts) farY = std::max(farY, part.y), farX = std::max(farX, part.x);
  source = {w.strideY * (side * (tilesY - 1) + points - 1) + farY + 1,
            w.strideX * (side * (tilesX - 1) + points - 1) + farX + 1, w.top, w.left, channels};
  wide = {l.output.height, l.output.width, 0, 0, filters};
  chooseSizes();
}

void Plan::takeApart() {
  const Window& w = layer.window;
  for (int py = 0; py < w.strideY; ++py)
    for (int by = 0; py + by * taps * w.strideY < w.height; ++by)
      for (int px = 0; px < w.strideX; ++px)
        for (int bx = 0; px + bx * taps * w.strideX < w.width; ++bx)
          addPart(py + by * taps * w.strideY, px + bx * taps * w.strideX);
}

void Plan::addPart(int y, int x) {
  const Window& w = layer.window;
  Part part{y, x, {}};
  for (int i = 0; i < taps; ++i)
    for (int j = 0; j < taps; ++j) {
      const int row = y + i * w.strideY, column = x + j * w.strideX;
      const bool inside = row < w.height && column < w.width;
      part.tap[i * taps + j] = inside ? (static_cast<int64_t>(row) * w.width + column) * layer.source.channels : -1;
    }
  parts.push_back(part);
}

void Plan::chooseSizes() {
  if (acrossTiles) {
    group = 1;
    batch = gridX * std::clamp<int64_t>(batchAcross / gridX, 1, tilesY);
  } else {
    batch = std::clamp<int64_t>(batchBytes / (4 * frequencies * depth), 8, 32);
    group = std::clamp<int64_t>(batch / tiles(), 1, 16);
    batch = std::min(batch, group * tiles());
  }
  const int rows = kernels().rows;
  strip = std::clamp<int64_t>(stripFloats / (points * filters) / rows * rows, rows, batch);
}

TileAt Plan::tileAt(int64_t tile) const {
  const int64_t own = tile % tiles();
  return {tile / tiles(), static_cast<int>(own / gridX), static_cast<int>(own % gridX)};
}

int64_t Plan::sourceOffset(const TileAt& tile) const {
  return source.at(layer.window.strideY * side * tile.y, layer.window.strideX * side * tile.x);
}

int64_t Plan::wideOffset(const TileAt& tile) const { return wide.at(side * tile.y, side * tile.x); }

int64_t Plan::resultOffset(const TileAt& tile) const {
  const Shape& r = layer.result;
  return (static_cast<int64_t>(2 * tile.y) * r.width + 2 * tile.x) * r.channels;
}

WinogradTile Plan::geometryOf(const TileAt& tile) const {
  const Shape &r = layer.result, &o = layer.output;
  if (poolsInTile)
    return {resultStep(), r.channels, std::min(2, r.height - 2 * tile.y), std::min(2, r.width - 2 * tile.x),
            static_cast<ptrdiff_t>(r.width) * r.channels, r.channels};
  return {resultStep(), filters, std::min(side, o.height - side * tile.y), std::min(side, o.width - side * tile.x),
          wide.rowStep(), filters};
}

bool canBeWinograd(const ConvLayer& layer) {
  return layer.window.height > 1 && layer.window.width > 1 && layer.source.height > 1 && layer.source.width > 1;
}

}  // namespace brightcell::winograd
