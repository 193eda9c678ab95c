// Random layers, images and weights for the tests, and the two ways through them: the engine and the twins.
#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include "core/network.h"
#include "core/random.h"
#include "reference/network.h"

namespace brightcell::test {

struct Case {
  Shape input;
  std::vector<Layer> layers;
  Decoder decoder;
  int64_t count = 0;
  std::vector<float> pixels;  // [N, C, H, W]
  std::vector<int32_t> labels;
};

inline Layer layerOf(LayerKind kind, const char* type) {
  Layer layer{};
  layer.kind = kind;
  layer.type = type;
  return layer;
}

inline Layer activationLayer(Activation kind) {
  Layer layer = layerOf(LayerKind::activation, kind == Activation::relu   ? "relu"
                                               : kind == Activation::tanh ? "tanh"
                                               : kind == Activation::sigmoid ? "sigmoid"
                                                                             : "scaledTanh");
  layer.activation = kind;
  return layer;
}

inline Layer denseLayer(int units, bool bias = true) {
  Layer layer = layerOf(LayerKind::dense, "dense");
  layer.units = units;
  layer.bias = bias;
  return layer;
}

class Draw {
 public:
  explicit Draw(uint64_t seed) : random_(seed) {}
  int between(int low, int high) { return low + static_cast<int>(random_.below(high - low + 1)); }
  bool coin() { return random_.below(2) == 1; }
  double normal() { return random_.normal(); }

  // A window of at most `most` a side that fits a map of h x w.
  Window window(int h, int w, int most, int mostStride) {
    Window window;
    window.height = between(1, std::min(most, h));
    window.width = between(1, std::min(most, w));
    window.strideY = between(1, mostStride);
    window.strideX = between(1, mostStride);
    window.top = between(0, window.height - 1);
    window.bottom = between(0, window.height - 1);
    window.left = between(0, window.width - 1);
    window.right = between(0, window.width - 1);
    return window;
  }

  Layer layer(LayerKind kind, Shape s) {
    switch (kind) {
      case LayerKind::conv: {
        Layer layer = layerOf(kind, "conv");
        layer.units = between(1, 40);
        layer.window = window(s.height, s.width, 7, 3);
        layer.bias = coin();
        return layer;
      }
      case LayerKind::maxPool:
      case LayerKind::averagePool: {
        Layer layer = layerOf(kind, kind == LayerKind::maxPool ? "maxPool" : "averagePool");
        layer.window = window(s.height, s.width, 3, 3);
        return layer;
      }
      case LayerKind::dropout: {
        Layer layer = layerOf(kind, "dropout");
        layer.rate = 0.3;
        return layer;
      }
      case LayerKind::upsample: {
        Layer layer = layerOf(kind, "upsample");
        layer.window.height = between(1, 3);
        layer.window.width = between(1, 3);
        return layer;
      }
      case LayerKind::reshape: {
        Layer layer = layerOf(kind, "reshape");
        layer.shape = {s.width, s.channels, s.height};
        return layer;
      }
      case LayerKind::batchNorm: return layerOf(kind, "batchNorm");
      case LayerKind::dense: return denseLayer(between(1, 70), coin());
      default: return activationLayer(static_cast<Activation>(between(1, 4)));
    }
  }

