#include "core/augment.h"

#include <algorithm>
#include <cmath>

namespace brightcell {

AugmentationDraw drawAugmentation(const Augmentation& ranges, int height, int width, Random& random) {
  const auto bothWays = [&](double extent) { return extent * (2 * random.uniform() - 1); };
  AugmentationDraw draw;
  draw.flipHorizontal = (random.uniform() < 0.5) && ranges.flipHorizontal;
  draw.flipVertical = (random.uniform() < 0.5) && ranges.flipVertical;
  draw.translateX = bothWays(ranges.translate) * width;
  draw.translateY = bothWays(ranges.translate) * height;
  draw.rotateRadians = bothWays(ranges.rotateDegrees) * 3.141592653589793 / 180;
  draw.scale = std::exp(bothWays(std::log1p(ranges.scale)));
  draw.blurSigma = ranges.blurSigma * random.uniform();
  draw.noise = ranges.noise * random.uniform();
  draw.brightness = 1 + bothWays(ranges.brightness);
  draw.contrast = 1 + bothWays(ranges.contrast);
  for (int i = 0; i < 4; i += 2) {
    const uint64_t bits = random.next();
    draw.noiseKeys[i] = static_cast<uint32_t>(bits);
    draw.noiseKeys[i + 1] = static_cast<uint32_t>(bits >> 32);
  }
  draw.replacesBackground = random.uniform() < ranges.replaceBackground;
  draw.other = random.uniform();
  return draw;
}

// The inverse of (scale, rotate, flip, translate about the centre), so that every output pixel is written exactly once.
Warp warpOf(const AugmentationDraw& draw, int height, int width) {
  const double centreX = (width - 1) / 2.0, centreY = (height - 1) / 2.0;
  const double cosine = std::cos(draw.rotateRadians) / draw.scale, sine = std::sin(draw.rotateRadians) / draw.scale;
  const double signX = draw.flipHorizontal ? -1 : 1, signY = draw.flipVertical ? -1 : 1;
  const double offsetX = -centreX - draw.translateX, offsetY = -centreY - draw.translateY;
  return {height,
          width,
          centreX + signX * (cosine * offsetX + sine * offsetY),
          centreY + signY * (cosine * offsetY - sine * offsetX),
          signX * cosine,
          -signY * sine,
          signX * sine,
          signY * cosine};
}

void flip(float* image, int channels, int height, int width, bool horizontal, bool vertical) {
  for (int64_t row = 0; horizontal && row < static_cast<int64_t>(channels) * height; ++row)
    std::reverse(image + row * width, image + (row + 1) * width);
  for (int channel = 0; vertical && channel < channels; ++channel) {
    float* plane = image + static_cast<int64_t>(channel) * height * width;
    for (int top = 0, bottom = height - 1; top < bottom; ++top, --bottom)
      std::swap_ranges(plane + static_cast<int64_t>(top) * width, plane + static_cast<int64_t>(top + 1) * width,
                       plane + static_cast<int64_t>(bottom) * width);
  }
}

BlurWeights blurWeights(double sigma) {
  BlurWeights result;
  if (sigma < 0.1) return result;
  result.radius = std::min(maxBlurRadius, static_cast<int>(std::ceil(3 * sigma)));
  std::array<double, maxBlurRadius + 1> raw;
  double total = 0;
  for (int k = 0; k <= result.radius; ++k) {
    raw[k] = std::exp(-0.5 * k * k / (sigma * sigma));
    total += k == 0 ? raw[k] : 2 * raw[k];
  }
  for (int k = 0; k <= result.radius; ++k) result.weights[k] = static_cast<float>(raw[k] / total);
  return result;
}

}  // namespace brightcell
