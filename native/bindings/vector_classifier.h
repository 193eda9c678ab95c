// What every model of vectors shows to JavaScript: probabilities of many vectors off the event loop, or of one at once.
// `predict` is (VectorRows, float* dst [N, K], const Watch&) and holds its model by shared_ptr.
#pragma once
#include <napi.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "bindings/vectors.h"
#include "bindings/worker.h"
#include "core/parallel.h"

namespace brightcell::bindings {

using PredictVectors = std::function<void(const VectorRows&, float*, const Watch&)>;

// predict(set, rows, watch): a promise of N x K.
inline Napi::Value predictMany(const Napi::CallbackInfo& info, int classes, PredictVectors predict) {
  const auto rows = readSetRows(info[0], info[1]);
  auto dst = Napi::Float32Array::New(info.Env(), rows.rows.size() * static_cast<size_t>(classes));
  auto pinned = std::make_shared<Napi::ObjectReference>(Napi::Persistent(dst.As<Napi::Object>()));
  return Worker::run(
      info.Env(), {info[0].As<Napi::Object>(), info[2].As<Napi::Object>()},
      [rows, predict = std::move(predict), watch = readWatch(info[2]), out = dst.Data()] {
        predict(rows.vectors(), out, *watch);
      },
      [pinned](Napi::Env) -> Napi::Value { return pinned->Value(); });
}

// predictOne(vector): K probabilities.
inline Napi::Value predictOne(const Napi::CallbackInfo& info, int classes, const PredictVectors& predict) {
  auto dst = Napi::Float32Array::New(info.Env(), static_cast<size_t>(classes));
  const WorkAlone alone;
  try {
    predict(oneVector(info[0].As<Napi::TypedArray>()), dst.Data(), Watch());
  } catch (const std::exception& error) {
    throw Napi::Error::New(info.Env(), error.what());
  }
  return dst;
}

inline Napi::Float32Array arrayOf(Napi::Env env, const std::vector<float>& values) {
  auto array = Napi::Float32Array::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

}  // namespace brightcell::bindings
