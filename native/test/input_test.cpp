// From stored pixels to a network's input, against the twin of native/reference/input.h, with every instruction set.
#include <functional>

#include "core/input.h"
#include "core/instruction_set.h"
#include "reference/input.h"
#include "test/check.h"

namespace brightcell::test {
namespace {

using reference::Plane;

struct Size {
  int height, width;
};
// One pixel, one row, one column, odd sizes, and runs that end inside a vector, a block and a run of 128 columns.
const std::vector<Size> sizes = {{1, 1}, {1, 37}, {41, 1}, {7, 5}, {33, 17}, {128, 128}, {9, 130}, {20, 271}};

enum class Pattern { random, extremes, zeros, bright, ramp };
const std::vector<Pattern> patterns = {Pattern::random, Pattern::extremes, Pattern::zeros, Pattern::bright, Pattern::ramp};

template <class Pixel>
std::vector<Pixel> pixelsOf(Pattern pattern, int64_t count, double range, uint64_t seed) {
  Random random(seed);
  std::vector<Pixel> pixels(static_cast<size_t>(count));
  for (size_t i = 0; i < pixels.size(); ++i) {
    double share = random.uniform();
    if (pattern == Pattern::extremes) share = share < 0.5 ? 0 : 1;
    if (pattern == Pattern::zeros) share = 0;
    if (pattern == Pattern::bright) share = 0.98 + 0.02 * share;
    if (pattern == Pattern::ramp) share = static_cast<double>(i) / static_cast<double>(pixels.size());
    pixels[i] = static_cast<Pixel>(share * range);
  }
  return pixels;
}

template <class Pixel>
constexpr PixelType typeOf = sizeof(Pixel) == 1 ? PixelType::uint8 : sizeof(Pixel) == 2 ? PixelType::uint16 : PixelType::float32;

template <class Pixel>
constexpr double rangeOf = sizeof(Pixel) == 1 ? 255 : sizeof(Pixel) == 2 ? 65535 : 1;

template <class Pixel>
struct Stored {
  std::vector<Pixel> pixels;
  ImageView view;
  std::vector<Plane> planes;

