#include "bindings/network_spec.h"

namespace brightcell::bindings {
namespace {

Layer readLayer(const Napi::Object& object) {
  Layer layer{};
  layer.type = text(object, "type");
  layer.kind = choose<LayerKind>(layer.type, {{"conv", LayerKind::conv},
                                              {"maxPool", LayerKind::maxPool},
                                              {"averagePool", LayerKind::averagePool},
                                              {"batchNorm", LayerKind::batchNorm},
                                              {"dense", LayerKind::dense},
                                              {"dropout", LayerKind::dropout},
                                              {"relu", LayerKind::activation},
                                              {"tanh", LayerKind::activation},
                                              {"scaledTanh", LayerKind::activation},
                                              {"sigmoid", LayerKind::activation},
                                              {"upsample", LayerKind::upsample},
                                              {"reshape", LayerKind::reshape}});
  if (layer.kind == LayerKind::activation)
    layer.activation = choose<Activation>(layer.type, {{"relu", Activation::relu},
                                                       {"tanh", Activation::tanh},
                                                       {"scaledTanh", Activation::scaledTanh},
                                                       {"sigmoid", Activation::sigmoid}});
  layer.units = static_cast<int>(number(object, "units"));
  layer.bias = flag(object, "bias");
  layer.decay = number(object, "decay");
  layer.epsilon = number(object, "epsilon");
  layer.rate = number(object, "rate");
  if (object.Get("window").IsTypedArray()) {
    const auto w = object.Get("window").As<Napi::Int32Array>();
    layer.window = {w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]};
  }
  if (object.Get("times").IsTypedArray()) {
    const auto times = object.Get("times").As<Napi::Int32Array>();
    layer.window.height = times[0];
    layer.window.width = times[1];
  }
  if (object.Get("shape").IsTypedArray()) {
    const auto shape = object.Get("shape").As<Napi::Int32Array>();
    layer.shape = {shape[0], shape[1], shape[2]};
  }
  return layer;
}

}  // namespace

double number(const Napi::Object& object, const char* name, double fallback) {
  const Napi::Value value = object.Get(name);
  return value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : fallback;
}

bool flag(const Napi::Object& object, const char* name) { return object.Get(name).ToBoolean(); }

std::string text(const Napi::Object& object, const char* name) { return object.Get(name).ToString().Utf8Value(); }

std::vector<Layer> readLayers(const Napi::Value& value) {
  const auto list = value.As<Napi::Array>();
  std::vector<Layer> layers;
  for (uint32_t i = 0; i < list.Length(); ++i) layers.push_back(readLayer(list.Get(i).As<Napi::Object>()));
  return layers;
}

Decoder readDecoder(const Napi::Value& value) {
  if (!value.IsObject()) return {};
  const auto object = value.As<Napi::Object>();
  return {static_cast<size_t>(number(object, "from")), readLayers(object.Get("layers"))};
}

Initialiser readInitialiser(const Napi::Object& object) {
  const auto kind = choose<InitialiserKind>(text(object, "name"), {{"glorotUniform", InitialiserKind::glorotUniform},
                                                                   {"heNormal", InitialiserKind::heNormal},
                                                                   {"truncatedNormal", InitialiserKind::truncatedNormal}});
  return {kind, number(object, "deviation"), number(object, "bias")};
}

Loss readLoss(const Napi::Object& object) {
  const auto kind = choose<LossKind>(text(object, "name"), {{"crossEntropy", LossKind::crossEntropy},
                                                            {"doubleSoftmax", LossKind::doubleSoftmax},
                                                            {"meanSquaredError", LossKind::meanSquaredError},
                                                            {"focal", LossKind::focal}});
  return {kind, number(object, "labelSmoothing"), number(object, "gamma")};
}

Optimiser readOptimiser(const Napi::Object& object) {
  const auto kind = choose<OptimiserKind>(
      text(object, "name"), {{"adam", OptimiserKind::adam}, {"adamw", OptimiserKind::adamw}, {"sgd", OptimiserKind::sgd}});
  return {kind, number(object, "beta1"), number(object, "beta2"), number(object, "epsilon"),
          number(object, "weightDecay"), number(object, "momentum"), flag(object, "nesterov")};
}

}  // namespace brightcell::bindings
