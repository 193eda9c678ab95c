// Distances and nearest neighbours for JavaScript. src/engine/distances.ts and knn.ts check every argument.
#include "core/distances.h"

#include "bindings/register.h"
#include "bindings/vectors.h"
#include "bindings/worker.h"
#include "core/neighbours.h"

namespace brightcell::bindings {
namespace {

// squaredDistances(left set, rows, right set, rows, dst): a promise; M x N numbers go to dst.
Napi::Value distancesBetween(const Napi::CallbackInfo& info) {
  const SetRows left = readSetRows(info[0], info[1]), right = readSetRows(info[2], info[3]);
  return Worker::run(
      info.Env(), {info[0].As<Napi::Object>(), info[2].As<Napi::Object>(), info[4].As<Napi::Object>()},
      [left, right, out = info[4].As<Napi::Float64Array>().Data()] {
        PackedVectors packed;
        packed.pack(left.vectors());
        squaredDistances(packed, right.vectors(), out);
      },
      [](Napi::Env env) -> Napi::Value { return env.Undefined(); });
}

// new NearestNeighbours(k): start(set, rows) packs the queries, add(set, rows, first) compares them with more
// references, write(places, distances) gives what was found. Calls follow each other: the TypeScript side awaits.
class NativeNeighbours : public Napi::ObjectWrap<NativeNeighbours> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "NearestNeighbours",
                       {InstanceMethod<&NativeNeighbours::start>("start"), InstanceMethod<&NativeNeighbours::add>("add"),
                        InstanceMethod<&NativeNeighbours::write>("write")});
  }

  explicit NativeNeighbours(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<NativeNeighbours>(info), core_(std::make_shared<Core>()) {
    core_->k = info[0].ToNumber().Int64Value();
  }

 private:
  struct Core {
    int64_t k = 1;
    std::unique_ptr<NearestNeighbours> search;
  };

  Napi::Value start(const Napi::CallbackInfo& info) {
    return Worker::run(
        info.Env(), {info[0].As<Napi::Object>()},
        [core = core_, queries = readSetRows(info[0], info[1])] {
          core->search = std::make_unique<NearestNeighbours>(queries.vectors(), core->k);
        },
        [](Napi::Env env) -> Napi::Value { return env.Undefined(); });
  }

  Napi::Value add(const Napi::CallbackInfo& info) {
    return Worker::run(
        info.Env(), {info[0].As<Napi::Object>()},
        [core = core_, references = readSetRows(info[0], info[1]), first = info[2].ToNumber().Int64Value()] {
          core->search->add(references.vectors(), first);
        },
        [](Napi::Env env) -> Napi::Value { return env.Undefined(); });
  }

  void write(const Napi::CallbackInfo& info) {
    core_->search->write(info[0].As<Napi::Int32Array>().Data(), info[1].As<Napi::Float64Array>().Data());
  }

  std::shared_ptr<Core> core_;
};

// neighboursOf(vector, set, rows, places, distances): those of one vector, at once, on the calling thread; k is the
// length of `places`.
void neighboursOf(const Napi::CallbackInfo& info) {
  const auto vector = info[0].As<Napi::TypedArray>();
  const VectorRows references = readSetRows(info[1], info[2]).vectors();
  const auto* own = static_cast<const uint8_t*>(vector.ArrayBuffer().Data()) + vector.ByteOffset();
  auto places = info[3].As<Napi::Int32Array>();
  const WorkAlone alone;
  try {
    NearestNeighbours search({references.type, references.length, {own}}, static_cast<int64_t>(places.ElementLength()));
    search.add(references, 0);
    search.write(places.Data(), info[4].As<Napi::Float64Array>().Data());
  } catch (const std::exception& error) {
    throw Napi::Error::New(info.Env(), error.what());
  }
}

}  // namespace

void registerDistances(Napi::Env env, Napi::Object exports) {
  exports.Set("squaredDistances", Napi::Function::New(env, distancesBetween, "squaredDistances"));
  exports.Set("NearestNeighbours", NativeNeighbours::define(env));
  exports.Set("neighboursOf", Napi::Function::New(env, neighboursOf, "neighboursOf"));
}

}  // namespace brightcell::bindings
