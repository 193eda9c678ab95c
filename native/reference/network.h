// A whole network made of the twins: forward, mean loss, and the gradient of every parameter and of the input.
#pragma once
#include <map>
#include <string>

#include "core/network.h"
#include "reference/activation.h"
#include "reference/batch_norm.h"
#include "reference/convolution.h"
#include "reference/dense.h"
#include "reference/loss.h"
#include "reference/pool.h"

namespace brightcell::reference {

template <typename T>
using Arrays = std::map<std::string, std::vector<T>>;

template <typename T>
struct NetworkResult {
  std::vector<Maps<T>> outputs;  // of every layer
  double loss = 0;
  Arrays<T> gradients;
  Maps<T> diffInput;
};

// Weights by their outside names and in the outside's order. Training mode: batch statistics, dropout.
template <typename T>
struct TwinNetwork {
  std::vector<Layer> layers;
  Arrays<T> arrays;
  uint64_t dropSeed = 0;
  bool training = true;

  std::vector<T> get(size_t layer, const char* what) const {
    const auto found = arrays.find(std::to_string(layer) + "." + layers[layer].type + "." + what);
    return found == arrays.end() ? std::vector<T>{} : found->second;
  }

  Maps<T> forwardLayer(size_t i, const Maps<T>& src) const {
    const Layer& layer = layers[i];
    switch (layer.kind) {
      case LayerKind::conv: return convolve(src, get(i, "weights"), get(i, "bias"), layer.units, layer.window);
      case LayerKind::dense: return dense(src, get(i, "weights"), get(i, "bias"), layer.units);
      case LayerKind::maxPool: return maxPool(src, layer.window);
      case LayerKind::averagePool: return averagePool(src, layer.window);
      case LayerKind::activation: return activate(layer.activation, src);
      case LayerKind::dropout:
        return training ? drop(src, dropSeed, static_cast<int>(i), layer.rate) : src;
      default: {
        const Statistics<T> running{get(i, "runningMean"), get(i, "runningVariance")};
        return normalise(src, training ? measure(src) : running, get(i, "gamma"), get(i, "beta"),
                         static_cast<T>(layer.epsilon));
      }
    }
  }

  Maps<T> backwardLayer(size_t i, const Maps<T>& src, const Maps<T>& diff, Arrays<T>& gradients) const {
    const Layer& layer = layers[i];
    const std::string name = std::to_string(i) + "." + layer.type + ".";
    const auto keep = [&](auto result) {
      gradients[name + "weights"] = result.weights;
      if (layer.bias) gradients[name + "bias"] = result.bias;
      return result.src;
    };
    switch (layer.kind) {
      case LayerKind::conv: return keep(convolveBackward(src, get(i, "weights"), layer.bias, layer.window, diff));
      case LayerKind::dense: return keep(denseBackward(src, get(i, "weights"), layer.bias, diff));
      case LayerKind::maxPool: return maxPoolBackward(src, layer.window, diff);
      case LayerKind::averagePool: return averagePoolBackward(src, layer.window, diff);
      case LayerKind::activation: return activateBackward(layer.activation, src, diff);
      case LayerKind::dropout: return drop(diff, dropSeed, static_cast<int>(i), layer.rate);
      default: {
        auto result = normaliseBackward(src, get(i, "gamma"), static_cast<T>(layer.epsilon), diff);
        gradients[name + "gamma"] = result.gamma;
        gradients[name + "beta"] = result.beta;
        return result.src;
      }
    }
  }

  NetworkResult<T> run(const Maps<T>& input, const std::vector<int32_t>& labels, const Loss& loss) const {
    NetworkResult<T> result;
    result.outputs.push_back(input);
    for (size_t i = 0; i < layers.size(); ++i) result.outputs.push_back(forwardLayer(i, result.outputs.back()));
    const Maps<T>& logits = result.outputs.back();
    const int classes = logits.shape.channels;
    Maps<T> diff(logits.count, logits.shape);
    for (int64_t n = 0; n < logits.count; ++n) {
      const std::vector<T> row(logits.values.begin() + n * classes, logits.values.begin() + (n + 1) * classes);
      result.loss += static_cast<double>(rowLoss(loss, row, labels[n])) / logits.count;
      const std::vector<T> gradient = rowLossGradient(loss, row, labels[n]);
      for (int k = 0; k < classes; ++k) diff.at(n, k, 0, 0) = gradient[k] / static_cast<T>(logits.count);
    }
    for (size_t i = layers.size(); i-- > 0;) diff = backwardLayer(i, result.outputs[i], diff, result.gradients);
    result.diffInput = diff;
    result.outputs.erase(result.outputs.begin());
    return result;
  }
};

}  // namespace brightcell::reference
