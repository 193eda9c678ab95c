// Layers become blocks (a convolution takes the max pool and the activation that follow it along). Without batch norm
// a batch goes through in parts of a size that depends on the network only, so memory does not grow with the batch;
// batch norm needs the whole batch at each layer.
#include "core/network.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "core/blocks.h"
#include "core/instruction_set.h"
#include "core/network_plan.h"
#include "core/parallel.h"
#include "core/random.h"
#include "core/reconstruction.h"

namespace brightcell {

namespace {

constexpr int64_t trainingPartBytes = int64_t{256} << 20;

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

}  // namespace

Network::Network(Shape input, std::vector<Layer> layers, uint64_t seed, const Initialiser& initialiser,
                 Precision precision, Decoder decoder)
    : input_(input), layers_(std::move(layers)), depth_(layers_.size()),
      branch_(decoder.layers.empty() ? 0 : decoder.from + 1), precision_(precision) {
  layers_.insert(layers_.end(), decoder.layers.begin(), decoder.layers.end());
  if (precision == Precision::bfloat16 && !kernels().bfloat16)
    throw std::invalid_argument(std::string("the instruction set ") + kernels().name + " has no bfloat16");
  Shape shape = input;
  for (size_t i = 0; i < layers_.size(); ++i) {
    if (i == depth_) shape = shapes_[branch_ - 1];
    addParameters(i, shape);
    shape = outputOf(layers_[i], shape);
    if (shape.channels < 1 || shape.height < 1 || shape.width < 1)
      throw std::invalid_argument("layer " + layerName(i) + " leaves nothing of its input");
    shapes_.push_back(shape);
  }
  for (size_t i = 0; i < parameters_.size(); ++i) initialise(initialiser, seed, i, *parameters_[i]);
  steps_.zeroed(1);
}

Network::~Network() = default;

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

bool Network::hasBatchNorm(size_t first, size_t last) const {
  return std::any_of(layers_.begin() + static_cast<std::ptrdiff_t>(first),
                     layers_.begin() + static_cast<std::ptrdiff_t>(last),
                     [](const Layer& layer) { return layer.kind == LayerKind::batchNorm; });
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

Features Network::forward(Plan& plan, size_t blocks, const Pass& pass, const ImageSource& images) {
  float* inputs = inputs_.reserve(pass.count * input_.size());
  scratch_.reserve(std::max(plan.scratchFloats, input_.size() + images.scratchFloats), threads());
  const Profile::Phase phase = pass.training ? Profile::forward : Profile::inference;
  {
    const Stopwatch watch(profile_ ? &profile_->loading[phase] : nullptr);
    parallelFor(pass.count, [&](std::ptrdiff_t i, int worker) {
      float* dst = inputs + i * input_.size();
      float* scratch = scratch_.of(worker);
      const bool straight = input_.channels == 1;
      images.load(pass.first + i, straight ? dst : scratch, scratch + input_.size());
      if (!straight) toChannelsLast(scratch, input_, dst);
    });
  }
  return run(plan, blocks, pass, {inputs, input_});
}

// The decoder's blocks are counted on from the others in a profile.
size_t Network::profiledFrom(const Plan& plan) const {
  if (&plan == decoderTraining_.get()) return training_->blocks.size();
  return &plan == decoderInference_.get() ? inference_->blocks.size() : 0;
}

Features Network::run(Plan& plan, size_t blocks, const Pass& pass, Features features) {
  const Profile::Phase phase = pass.training ? Profile::forward : Profile::inference;
  for (size_t i = 0; i < blocks; ++i) {
    const Stopwatch watch(profile_ ? profile_->at(phase, profiledFrom(plan) + i) : nullptr);
    plan.blocks[i]->forward(pass, features);
    features = plan.blocks[i]->features();
  }
  return features;
}

// The gradient of the last block's result stands in the first of the plan's two buffers. Where the decoder reads, its
// gradient is added. Gives the gradient of what block `stop` reads; of the network's own input there is none in training.
Gradient Network::backward(Plan& plan, const Pass& pass, const Features& source, size_t stop) {
  const bool decoding = &plan == decoderTraining_.get(), looking = &plan == looking_.get();
  const bool joined = hasDecoder() && !looking;
  Buffer<float>* diffs = decoding ? decoderDiffs_ : diffs_;
  int at = 0;
  Gradient gradient{diffs[0].data()};
  for (size_t i = plan.blocks.size(); i-- > stop;) {
    Features src = i == 0 ? source : plan.blocks[i - 1]->features();
    Block& block = *plan.blocks[i];
    if (joined && plan.firstLayers[i + 1] == branch_) {
      gradient = carryOut(pass, block.features(), gradient);
      decode(pass, block.features(), gradient.data);
    }
    // What a batch norm wants summed is the gradient of both its readers.
    if (joined && plan.firstLayers[i] == branch_) src.gradientSums = nullptr;
    const Stopwatch watch(profile_ ? profile_->at(Profile::backward, profiledFrom(plan) + i) : nullptr);
    if (!block.takesScaledGradient()) gradient = carryOut(pass, block.features(), gradient);
    const int into = block.inPlace() ? at : 1 - at;
    float* diffSrc = nullptr;
    if (i > 0 || decoding || looking)
      diffSrc = block.inPlace() ? diffs[at].data() : diffs[into].reserve(pass.count * src.shape.size());
    block.backward(pass, src, gradient, diffSrc);
    gradient = block.sourceGradient(diffSrc);
    at = into;
  }
  return gradient;
}

// The decoder forward and backward, in parts of a size that depends on it only: its widest maps are as large as the
// images. Adds to diffCode the gradient of what the decoder reads.
void Network::decode(const Pass& pass, const Features& code, float* diffCode) {
  Plan& plan = *decoderTraining_;
  decoderScratch_.reserve(plan.scratchFloats, threads());
  const int64_t most = hasBatchNorm(depth_, layers_.size())
                           ? pass.count
                           : std::max<int64_t>(8, trainingPartBytes / plan.bytesPerImage);
  for (int64_t first = 0; first < pass.count; first += most) {
    const Pass part{std::min(most, pass.count - first), pass.first + first, true, pass.accumulate || first > 0,
                    pass.dropSeed, &decoderScratch_};
    const int64_t size = code.shape.size();
    const Features source{code.data + first * size, code.shape, code.scale, code.shift};
    const Features result = run(plan, plan.blocks.size(), part, source);
    float* diff = decoderDiffs_[0].reserve(part.count * input_.size());
    reconstructionSum_ += reconstructionLoss(result, inputs_.data() + first * input_.size(), part.count,
                                             reconstructionScale_, diff);
    const Gradient gradient = carryOut(part, source, backward(plan, part, source));
    parallelFor(part.count, [&](std::ptrdiff_t i, int) {
      kernels().add(gradient.data + i * size, diffCode + (first + i) * size, size);
    });
  }
}

StepResult Network::computeGradients(const ImageSource& images, const TrainStep& step) {
  if (!training_) training_ = makePlan(0, depth_, Purpose::training);
  if (hasDecoder() && !decoderTraining_) decoderTraining_ = makePlan(depth_, layers_.size(), Purpose::training);
  Plan& plan = *training_;
  const int64_t part = hasBatchNorm(0, depth_) ? images.count
                                      : std::min(images.count, std::max<int64_t>(16, trainingPartBytes / plan.bytesPerImage));
  const uint64_t dropSeed = Random(step.seed, static_cast<uint64_t>(step_)).next();
  reconstructionScale_ = step.reconstructionWeight / static_cast<double>(images.count);
  reconstructionSum_ = 0;
  StepResult result;
  for (int64_t first = 0; first < images.count; first += part) {
    const Pass pass{std::min(part, images.count - first), first, true, first > 0, dropSeed, &scratch_};
    const Features logits = forward(plan, plan.blocks.size(), pass, images);
    const float* values = logits.data;
    Buffer<float> plain;
    if (logits.scale != nullptr) {
      plain.reserve(pass.count * classes());
      for (int64_t i = 0; i < pass.count; ++i) logits.image(i, plain.data() + i * classes());
      values = plain.data();
    }
    float* diff = diffs_[0].reserve(pass.count * classes());
    const LossResult loss = computeLoss(step.loss, values, step.labels + first, pass.count, classes(),
                                        1.0 / static_cast<double>(images.count), diff);
    result.loss += loss.sum;
    result.correct += loss.correct;
    backward(plan, pass, {inputs_.data(), input_});
  }
  result.loss /= static_cast<double>(images.count);
  result.reconstructionLoss = reconstructionSum_ / static_cast<double>(images.count);
  result.gradientNorm = gradientNorm(trainedParameters());
  result.finite = std::isfinite(result.loss) && std::isfinite(result.reconstructionLoss) && std::isfinite(result.gradientNorm);
  return result;
}

StepResult Network::trainStep(const ImageSource& images, const TrainStep& step) {
  const StepResult result = computeGradients(images, step);
  if (!result.finite) return result;
  const Moments wanted = step.optimiser.kind == OptimiserKind::sgd ? Moments::sgd : Moments::adam;
  if (moments_ != wanted) resetMoments(wanted);
  for (auto& block : training_->blocks) block->commit(step_);
  if (hasDecoder())
    for (auto& block : decoderTraining_->blocks) block->commit(step_);
  const double scale =
      step.clipNorm > 0 && result.gradientNorm > step.clipNorm ? step.clipNorm / result.gradientNorm : 1.0;
  update(step.optimiser, trainedParameters(), step.learningRate, ++step_, scale);
  return result;
}

Network::Plan& Network::inferencePlan() {
  if (!inference_) inference_ = makePlan(0, depth_, Purpose::inference);
  return *inference_;
}

void Network::infer(const ImageSource& images, size_t layers,
                    const std::function<void(int64_t, const Features&)>& take) {
  Plan& whole = inferencePlan();
  // Where a block ends with the last layer wanted, the kept plan serves, with the weights that it has prepared.
  const auto& ends = whole.firstLayers;
  const auto end = std::find(ends.begin(), ends.end(), layers);
  const auto partial = end == ends.end() ? makePlan(0, layers, Purpose::inference) : nullptr;
  Plan& plan = partial ? *partial : whole;
  const size_t blocks = partial ? plan.blocks.size() : static_cast<size_t>(end - ends.begin());
  const int64_t part = std::clamp<int64_t>(inferencePartBytes / plan.bytesPerImage, 1, 256);
  for (int64_t first = 0; first < images.count; first += part) {
    const Pass pass{std::min(part, images.count - first), first, false, false, 0, &scratch_};
    const Features features = forward(plan, blocks, pass, images);
    for (int64_t i = 0; i < pass.count; ++i) {
      Features one = features;
      one.data += i * one.shape.size();
      take(first + i, one);
    }
  }
}

void Network::predict(const ImageSource& images, float* dst) {
  infer(images, depth_, [&](int64_t index, const Features& logits) {
    float* row = dst + index * classes();
    const float* values = logits.image(0, row);
    if (values != row) std::copy_n(values, classes(), row);
    softmaxRows(row, 1, classes());
  });
}

void Network::activations(const ImageSource& images, int layer, float* dst) {
  Buffer<float> scratch(layer < 0 ? input_.size() : shapes_[layer].size());
  infer(images, static_cast<size_t>(layer + 1), [&](int64_t index, const Features& features) {
    toChannelsFirst(features.image(0, scratch.data()), features.shape, dst + index * features.shape.size());
  });
}

void Network::reconstruct(const ImageSource& images, float* dst) {
  Plan& encoder = inferencePlan();
  if (!decoderInference_) decoderInference_ = makePlan(depth_, layers_.size(), Purpose::inference);
  Plan& decoder = *decoderInference_;
  const auto& ends = encoder.firstLayers;
  const auto blocks = static_cast<size_t>(std::find(ends.begin(), ends.end(), branch_) - ends.begin());
  const int64_t size = input_.size();
  const int64_t part =
      std::clamp<int64_t>(inferencePartBytes / (encoder.bytesPerImage + decoder.bytesPerImage), 1, 256);
  decoderScratch_.reserve(std::max(decoder.scratchFloats, size), threads());
  for (int64_t first = 0; first < images.count; first += part) {
    Pass pass{std::min(part, images.count - first), first, false, false, 0, &scratch_};
    const Features code = forward(encoder, blocks, pass, images);
    pass.scratch = &decoderScratch_;
    const Features made = run(decoder, decoder.blocks.size(), pass, code);
    parallelFor(pass.count, [&](std::ptrdiff_t i, int worker) {
      toChannelsFirst(made.image(i, decoderScratch_.of(worker)), input_, dst + (first + i) * size);
    });
  }
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
