#include "core/prepare.h"

#include <algorithm>
#include <cmath>

#include "core/quality.h"

namespace brightcell {
namespace {

// Where the resized image lies in the stored one; negative offsets crop. Of a cropped image only the rows from
// `firstRow` are held.
struct Placement {
  int height, width, top, left, firstRow;
};

Placement place(const RawView& raw, const Preparation& preparation) {
  Placement placement{preparation.height, preparation.width, 0, 0, 0};
  if (preparation.fit == Fit::stretch) return placement;
  placement.height = raw.height;
  placement.width = raw.width;
  if (preparation.fit == Fit::pad) {
    const double ratio = std::min(static_cast<double>(preparation.height) / raw.height,
                                  static_cast<double>(preparation.width) / raw.width);
    placement.height = std::clamp(static_cast<int>(std::lround(raw.height * ratio)), 1, preparation.height);
    placement.width = std::clamp(static_cast<int>(std::lround(raw.width * ratio)), 1, preparation.width);
  }
  const auto floorHalf = [](int value) { return value >= 0 ? value / 2 : -((1 - value) / 2); };
  placement.top = floorHalf(preparation.height - placement.height);
  placement.left = floorHalf(preparation.width - placement.width);
  placement.firstRow = std::max(0, -placement.top);
  return placement;
}

// Gray, or one chosen channel, of one raw row.
template <class T>
void readRow(const RawView& raw, const T* pixels, int row, int channel, float* dst) {
  const T* src = pixels + static_cast<int64_t>(row) * raw.width * raw.channels;
  if (channel >= 0 || raw.channels < 3) {
    src += std::max(channel, 0);
    for (int x = 0; x < raw.width; ++x) dst[x] = static_cast<float>(src[static_cast<int64_t>(x) * raw.channels]);
    return;
  }
  for (int x = 0; x < raw.width; ++x, src += raw.channels)
    dst[x] = 0.299f * static_cast<float>(src[0]) + 0.587f * static_cast<float>(src[1]) + 0.114f * static_cast<float>(src[2]);
}

void readRow(const RawView& raw, int row, int channel, float* dst) {
  if (raw.type == PixelType::uint8) return readRow(raw, static_cast<const uint8_t*>(raw.pixels), row, channel, dst);
  readRow(raw, static_cast<const uint16_t*>(raw.pixels), row, channel, dst);
}

float medianOfBorder(const RawView& raw, int channel, PrepareScratch& scratch) {
  auto& border = scratch.border;
  border.clear();
  for (int row = 0; row < raw.height; ++row) {
    readRow(raw, row, channel, scratch.row.data());
    if (row == 0 || row == raw.height - 1)
      border.insert(border.end(), scratch.row.begin(), scratch.row.begin() + raw.width);
    else
      border.insert(border.end(), {scratch.row[0], scratch.row[static_cast<size_t>(raw.width) - 1]});
  }
  const auto middle = border.begin() + static_cast<std::ptrdiff_t>(border.size() / 2);
  std::nth_element(border.begin(), middle, border.end());
  return *middle;
}

// Resizes row by row: each raw row is narrowed to the target width and spread over the target rows it reaches,
// so memory does not grow with the raw image.
void resizeChannel(const RawView& raw, int channel, const Placement& placement, PrepareScratch& scratch) {
  scratch.resized.assign(static_cast<size_t>(placement.height) * placement.width, 0.0f);
  for (int row = 0; row < raw.height; ++row) {
    readRow(raw, row, channel, scratch.row.data());
    scratch.horizontal.apply(scratch.row.data(), scratch.narrow.data());
    scratch.vertical.accumulate(row, scratch.narrow.data(), placement.width, scratch.resized.data());
  }
}

// The part of the raw image that 'centre' keeps: copied, not resampled.
void cropChannel(const RawView& raw, int channel, const Placement& placement, int height, PrepareScratch& scratch) {
  const int last = std::min(raw.height, height - placement.top);
  scratch.resized.resize(static_cast<size_t>(last - placement.firstRow) * placement.width);
  float* dst = scratch.resized.data();
  for (int row = placement.firstRow; row < last; ++row, dst += placement.width) readRow(raw, row, channel, dst);
}

template <class T>
void store(const Placement& placement, const Preparation& preparation, float fill, const float* src, T* dst) {
  const auto round = [](float value) { return static_cast<T>(value + 0.5f); };
  const int left = std::max(0, placement.left), right = std::min(preparation.width, placement.left + placement.width);
  for (int row = 0; row < preparation.height; ++row, dst += preparation.width) {
    const int y = row - placement.top;
    if (y < 0 || y >= placement.height) {
      std::fill(dst, dst + preparation.width, round(fill));
      continue;
    }
    const float* line = src + static_cast<int64_t>(y - placement.firstRow) * placement.width - placement.left;
    std::fill(dst, dst + left, round(fill));
    for (int x = left; x < right; ++x) dst[x] = round(line[x]);
    std::fill(dst + right, dst + preparation.width, round(fill));
  }
}

// Gray of the chosen channels (their mean) at a working size of at most 96 x 128, area-averaged, so that what is
// measured costs the same for every image; saturation alone is counted on the raw pixels.
void measure(const RawView& raw, const Preparation& preparation, float* quality, PrepareScratch& scratch) {
  const int height = std::min(raw.height, 96), width = std::min(raw.width, 128);
  scratch.horizontal.plan(raw.width, width);
  scratch.vertical.plan(raw.height, height);
  scratch.narrow.resize(static_cast<size_t>(width));
  scratch.gray.assign(static_cast<size_t>(height) * width, 0.0f);
  const int channels = preparation.outputChannels();
  Saturation saturation(raw.type == PixelType::uint8 ? 255.0f : 65535.0f);
  for (int row = 0; row < raw.height; ++row)
    for (int channel = 0; channel < channels; ++channel) {
      readRow(raw, row, preparation.channels.empty() ? -1 : preparation.channels[static_cast<size_t>(channel)], scratch.row.data());
      saturation.count(scratch.row.data(), raw.width);
      scratch.horizontal.apply(scratch.row.data(), scratch.narrow.data());
      if (channels > 1)
        for (float& value : scratch.narrow) value /= static_cast<float>(channels);
      scratch.vertical.accumulate(row, scratch.narrow.data(), width, scratch.gray.data());
    }
  measureQuality({scratch.gray.data(), height, width, raw.height, raw.width}, saturation, quality, scratch);
}

}  // namespace

void prepare(const RawView& raw, const Preparation& preparation, void* dst, float* quality, PrepareScratch& scratch) {
  const Placement placement = place(raw, preparation);
  scratch.row.resize(static_cast<size_t>(raw.width));
  scratch.narrow.resize(static_cast<size_t>(placement.width));
  const bool resizes = preparation.fit != Fit::centre;
  if (resizes) {
    scratch.horizontal.plan(raw.width, placement.width);
    scratch.vertical.plan(raw.height, placement.height);
  }
  const int64_t plane = static_cast<int64_t>(preparation.height) * preparation.width;
  for (int index = 0; index < preparation.outputChannels(); ++index) {
    const int channel = preparation.channels.empty() ? -1 : preparation.channels[static_cast<size_t>(index)];
    resizes ? resizeChannel(raw, channel, placement, scratch)
            : cropChannel(raw, channel, placement, preparation.height, scratch);
    const float fill = preparation.fit == Fit::stretch ? 0 : medianOfBorder(raw, channel, scratch);
    if (raw.type == PixelType::uint8)
      store(placement, preparation, fill, scratch.resized.data(), static_cast<uint8_t*>(dst) + index * plane);
    else
      store(placement, preparation, fill, scratch.resized.data(), static_cast<uint16_t*>(dst) + index * plane);
  }
  if (quality) measure(raw, preparation, quality, scratch);
}

}  // namespace brightcell
