// The network's face. src/engine/network.ts checks every argument and serialises the calls; here they are only
// translated. A NativeNetwork is alive until it is collected and no work uses it: work holds the core by shared_ptr.
#include <stdexcept>
#include <string>

#include "bindings/image_set.h"
#include "bindings/network_spec.h"
#include "bindings/register.h"
#include "bindings/worker.h"
#include "core/input.h"
#include "core/instruction_set.h"
#include "core/network.h"
#include "core/parallel.h"

namespace brightcell::bindings {
namespace {

// Rows of an image set on their way into a network; copied, so that JavaScript may go on with its arrays.
struct Rows {
  std::shared_ptr<const Images> images;
  std::vector<int32_t> rows;
  InputTransform transform;
  Augmentation augmentation;
  uint64_t seed;
  std::vector<Light> light;

  ImageView view(int64_t index) const { return lit(images->view(rows[index]), light, index); }

  ImageSource source() const {
    ImageSource source;
    source.count = static_cast<int64_t>(rows.size());
    source.scratchFloats = source.count > 0 ? loadScratchSize(images->view(rows[0])) : 0;
    source.load = [this](int64_t index, float* dst, float* scratch) {
      loadImage(view(index), transform, imageSeed(seed, index), dst, scratch);
    };
    if (source.count > 0 && canStayStored(images->view(rows[0]), transform))
      source.stored = [this](int64_t index) { return loadStored(view(index), transform.normalisation); };
    return source;
  }
};

std::shared_ptr<Rows> readRows(const Napi::Object& input) {
  auto rows = std::make_shared<Rows>();
  rows->images = ImageSet::unwrap(input.Get("images"));
  const auto indices = input.Get("rows").As<Napi::Int32Array>();
  rows->rows.assign(indices.Data(), indices.Data() + indices.ElementLength());
  rows->transform.normalisation = parseNormalisation(input.Get("normalisation"));
  if (input.Get("augmentation").IsObject()) {
    rows->augmentation = parseAugmentation(input.Get("augmentation").As<Napi::Object>());
    rows->transform.augmentation = &rows->augmentation;
    rows->transform.others = static_cast<int64_t>(rows->rows.size());
    rows->transform.other = [own = rows.get()](int64_t position) { return own->view(position); };
  }
  rows->seed = static_cast<uint64_t>(number(input, "seed"));
  rows->light = readLight(input.Get("light"));
  return rows;
}

struct OneImage {
  ImageView view;
  InputTransform transform;

