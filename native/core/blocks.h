// The blocks there are. Each is one or a few layers; network.cpp decides which layers make one.
#pragma once
#include "core/block.h"
#include "kernels/kernels.h"

namespace brightcell {

// Convolution, then maybe a max pool, then maybe an activation. (An activation that stands before the max pool is
// done after it: they only rise, so the largest stays the largest, and a quarter of the work is left.) The
// convolution's wide map lives in scratch, one image at a time: only the pooled map and one byte a cell are kept.
struct ConvLayers {
  int filters;
  Window window;
  Parameter* weights;
  Parameter* bias;  // null: none
  bool pooled = false;
  Window pool{};
  Activation activation = Activation::none;
  bool training = true;   // a backward will be asked for
  bool first = false;     // nobody wants the gradient of the source
  bool measured = false;  // a batch norm follows, which wants the result's moments
  Precision precision = Precision::float32;
};
std::unique_ptr<Block> createConvBlock(Shape source, const ConvLayers& layers);

std::unique_ptr<Block> createDenseBlock(Shape source, int units, Parameter* weights, Parameter* bias, Activation,
                                        Precision = Precision::float32);
std::unique_ptr<Block> createMaxPoolBlock(Shape source, const Window&);
// Mean of the positions inside the map, as TensorFlow does: the border does not count.
std::unique_ptr<Block> createAveragePoolBlock(Shape source, const Window&);
// Nearest neighbour: `rows` x `columns` equal positions for each.
std::unique_ptr<Block> createUpsampleBlock(Shape source, int rows, int columns);
// A vector in the order [C, H, W] as a map of that shape.
std::unique_ptr<Block> createReshapeBlock(Shape source, Shape output);
std::unique_ptr<Block> createActivationBlock(Shape source, Activation);
// Zero with probability `rate`, otherwise divided by (1 - rate); which, follows from the step's seed, the layer, the
// image's place in the batch and the unit. Nothing outside training.
std::unique_ptr<Block> createDropoutBlock(Shape source, int layer, double rate);

struct BatchNormParameters {
  Parameter *gamma, *beta, *mean, *variance;
  double decay, epsilon;
};
// Per channel, over all images and positions of the pass: (x - mean) / sqrt(variance + epsilon) * gamma + beta, with
// the biased variance; running = d * running + (1 - d) * batch, where the running variance takes the unbiased one (as
// TensorFlow's fused kernel and PyTorch do), and d = min(decay, (1 + t) / (10 + t)) after t steps: without that, the
// first values would still weigh a third after a hundred steps, and a short training would be judged by them.
std::unique_ptr<Block> createBatchNormBlock(Shape source, const BatchNormParameters&);
// The same by the running statistics, for a backward that leaves all parameters alone.
std::unique_ptr<Block> createFrozenBatchNormBlock(Shape source, const BatchNormParameters&);

}  // namespace brightcell
