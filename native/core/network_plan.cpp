// From layers to blocks: a convolution takes the max pool and the activation that follow it along.
#include "core/network_plan.h"

#include <algorithm>

#include "core/blocks.h"

namespace brightcell {

Shape outputOf(const Layer& layer, Shape s) {
  switch (layer.kind) {
    case LayerKind::conv:
      return {layer.units, layer.window.outputHeight(s.height), layer.window.outputWidth(s.width)};
    case LayerKind::maxPool:
    case LayerKind::averagePool:
      return {s.channels, layer.window.outputHeight(s.height), layer.window.outputWidth(s.width)};
    case LayerKind::dense: return {layer.units, 1, 1};
    case LayerKind::upsample: return {s.channels, s.height * layer.window.height, s.width * layer.window.width};
    case LayerKind::reshape: return layer.shape;
    default: return s;
  }
}

std::unique_ptr<Network::Plan> Network::makePlan(size_t begin, size_t layers, Purpose purpose, size_t cut) {
  auto plan = std::make_unique<Plan>();
  Shape shape = begin == 0 ? input_ : shapes_[branch_ - 1];
  for (size_t i = begin; i < layers;) {
    const size_t at = i++;
    const Layer& layer = layers_[at];
    // A block ends where the decoder reads, and where somebody wants to look.
    const auto next = [&](LayerKind kind) {
      return i < layers && i != branch_ && i != cut && layers_[i].kind == kind;
    };
    switch (layer.kind) {
      case LayerKind::conv: {
        ConvLayers conv{layer.units, layer.window, parameter(at, "weights"), parameter(at, "bias")};
        const auto takeActivation = [&] {
          if (conv.activation == Activation::none && next(LayerKind::activation))
            conv.activation = layers_[i++].activation;
        };
        takeActivation();
        if (next(LayerKind::maxPool)) {
          conv.pooled = true;
          conv.pool = layers_[i++].window;
          takeActivation();
        }
        conv.training = purpose != Purpose::inference;
        conv.first = begin == 0 && plan->blocks.empty() && purpose != Purpose::looking;
        conv.measured = purpose == Purpose::training && next(LayerKind::batchNorm);
        conv.precision = precision_;
        plan->blocks.push_back(createConvBlock(shape, conv));
        break;
      }
      case LayerKind::dense: {
        Activation activation = Activation::none;
        if (next(LayerKind::activation)) activation = layers_[i++].activation;
        plan->blocks.push_back(createDenseBlock(shape, layer.units, parameter(at, "weights"), parameter(at, "bias"),
                                                activation, precision_));
        break;
      }
      case LayerKind::maxPool: plan->blocks.push_back(createMaxPoolBlock(shape, layer.window)); break;
      case LayerKind::averagePool: plan->blocks.push_back(createAveragePoolBlock(shape, layer.window)); break;
      case LayerKind::activation: plan->blocks.push_back(createActivationBlock(shape, layer.activation)); break;
      case LayerKind::dropout:
        plan->blocks.push_back(
            createDropoutBlock(shape, static_cast<int>(at), purpose == Purpose::looking ? 0 : layer.rate));
        break;
      case LayerKind::upsample:
        plan->blocks.push_back(createUpsampleBlock(shape, layer.window.height, layer.window.width));
        break;
      case LayerKind::reshape: plan->blocks.push_back(createReshapeBlock(shape, layer.shape)); break;
      case LayerKind::batchNorm: {
        const BatchNormParameters norm{parameter(at, "gamma"), parameter(at, "beta"), parameter(at, "runningMean"),
                                       parameter(at, "runningVariance"), layer.decay, layer.epsilon};
        plan->blocks.push_back(purpose == Purpose::looking ? createFrozenBatchNormBlock(shape, norm)
                                                           : createBatchNormBlock(shape, norm));
        break;
      }
    }
    plan->firstLayers.push_back(at);
    shape = plan->blocks.back()->output();
  }
  plan->firstLayers.push_back(layers);
  plan->bytesPerImage = input_.size() * 4;
  for (const auto& block : plan->blocks) {
    plan->bytesPerImage += block->bytesPerImage();
    plan->scratchFloats = std::max(plan->scratchFloats, block->scratchFloats());
  }
  return plan;
}

std::vector<Network::BlockLayers> Network::blocks(bool training) {
  std::vector<BlockLayers> result;
  for (const bool decoder : {false, true}) {
    auto& plan = decoder ? (training ? decoderTraining_ : decoderInference_) : (training ? training_ : inference_);
    if (decoder && !hasDecoder()) break;
    if (!plan)
      plan = makePlan(decoder ? depth_ : 0, decoder ? layers_.size() : depth_,
                      training ? Purpose::training : Purpose::inference);
    const auto& first = plan->firstLayers;
    for (size_t i = 0; i < plan->blocks.size(); ++i)
      result.push_back({first[i], first[i + 1] - first[i], plan->blocks[i]->ways()});
  }
  return result;
}

}  // namespace brightcell
