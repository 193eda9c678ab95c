// An image is read once and written a few times: geometry, blur, and one pass that changes brightness and contrast and
// normalises together. Bytes that stay where they are go straight from the shard to the result, their sums being exact.
#include "core/input.h"

#include <algorithm>
#include <cmath>

#include "core/augment.h"
#include "core/background.h"
#include "core/instruction_set.h"

namespace brightcell {
namespace {

double pixelRange(PixelType type) {
  return type == PixelType::uint8 ? 255 : type == PixelType::uint16 ? 65535 : 1;
}

int64_t planeSize(const ImageView& image) { return static_cast<int64_t>(image.height) * image.width; }

int borderThickness(int height, int width) { return std::max(1, std::min(height, width) / 16); }

// Population moments.
struct Moments {
  double mean, deviation;
};

Moments momentsFrom(double pivot, double sum, double squares, int64_t count) {
  const double mean = sum / static_cast<double>(count);
  const double variance = squares / static_cast<double>(count) - mean * mean;
  return {pivot + mean, std::sqrt(std::max(variance, 0.0))};
}

// One image on its way: its pixels as stored, until something has written them to dst as floats.
class Loading {
 public:
  Loading(const ImageView& image, float* dst, float* scratch)
      : image_(image), kernels_(kernels().image), count_(image.channels * planeSize(image)), dst_(dst), scratch_(scratch) {}

  void move(const AugmentationDraw& draw) {
    if (!draw.movesPixels()) {
      if (!draw.flipHorizontal && !draw.flipVertical) return;
      scale({});
      return flip(dst_, image_.channels, image_.height, image_.width, draw.flipHorizontal, draw.flipVertical);
    }
    const Warp warp = warpOf(draw, image_.height, image_.width);
    for (int channel = 0; channel < image_.channels; ++channel) {
      const int64_t at = channel * planeSize(image_);
      if (image_.type == PixelType::uint8) kernels_.warpBytes(stored<uint8_t>() + at, warp, scratch_, dst_ + at);
      else if (image_.type == PixelType::uint16) kernels_.warpWords(stored<uint16_t>() + at, warp, scratch_, dst_ + at);
      else kernels_.warpReals(stored<float>() + at, warp, scratch_, dst_ + at);
    }
    written_ = true;
  }

  void blur(double sigma) {
    const BlurWeights blurring = blurWeights(sigma);
    if (blurring.radius == 0) return;
    if (!written_) scale({});
    for (int channel = 0; channel < image_.channels; ++channel)
      kernels_.blur(dst_ + channel * planeSize(image_), image_.height, image_.width, blurring.weights.data(),
                    blurring.radius, scratch_);
  }

  Moments measure() {
    if (!written_ && image_.type == PixelType::uint8) {
      const ByteSums sums = kernels_.sumBytes(stored<uint8_t>(), count_);
      // Variance from whole numbers: sums stay below 2^53 for images of up to 2^37 pixels.
      return momentsFrom(0, static_cast<double>(sums.sum), static_cast<double>(sums.squares), count_);
    }
    if (!written_) scale({});
    const double pivot = dst_[0];
    const RealSums sums = kernels_.sumReals(dst_, count_, pivot);
    return momentsFrom(pivot, sums.sum, sums.squares, count_);
  }

  // The upper median of the outermost pixels: what lies around the cell.
  double measureBorder() {
    if (!written_) scale({});
    const int height = image_.height, width = image_.width, thickness = borderThickness(height, width);
    float* end = scratch_;
    const auto take = [&](const float* from, int count) { end = std::copy_n(from, count, end); };
    for (int64_t row = 0; row < static_cast<int64_t>(image_.channels) * height; ++row) {
      const float* pixels = dst_ + row * width;
      const int y = static_cast<int>(row % height);
      const bool outer = y < thickness || y >= height - thickness || 2 * thickness >= width;
      take(pixels, outer ? width : thickness);
      if (!outer) take(pixels + width - thickness, thickness);
    }
    float* middle = scratch_ + (end - scratch_) / 2;
    std::nth_element(scratch_, middle, end);
    return *middle;
  }

  void scale(const Affine& affine) {
    if (written_) kernels_.scaleReals(dst_, count_, affine, dst_);
    else if (image_.type == PixelType::uint8) kernels_.scaleBytes(stored<uint8_t>(), count_, affine, dst_);
    else if (image_.type == PixelType::uint16) kernels_.scaleWords(stored<uint16_t>(), count_, affine, dst_);
    else kernels_.scaleReals(stored<float>(), count_, affine, dst_);
    written_ = true;
  }

  void addNoise(const Affine& affine, double deviation, const AugmentationDraw& draw) {
    if (!written_) scale({});
    kernels_.addNoise(dst_, count_, affine, static_cast<float>(deviation), draw.noiseKeys.data());
  }

 private:
  template <class Pixel>
  const Pixel* stored() const { return static_cast<const Pixel*>(image_.pixels); }

