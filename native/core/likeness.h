// How alike two images are when one may be a turned, mirrored, shifted or noisy copy of the other.
//
// R rings of A angles about the middle of the cell, M angular harmonics of each.
#pragma once
#include <array>
#include <vector>

#include "core/portrait.h"

namespace brightcell {

inline constexpr int likenessRings = 16, likenessAngles = 64;
inline constexpr int likenessHarmonics = 8, likenessBands = 8;
inline constexpr int likenessLength = likenessBands * likenessHarmonics;

// An image ready to be compared.
struct Likeness {
  Portrait portrait;
  std::vector<float> polar;  // [R, A], the portrait about its middle

  void read(const ImageView& image, PortraitScratch& scratch);
};

// Writes likenessLength numbers that neither turning nor mirroring changes, and shift and noise change little: the
// magnitudes of the angular harmonics of each band of rings, as shares of the whole energy; of harmonic 0 the mean,
// with its sign. All 0 where the image is flat.
void describeLikeness(const Likeness& image, float* dst);

// The copy's place in the other image that fits best.
struct Alignment {
  double correlation = 0;  // normalised cross-correlation where both overlap about the cell, -1 to 1
  double residual = 0;     // what is left of the difference after gain and offset, in units of both images' noise
  double detail = 0;       // the same of what is left of both when each circle about the cell has lost its mean
  double degrees = 0;      // turned by, counter-clockwise, after mirroring left to right
  bool mirrored = false;
  double scale = 1;        // how much larger the right image shows the cell
  double shiftX = 0, shiftY = 0;  // of the middle beyond that of the turn about the frame's middle, shares of the side
};

// Compares over all angles, both ways round, shifts, and sizes of about 0.75 to 1.3 where the same size does not fit. Pairs whose rings alone correlate less than `gate` are given
// that correlation and no closer look.
Alignment alignLikeness(const Likeness& left, const Likeness& right, double gate);

}  // namespace brightcell
