// Random changes of a training image: what is drawn for one image, and what the kernels need to carry it out.
#pragma once
#include <array>
#include <cstdint>

#include "core/input.h"
#include "core/random.h"
#include "kernels/image.h"

namespace brightcell {

// One image's own values, drawn from the ranges of an Augmentation.
struct AugmentationDraw {
  bool flipHorizontal = false, flipVertical = false;
  double translateX = 0, translateY = 0;  // pixels
  double rotateRadians = 0, scale = 1;
  double blurSigma = 0, noise = 0, brightness = 1, contrast = 1;
  std::array<uint32_t, 4> noiseKeys{};
  bool replacesBackground = false;
  double other = 0;  // which image's background, as a share of their number

  bool movesPixels() const { return translateX != 0 || translateY != 0 || rotateRadians != 0 || scale != 1; }
};

// Every value takes its own number from `random`, wanted or not, so that switching one change on or off leaves
// the others as they were.
AugmentationDraw drawAugmentation(const Augmentation& ranges, int height, int width, Random& random);

// Scale, rotation, flips and translation about the centre, as where each output pixel comes from.
Warp warpOf(const AugmentationDraw& draw, int height, int width);

// Flips planes [C, H, W] in place.
void flip(float* image, int channels, int height, int width, bool horizontal, bool vertical);

inline constexpr int maxBlurRadius = static_cast<int>(3 * maxBlurSigma);

// A Gaussian cut off at three deviations that adds up to one; weights[0] is the centre, weights[k] is for the taps at
// -k and k. A sigma below 0.1 does nothing to be seen (the neighbour would weigh 2e-22) and has radius 0.
struct BlurWeights {
  int radius = 0;
  std::array<float, maxBlurRadius + 1> weights{1};
};
BlurWeights blurWeights(double sigma);

}  // namespace brightcell