  ImageSource source() const {
    ImageSource source{1, loadScratchSize(view),
                       [this](int64_t, float* dst, float* scratch) { loadImage(view, transform, 0, dst, scratch); }};
    if (canStayStored(view, transform))
      source.stored = [this](int64_t) { return loadStored(view, transform.normalisation); };
    return source;
  }
};

PixelType pixelTypeOf(const Napi::TypedArray& pixels) {
  if (pixels.TypedArrayType() == napi_uint8_array) return PixelType::uint8;
  return pixels.TypedArrayType() == napi_uint16_array ? PixelType::uint16 : PixelType::float32;
}

template <typename Make>
Napi::Array listOf(Napi::Env env, size_t count, Make make) {
  auto list = Napi::Array::New(env, count);
  for (size_t i = 0; i < count; ++i) list.Set(static_cast<uint32_t>(i), make(i));
  return list;
}

Napi::Array numbersOf(Napi::Env env, const double (&values)[3]) {
  return listOf(env, 3, [&](size_t i) { return Napi::Number::New(env, values[i]); });
}

Napi::Value describe(Napi::Env env, Network& network, const Profile& profile) {
  const auto training = network.blocks(true), inference = network.blocks(false);
  auto object = Napi::Object::New(env);
  object.Set("blocks", listOf(env, training.size(), [&](size_t i) {
               const std::string ways[3] = {training[i].ways.forward, training[i].ways.backward,
                                            inference[i].ways.forward};
               auto block = Napi::Object::New(env);
               block.Set("layer", static_cast<double>(training[i].first));
               block.Set("layers", static_cast<double>(training[i].count));
               block.Set("ways", listOf(env, 3, [&](size_t way) { return Napi::String::New(env, ways[way]); }));
               block.Set("seconds", numbersOf(env, profile.blocks[i].seconds));
               return block;
             }));
  object.Set("loading", numbersOf(env, profile.loading));
  object.Set("total", numbersOf(env, profile.total));
  return object;
}

// A step of training, with the arrays that it points at.
struct Step {
  std::shared_ptr<Rows> rows;
  std::shared_ptr<std::vector<int32_t>> labels;
  TrainStep step;
};

Step readStep(const Napi::Object& input) {
  auto rows = readRows(input);
  const auto array = input.Get("labels").As<Napi::Int32Array>();
  auto labels = std::make_shared<std::vector<int32_t>>(array.Data(), array.Data() + array.ElementLength());
  TrainStep step;
  step.labels = labels->data();
  step.loss = readLoss(input.Get("loss").As<Napi::Object>());
  step.optimiser = readOptimiser(input.Get("optimiser").As<Napi::Object>());
  step.learningRate = number(input, "learningRate");
  step.clipNorm = number(input, "clipNorm");
  step.seed = rows->seed;
  step.reconstructionWeight = number(input, "reconstructionWeight", 1);
  return {rows, labels, step};
}

class NativeNetwork : public Napi::ObjectWrap<NativeNetwork> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "NativeNetwork",
                       {InstanceMethod<&NativeNetwork::trainStep>("trainStep"),
                        InstanceMethod<&NativeNetwork::predict>("predict"),
                        InstanceMethod<&NativeNetwork::classify>("classify"),
                        InstanceMethod<&NativeNetwork::profile>("profile"),
                        InstanceMethod<&NativeNetwork::activations>("activations"),
                        InstanceMethod<&NativeNetwork::predictWith>("predictWith"),
                        InstanceMethod<&NativeNetwork::activationsOfOne>("activationsOfOne"),
                        InstanceMethod<&NativeNetwork::lookBack>("lookBack"),
                        InstanceMethod<&NativeNetwork::reconstruct>("reconstruct"),
                        InstanceMethod<&NativeNetwork::tensors>("tensors"),
                        InstanceMethod<&NativeNetwork::write>("write"),
                        InstanceMethod<&NativeNetwork::parameterCount>("parameterCount"),
                        InstanceMethod<&NativeNetwork::dispose>("dispose")});
  }

  // (input Int32Array [C, H, W], layers, seed, initialiser, precision, decoder { from, layers } or undefined)
  explicit NativeNetwork(const Napi::CallbackInfo& info) : Napi::ObjectWrap<NativeNetwork>(info) {
    const auto input = info[0].As<Napi::Int32Array>();
    try {
      core_ = std::make_shared<Network>(Shape{input[0], input[1], input[2]}, readLayers(info[1]),
                                        static_cast<uint64_t>(info[2].As<Napi::Number>().DoubleValue()),
                                        readInitialiser(info[3].As<Napi::Object>()),
                                        choose<Precision>(info[4].ToString().Utf8Value(),
                                                          {{"float32", Precision::float32},
                                                           {"bfloat16", Precision::bfloat16}}),
                                        readDecoder(info[5]));
    } catch (const std::exception& error) {
      throw Napi::Error::New(info.Env(), error.what());
    }
  }

 private:
  Napi::Value trainStep(const Napi::CallbackInfo& info) {
    const auto [rows, labels, step] = readStep(info[0].As<Napi::Object>());
    auto result = std::make_shared<StepResult>();
    const auto work = [core = core_, rows = rows, labels = labels, step = step, result] {
      *result = core->trainStep(rows->source(), step);
    };
    return Worker::run(info.Env(), keep(info), work,
                       [result](Napi::Env env) -> Napi::Value {
                         auto object = Napi::Object::New(env);
                         object.Set("loss", result->loss);
                         object.Set("reconstructionLoss", result->reconstructionLoss);
                         object.Set("correct", static_cast<double>(result->correct));
                         object.Set("gradientNorm", result->gradientNorm);
                         object.Set("finite", result->finite);
                         return object;
                       });
  }

  // One step of training and one prediction with a clock at every block. Gives { blocks: [{ layer, layers, ways,
  // seconds }], loading, total }; ways and seconds in the order forward, backward, inference.
  Napi::Value profile(const Napi::CallbackInfo& info) {
    const auto [rows, labels, step] = readStep(info[0].As<Napi::Object>());
    auto profile = std::make_shared<Profile>();
    const auto work = [core = core_, rows = rows, labels = labels, step = step, profile] {
      std::vector<float> probabilities(rows->rows.size() * core->classes());
      core->watch(profile.get());
      try {
        {
          const Stopwatch watch(&profile->total[Profile::forward]);
          core->trainStep(rows->source(), step);
        }
        const Stopwatch watch(&profile->total[Profile::inference]);
        core->predict(rows->source(), probabilities.data());
      } catch (...) {
        core->watch(nullptr);
        throw;
      }
      core->watch(nullptr);
    };
    return Worker::run(info.Env(), keep(info), work, [core = core_, profile](Napi::Env env) -> Napi::Value {
      return describe(env, *core, *profile);
    });
  }

  Napi::Value predict(const Napi::CallbackInfo& info) {
    return infer(info, core_->classes(), [](Network& core, const ImageSource& source, float* dst) {
      core.predict(source, dst);
    });
  }

  // (pixels of one image [C, H, W], normalisation, Float32Array of K): at once, on the calling thread alone.
  void classify(const Napi::CallbackInfo& info) {
    inferOne(info, info[2], [](Network& core, const ImageSource& source, float* dst) { core.predict(source, dst); });
  }

  // (pixels of one image [C, H, W], normalisation, layer as in activations, Float32Array of its size): at once, on the
  // calling thread alone.
  void activationsOfOne(const Napi::CallbackInfo& info) {
    const int layer = info[2].As<Napi::Number>().Int32Value();
    inferOne(info, info[3],
             [layer](Network& core, const ImageSource& source, float* dst) { core.activations(source, layer, dst); });
  }

  template <typename Run>
  void inferOne(const Napi::CallbackInfo& info, const Napi::Value& dst, Run run) {
    const auto pixels = info[0].As<Napi::TypedArray>();
    const auto bytes = static_cast<const uint8_t*>(pixels.ArrayBuffer().Data()) + pixels.ByteOffset();
    const Shape shape = core_->input();
    OneImage image{{bytes, pixelTypeOf(pixels), shape.channels, shape.height, shape.width}, {}};
    image.transform.normalisation = parseNormalisation(info[1]);
    const WorkAlone alone;
    try {
      run(*core_, image.source(), dst.As<Napi::Float32Array>().Data());
    } catch (const std::exception& error) {
      throw Napi::Error::New(info.Env(), error.what());
    }
  }

  // (input, layer; -1 for the network's input)
  Napi::Value activations(const Napi::CallbackInfo& info) {
    const int layer = info[1].As<Napi::Number>().Int32Value();
    return infer(info, layer < 0 ? core_->input().size() : core_->outputShapes()[layer].size(),
                 [layer](Network& core, const ImageSource& source, float* dst) { core.activations(source, layer, dst); });
  }

  // (input, layer as in activations, before the last) -> { probabilities, activations }
  Napi::Value predictWith(const Napi::CallbackInfo& info) {
    const int layer = info[1].As<Napi::Number>().Int32Value();
    const Shape shape = layer < 0 ? core_->input() : core_->outputShapes()[layer];
    const auto rows = readRows(info[0].As<Napi::Object>());
    auto result = Napi::Object::New(info.Env());
    float* probabilities = addNumbers(result, "probabilities", rows->rows.size(), core_->classes());
    float* activations = addNumbers(result, "activations", rows->rows.size(), shape.size());
    auto kept = std::make_shared<Napi::ObjectReference>(Napi::Persistent(result));
    return Worker::run(info.Env(), keep(info),
                       [core = core_, rows, layer, probabilities, activations] {
                         core->predictWith(rows->source(), layer, probabilities, activations);
                       },
                       [kept](Napi::Env) -> Napi::Value { return kept->Value(); });
  }

  // (input, layer or -1, Int32Array of classes, 'logit' | 'probability') -> { activations, gradients, logits }
  Napi::Value lookBack(const Napi::CallbackInfo& info) {
    const auto rows = readRows(info[0].As<Napi::Object>());
    const auto array = info[2].As<Napi::Int32Array>();
    const auto targets =
        std::make_shared<std::vector<int32_t>>(array.Data(), array.Data() + array.ElementLength());
    LookBack look;
    look.layer = info[1].As<Napi::Number>().Int32Value();
    look.targets = targets->data();
    look.kind = choose<ScoreKind>(info[3].ToString().Utf8Value(),
                                  {{"logit", ScoreKind::logit}, {"probability", ScoreKind::probability}});
    const Shape shape = look.layer < 0 ? core_->input() : core_->outputShapes()[look.layer];
    auto result = Napi::Object::New(info.Env());
    const size_t count = rows->rows.size();
    look.activations = addNumbers(result, "activations", count, shape.size());
    look.gradients = addNumbers(result, "gradients", count, shape.size());
    look.logits = addNumbers(result, "logits", count, core_->classes());
    auto kept = std::make_shared<Napi::ObjectReference>(Napi::Persistent(result));
    return Worker::run(info.Env(), keep(info),
                       [core = core_, rows, targets, look] { core->lookBack(rows->source(), look); },
                       [kept](Napi::Env) -> Napi::Value { return kept->Value(); });
  }

  Napi::Value reconstruct(const Napi::CallbackInfo& info) {
    return infer(info, core_->input().size(), [](Network& core, const ImageSource& source, float* dst) {
      core.reconstruct(source, dst);
    });
  }

  // An array of a result, which keeps it alive; where its numbers go.
  static float* addNumbers(Napi::Object& result, const char* name, size_t images, int64_t floatsEach) {
    auto numbers = Napi::Float32Array::New(result.Env(), images * static_cast<size_t>(floatsEach));
    result.Set(name, numbers);
    return numbers.Data();
  }

  static std::vector<Napi::Object> keep(const Napi::CallbackInfo& info) {
    return {info.This().As<Napi::Object>(), info[0].As<Napi::Object>().Get("images").As<Napi::Object>()};
  }

  template <typename Run>
  Napi::Value infer(const Napi::CallbackInfo& info, int64_t floatsEach, Run run) {
    const auto input = info[0].As<Napi::Object>();
    auto rows = readRows(input);
    auto result = Napi::Float32Array::New(info.Env(), rows->rows.size() * static_cast<size_t>(floatsEach));
    float* dst = result.Data();
    auto kept = std::make_shared<Napi::ObjectReference>(Napi::Persistent(result.As<Napi::Object>()));
    return Worker::run(info.Env(), keep(info),
                       [core = core_, rows, run, dst] { run(*core, rows->source(), dst); },
                       [kept](Napi::Env) -> Napi::Value { return kept->Value(); });
  }

  // (moments: boolean) -> [{ name, shape, data }]
  Napi::Value tensors(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    auto list = Napi::Array::New(env);
    uint32_t at = 0;
    for (const NamedArray& array : core_->arrays(info[0].ToBoolean())) {
      auto shape = Napi::Array::New(env);
      size_t size = 1;
      for (size_t i = 0; i < array.shape.size(); ++i) {
        shape.Set(static_cast<uint32_t>(i), static_cast<double>(array.shape[i]));
        size *= static_cast<size_t>(array.shape[i]);
      }
      auto data = Napi::Float32Array::New(env, size);
      core_->read(array, data.Data());
      auto object = Napi::Object::New(env);
      object.Set("name", array.name);
      object.Set("shape", shape);
      object.Set("data", data);
      list.Set(at++, object);
    }
    return list;
  }

  // (data by name, moments: 'none' | 'adam' | 'sgd'); every array must be there, of its length.
  void write(const Napi::CallbackInfo& info) {
    const auto data = info[0].As<Napi::Object>();
    const auto moments = choose<Network::Moments>(info[1].ToString().Utf8Value(),
                                                  {{"none", Network::Moments::none},
                                                   {"adam", Network::Moments::adam},
                                                   {"sgd", Network::Moments::sgd}});
    core_->resetMoments(moments);
    for (const NamedArray& array : core_->arrays(true))
      core_->write(array, data.Get(array.name).As<Napi::Float32Array>().Data());
    core_->finishWriting();
  }

  Napi::Value parameterCount(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(core_->parameterCount()));
  }

  void dispose(const Napi::CallbackInfo&) { core_.reset(); }

  std::shared_ptr<Network> core_;
};

}  // namespace

