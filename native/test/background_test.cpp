// A cell before another image's background, against the twin of native/reference/input.h and on images that say by
// themselves what must come out.
#include <cmath>

#include "core/background.h"
#include "core/parallel.h"
#include "reference/input.h"
#include "test/check.h"

namespace brightcell::test {
namespace {

using reference::Plane;

constexpr int height = 48, width = 56, size = height * width;

// A disc on noise about a level, with stripes along the rows; channels differ in level. No disc where the radius is 0.
template <class Pixel>
struct Drawn {
  std::vector<Pixel> pixels;
  ImageView view;
  std::vector<Plane> planes;

  Drawn(double level, double radius, int channels, uint64_t seed, double contrast = 40) {
    const double unit = sizeof(Pixel) == 1 ? 1 : 257;
    Random random(seed);
    for (int c = 0; c < channels; ++c) {
      planes.push_back({height, width, {}});
      for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x) {
          const double inside = std::hypot(y - 24.0, x - 30.0) < radius ? contrast * (1 + 0.3 * ((x + y) % 3)) : 0;
          const double value = level + 6 * c + random.normal(0, 2) + inside;
          pixels.push_back(static_cast<Pixel>(std::lround(unit * std::clamp(value, 0.0, 255.0))));
          planes.back().values.push_back(static_cast<double>(pixels.back()));
        }
    }
    view = {pixels.data(), sizeof(Pixel) == 1 ? PixelType::uint8 : PixelType::uint16, channels, height, width};
  }
};

std::vector<bool> freeOf(const ImageView& image) {
  ObjectsScratch scratch;
  const Objects found = findObjects(image, scratch);
  return std::vector<bool>(found.around, found.around + size);
}

// What may be taken of another image: no pixel of an object's box, nor within the rim of one.
std::vector<bool> takenOf(const ImageView& image) {
  ObjectsScratch scratch;
  const Objects found = findObjects(image, scratch);
  std::vector<bool> boxes(size);
  for (const Component& object : found.objects)
    for (int y = object.top; y <= object.bottom; ++y)
      for (int x = object.left; x <= object.right; ++x) boxes[static_cast<size_t>(y * width + x)] = true;
  boxes = reference::widen(boxes, height, width, cellRim(height, width));
  std::vector<bool> taken(size);
  for (size_t i = 0; i < taken.size(); ++i) taken[i] = found.around[i] && !boxes[i];
  return taken;
}

std::vector<bool> cellOf(const ImageView& image) {
  ObjectsScratch scratch;
  const Objects found = findObjects(image, scratch);
  std::vector<bool> mask(size);
  for (size_t i = 0; i < mask.size(); ++i) mask[i] = found.labels[i] == found.chosen->label;
  return reference::widen(mask, height, width, cellRim(height, width));
}

template <class Pixel>
void compare(const Drawn<Pixel>& own, const Drawn<Pixel>& other) {
  BackgroundScratch scratch;
  std::vector<float> dst(own.pixels.size());
  check(replaceBackground(own.view, other.view, dst.data(), scratch), "the background was not replaced");
  const double range = sizeof(Pixel) == 1 ? 255 : 65535;
  std::vector<double> expected;
  for (size_t c = 0; c < own.planes.size(); ++c) {
    const Plane plane = reference::replaceBackground(own.planes[c], other.planes[c], cellOf(own.view), freeOf(own.view),
                                                     takenOf(other.view), range);
    expected.insert(expected.end(), plane.values.begin(), plane.values.end());
  }
  checkClose(dst, expected, 1e-6, 1e-6 * range, "composed");
}

FACT("a cell before another background agrees with its twin") {
  for (uint64_t seed = 1; seed < 6; ++seed) {
    compare(Drawn<uint8_t>(60, 9, 1, seed), Drawn<uint8_t>(180, 6, 1, seed + 50));
    compare(Drawn<uint8_t>(200, 12, 3, seed), Drawn<uint8_t>(90, 14, 3, seed + 50));
    compare(Drawn<uint16_t>(60, 9, 2, seed), Drawn<uint16_t>(120, 0, 2, seed + 50));
  }
}

FACT("a cell keeps its difference to the background, and nothing else of its image stays") {
  // Levels 60 and 180 with a deviation of 2: all that is left of the first image lies in the disc and its rim.
  const Drawn<uint8_t> own(60, 9, 1, 3), other(180, 0, 1, 4);
  BackgroundScratch scratch;
  std::vector<float> dst(size);
  check(replaceBackground(own.view, other.view, dst.data(), scratch), "the background was not replaced");
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const int i = y * width + x;
      const double distance = std::hypot(y - 24.0, x - 30.0), value = dst[static_cast<size_t>(i)];
      if (distance < 7) check(std::abs(value - 120 - own.pixels[static_cast<size_t>(i)]) < 1.5, "the cell changed");
      if (distance > 14) check(value == other.pixels[static_cast<size_t>(i)], "the background is not the other image's");
      check(value > 150, "something dark of the old background is left");
    }
}

