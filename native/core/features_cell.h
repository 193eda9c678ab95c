// The cell of an image: which pixels are its own, where they lie, and a crop of each channel around them.
#pragma once
#include <cstdint>
#include <vector>

#include "core/features_objects.h"
#include "core/input.h"

namespace brightcell {

// Room around the cell's box in its crop, for windows and rings that reach out of it.
inline constexpr int cellMargin = 4;
inline constexpr int cellRings = 4;

// Pixels of one row that belong to the cell and follow each other.
struct Run {
  int32_t place;  // of the first in the crop, row major
  int32_t x, y;   // in the crop
  int32_t length;
};

struct Cell {
  bool found = false;
  int imageHeight = 0, imageWidth = 0;
  int top = 0, left = 0;            // of the crop in the image; negative where the margin reaches out of it
  int height = 0, width = 0;        // h and w: the cell's box with the margin
  int objects = 0;                  // objects in the image of at least a fifth of the cell's area, the cell included
  double otherArea = 0;             // area of the other objects over the cell's
  double area = 0, centreX = 0, centreY = 0;  // in the crop
  double xx = 0, yy = 0, xy = 0;    // second central moments, with the 1/12 that a pixel's own extent has
  double majorAxis = 0, minorAxis = 0;        // of the ellipse of the same moments, whole lengths
  double axisX = 1, axisY = 0;      // direction of the major axis, a unit
  std::vector<uint8_t> mask;        // h x w: 1 in the cell
  std::vector<uint8_t> rim;         // h x w: 1 in the cell where one of four neighbours is not
  std::vector<uint8_t> halo;        // h x w: 1 outside of the cell within three pixels of it, in the image
  std::vector<uint8_t> rings;       // h x w: which ring of the ellipse, 0 innermost, in the cell
  const uint8_t* around = nullptr;  // H x W: 1 where there is background; held by the scratch
  std::vector<Run> runs;
};

struct CellScratch {
  ObjectsScratch objects;
  std::vector<uint8_t> grown, plane;
};

// Finds the cell in the mean of the channels.
void findCell(const ImageView& image, Cell& cell, CellScratch& scratch);

// One channel of the crop, what lies outside of the image repeated from its border, and how bright the cell is there.
struct CellPixels {
  double range = 255;                // of the pixel type
  std::vector<uint16_t> values;      // h x w
  std::vector<uint8_t> stretched;    // h x w: from 0 at `low` to 255 at `high`, in whole steps
  std::vector<uint32_t> counts;      // of each value, all 0 between uses
  std::vector<float> planes;         // for those who need room
  std::vector<double> columns;
  std::vector<uint8_t> bytes, moreBytes;
  std::vector<uint32_t> matrices;
  double background = 0, mean = 0, deviation = 0;  // in values
  int low = 0, high = 0;             // quantiles 0.01 and 0.99 of the cell
};

void readPixels(const ImageView& image, int channel, const Cell& cell, CellPixels& pixels);

}  // namespace brightcell
