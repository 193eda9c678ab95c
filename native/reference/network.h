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
#include "reference/upsample.h"

namespace brightcell::reference {

template <typename T>
using Arrays = std::map<std::string, std::vector<T>>;

template <typename T>
struct NetworkResult {
  std::vector<Maps<T>> outputs, decoded;  // of every layer, and of the decoder's
  double loss = 0, reconstructionLoss = 0;
  Arrays<T> gradients;
  Maps<T> diffInput;
};

// Weights by their outside names and in the outside's order. Training mode: batch statistics, dropout.
template <typename T>
struct TwinNetwork {
  std::vector<Layer> layers;  // the decoder's last
  size_t decoderLayers = 0, branch = 0;  // how many are the decoder's, and the layer whose output they read
  double reconstructionWeight = 1;
  Arrays<T> arrays;
  uint64_t dropSeed = 0;
  bool training = true;

  size_t depth() const { return layers.size() - decoderLayers; }

  std::string nameOf(size_t layer) const {
    const std::string end = "." + layers[layer].type + ".";
    return layer < depth() ? std::to_string(layer) + end : "decoder." + std::to_string(layer - depth()) + end;
  }

  std::vector<T> get(size_t layer, const char* what) const {
    const auto found = arrays.find(nameOf(layer) + what);
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
      case LayerKind::upsample: return upsample(src, layer.window.height, layer.window.width);
      case LayerKind::reshape: return reshape(src, layer.shape);
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
    const std::string name = nameOf(i);
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
      case LayerKind::upsample: return upsampleBackward(src, layer.window.height, layer.window.width, diff);
      case LayerKind::reshape: return reshape(diff, src.shape);
      case LayerKind::dropout: return drop(diff, dropSeed, static_cast<int>(i), layer.rate);
      default: {
        auto result = normaliseBackward(src, get(i, "gamma"), static_cast<T>(layer.epsilon), diff);
        gradients[name + "gamma"] = result.gamma;
        gradients[name + "beta"] = result.beta;
        return result.src;
      }
    }
  }

  // Outputs and losses alone.
  NetworkResult<T> forward(const Maps<T>& input, const std::vector<int32_t>& labels, const Loss& loss) const {
    NetworkResult<T> result;
    for (size_t i = 0; i < depth(); ++i)
      result.outputs.push_back(forwardLayer(i, i == 0 ? input : result.outputs.back()));
    for (int64_t n = 0; n < input.count; ++n)
      result.loss += static_cast<double>(rowLoss(loss, logitsOf(result, n), labels[n])) / input.count;
    for (size_t i = depth(); i < layers.size(); ++i)
      result.decoded.push_back(forwardLayer(i, i == depth() ? result.outputs[branch] : result.decoded.back()));
    for (size_t j = 0; decoderLayers > 0 && j < input.values.size(); ++j) {
      const T error = result.decoded.back().values[j] - input.values[j];
      result.reconstructionLoss += static_cast<double>(error * error / static_cast<T>(input.values.size()));
    }
    return result;
  }

  NetworkResult<T> run(const Maps<T>& input, const std::vector<int32_t>& labels, const Loss& loss) const {
    NetworkResult<T> result = forward(input, labels, loss);
    const Maps<T>& logits = result.outputs.back();
    const int classes = logits.shape.channels;
    Maps<T> diff(logits.count, logits.shape);
    for (int64_t n = 0; n < logits.count; ++n) {
      const std::vector<T> gradient = rowLossGradient(loss, logitsOf(result, n), labels[n]);
      for (int k = 0; k < classes; ++k) diff.at(n, k, 0, 0) = gradient[k] / static_cast<T>(logits.count);
    }
    const Maps<T> diffCode = decoderLayers > 0 ? decodeBackward(input, result) : Maps<T>{};
    for (size_t i = depth(); i-- > 0;) {
      if (decoderLayers > 0 && i == branch)
        for (size_t j = 0; j < diff.values.size(); ++j) diff.values[j] += diffCode.values[j];
      diff = backwardLayer(i, i == 0 ? input : result.outputs[i - 1], diff, result.gradients);
    }
    result.diffInput = diff;
    return result;
  }

  std::vector<T> logitsOf(const NetworkResult<T>& result, int64_t image) const {
    const auto& logits = result.outputs.back();
    const auto first = logits.values.begin() + image * logits.shape.channels;
    return {first, first + logits.shape.channels};
  }

  // The decoder's gradients; gives that of what it reads.
  Maps<T> decodeBackward(const Maps<T>& input, NetworkResult<T>& result) const {
    Maps<T> diff = result.decoded.back();
    const T number = static_cast<T>(diff.values.size());
    for (size_t j = 0; j < diff.values.size(); ++j)
      diff.values[j] = static_cast<T>(reconstructionWeight) * 2 * (diff.values[j] - input.values[j]) / number;
    for (size_t i = layers.size(); i-- > depth();)
      diff = backwardLayer(i, i == depth() ? result.outputs[branch] : result.decoded[i - depth() - 1], diff, result.gradients);
    return diff;
  }
};

}  // namespace brightcell::reference
