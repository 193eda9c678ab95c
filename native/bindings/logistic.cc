// NativeLogistic for JavaScript: a trainer, its model and the classifier made of it. src/engine/logistic.ts checks every
// argument. Work holds what it uses by shared_ptr, so disposing while it runs is harmless.
#include "core/logistic.h"

#include <cmath>
#include <stdexcept>

#include "bindings/register.h"
#include "bindings/vector_classifier.h"

namespace brightcell::bindings {
namespace {

std::vector<float> numbersOf(const Napi::Object& tables, const char* name, size_t count) {
  const auto array = tables.Get(name).As<Napi::Float32Array>();
  if (array.ElementLength() != count) throw std::invalid_argument("its tables do not fit each other");
  for (size_t i = 0; i < count; ++i)
    if (!std::isfinite(array[i])) throw std::invalid_argument("a number is not finite");
  return {array.Data(), array.Data() + count};
}

LogisticModel readModel(size_t features, int classes, const Napi::Object& tables) {
  return {static_cast<int64_t>(features),
          classes,
          numbersOf(tables, "mean", features),
          numbersOf(tables, "scale", features),
          numbersOf(tables, "coefficients", features * static_cast<size_t>(classes)),
          numbersOf(tables, "intercepts", static_cast<size_t>(classes))};
}

class NativeLogistic : public Napi::ObjectWrap<NativeLogistic> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "NativeLogistic",
                       {InstanceMethod<&NativeLogistic::open>("open"), InstanceMethod<&NativeLogistic::fit>("fit"),
                        InstanceMethod<&NativeLogistic::load>("load"), InstanceMethod<&NativeLogistic::tables>("tables"),
                        InstanceMethod<&NativeLogistic::predict>("predict"),
                        InstanceMethod<&NativeLogistic::predictOne>("predictOne"),
                        InstanceMethod<&NativeLogistic::dispose>("dispose")});
  }

  explicit NativeLogistic(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<NativeLogistic>(info), state_(std::make_shared<State>()) {}

 private:
  struct State {
    std::shared_ptr<const Images> images;  // that the trainer reads
    std::unique_ptr<LogisticTrainer> trainer;
    LogisticModel model;
    std::unique_ptr<LogisticClassifier> classifier;

    void use(LogisticModel next) {
      model = std::move(next);
      classifier = std::make_unique<LogisticClassifier>(model);
    }
  };

  // open(set, rows, labels, classWeights, watch): measures the vectors; set must be kept open while fitting goes on.
  Napi::Value open(const Napi::CallbackInfo& info) {
    const auto rows = readSetRows(info[0], info[1]);
    const auto labels = info[2].As<Napi::Int32Array>();
    const auto weights = info[3].As<Napi::Float64Array>();
    images_ = Napi::Persistent(info[0].As<Napi::Object>());
    state_->images = rows.images;
    return Worker::run(
        info.Env(), {Value(), labels.As<Napi::Object>(), info[4].As<Napi::Object>()},
        [rows, state = state_, watch = readWatch(info[4]), label = labels.Data(),
         weight = std::vector<double>(weights.Data(), weights.Data() + weights.ElementLength())] {
          state->trainer = std::make_unique<LogisticTrainer>(rows.vectors(), label, weight, *watch);
        },
        [](Napi::Env env) -> Napi::Value { return env.Undefined(); });
  }

  // fit(C, tolerance, iterations, watch): goes on from where the last C led to; a promise of what was reached.
  Napi::Value fit(const Napi::CallbackInfo& info) {
    const double C = info[0].ToNumber().DoubleValue();
    const Minimisation settings{info[1].ToNumber().DoubleValue(), info[2].ToNumber().Int32Value()};
    auto minimum = std::make_shared<Minimum>();
    return Worker::run(
        info.Env(), {Value(), images_.Value(), info[3].As<Napi::Object>()},
        [=, state = state_, watch = readWatch(info[3])] {
          *minimum = state->trainer->fit(C, settings, *watch);
          state->use(state->trainer->model());
        },
        [minimum](Napi::Env env) -> Napi::Value {
          auto object = Napi::Object::New(env);
          object.Set("loss", minimum->value);
          object.Set("gradient", minimum->gradient);
          object.Set("iterations", minimum->iterations);
          object.Set("evaluations", minimum->evaluations);
          object.Set("converged", minimum->converged);
          return object;
        });
  }

  // load(features, classes, tables): throws an Error that says what is wrong with them.
  void load(const Napi::CallbackInfo& info) {
    try {
      const auto features = static_cast<size_t>(info[0].ToNumber().Int64Value());
      state_->use(readModel(features, info[1].ToNumber().Int32Value(), info[2].As<Napi::Object>()));
    } catch (const std::exception& error) {
      throw Napi::Error::New(info.Env(), error.what());
    }
  }

  Napi::Value tables(const Napi::CallbackInfo& info) {
    const LogisticModel& model = state_->model;
    auto object = Napi::Object::New(info.Env());
    object.Set("mean", arrayOf(info.Env(), model.mean));
    object.Set("scale", arrayOf(info.Env(), model.scale));
    object.Set("coefficients", arrayOf(info.Env(), model.coefficients));
    object.Set("intercepts", arrayOf(info.Env(), model.intercepts));
    return object;
  }

  Napi::Value predict(const Napi::CallbackInfo& info) { return predictMany(info, state_->model.classes, predictor()); }

  Napi::Value predictOne(const Napi::CallbackInfo& info) {
    return bindings::predictOne(info, state_->model.classes, predictor());
  }

  PredictVectors predictor() const {
    return [state = state_](const VectorRows& vectors, float* dst, const Watch& watch) {
      state->classifier->predict(vectors, dst, watch);
    };
  }

  void dispose(const Napi::CallbackInfo&) {
    state_ = std::make_shared<State>();
    images_.Reset();
  }

  std::shared_ptr<State> state_;
  Napi::ObjectReference images_;
};

}  // namespace

void registerLogistic(Napi::Env env, Napi::Object exports) {
  exports.Set("NativeLogistic", NativeLogistic::define(env));
}

}  // namespace brightcell::bindings
