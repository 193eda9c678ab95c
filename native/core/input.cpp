#include "core/input.h"

#include <algorithm>

#include "core/augment.h"

namespace brightcell {
namespace {

template <class T>
void convert(const void* pixels, int64_t count, float* dst) {
  const T* src = static_cast<const T*>(pixels);
  for (int64_t i = 0; i < count; ++i) dst[i] = static_cast<float>(src[i]);
}

void convertPixels(const ImageView& image, int64_t count, float* dst) {
  if (image.type == PixelType::uint8) return convert<uint8_t>(image.pixels, count, dst);
  if (image.type == PixelType::uint16) return convert<uint16_t>(image.pixels, count, dst);
  convert<float>(image.pixels, count, dst);
}

double pixelRange(PixelType type) {
  return type == PixelType::uint8 ? 255 : type == PixelType::uint16 ? 65535 : 1;
}

void augment(const ImageView& image, const Augmentation& ranges, uint64_t seed, float* dst, float* scratch) {
  const int64_t count = static_cast<int64_t>(image.channels) * image.height * image.width;
  Random random(seed);
  const AugmentationDraw draw = drawAugmentation(ranges, image.height, image.width, random);
  if (draw.movesPixels()) {
    convertPixels(image, count, scratch);
    warp(scratch, image.channels, image.height, image.width, draw, dst);
  } else {
    convertPixels(image, count, dst);
    flip(dst, image.channels, image.height, image.width, draw.flipHorizontal, draw.flipVertical);
  }
  blur(dst, image.channels, image.height, image.width, draw.blurSigma, scratch);
  changeIntensity(dst, count, draw, random);
}

void normalise(Normalisation normalisation, double range, int64_t count, float* dst) {
  if (normalisation == Normalisation::none) return;
  double divisor = range, centre = 0;
  if (normalisation != Normalisation::range) {
    const Moments moments = measureMoments(dst, count);
    const bool byMean = normalisation == Normalisation::mean;
    divisor = byMean ? std::max(moments.mean, 1e-4 * range) : std::max(moments.deviation, 1e-6 * range);
    centre = byMean ? divisor : moments.mean;
  }
  const float gain = static_cast<float>(1 / divisor), middle = static_cast<float>(centre);
  for (int64_t i = 0; i < count; ++i) dst[i] = gain * (dst[i] - middle);
}

}  // namespace

uint64_t imageSeed(uint64_t seed, int64_t position) {
  return Random(seed, static_cast<uint64_t>(position)).next();
}

void loadImage(const ImageView& image, const InputTransform& transform, uint64_t seed, float* dst, float* scratch) {
  const int64_t count = static_cast<int64_t>(image.channels) * image.height * image.width;
  if (transform.augmentation)
    augment(image, *transform.augmentation, seed, dst, scratch);
  else
    convertPixels(image, count, dst);
  normalise(transform.normalisation, pixelRange(image.type), count, dst);
}

int64_t loadScratchSize(const ImageView& image) {
  const int64_t count = static_cast<int64_t>(image.channels) * image.height * image.width;
  return std::max(count, blurScratchSize(image.height, image.width));
}

}  // namespace brightcell
