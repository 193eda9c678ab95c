// Sizes of bright and of dark grains: how much of the cell's stretched brightness goes when all that is narrower than
// 3, 5, 7 and 9 pixels is removed (openings with growing squares), and the same of its negative.
#include <algorithm>

#include "core/features_families.h"

namespace brightcell {
namespace {

constexpr int steps = 4;

int64_t sumOf(const std::vector<uint8_t>& plane) {
  int64_t sum = 0;
  for (const uint8_t value : plane) sum += value;
  return sum;
}

// Shares of the plane's sum that the openings take one after another.
void measureOpenings(const Cell& cell, std::vector<uint8_t>& narrowed, std::vector<uint8_t>& opened, std::vector<uint8_t>& spare,
                     std::vector<uint8_t>& across, float* dst) {
  const int64_t all = sumOf(narrowed);
  int64_t before = all;
  for (int step = 1; step <= steps; ++step) {
    shrinkPlane(narrowed.data(), cell.height, cell.width, across.data(), spare.data());
    narrowed.swap(spare);
    opened = narrowed;
    for (int back = 0; back < step; ++back) {
      growPlane(opened.data(), cell.height, cell.width, across.data(), spare.data());
      opened.swap(spare);
    }
    const int64_t after = sumOf(opened);
    *dst++ = all > 0 ? static_cast<float>(static_cast<double>(before - after) / static_cast<double>(all)) : 0;
    before = after;
  }
}

}  // namespace

const FeatureNames& granularityNames() {
  static const FeatureNames names = {"brightGrains3", "brightGrains5", "brightGrains7", "brightGrains9",
                                     "darkGrains3",   "darkGrains5",   "darkGrains7",   "darkGrains9"};
  return names;
}

void measureGranularity(const Cell& cell, CellPixels& pixels, float* dst) {
  const size_t size = cell.mask.size();
  static thread_local std::vector<uint8_t> opened, across;
  opened.resize(size);
  across.resize(size);
  pixels.bytes.resize(size);
  pixels.moreBytes.resize(size);
  for (const bool dark : {false, true}) {
    const uint8_t turn = dark ? 255 : 0;
    for (size_t i = 0; i < size; ++i)
      pixels.bytes[i] = cell.mask[i] ? static_cast<uint8_t>(pixels.stretched[i] ^ turn) : uint8_t{0};
    measureOpenings(cell, pixels.bytes, opened, pixels.moreBytes, across, dst + (dark ? steps : 0));
  }
}

}  // namespace brightcell