void registerNetwork(Napi::Env env, Napi::Object exports) {
  exports.Set("NativeNetwork", NativeNetwork::define(env));
  exports.Set("setThreads", Napi::Function::New(env, [](const Napi::CallbackInfo& info) {
                setThreads(info[0].As<Napi::Number>().Int32Value());
              }));
  exports.Set("getThreads", Napi::Function::New(env, [](const Napi::CallbackInfo& info) -> Napi::Value {
                return Napi::Number::New(info.Env(), threads());
              }));
  exports.Set("instructionSets", Napi::Function::New(env, [](const Napi::CallbackInfo& info) -> Napi::Value {
                auto names = Napi::Array::New(info.Env());
                uint32_t at = 0;
                for (const Kernels* set : availableKernels()) names.Set(at++, set->name);
                return names;
              }));
  exports.Set("hasBfloat16", Napi::Function::New(env, [](const Napi::CallbackInfo& info) -> Napi::Value {
                return Napi::Boolean::New(info.Env(), kernels().bfloat16);
              }));
  exports.Set("instructionSet", Napi::Function::New(env, [](const Napi::CallbackInfo& info) -> Napi::Value {
                try {
                  return Napi::String::New(info.Env(), kernels().name);
                } catch (const std::exception& error) {
                  throw Napi::Error::New(info.Env(), error.what());
                }
              }));
}

}  // namespace brightcell::bindings
