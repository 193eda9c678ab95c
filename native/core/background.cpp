#include "core/background.h"

#include <algorithm>

namespace brightcell {
namespace {

int64_t planeSize(const ImageView& image) { return static_cast<int64_t>(image.height) * image.width; }

// Where nothing stands out, less the box about every object with a rim: the smooth inside of a cell is no background.
void keepFree(const Objects& found, const ImageView& image, std::vector<uint8_t>& free) {
  free.assign(found.around, found.around + planeSize(image));
  const int rim = cellRim(image.height, image.width);
  for (const Component& object : found.objects) {
    const int left = std::max(0, object.left - rim), right = std::min(image.width - 1, object.right + rim);
    for (int y = std::max(0, object.top - rim); y <= std::min(image.height - 1, object.bottom + rim); ++y)
      std::fill_n(free.begin() + static_cast<int64_t>(y) * image.width + left, right - left + 1, uint8_t{0});
  }
}

int64_t countSet(const std::vector<uint8_t>& mask) {
  return std::count_if(mask.begin(), mask.end(), [](uint8_t value) { return value != 0; });
}

// Where the object meets the image's edge, what is cell and what is not cannot be told well enough.
bool keepsClear(const Component& object, const ImageView& image) {
  return object.top > 0 && object.left > 0 && object.bottom < image.height - 1 && object.right < image.width - 1;
}

// The chosen object, grown by a square of a pixel a step; false where there is none, or it meets the edge.
bool keepCell(const ImageView& image, BackgroundScratch& scratch) {
  const Objects found = findObjects(image, scratch.objects);
  scratch.free.assign(found.around, found.around + planeSize(image));
  if (!found.chosen || !keepsClear(*found.chosen, image)) return false;
  scratch.cell.resize(scratch.free.size());
  for (size_t i = 0; i < scratch.cell.size(); ++i) scratch.cell[i] = found.labels[i] == found.chosen->label;
  scratch.row.resize(scratch.cell.size());
  scratch.objects.narrow.resize(scratch.cell.size());
  for (int step = cellRim(image.height, image.width); step > 0; --step) {
    growPlane(scratch.cell.data(), image.height, image.width, scratch.row.data(), scratch.objects.narrow.data());
    scratch.cell.swap(scratch.objects.narrow);
  }
  return true;
}

template <class Pixel>
double meanOf(const Pixel* plane, const std::vector<uint8_t>& free) {
  double sum = 0, count = 0;
  for (size_t i = 0; i < free.size(); ++i)
    if (free[i]) sum += static_cast<double>(plane[i]), ++count;
  return sum / count;
}

template <class Pixel>
const Pixel* planeOf(const ImageView& image, int channel) {
  return static_cast<const Pixel*>(image.pixels) + channel * planeSize(image);
}

// One row of background: free pixels as they are, the others mirrored or at the level.
template <class Pixel>
void fillRow(const Pixel* src, const uint8_t* free, int width, float level, float* dst) {
  const auto isFree = [&](int x) { return x >= 0 && x < width && free[x]; };
  for (int first = 0; first < width;) {
    if (free[first]) {
      dst[first] = static_cast<float>(src[first]);
      ++first;
      continue;
    }
    int last = first;
    while (last + 1 < width && !free[last + 1]) ++last;
    for (int x = first; x <= last; ++x) {
      const int left = 2 * first - 1 - x, right = 2 * last + 1 - x;
      const bool leftIsNearer = x - first <= last - x;
      const int near = leftIsNearer ? left : right, far = leftIsNearer ? right : left;
      dst[x] = isFree(near) ? static_cast<float>(src[near]) : isFree(far) ? static_cast<float>(src[far]) : level;
    }
    first = last + 1;
  }
}

template <class Pixel>
void compose(const ImageView& image, const ImageView& other, float range, const BackgroundScratch& scratch, float* dst) {
  for (int c = 0; c < image.channels; ++c) {
    const Pixel *own = planeOf<Pixel>(image, c), *behind = planeOf<Pixel>(other, c);
    const double level = meanOf(behind, scratch.free);
    const auto moved = static_cast<float>(level - scratch.levels[static_cast<size_t>(c)]);
    float* plane = dst + c * planeSize(image);
    for (int y = 0; y < image.height; ++y) {
      const int64_t at = static_cast<int64_t>(y) * image.width;
      fillRow(behind + at, scratch.free.data() + at, image.width, static_cast<float>(level), plane + at);
    }
    for (size_t i = 0; i < scratch.cell.size(); ++i)
      if (scratch.cell[i]) plane[i] = std::clamp(static_cast<float>(own[i]) + moved, 0.0f, range);
  }
}

template <class Pixel>
void measureLevels(const ImageView& image, BackgroundScratch& scratch) {
  scratch.levels.clear();
  for (int c = 0; c < image.channels; ++c) scratch.levels.push_back(meanOf(planeOf<Pixel>(image, c), scratch.free));
}

}  // namespace

bool replaceBackground(const ImageView& image, const ImageView& other, float* dst, BackgroundScratch& scratch) {
  const bool bytes = image.type == PixelType::uint8;
  if (!keepCell(image, scratch) || 8 * countSet(scratch.free) < planeSize(image)) return false;
  bytes ? measureLevels<uint8_t>(image, scratch) : measureLevels<uint16_t>(image, scratch);
  const Objects behind = findObjects(other, scratch.objects);
  if (behind.chosen && !keepsClear(*behind.chosen, other)) return false;
  keepFree(behind, other, scratch.free);
  if (4 * countSet(scratch.free) < planeSize(other)) return false;
  bytes ? compose<uint8_t>(image, other, 255, scratch, dst) : compose<uint16_t>(image, other, 65535, scratch, dst);
  return true;
}

}  // namespace brightcell
