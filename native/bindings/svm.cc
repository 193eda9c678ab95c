// Support vector machines for JavaScript. `control` is an Int32Array [stop, done, total]: the caller writes the first, the
// worker the others.
#include "core/svm.h"

#include <napi.h>

#include <atomic>
#include <memory>
#include <stdexcept>

#include "bindings/register.h"
#include "bindings/vectors.h"
#include "bindings/worker.h"
#include "core/parallel.h"

namespace brightcell::bindings {
namespace {

SvmAdvance listenTo(const Napi::Value& value) {
  int32_t* control = value.As<Napi::Int32Array>().Data();
  return [control](int64_t done, int64_t total) {
    std::atomic_ref(control[1]).store(static_cast<int32_t>(done), std::memory_order_relaxed);
    std::atomic_ref(control[2]).store(static_cast<int32_t>(total), std::memory_order_relaxed);
    if (std::atomic_ref(control[0]).load(std::memory_order_relaxed) != 0) throw std::runtime_error("stopped");
  };
}

double numberOf(const Napi::Object& object, const char* name) { return object.Get(name).ToNumber().DoubleValue(); }

template <typename Array, typename Value>
Array copied(Napi::Env env, const std::vector<Value>& values) {
  auto array = Array::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

template <typename Value, typename Array>
std::vector<Value> listed(const Napi::Value& value) {
  const auto array = value.As<Array>();
  return {array.Data(), array.Data() + array.ElementLength()};
}

SvmSettings parseSettings(const Napi::Object& from) {
  SvmSettings settings;
  settings.c = numberOf(from, "c");
  settings.gamma = numberOf(from, "gamma");
  settings.weights = listed<double, Napi::Float64Array>(from.Get("weights"));
  settings.tolerance = numberOf(from, "tolerance");
  settings.iterations = static_cast<int64_t>(numberOf(from, "iterations"));
  settings.probability = from.Get("probability").ToBoolean();
  settings.seed = static_cast<uint64_t>(numberOf(from, "seed"));
  settings.bytes = static_cast<int64_t>(numberOf(from, "cacheBytes"));
  return settings;
}

// Numbers of a pair, in the order of `pairFields` on the TypeScript side.
constexpr size_t pairFields = 9;

std::vector<double> flatten(const std::vector<SvmPair>& pairs) {
  std::vector<double> values;
  for (const SvmPair& p : pairs)
    for (const double value : {static_cast<double>(p.first), static_cast<double>(p.second), p.rho, p.sigmoid.slope,
                               p.sigmoid.offset, p.objective, static_cast<double>(p.iterations),
                               static_cast<double>(p.bounded), p.converged ? 1.0 : 0.0})
      values.push_back(value);
  return values;
}

Napi::Object describe(Napi::Env env, const SvmModel& model) {
  auto result = Napi::Object::New(env);
  result.Set("classes", model.classes);
  result.Set("gamma", model.gamma);
  result.Set("probability", model.probability);
  result.Set("support", copied<Napi::Int32Array>(env, model.support));
  result.Set("starts", copied<Napi::Int32Array>(env, model.starts));
  result.Set("coefficients", copied<Napi::Float32Array>(env, model.coefficients));
  result.Set("pairs", copied<Napi::Float64Array>(env, flatten(model.pairs)));
  result.Set("distances", static_cast<double>(model.distances));
  return result;
}

SvmModel parseModel(const Napi::Object& from) {
  SvmModel model;
  model.classes = from.Get("classes").ToNumber().Int32Value();
  model.gamma = numberOf(from, "gamma");
  model.probability = from.Get("probability").ToBoolean();
  model.starts = listed<int32_t, Napi::Int32Array>(from.Get("starts"));
  model.coefficients = listed<float, Napi::Float32Array>(from.Get("coefficients"));
  model.support.resize(static_cast<size_t>(model.starts.back()));
  const auto values = listed<double, Napi::Float64Array>(from.Get("pairs"));
  for (size_t i = 0; i + pairFields <= values.size(); i += pairFields) {
    SvmPair pair;
    pair.first = static_cast<int>(values[i]);
    pair.second = static_cast<int>(values[i + 1]);
    pair.rho = values[i + 2];
    pair.sigmoid = {values[i + 3], values[i + 4]};
    model.pairs.push_back(pair);
  }
  return model;
}

// trainSvm(set, rows, labels, classes, settings[], control): a promise of a model for each.
Napi::Value train(const Napi::CallbackInfo& info) {
  const SetRows rows = readSetRows(info[0], info[1]);
  const auto labels = listed<int32_t, Napi::Int32Array>(info[2]);
  const int classes = info[3].ToNumber().Int32Value();
  std::vector<SvmSettings> settings;
  const auto given = info[4].As<Napi::Array>();
  for (uint32_t i = 0; i < given.Length(); ++i) settings.push_back(parseSettings(given.Get(i).As<Napi::Object>()));
  const auto models = std::make_shared<std::vector<SvmModel>>();
  return Worker::run(
      info.Env(), {info[0].As<Napi::Object>(), info[5].As<Napi::Object>()},
      [rows, labels, classes, settings, models, advance = listenTo(info[5])] {
        *models = trainSvm(SvmPoints(rows.vectors()), labels, classes, settings, advance);
      },
      [models](Napi::Env env) -> Napi::Value {
        auto list = Napi::Array::New(env, models->size());
        for (uint32_t i = 0; i < models->size(); ++i) list.Set(i, describe(env, (*models)[i]));
        return list;
      });
}

// usualSvmGamma(set, rows): a promise of the number.
Napi::Value usual(const Napi::CallbackInfo& info) {
  const auto gamma = std::make_shared<double>(0);
  return Worker::run(
      info.Env(), {info[0].As<Napi::Object>()},
      [rows = readSetRows(info[0], info[1]), gamma] { *gamma = usualGamma(SvmPoints(rows.vectors())); },
      [gamma](Napi::Env env) -> Napi::Value { return Napi::Number::New(env, *gamma); });
}

struct Trained {
  SvmModel model;
  SetRows rows;
  SvmPoints support;
};

// new Svm(model, set, rows): rows[i] is support vector i; sizes are checked on the TypeScript side.
class Svm : public Napi::ObjectWrap<Svm> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Svm", {InstanceMethod<&Svm::predict>("predict"), InstanceMethod<&Svm::predictOne>("predictOne"),
                                    InstanceMethod<&Svm::dispose>("dispose")});
  }

  explicit Svm(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Svm>(info) {
    const SetRows rows = readSetRows(info[1], info[2]);
    trained_ = std::make_shared<Trained>(Trained{parseModel(info[0].As<Napi::Object>()), rows, SvmPoints(rows.vectors())});
    set_ = Napi::Persistent(info[1].As<Napi::Object>());
  }

 private:
  std::shared_ptr<Trained> trained(Napi::Env env) const {
    if (!trained_) throw Napi::TypeError::New(env, "the support vector machine is disposed.");
    return trained_;
  }

  // predict(set, rows, control): a promise of the probabilities.
  Napi::Value predict(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const auto trained = this->trained(env);
    const SetRows queries = readSetRows(info[0], info[1]);
    auto dst = Napi::Float32Array::New(env, queries.rows.size() * static_cast<size_t>(trained->model.classes));
    const auto pinned = std::make_shared<Napi::ObjectReference>(Napi::Persistent(dst.As<Napi::Object>()));
    return Worker::run(
        env, {info.This().As<Napi::Object>(), info[0].As<Napi::Object>(), info[2].As<Napi::Object>()},
        [=, out = dst.Data(), advance = listenTo(info[2])] {
          predictSvm(trained->model, trained->support, queries.vectors().rows, out, advance);
        },
        [pinned](Napi::Env) -> Napi::Value { return pinned->Value(); });
  }

  // predictOne(numbers): probabilities of one vector, on this thread.
  Napi::Value predictOne(const Napi::CallbackInfo& info) {
    const auto trained = this->trained(info.Env());
    const auto numbers = info[0].As<Napi::TypedArray>();
    const void* row = static_cast<const uint8_t*>(numbers.ArrayBuffer().Data()) + numbers.ByteOffset();
    auto dst = Napi::Float32Array::New(info.Env(), static_cast<size_t>(trained->model.classes));
    const WorkAlone alone;
    predictSvm(trained->model, trained->support, {row}, dst.Data(), [](int64_t, int64_t) {});
    return dst;
  }

  void dispose(const Napi::CallbackInfo&) {
    trained_.reset();
    set_.Reset();
  }

  std::shared_ptr<Trained> trained_;
  Napi::ObjectReference set_;
};

}  // namespace

void registerSvm(Napi::Env env, Napi::Object exports) {
  exports.Set("trainSvm", Napi::Function::New(env, train, "trainSvm"));
  exports.Set("usualSvmGamma", Napi::Function::New(env, usual, "usualSvmGamma"));
  exports.Set("Svm", Svm::define(env));
}

}  // namespace brightcell::bindings
