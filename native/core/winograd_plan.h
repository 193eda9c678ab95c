// How Winograd's F(4x4, 3x3) covers a convolution of any kernel and stride: the kernel is taken apart into 3 x 3 blocks of
// its phases, the result into tiles of 4 x 4. D: depth of the products, source channels times parts of the kernel;
// F: filters rounded up to vectors; 36 frequencies, number fx * 6 + fy.
#pragma once
#include <vector>

#include "core/convolution.h"
#include "core/maps.h"

namespace brightcell::winograd {

constexpr int side = 4, taps = 3, points = 6, frequencies = 36;
constexpr int64_t skew = 16;  // floats between frequencies, so that they do not share cache sets

// A 3 x 3 block of one phase of the kernel: where its first sample stands, and where its taps are in a filter.
struct Part {
  int y, x;
  int64_t tap[taps * taps];  // offset in [kernel rows, kernel columns, C], -1: none
};

// Where a tile is: its image of the group, its row and its column.
struct TileAt {
  int64_t image;
  int y, x;
};

// Whether there is anything to win: no kernel or map of a single row or column.
bool canBeWinograd(const ConvLayer& layer);

struct Plan {
  explicit Plan(const ConvLayer& layer);

  int64_t tiles() const { return tilesY * gridX; }
  // Tile number `tile` of a group of images.
  TileAt tileAt(int64_t tile) const;
  // Its first sample in the padded source, its first position in the wide map and in the result.
  int64_t sourceOffset(const TileAt& tile) const;
  int64_t wideOffset(const TileAt& tile) const;
  int64_t resultOffset(const TileAt& tile) const;
  // The steps between positions of the layer's result, or of its wide map, for one tile.
  WinogradTile geometryOf(const TileAt& tile) const;

  int64_t sourceStep() const { return batch * depth + skew; }
  // Between tiles and between depths of a transformed source.
  int64_t tileStep() const { return acrossTiles ? 1 : depth; }
  int64_t depthStep() const { return acrossTiles ? batch : 1; }
  // Between tiles of words.
  int64_t wordStep() const { return acrossTiles ? 1 : depth / 2; }
  int64_t resultStep() const { return batch * filters + skew; }
  int64_t stripStep() const { return strip * filters + skew; }
  double products() const { return static_cast<double>(tiles()) * frequencies * depth * filters; }

  ConvLayer layer;
  std::vector<Part> parts;
  bool poolsInTile;  // a 2 x 2 pool that no tile shares with another
  bool acrossTiles;  // vectors hold tiles of a row, for sources of few channels
  int tilesY, tilesX;
  int64_t gridX;  // tiles of a row, with those that only fill a vector
  int64_t filters, channels, depth;
  int64_t group;  // images at once
  int64_t batch;  // tiles transformed at once
  int64_t strip;  // of these, tiles whose products are made and turned back at once
  MapLayout source, wide;

 private:
  void takeApart();
  void addPart(int y, int x);
  void chooseSizes();
};

}  // namespace brightcell::winograd
