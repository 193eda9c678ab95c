// The nearest of very many short byte vectors. src/engine/nearBytes.ts checks every argument.
#include "core/near_bytes.h"

#include "bindings/register.h"
#include "bindings/worker.h"

namespace brightcell::bindings {
namespace {

// new NearBytes(vectors, L): start() arranges them and gives the number of runs; then search(queries, k, reach, places) and
// searchOwn(first run, runs, k, reach, places). All give promises. Calls follow each other: the TypeScript side awaits.
class NativeNearBytes : public Napi::ObjectWrap<NativeNearBytes> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "NearBytes",
                       {InstanceMethod<&NativeNearBytes::start>("start"), InstanceMethod<&NativeNearBytes::search>("search"),
                        InstanceMethod<&NativeNearBytes::searchOwn>("searchOwn")});
  }

  explicit NativeNearBytes(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<NativeNearBytes>(info), core_(std::make_shared<std::unique_ptr<NearBytes>>()) {
    vectors_ = Napi::Persistent(info[0].As<Napi::Uint8Array>());
    length_ = info[1].ToNumber().Int64Value();
  }

 private:
  Napi::Value start(const Napi::CallbackInfo& info) {
    const auto vectors = vectors_.Value();
    return Worker::run(
        info.Env(), {vectors.As<Napi::Object>()},
        [core = core_, data = vectors.Data(), count = static_cast<int64_t>(vectors.ElementLength()) / length_, length = length_] {
          *core = std::make_unique<NearBytes>(data, count, length);
        },
        [core = core_](Napi::Env env) -> Napi::Value { return Napi::Number::New(env, static_cast<double>((*core)->runs())); });
  }

  Napi::Value search(const Napi::CallbackInfo& info) {
    const auto queries = info[0].As<Napi::Uint8Array>();
    auto places = info[3].As<Napi::Int32Array>();
    return Worker::run(
        info.Env(), {vectors_.Value().As<Napi::Object>(), queries.As<Napi::Object>(), places.As<Napi::Object>()},
        [core = core_, data = queries.Data(), count = static_cast<int64_t>(queries.ElementLength()) / length_,
         k = info[1].ToNumber().Int64Value(), reach = info[2].ToNumber().Int32Value(), out = places.Data()] {
          (*core)->search(data, count, k, reach, out);
        },
        [](Napi::Env env) -> Napi::Value { return env.Undefined(); });
  }

  Napi::Value searchOwn(const Napi::CallbackInfo& info) {
    auto places = info[4].As<Napi::Int32Array>();
    return Worker::run(
        info.Env(), {vectors_.Value().As<Napi::Object>(), places.As<Napi::Object>()},
        [core = core_, first = info[0].ToNumber().Int64Value(), count = info[1].ToNumber().Int64Value(),
         k = info[2].ToNumber().Int64Value(), reach = info[3].ToNumber().Int32Value(), out = places.Data()] {
          (*core)->searchOwn(first, count, k, reach, out);
        },
        [](Napi::Env env) -> Napi::Value { return env.Undefined(); });
  }

  std::shared_ptr<std::unique_ptr<NearBytes>> core_;
  Napi::Reference<Napi::Uint8Array> vectors_;
  int64_t length_;
};

}  // namespace

void registerNearBytes(Napi::Env env, Napi::Object exports) { exports.Set("NearBytes", NativeNearBytes::define(env)); }

}  // namespace brightcell::bindings