FACT("an image without a cell, a background that is all cell, and cells at the edge leave the image as it is") {
  BackgroundScratch scratch;
  std::vector<float> dst(size, -1);
  const Drawn<uint8_t> cell(60, 9, 1, 3);
  const std::vector<uint8_t> nothing(size, 100);
  const ImageView even{nothing.data(), PixelType::uint8, 1, height, width};
  check(!replaceBackground(even, cell.view, dst.data(), scratch), "a background was replaced about nothing");
  Drawn<uint8_t> filled(90, 0, 1, 5);
  for (int y = 4; y < height - 4; ++y)
    for (int x = 4; x < width - 4; ++x) filled.pixels[static_cast<size_t>(y * width + x)] += static_cast<uint8_t>(60 + 30 * ((x + y) % 3));
  check(!replaceBackground(cell.view, filled.view, dst.data(), scratch), "a cell was taken for a background");
  Drawn<uint8_t> cut(60, 0, 1, 3);
  for (int y = 10; y < 30; ++y)
    for (int x = 0; x < 15; ++x) cut.pixels[static_cast<size_t>(y * width + x)] += static_cast<uint8_t>(60 + 30 * ((x + y) % 3));
  check(!replaceBackground(cut.view, cell.view, dst.data(), scratch), "a cell that meets the edge was cut out");
  check(!replaceBackground(cell.view, cut.view, dst.data(), scratch), "a background with a cell at its edge was taken");
  check(dst[0] == -1, "something was written");
}

InputTransform transformOf(const Augmentation* augmentation, const std::vector<ImageView>& others) {
  return {Normalisation::none, augmentation, static_cast<int64_t>(others.size()),
          [&others](int64_t i) { return others[static_cast<size_t>(i)]; }};
}

std::vector<float> load(const ImageView& view, const InputTransform& transform, uint64_t seed) {
  std::vector<float> dst(size), scratch(static_cast<size_t>(loadScratchSize(view)));
  loadImage(view, transform, seed, dst.data(), scratch.data());
  return dst;
}

FACT("so many backgrounds are replaced as was asked for, from every image alike") {
  const Drawn<uint8_t> own(60, 9, 1, 3);
  std::vector<Drawn<uint8_t>> others;
  for (int i = 0; i < 4; ++i) others.emplace_back(100 + 40.0 * i, 0, 1, 7 + static_cast<uint64_t>(i));
  std::vector<ImageView> views;
  for (const auto& other : others) views.push_back(other.view);
  Augmentation augmentation;
  augmentation.replaceBackground = 0.3;
  const InputTransform transform = transformOf(&augmentation, views);
  std::vector<int> counts(5);
  constexpr int images = 2000;
  for (uint64_t seed = 0; seed < images; ++seed) {
    const double corner = load(own.view, transform, imageSeed(5, static_cast<int64_t>(seed)))[0];
    ++counts[static_cast<size_t>(corner < 80 ? 4 : std::clamp(static_cast<int>((corner - 80) / 40), 0, 3))];
  }
  // Binomial: five deviations about the mean.
  check(std::abs(counts[4] - 1400) < 5 * std::sqrt(images * 0.3 * 0.7), "kept " + std::to_string(counts[4]));
  for (size_t i = 0; i < 4; ++i)
    check(std::abs(counts[i] - 150) < 5 * std::sqrt(images * 0.075 * 0.925), "taken " + std::to_string(counts[i]));
}

FACT("replacing backgrounds leaves what else is drawn as it was") {
  const Drawn<uint8_t> own(60, 9, 1, 3);
  Augmentation without;
  without.rotateDegrees = 90, without.noise = 0.2, without.flipHorizontal = true;
  Augmentation with = without;
  with.replaceBackground = 0.5;
  const Drawn<uint8_t> other(150, 0, 1, 4);
  const std::vector<ImageView> views = {other.view};
  int same = 0;
  for (uint64_t seed = 0; seed < 100; ++seed)
    same += load(own.view, transformOf(&without, views), seed) == load(own.view, transformOf(&with, views), seed);
  check(same > 25 && same < 75, "as without: " + std::to_string(same) + " of 100");
}

}  // namespace
}  // namespace brightcell::test
