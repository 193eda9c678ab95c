// Random changes of a training image: what is drawn, and the operations that carry it out.
// C channels, H rows, W columns; images are float32 planes [C, H, W].
#pragma once
#include <cstdint>

#include "core/input.h"
#include "core/random.h"

namespace brightcell {

// One image's own values, drawn from the ranges of an Augmentation.
struct AugmentationDraw {
  bool flipHorizontal, flipVertical;
  double translateX, translateY;  // pixels
  double rotateRadians, scale;
  double blurSigma, noise, brightness, contrast;

  bool movesPixels() const { return translateX != 0 || translateY != 0 || rotateRadians != 0 || scale != 1; }
};

// Every value takes its own number from `random`, wanted or not, so that switching one change on or off leaves
// the others as they were.
AugmentationDraw drawAugmentation(const Augmentation& ranges, int height, int width, Random& random);

// dst and src are different buffers of channels x height x width.
void warp(const float* src, int channels, int height, int width, const AugmentationDraw& draw, float* dst);
void flip(float* image, int channels, int height, int width, bool horizontal, bool vertical);

// Separable Gaussian blur in place, the border pixel repeated outwards. `scratch`: blurScratchSize floats.
void blur(float* image, int channels, int height, int width, double sigma, float* scratch);
int64_t blurScratchSize(int height, int width);

// Brightness, then contrast about the mean, then noise in units of the standard deviation; over all channels.
void changeIntensity(float* image, int64_t count, const AugmentationDraw& draw, Random& random);

struct Moments {
  double mean, deviation;
};
// Mean and population standard deviation, summed in a fixed order.
Moments measureMoments(const float* values, int64_t count);

}  // namespace brightcell
