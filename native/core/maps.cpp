#include "core/maps.h"

#include <algorithm>
#include <cstring>

#include "core/convolution.h"
#include "core/instruction_set.h"

namespace brightcell {
namespace {

// How much of the image is inside the layout.
struct Inside {
  Inside(const MapLayout& layout, Shape shape)
      : rows(std::clamp(layout.height - layout.top, 0, shape.height)),
        columns(std::clamp(layout.width - layout.left, 0, shape.width)) {}
  int rows, columns;
};

void placePositions(const Features& src, const float* from, int64_t positions, int64_t step, float* dst) {
  const int channels = src.shape.channels;
  if (step != channels)
    kernels().placeChannels(from, src.scale, src.shift, positions, channels, step, dst);
  else if (src.scale != nullptr)
    kernels().scaleShift(from, src.scale, src.shift, positions, channels, dst);
  else
    std::memcpy(dst, from, positions * channels * sizeof(float));
}

}  // namespace

void padImage(const Features& src, int64_t index, const MapLayout& layout, float* padded) {
  const Inside inside(layout, src.shape);
  const float* from = src.data + index * src.shape.size();
  const int64_t sourceRow = static_cast<int64_t>(src.shape.width) * src.shape.channels;
  const int64_t left = layout.left * layout.step, width = inside.columns * layout.step;
  std::memset(padded, 0, layout.top * layout.rowStep() * sizeof(float));
  float* row = padded + layout.top * layout.rowStep();
  for (int y = 0; y < inside.rows; ++y, row += layout.rowStep()) {
    std::memset(row, 0, left * sizeof(float));
    placePositions(src, from + y * sourceRow, inside.columns, layout.step, row + left);
    std::memset(row + left + width, 0, (layout.rowStep() - left - width) * sizeof(float));
  }
  std::memset(row, 0, (padded + layout.size() - row) * sizeof(float));
}

void cropImage(const float* padded, const MapLayout& layout, Shape shape, float* dst) {
  const Inside inside(layout, shape);
  const int64_t row = static_cast<int64_t>(shape.width) * shape.channels;
  const int64_t width = static_cast<int64_t>(inside.columns) * shape.channels;
  for (int y = 0; y < inside.rows; ++y) {
    const float* from = padded + layout.at(layout.top + y, layout.left);
    float* to = dst + y * row;
    if (layout.step == shape.channels)
      std::memcpy(to, from, width * sizeof(float));
    else
      kernels().takeChannels(from, layout.step, inside.columns, shape.channels, to);
    std::memset(to + width, 0, (row - width) * sizeof(float));
  }
  std::memset(dst + inside.rows * row, 0, (shape.height - inside.rows) * row * sizeof(float));
}

namespace {

PoolGeometry poolGeometry(const ConvLayer& layer, const MapLayout& layout) {
  const Window& w = layer.pool;
  const Shape& r = layer.result;
  return {layer.output.height, layer.output.width, layout.rowStep(), layout.step, r.channels, r.height, r.width,
          r.channels,          w.height,           w.width,          w.strideY,   w.strideX,  w.top,    w.left};
}

}  // namespace

void finishWide(const ConvLayer& layer, const float* wide, const MapLayout& layout, float* result, uint8_t* place) {
  const Shape& shape = layer.result;
  if (layer.pooled)
    kernels().maxPool(wide, poolGeometry(layer, layout), result, place);
  else if (wide != result)
    cropImage(wide, layout, shape, result);
  kernels().activate(layer.activation, result, shape.size());
}

void widenGradient(const ConvLayer& layer, const float* diff, const uint8_t* place, const MapLayout& layout,
                   float* wide) {
  if (!layer.pooled) {
    const Features features{diff, layer.result};
    padImage(features, 0, layout, wide);
    return;
  }
  std::memset(wide, 0, layout.size() * sizeof(float));
  kernels().unpool(diff, place, poolGeometry(layer, layout), wide);
}

}  // namespace brightcell