  // `scale` multiplies real numbers: the range of floats is theirs.
  Stored(Pattern pattern, int channels, Size size, uint64_t seed, double scale = 1)
      : pixels(pixelsOf<Pixel>(pattern, int64_t{channels} * size.height * size.width, rangeOf<Pixel> * scale, seed)),
        view{pixels.data(), typeOf<Pixel>, channels, size.height, size.width, static_cast<float>(0.3 * rangeOf<Pixel> * scale),
             static_cast<float>(0.2 * rangeOf<Pixel> * scale)} {
    const auto plane = static_cast<size_t>(size.height) * static_cast<size_t>(size.width);
    for (int c = 0; c < channels; ++c) {
      const auto first = pixels.begin() + static_cast<ptrdiff_t>(c * plane);
      planes.push_back({size.height, size.width, std::vector<double>(first, first + static_cast<ptrdiff_t>(plane))});
    }
  }
};

std::vector<float> load(const ImageView& view, const InputTransform& transform, uint64_t seed) {
  std::vector<float> dst(static_cast<size_t>(int64_t{view.channels} * view.height * view.width));
  std::vector<float> scratch(static_cast<size_t>(loadScratchSize(view)));
  loadImage(view, transform, seed, dst.data(), scratch.data());
  return dst;
}

void withEverySet(const std::function<void(const std::string& name)>& body) {
  for (const Kernels* set : availableKernels()) {
    chooseKernels(set->name);
    body(set->name);
  }
  chooseKernels(availableKernels().back()->name);
}

Augmentation everything() {
  Augmentation a;
  a.flipHorizontal = a.flipVertical = true;
  a.translate = 0.3;
  a.rotateDegrees = 180;
  a.scale = 1;
  a.blurSigma = 2;
  a.noise = 0.3;
  a.brightness = 0.4;
  a.contrast = 0.4;
  return a;
}

template <class Pixel>
void compareOne(const Stored<Pixel>& stored, const InputTransform& transform, uint64_t seed, const std::string& what) {
  double rounding = 0;
  const auto expected = reference::load(stored.planes, rangeOf<Pixel>, transform, seed, &rounding,
                                        {stored.view.level, stored.view.contrast});
  withEverySet([&](const std::string& name) {
    checkClose(load(stored.view, transform, seed), expected, 1e-5, 8 * rounding, name + ", " + what);
  });
}

template <class Pixel>
void compareAll(const std::vector<Augmentation>& augmentations, Normalisation normalisation, double scale = 1) {
  for (const Size size : sizes)
    for (const Pattern pattern : patterns)
      for (size_t a = 0; a <= augmentations.size(); ++a) {
        const int channels = size.height == 7 ? 3 : 1;
        const Stored<Pixel> stored(pattern, channels, size, 5 + a, scale);
        const InputTransform transform{normalisation, a == 0 ? nullptr : &augmentations[a - 1]};
        compareOne(stored, transform, imageSeed(7, static_cast<int64_t>(a)),
                   std::to_string(size.height) + " x " + std::to_string(size.width) + ", pattern " +
                       std::to_string(static_cast<int>(pattern)) + ", augmentation " + std::to_string(a));
      }
}

Augmentation only(const std::function<void(Augmentation&)>& set) {
  Augmentation a;
  set(a);
  return a;
}

std::vector<Augmentation> warps() {
  return {only([](Augmentation& a) { a.rotateDegrees = 180; }), only([](Augmentation& a) { a.translate = 1; }),
          only([](Augmentation& a) { a.scale = 4; }), only([](Augmentation& a) { a.rotateDegrees = 20, a.scale = 0.1; }),
          only([](Augmentation& a) { a.flipHorizontal = a.flipVertical = true, a.rotateDegrees = 90, a.translate = 0.1; })};
}

FACT("the warp of bytes agrees with its twin") { compareAll<uint8_t>(warps(), Normalisation::none); }
FACT("the warp of 16-bit pixels agrees with its twin") { compareAll<uint16_t>(warps(), Normalisation::none); }
FACT("the warp of real numbers agrees with its twin") { compareAll<float>(warps(), Normalisation::none); }
FACT("the warp of huge numbers agrees with its twin") { compareAll<float>(warps(), Normalisation::none, 1e30); }

FACT("the blur agrees with its twin, and may be wider than the image") {
  const std::vector<Augmentation> blurs = {only([](Augmentation& a) { a.blurSigma = 0.7; }),
                                           only([](Augmentation& a) { a.blurSigma = 3; })};
  compareAll<uint8_t>(blurs, Normalisation::none);
  const Augmentation widest = only([](Augmentation& a) { a.blurSigma = maxBlurSigma; });
  const Stored<float> stored(Pattern::random, 1, {9, 40}, 3);
  const InputTransform transform{Normalisation::none, &widest};
  for (uint64_t seed = 1; seed < 4; ++seed) compareOne(stored, transform, seed, "widest");
}

constexpr Normalisation everyNormalisation[] = {Normalisation::none, Normalisation::range, Normalisation::mean,
                                                Normalisation::standardise, Normalisation::session};

FACT("an image without augmentation agrees with its twin in every normalisation") {
  for (const Normalisation n : everyNormalisation) {
    compareAll<uint8_t>({}, n);
    compareAll<uint16_t>({}, n);
    compareAll<float>({}, n);
  }
}

FACT("an image's light is the median of its border and the distance of its pixels from there") {
  for (const Size size : sizes) {
    const Stored<uint16_t> stored(Pattern::random, 2, size, 3);
    std::vector<double> values;
    for (const Plane& plane : stored.planes) values.insert(values.end(), plane.values.begin(), plane.values.end());
    const double level = reference::medianOfBorder(values, size.height, size.width);
    double squares = 0;
    for (const double value : values) squares += (value - level) * (value - level);
    std::vector<float> dst(values.size()), scratch(static_cast<size_t>(loadScratchSize(stored.view)));
    const Light light = measureLight(stored.view, dst.data(), scratch.data());
    const std::vector<double> expected = {level, std::sqrt(squares / static_cast<double>(values.size()))};
    checkClose(std::vector<float>{light.level, light.contrast}, expected, 1e-6, 0, std::to_string(size.height));
  }
}

FACT("everything together agrees with its twin in every normalisation") {
  const Augmentation quiet = [] {
    Augmentation a = everything();
    a.noise = 0;
    return a;
  }();
  for (const Normalisation n : everyNormalisation) {
    compareAll<uint8_t>({everything(), quiet}, n);
    compareAll<uint16_t>({everything(), quiet}, n);
  }
}

std::vector<float> noiseOf(int64_t count, const uint32_t* keys) {
  std::vector<float> values(static_cast<size_t>(count));
  kernels().image.addNoise(values.data(), count, {}, 1, keys);
  return values;
}

FACT("noise agrees with its twin, and does not depend on the length of the image") {
  const std::array<uint32_t, 4> keys = {0x12345678, 0x9ABCDEF0, 0x0F1E2D3C, 0x4B5A6978};
  std::vector<double> expected;
  for (int64_t i = 0; i < 5000; ++i) expected.push_back(reference::normal(i, keys));
  withEverySet([&](const std::string& name) {
    const auto all = noiseOf(5000, keys.data());
    checkClose(all, expected, 1e-6, 1e-6, name);
    for (const int64_t count : {1, 15, 16, 17, 31, 32, 33, 100, 4999}) {
      const auto some = noiseOf(count, keys.data());
      check(std::equal(some.begin(), some.end(), all.begin()), name + ": " + std::to_string(count) + " values differ");
    }
  });
}

// The noise of `images` images one after another, keyed as loadImage keys them.
std::vector<double> noiseOfBatch(int images, int64_t count) {
  std::vector<double> all;
  for (int n = 0; n < images; ++n) {
    Random random(imageSeed(11, n));
    const AugmentationDraw draw = drawAugmentation({}, 128, 128, random);
    const auto values = noiseOf(count, draw.noiseKeys.data());
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

FACT("noise has the moments and the tails of a normal distribution") {
  const auto z = noiseOfBatch(256, 16384);
  const auto n = static_cast<double>(z.size());
  double moments[5] = {}, beyond[6] = {}, largest = 0;
  for (const double value : z) {
    for (int p = 1; p < 5; ++p) moments[p] += std::pow(value, p) / n;
    for (int t = 1; t < 6; ++t) beyond[t] += std::abs(value) > t;
    largest = std::max(largest, std::abs(value));
  }
  // Five standard errors each: of z^p the variance is that of the normal distribution's moments.
  check(std::abs(moments[1]) < 5 * std::sqrt(1 / n), "mean " + std::to_string(moments[1]));
  check(std::abs(moments[2] - 1) < 5 * std::sqrt(2 / n), "variance " + std::to_string(moments[2]));
  check(std::abs(moments[3]) < 5 * std::sqrt(15 / n), "third moment " + std::to_string(moments[3]));
  check(std::abs(moments[4] - 3) < 5 * std::sqrt(96 / n), "fourth moment " + std::to_string(moments[4]));
  for (int t = 1; t < 6; ++t) {
    const double expected = n * std::erfc(t / std::sqrt(2.0));
    check(std::abs(beyond[t] - expected) < 5 * std::sqrt(expected) + 1,
          std::to_string(beyond[t]) + " values beyond " + std::to_string(t) + ", expected " + std::to_string(expected));
  }
  check(largest > 4.5 && largest < 6.6, "largest " + std::to_string(largest));
}

FACT("noise fills the bins of the normal distribution evenly") {
  const auto z = noiseOfBatch(256, 16384);
  constexpr int bins = 256;
  std::vector<double> counts(bins);
  for (const double value : z)
    ++counts[static_cast<size_t>(std::min(bins - 1.0, bins * 0.5 * std::erfc(-value / std::sqrt(2.0))))];
  double chiSquared = 0;
  const double expected = static_cast<double>(z.size()) / bins;
  for (const double count : counts) chiSquared += (count - expected) * (count - expected) / expected;
  // 255 degrees of freedom: mean 255, deviation 22.6.
  check(chiSquared > 255 - 5 * 22.6 && chiSquared < 255 + 5 * 22.6, "chi squared " + std::to_string(chiSquared));
}

FACT("noise is independent from pixel to pixel, row to row and image to image") {
  constexpr int64_t count = 16384;
  const auto z = noiseOfBatch(256, count);
  // 1 and 128: neighbours in a row and a column of 128 x 128. 16: the other of a pair. 16384: the next image.
  for (const int64_t lag : {1, 2, 8, 15, 16, 17, 31, 32, 64, 127, 128, 129, 256, 8192, 16384, 32768}) {
    double product = 0, squares = 0;
    const auto pairs = static_cast<int64_t>(z.size()) - lag;
    for (int64_t i = 0; i < pairs; ++i) {
      const double a = z[static_cast<size_t>(i)], b = z[static_cast<size_t>(i + lag)];
      product += a * b;
      squares += (a * a - 1) * (b * b - 1);
    }
    const double error = 1 / std::sqrt(static_cast<double>(pairs));
    check(std::abs(product / static_cast<double>(pairs)) < 5 * error, "values correlate at lag " + std::to_string(lag));
    check(std::abs(squares / static_cast<double>(pairs)) < 10 * error, "squares correlate at lag " + std::to_string(lag));
  }
}

FACT("bytes are summed exactly") {
  for (const int64_t count : {1, 63, 65536, 65537, 300000}) {
    const std::vector<uint8_t> brightest(static_cast<size_t>(count), 255);
    withEverySet([&](const std::string& name) {
      const ByteSums sums = kernels().image.sumBytes(brightest.data(), count);
      check(sums.sum == 255u * static_cast<uint64_t>(count) && sums.squares == 65025u * static_cast<uint64_t>(count),
            name + ": " + std::to_string(count));
    });
  }
}

}  // namespace
}  // namespace brightcell::test