 private:
  Random random_;
};

inline Shape shapeAfter(const Layer& layer, Shape s) {
  if (layer.kind == LayerKind::dense) return {layer.units, 1, 1};
  if (layer.kind == LayerKind::reshape) return layer.shape;
  if (layer.kind == LayerKind::upsample)
    return {s.channels, s.height * layer.window.height, s.width * layer.window.width};
  if (layer.kind != LayerKind::conv && layer.kind != LayerKind::maxPool && layer.kind != LayerKind::averagePool)
    return s;
  return {layer.kind == LayerKind::conv ? layer.units : s.channels, layer.window.outputHeight(s.height),
          layer.window.outputWidth(s.width)};
}

// Layers of the given kinds on a random input, with a dense layer of a few classes at the end.
inline Case randomCase(uint64_t seed, const std::vector<LayerKind>& kinds) {
  Draw draw(seed);
  Case c;
  c.input = {draw.between(1, 3), draw.between(5, 15), draw.between(5, 15)};
  c.count = draw.between(2, 21);
  Shape shape = c.input;
  for (const LayerKind kind : kinds) {
    c.layers.push_back(draw.layer(kind, shape));
    shape = shapeAfter(c.layers.back(), shape);
  }
  c.layers.push_back(denseLayer(draw.between(2, 6)));
  for (int64_t i = 0; i < c.count * c.input.size(); ++i) c.pixels.push_back(static_cast<float>(draw.normal()));
  for (int64_t i = 0; i < c.count; ++i) c.labels.push_back(draw.between(0, c.layers.back().units - 1));
  return c;
}

// A decoder that reads what layer `from` gives, of the given kinds, then dense to as many numbers as the input has.
// Few images: that layer is wide, and scalar twins are slow.
inline void addDecoder(Case& c, uint64_t seed, size_t from, const std::vector<LayerKind>& kinds) {
  Draw draw(seed);
  Shape shape = c.input;
  for (size_t i = 0; i <= from; ++i) shape = shapeAfter(c.layers[i], shape);
  c.count = std::min<int64_t>(c.count, 3);
  c.pixels.resize(c.count * c.input.size());
  c.labels.resize(c.count);
  c.decoder = {from, {}};
  for (const LayerKind kind : kinds) {
    c.decoder.layers.push_back(draw.layer(kind, shape));
    shape = shapeAfter(c.decoder.layers.back(), shape);
  }
  c.decoder.layers.push_back(denseLayer(static_cast<int>(c.input.size())));
  c.decoder.layers.push_back(layerOf(LayerKind::reshape, "reshape"));
  c.decoder.layers.back().shape = c.input;
}

inline ImageSource sourceOf(const Case& c) {
  ImageSource source;
  source.count = c.count;
  const int64_t size = c.input.size();
  source.load = [&c, size](int64_t index, float* dst, float*) {
    std::copy_n(c.pixels.data() + index * size, size, dst);
  };
  return source;
}

inline std::vector<float> arrayOf(Network& network, const std::string& name) {
  for (const NamedArray& array : network.arrays(true)) {
    if (array.name != name) continue;
    std::vector<float> values(array.parameter == nullptr ? 1 : array.parameter->size());
    network.read(array, values.data());
    return values;
  }
  return {};
}

// A gradient in the outside's order.
inline std::vector<float> gradientOf(Network& network, Parameter& parameter) {
  std::vector<float> values(parameter.size());
  network.read({parameter.name, parameter.shape, &parameter, &parameter.gradient}, values.data());
  return values;
}

// Values that are not all zeros and ones, so that biases, gammas and statistics count.
inline void scatter(Network& network, uint64_t seed) {
  Random random(seed, 99);
  for (const NamedArray& array : network.arrays(false)) {
    if (array.parameter->kind == ParameterKind::weights) continue;
    const bool positive = array.parameter->kind == ParameterKind::scale || array.name.ends_with("Variance");
    for (int64_t i = 0; i < array.parameter->size(); ++i)
      array.values->data()[i] = static_cast<float>(positive ? random.uniform(0.5, 1.5) : random.normal(0, 0.3));
  }
}

template <typename T>
reference::TwinNetwork<T> twinOf(Network& network, const Case& c, uint64_t stepSeed = 0) {
  reference::TwinNetwork<T> twin;
  twin.layers = c.layers;
  twin.layers.insert(twin.layers.end(), c.decoder.layers.begin(), c.decoder.layers.end());
  twin.decoderLayers = c.decoder.layers.size();
  twin.branch = c.decoder.from;
  twin.dropSeed = Random(stepSeed, 0).next();
  for (const NamedArray& array : network.arrays(false)) {
    std::vector<float> values(array.parameter->size());
    network.read(array, values.data());
    twin.arrays[array.name] = std::vector<T>(values.begin(), values.end());
  }
  return twin;
}

template <typename T>
reference::Maps<T> mapsOf(const Case& c) {
  reference::Maps<T> maps(c.count, c.input);
  maps.values.assign(c.pixels.begin(), c.pixels.end());
  return maps;
}

}  // namespace brightcell::test
