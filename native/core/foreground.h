// What of a gray image is cell and what is background, for images in which cells are bright, dark or both.
//
// The background is a level plus one offset a row and one a column, because time-stretch images carry stripes in
// both directions. Foreground is where the local energy of the deviation from the background (its root mean
// square in a 3 x 3 window) stands out of the energy that noise alone has: a threshold that knows neither the
// sign of the contrast nor how far noise is correlated.
#pragma once
#include <cstdint>
#include <vector>

#include "core/prepare.h"

namespace brightcell {

// One connected part of a mask.
struct Component {
  int64_t area;
  int label;                     // in the labels, from 1
  int top, bottom, left, right;  // inclusive
  double sumX, sumY, sumXX, sumYY, sumXY;
  double energy;                 // sum of the local energy
};

struct Foreground {
  int height, width;
  float background, noise, variation;  // level, deviation without stripes, deviation of the stripes
  float quietEnergy, energyLimit;      // median where there is background; above the limit it is not noise
  float peak;                          // largest energy
  const float* deviation;              // H x W, background taken away
  const float* energy;                 // H x W
  const uint8_t* clear;                // H x W: nonzero where energy is no more than noise
  const int32_t* labels;               // H x W: which object, 0 for none
  const int32_t* faintLabels;          // H x W: which faint part, 0 for none
  std::vector<Component> objects;      // above a quarter of the peak, holes filled; largest first
  std::vector<Component> faint;        // above noise only, objects included, holes filled; largest first
};

// Pointers are into `scratch` and hold until its next use.
Foreground findForeground(const float* gray, int height, int width, PrepareScratch& scratch);

// Root mean square in a window of 3 x 3, smaller at the border; `across` is room for H x W.
void localEnergy(const float* deviation, int height, int width, float* across, float* energy);
// Fills what `mask` (zeros and ones) encloses: all that cannot be reached from the border along sides through zeros.
void fillHoles(uint8_t* mask, int height, int width, std::vector<int32_t>& stack);
// Parts of `mask` that share sides, the largest first; `labels` says where each is.
std::vector<Component> findComponents(const uint8_t* mask, const float* energy, int height, int width, int32_t* labels,
                                      std::vector<int32_t>& stack);

}  // namespace brightcell
