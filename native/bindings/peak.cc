// measurePeak(precision or 'bytes', seconds): a promise of the most multiply-adds a second, 0 where there are no such
// products.
#include "core/peak.h"

#include <napi.h>

#include "bindings/register.h"
#include "bindings/worker.h"

namespace brightcell::bindings {
namespace {

Napi::Value measure(const Napi::CallbackInfo& info) {
  const std::string kind = info[0].ToString().Utf8Value();
  const double seconds = info[1].ToNumber().DoubleValue();
  auto result = std::make_shared<double>(0);
  return Worker::run(
      info.Env(), {},
      [result, kind, seconds] {
        *result = kind == "bytes" ? measureBytePeak(seconds)
                                  : measurePeak(kind == "bfloat16" ? Precision::bfloat16 : Precision::float32, seconds);
      },
      [result](Napi::Env env) -> Napi::Value { return Napi::Number::New(env, *result); });
}

}  // namespace

void registerPeak(Napi::Env env, Napi::Object exports) {
  exports.Set("measurePeak", Napi::Function::New(env, measure, "measurePeak"));
}

}  // namespace brightcell::bindings
