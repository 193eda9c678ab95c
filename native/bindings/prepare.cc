// prepareImage for JavaScript: one raw image in, the stored image and its quality features out.
#include "core/prepare.h"

#include <napi.h>

#include "bindings/register.h"
#include "bindings/worker.h"
#include "core/quality.h"

namespace brightcell::bindings {
namespace {

Preparation parsePreparation(const Napi::Object& options) {
  Preparation preparation;
  preparation.height = options.Get("height").ToNumber().Int32Value();
  preparation.width = options.Get("width").ToNumber().Int32Value();
  const std::string fit = options.Get("fit").ToString();
  preparation.fit = fit == "pad" ? Fit::pad : fit == "centre" ? Fit::centre : Fit::stretch;
  if (options.Get("channels").IsArray()) {
    const auto channels = options.Get("channels").As<Napi::Array>();
    for (uint32_t i = 0; i < channels.Length(); ++i)
      preparation.channels.push_back(channels.Get(i).ToNumber().Int32Value());
  }
  return preparation;
}

// prepareImage({pixels, height, width, channels}, preparation): a promise of {pixels, quality}. The arguments
// are checked on the TypeScript side.
Napi::Value prepareImage(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto raw = info[0].As<Napi::Object>();
  const auto pixels = raw.Get("pixels").As<Napi::TypedArray>();
  const bool wide = pixels.TypedArrayType() == napi_uint16_array;
  const RawView view{static_cast<const uint8_t*>(pixels.ArrayBuffer().Data()) + pixels.ByteOffset(),
                     wide ? PixelType::uint16 : PixelType::uint8, raw.Get("height").ToNumber().Int32Value(),
                     raw.Get("width").ToNumber().Int32Value(), raw.Get("channels").ToNumber().Int32Value()};
  const Preparation preparation = parsePreparation(info[1].As<Napi::Object>());
  const size_t size = static_cast<size_t>(preparation.outputChannels()) * preparation.height * preparation.width;
  auto stored = Napi::ArrayBuffer::New(env, size * (wide ? 2 : 1));
  auto quality = Napi::Float32Array::New(env, qualityCount);
  const auto result = Napi::Object::New(env);
  if (wide)
    result.Set("pixels", Napi::Uint16Array::New(env, size, stored, 0));
  else
    result.Set("pixels", Napi::Uint8Array::New(env, size, stored, 0));
  result.Set("quality", quality);
  auto pinned = std::make_shared<Napi::ObjectReference>(Napi::Persistent(result));
  return Worker::run(
      env, {pixels.As<Napi::Object>()},
      [view, preparation, dst = stored.Data(), features = quality.Data()] {
        static thread_local PrepareScratch scratch;
        prepare(view, preparation, dst, features, scratch);
      },
      [pinned](Napi::Env) -> Napi::Value { return pinned->Value(); });
}

}  // namespace

void registerPrepare(Napi::Env env, Napi::Object exports) {
  const auto names = Napi::Array::New(env, qualityCount);
  for (uint32_t i = 0; i < qualityCount; ++i) names.Set(i, qualityNames[i]);
  exports.Set("qualityFeatures", names);
  exports.Set("prepareImage", Napi::Function::New(env, prepareImage, "prepareImage"));
}

}  // namespace brightcell::bindings
