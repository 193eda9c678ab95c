#include "core/features.h"

#include <algorithm>
#include <string>

#include "test/check.h"

namespace brightcell::test {
namespace {

// Counts up in a way that looks random, the same on every machine.
struct Numbers {
  uint64_t state;
  uint32_t next() {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return static_cast<uint32_t>(state >> 33);
  }
};

// An image of exactly as many bytes as it has, so that reading past it is seen.
template <class Pixel>
std::vector<Pixel> drawImage(int count, int kind, Numbers& numbers, uint32_t most) {
  std::vector<Pixel> pixels(static_cast<size_t>(count));
  for (Pixel& pixel : pixels) {
    const uint32_t number = numbers.next();
    const uint32_t value = kind == 0 ? 0 : kind == 1 ? most : kind == 2 ? number % 2 * most : kind == 3 ? (number % 9 == 0) * (number >> 8) : number >> 4;
    pixel = static_cast<Pixel>(value % (most + 1));
  }
  return pixels;
}

void measureAndCheck(const ImageView& image, FeatureScratch& scratch) {
  const auto count = static_cast<size_t>(featureCount(image.channels));
  std::vector<float> values(count), again(count);
  measureFeatures(image, values.data(), scratch);
  FeatureScratch fresh;
  measureFeatures(image, again.data(), fresh);
  const std::string size = std::to_string(image.height) + " x " + std::to_string(image.width);
  check(std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); }), "not finite: " + size);
  check(values == again, "what was measured before shows: " + size);
}

FACT("features of images of any size are finite and depend on nothing that was measured before") {
  Numbers numbers{11};
  FeatureScratch scratch;
  for (const int height : {1, 2, 3, 5, 16, 33})
    for (const int width : {1, 2, 4, 7, 16, 40})
      for (int kind = 0; kind < 5; ++kind) {
        const int channels = 1 + kind % 3;
        const auto bytes = drawImage<uint8_t>(channels * height * width, kind, numbers, 255);
        measureAndCheck({bytes.data(), PixelType::uint8, channels, height, width}, scratch);
        const auto words = drawImage<uint16_t>(channels * height * width, kind, numbers, 65535);
        measureAndCheck({words.data(), PixelType::uint16, channels, height, width}, scratch);
      }
}

FACT("a square's features are those of its closed forms, wherever it lies and where it is cut") {
  for (const int left : {0, 9, 30}) {
    std::vector<uint8_t> pixels(48 * 48, 10);
    const int right = std::min(48, left + 20);
    for (int y = 14; y < 34; ++y) std::fill(pixels.begin() + y * 48 + left, pixels.begin() + y * 48 + right, uint8_t{210});
    std::vector<float> values(static_cast<size_t>(featureCount(1)));
    FeatureScratch scratch;
    measureFeatures({pixels.data(), PixelType::uint8, 1, 48, 48}, values.data(), scratch);
    const auto& names = shapeFeatureNames();
    const auto at = [&](const char* name) {
      return static_cast<double>(values[static_cast<size_t>(std::find(names.begin(), names.end(), name) - names.begin())]);
    };
    const double wide = right - left;
    checkClose(std::vector<double>{at("area"), at("extent"), at("solidity"), at("feretShortest"), at("borderContact")},
               std::vector<double>{20 * wide, 1, 1, wide, left == 0 || right == 48 ? 20 / (40 + 2 * wide) : 0}, 1e-7, 1e-6, "square");
  }
}

}  // namespace
}  // namespace brightcell::test
