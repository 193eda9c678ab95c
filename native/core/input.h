// From stored pixels to what a network sees: one image at a time, on the thread that will use it.
#pragma once
#include <cstdint>
#include <functional>

#include "core/stored_image.h"

namespace brightcell {

enum class PixelType { uint8, uint16, float32 };

// One stored image [C, H, W], not owned.
struct ImageView {
  const void* pixels;
  PixelType type;
  int channels, height, width;
  float level = 0, contrast = 1;  // of the light of its session, which Normalisation::session takes out
};

enum class Normalisation {
  none,         // pixel values as they are
  range,        // divided by the pixel type's maximum (float32: as they are)
  mean,         // divided by the image's mean, less one: the paper's "average intensity" made equal
  standardise,  // less the image's mean, divided by its standard deviation (at least 1e-6 of the range)
  session,      // less the level of the image's session, divided by the session's contrast (likewise)
};
// The range is the pixel type's maximum, 1 for float32. `mean` divides by at least 1e-4 of it.

inline constexpr double maxBlurSigma = 16;

// Ranges from which each image's own values are drawn uniformly; all zero or false means no augmentation.
// Geometry is one affine warp with bilinear sampling; outside the image the nearest border pixel is taken.
struct Augmentation {
  bool flipHorizontal = false, flipVertical = false;  // each with probability one half
  double translate = 0;       // fraction of the side, both ways
  double rotateDegrees = 0;   // both ways
  double scale = 0;           // 0.1: from 1/1.1 to 1.1
  double blurSigma = 0;       // pixels, from 0 (at most maxBlurSigma); Gaussian
  double noise = 0;           // standard deviation of added Gaussian noise, fraction of the image's own, from 0
  double brightness = 0;      // 0.2: factor from 0.8 to 1.2
  double contrast = 0;        // 0.2: factor about the image's mean from 0.8 to 1.2
  double replaceBackground = 0;  // probability that the background becomes another image's (core/background.h)
};

struct InputTransform {
  Normalisation normalisation = Normalisation::mean;
  const Augmentation* augmentation = nullptr;  // null: none
  // The images whose backgrounds may be taken, such as those of the batch; none: every image keeps its own.
  int64_t others = 0;
  std::function<ImageView(int64_t)> other = {};
};

// The seed of the image at `position` of a batch that is drawn with `seed`; the network draws the same.
uint64_t imageSeed(uint64_t seed, int64_t position);

// The median of an image's border (the outermost sixteenth of the shorter side, at least a pixel, of all channels together),
// and the root mean square of its pixels from there. A session's are the medians of its images'. `dst` and `scratch` are as
// in loadImage.
struct Light {
  float level, contrast;
};
Light measureLight(const ImageView& image, float* dst, float* scratch);

// Whether the image can be given as it is stored, with a gain and a level: bytes that nothing but normalisation changes.
bool canStayStored(const ImageView& image, const InputTransform& transform);
StoredImage loadStored(const ImageView& image, Normalisation normalisation);

// Writes image [C, H, W] as float32 to dst, augmented (seeded by seed alone) and then normalised over all
// channels together. `scratch` is at least loadScratchSize(image) floats.
void loadImage(const ImageView& image, const InputTransform& transform, uint64_t seed, float* dst, float* scratch);
int64_t loadScratchSize(const ImageView& image);

}  // namespace brightcell