  const ImageView& image_;
  const ImageKernels& kernels_;
  const int64_t count_;
  float *const dst_, *const scratch_;
  bool written_ = false;
};

// gain * (x - middle) + shift, in double until the kernels take it.
struct Change {
  double middle = 0, gain = 1, shift = 0;
  // What rounding the middle leaves over goes into the shift: it would move the whole image the same way.
  Affine affine() const {
    const float near = static_cast<float>(middle);
    return {near, static_cast<float>(gain), static_cast<float>(shift + gain * (near - middle))};
  }
};

bool isByMoments(Normalisation n) { return n == Normalisation::mean || n == Normalisation::standardise; }

// What normalisation makes of an image with these moments, after `change`.
Change normalise(const ImageView& image, Normalisation normalisation, double range, const Change& change, const Moments& before) {
  const double mean = change.gain * (before.mean - change.middle) + change.shift;
  double divisor = 1, centre = 0;
  if (normalisation == Normalisation::range) divisor = range;
  if (normalisation == Normalisation::mean) divisor = centre = std::max(mean, 1e-4 * range);
  if (normalisation == Normalisation::standardise) {
    divisor = std::max(change.gain * before.deviation, 1e-6 * range);
    centre = mean;
  }
  if (normalisation == Normalisation::session) {
    divisor = std::max(static_cast<double>(image.contrast), 1e-6 * range);
    centre = image.level;
  }
  return {change.middle, change.gain / divisor, (change.shift - centre) / divisor};
}

// The image with another background, as real numbers, where one was drawn and there is a cell to keep; else the image.
ImageView withBackground(const ImageView& image, const InputTransform& transform, const AugmentationDraw& draw) {
  if (!draw.replacesBackground || transform.others == 0 || image.type == PixelType::float32) return image;
  // Kept from image to image, so that loading allocates nothing once a thread is warm.
  static thread_local BackgroundScratch scratch;
  static thread_local std::vector<float> composed;
  composed.resize(static_cast<size_t>(image.channels * planeSize(image)));
  const ImageView other = transform.other(static_cast<int64_t>(draw.other * static_cast<double>(transform.others)));
  if (!replaceBackground(image, other, composed.data(), scratch)) return image;
  // The other's background has the level of its own session; the cell has the contrast of its.
  return {composed.data(), PixelType::float32, image.channels, image.height, image.width, other.level, image.contrast};
}

}  // namespace

uint64_t imageSeed(uint64_t seed, int64_t position) {
  return Random(seed, static_cast<uint64_t>(position)).next();
}

void loadImage(const ImageView& image, const InputTransform& transform, uint64_t seed, float* dst, float* scratch) {
  AugmentationDraw draw;
  if (transform.augmentation) {
    Random random(seed);
    draw = drawAugmentation(*transform.augmentation, image.height, image.width, random);
  }
  const ImageView source = withBackground(image, transform, draw);
  Loading loading(source, dst, scratch);
  if (transform.augmentation) {
    loading.move(draw);
    loading.blur(draw.blurSigma);
  }
  const bool byMoments = isByMoments(transform.normalisation);
  const bool changed = draw.brightness != 1 || draw.contrast != 1 || draw.noise != 0;
  Moments moments{0, 0};
  Change change;
  if (changed || byMoments) {
    moments = loading.measure();
    change.middle = moments.mean;
    change.shift = moments.mean;
  }
  // Brightness b, then contrast c about the mean m: b c (x - m) + b m. Then noise, in units of the deviation.
  change.gain *= draw.brightness * draw.contrast;
  change.shift *= draw.brightness;
  const double deviation = draw.noise * moments.deviation * change.gain;
  if (deviation != 0) {
    loading.addNoise(change.affine(), deviation, draw);
    change = {};
    if (byMoments) {
      moments = loading.measure();
      change.middle = change.shift = moments.mean;
    }
  }
  loading.scale(normalise(source, transform.normalisation, pixelRange(image.type), change, moments).affine());
}

bool canStayStored(const ImageView& image, const InputTransform& transform) {
  return image.type == PixelType::uint8 && transform.augmentation == nullptr;
}

StoredImage loadStored(const ImageView& image, Normalisation normalisation) {
  Moments moments{0, 0};
  Change change;
  if (isByMoments(normalisation)) {
    moments = Loading(image, nullptr, nullptr).measure();
    change.middle = change.shift = moments.mean;
  }
  const Change c = normalise(image, normalisation, pixelRange(image.type), change, moments);
  return {static_cast<const uint8_t*>(image.pixels), c.middle - c.shift / c.gain, static_cast<float>(c.gain)};
}

Light measureLight(const ImageView& image, float* dst, float* scratch) {
  Loading loading(image, dst, scratch);
  const Moments moments = loading.measure();
  const double border = loading.measureBorder();
  return {static_cast<float>(border), static_cast<float>(std::hypot(moments.deviation, moments.mean - border))};
}

int64_t loadScratchSize(const ImageView& image) {
  const int64_t thickness = borderThickness(image.height, image.width);
  const int64_t border = image.channels * std::min(planeSize(image), 2 * thickness * (image.height + image.width));
  return std::max({warpScratchBytes(image.height, image.width) / 4,
                   blurScratchFloats(image.height, image.width, maxBlurRadius), border});
}

}  // namespace brightcell
