// Rows of an image set as vectors of the core: { set, rows } of the TypeScript side.
#pragma once
#include <napi.h>

#include <memory>
#include <vector>

#include "bindings/image_set.h"
#include "core/distances.h"
#include "core/watch.h"

namespace brightcell::bindings {

// Copied, so that JavaScript may go on with its arrays; keeps mapped pixels mapped. Whoever works with it pins the
// JavaScript set (Worker::run, keep) for the sake of borrowed ones.
struct SetRows {
  std::shared_ptr<const Images> images;
  std::vector<int32_t> rows;

  VectorRows vectors() const {
    VectorRows vectors{images->type(), int64_t{images->channels()} * images->height() * images->width(), {}};
    vectors.rows.reserve(rows.size());
    for (const int32_t row : rows) vectors.rows.push_back(images->view(row).pixels);
    return vectors;
  }
};

inline SetRows readSetRows(const Napi::Value& set, const Napi::Value& rows) {
  const auto indices = rows.As<Napi::Int32Array>();
  return {ImageSet::unwrap(set), {indices.Data(), indices.Data() + indices.ElementLength()}};
}

// One typed array as a vector; it must outlive the result.
inline VectorRows oneVector(const Napi::TypedArray& array) {
  const auto type = array.TypedArrayType();
  const void* data = static_cast<const uint8_t*>(array.ArrayBuffer().Data()) + array.ByteOffset();
  const PixelType pixels = type == napi_uint8_array    ? PixelType::uint8
                           : type == napi_uint16_array ? PixelType::uint16
                                                       : PixelType::float32;
  return {pixels, static_cast<int64_t>(array.ElementLength()), {data}};
}

// On an Int32Array of 3 (src/engine/watch.ts), which must be pinned while the work goes on.
inline std::shared_ptr<Watch> readWatch(const Napi::Value& shared) {
  return std::make_shared<Watch>(shared.As<Napi::Int32Array>().Data());
}

}  // namespace brightcell::bindings
