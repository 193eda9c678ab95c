// Hand-made features for JavaScript: numbers of many images at once, and which pixels were taken for the cell.
#include "core/features.h"

#include <napi.h>

#include <algorithm>

#include "bindings/image_set.h"
#include "bindings/register.h"
#include "bindings/worker.h"

namespace brightcell::bindings {
namespace {

// measureFeatures(images, rows, dst, first): a promise; fills dst from `first` on with the features of every row.
Napi::Value measure(const Napi::CallbackInfo& info) {
  const auto images = ImageSet::unwrap(info[0]);
  const auto rows = info[1].As<Napi::Int32Array>();
  auto dst = info[2].As<Napi::Float32Array>();
  const int count = featureCount(images->channels());
  float* out = dst.Data() + info[3].ToNumber().Int64Value();
  return Worker::run(
      info.Env(), {info[0].As<Napi::Object>(), rows.As<Napi::Object>(), dst.As<Napi::Object>()},
      [images, index = rows.Data(), total = rows.ElementLength(), count, out] {
        std::vector<FeatureScratch> scratch(static_cast<size_t>(threads()));
        parallelFor(static_cast<std::ptrdiff_t>(total), [&](std::ptrdiff_t n, int worker) {
          measureFeatures(images->view(index[n]), out + n * count, scratch[static_cast<size_t>(worker)]);
        });
      },
      [](Napi::Env env) -> Napi::Value { return env.Undefined(); });
}

// measureFeaturesOf(pixels, channels, height, width): the features of one image, on this thread.
Napi::Value measureOne(const Napi::CallbackInfo& info) {
  const auto pixels = info[0].As<Napi::TypedArray>();
  const ImageView image{static_cast<const uint8_t*>(pixels.ArrayBuffer().Data()) + pixels.ByteOffset(),
                        pixels.TypedArrayType() == napi_uint16_array ? PixelType::uint16 : PixelType::uint8,
                        info[1].ToNumber().Int32Value(), info[2].ToNumber().Int32Value(), info[3].ToNumber().Int32Value()};
  auto dst = Napi::Float32Array::New(info.Env(), static_cast<size_t>(featureCount(image.channels)));
  static thread_local FeatureScratch scratch;
  measureFeatures(image, dst.Data(), scratch);
  return dst;
}

void drawCell(const Cell& cell, int width, uint8_t* dst) {
  if (!cell.found) return;
  for (const Run& run : cell.runs)
    std::fill_n(dst + static_cast<int64_t>(run.y + cell.top) * width + run.x + cell.left, run.length, uint8_t{1});
}

// findCells(images, rows): a promise of masks [N, H, W], 1 where the cell is.
Napi::Value find(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto images = ImageSet::unwrap(info[0]);
  const auto rows = info[1].As<Napi::Int32Array>();
  const int64_t size = static_cast<int64_t>(images->height()) * images->width();
  auto masks = Napi::Uint8Array::New(env, rows.ElementLength() * static_cast<size_t>(size));
  auto pinned = std::make_shared<Napi::ObjectReference>(Napi::Persistent(masks.As<Napi::Object>()));
  return Worker::run(
      env, {info[0].As<Napi::Object>(), rows.As<Napi::Object>()},
      [images, index = rows.Data(), total = rows.ElementLength(), size, out = masks.Data()] {
        std::vector<FeatureScratch> scratch(static_cast<size_t>(threads()));
        parallelFor(static_cast<std::ptrdiff_t>(total), [&](std::ptrdiff_t n, int worker) {
          FeatureScratch& own = scratch[static_cast<size_t>(worker)];
          findCell(images->view(index[n]), own.found, own.cell);
          drawCell(own.found, images->width(), out + n * size);
        });
      },
      [pinned](Napi::Env) -> Napi::Value { return pinned->Value(); });
}

Napi::Array namesOf(Napi::Env env, const std::vector<std::string>& names) {
  const auto list = Napi::Array::New(env, names.size());
  for (uint32_t i = 0; i < names.size(); ++i) list.Set(i, names[i]);
  return list;
}

}  // namespace

void registerFeatures(Napi::Env env, Napi::Object exports) {
  exports.Set("shapeFeatures", namesOf(env, shapeFeatureNames()));
  exports.Set("pixelFeatures", namesOf(env, pixelFeatureNames()));
  exports.Set("measureFeatures", Napi::Function::New(env, measure, "measureFeatures"));
  exports.Set("measureFeaturesOf", Napi::Function::New(env, measureOne, "measureFeaturesOf"));
  exports.Set("findCells", Napi::Function::New(env, find, "findCells"));
}

}  // namespace brightcell::bindings
