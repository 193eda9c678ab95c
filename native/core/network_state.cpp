// What a network keeps: its parameters, the optimiser's moments and the step count, by name and in the outside's order.
#include "core/network_plan.h"

namespace brightcell {

void Network::addParameters(size_t index, Shape source) {
  const Layer& layer = layers_[index];
  if (layer.kind == LayerKind::conv) {
    const Window& w = layer.window;
    Parameter* weights = addParameter(index, "weights", ParameterKind::weights,
                                      {layer.units, source.channels, w.height, w.width}, layer.units,
                                      {source.channels, w.height, w.width});
    weights->fanIn = weights->layout.size();
    weights->fanOut = static_cast<int64_t>(layer.units) * w.area();
  } else if (layer.kind == LayerKind::dense) {
    Parameter* weights =
        addParameter(index, "weights", ParameterKind::weights, {layer.units, source.size()}, layer.units, source);
    weights->fanIn = source.size();
    weights->fanOut = layer.units;
  } else if (layer.kind == LayerKind::batchNorm) {
    const int64_t channels = source.channels;
    addParameter(index, "gamma", ParameterKind::scale, {channels}, channels, {1, 1, 1});
    addParameter(index, "beta", ParameterKind::shift, {channels}, channels, {1, 1, 1});
    addParameter(index, "runningMean", ParameterKind::statistic, {channels}, channels, {1, 1, 1});
    addParameter(index, "runningVariance", ParameterKind::statistic, {channels}, channels, {1, 1, 1});
    return;
  } else {
    return;
  }
  if (layer.bias) addParameter(index, "bias", ParameterKind::bias, {layer.units}, layer.units, {1, 1, 1});
}

Parameter* Network::addParameter(size_t layer, const char* what, ParameterKind kind, std::vector<int64_t> shape,
                                 int64_t outer, Shape layout) {
  auto parameter = std::make_unique<Parameter>();
  parameter->name = layerName(layer) + "." + layers_[layer].type + "." + what;
  parameter->shape = std::move(shape);
  parameter->kind = kind;
  parameter->outer = outer;
  parameter->layout = layout;
  parameters_.push_back(std::move(parameter));
  return parameters_.back().get();
}

Parameter* Network::parameter(size_t layer, const char* what) {
  const std::string name = layerName(layer) + "." + layers_[layer].type + "." + what;
  for (auto& p : parameters_)
    if (p->name == name) return p.get();
  return nullptr;
}

std::string Network::layerName(size_t layer) const {
  if (layer < depth_) return std::to_string(layer);
  std::string name = "decoder.";
  return name += std::to_string(layer - depth_);
}

int64_t Network::parameterCount() const {
  int64_t count = 0;
  for (const auto& p : parameters_) count += p->trained() ? p->size() : 0;
  return count;
}

std::vector<Parameter*> Network::trainedParameters() {
  std::vector<Parameter*> trained;
  for (auto& p : parameters_)
    if (p->trained()) trained.push_back(p.get());
  return trained;
}

std::vector<NamedArray> Network::arrays(bool moments) {
  std::vector<NamedArray> result;
  for (auto& p : parameters_) result.push_back({p->name, p->shape, p.get(), &p->value});
  if (!moments || moments_ == Moments::none) return result;
  steps_.data()[0] = static_cast<float>(step_);
  const bool adam = moments_ == Moments::adam;
  result.push_back({adam ? "optimiser.adam.step" : "optimiser.sgd.step", {1}, nullptr, &steps_});
  for (auto& p : parameters_) {
    if (!p->trained()) continue;
    result.push_back({p->name + (adam ? ".adam.m" : ".sgd.velocity"), p->shape, p.get(), &p->moment1});
    if (adam) result.push_back({p->name + ".adam.v", p->shape, p.get(), &p->moment2});
  }
  return result;
}

void Network::read(const NamedArray& array, float* dst) const {
  const float* src = array.values->data();
  if (array.parameter == nullptr) {
    dst[0] = src[0];
    return;
  }
  const int64_t size = array.parameter->layout.size();
  for (int64_t i = 0; i < array.parameter->outer; ++i)
    toChannelsFirst(src + i * size, array.parameter->layout, dst + i * size);
}

void Network::write(const NamedArray& array, const float* src) const {
  float* dst = array.values->data();
  if (array.parameter == nullptr) {
    dst[0] = src[0];
    return;
  }
  ++array.parameter->version;
  const int64_t size = array.parameter->layout.size();
  for (int64_t i = 0; i < array.parameter->outer; ++i)
    toChannelsLast(src + i * size, array.parameter->layout, dst + i * size);
}

void Network::resetMoments(Moments moments) {
  moments_ = moments;
  step_ = 0;
  steps_.data()[0] = 0;
  for (Parameter* p : trainedParameters()) {
    p->moment1 = moments == Moments::none ? Buffer<float>() : Buffer<float>(p->size());
    p->moment2 = moments == Moments::adam ? Buffer<float>(p->size()) : Buffer<float>();
    if (!p->moment1.empty()) p->moment1.zeroed(p->size());
    if (!p->moment2.empty()) p->moment2.zeroed(p->size());
  }
}

void Network::finishWriting() { step_ = static_cast<int64_t>(steps_.data()[0]); }

}  // namespace brightcell
