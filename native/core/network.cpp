// A network's passes: layers have become blocks (network_plan.cpp), which a batch goes through. Without batch norm a
// batch goes through in parts of a size that depends on the network only, so memory does not grow with the batch;
// batch norm needs the whole batch at each layer.
#include "core/network.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "core/instruction_set.h"
#include "core/network_plan.h"
#include "core/parallel.h"
#include "core/random.h"

namespace brightcell {

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

bool Network::hasBatchNorm(size_t first, size_t last) const {
  return std::any_of(layers_.begin() + static_cast<std::ptrdiff_t>(first),
                     layers_.begin() + static_cast<std::ptrdiff_t>(last),
                     [](const Layer& layer) { return layer.kind == LayerKind::batchNorm; });
}

Features Network::forward(Plan& plan, size_t blocks, const Pass& pass, const ImageSource& images) {
  scratch_.reserve(std::max(plan.scratchFloats, input_.size() + images.scratchFloats), threads());
  const Profile::Phase phase = pass.training ? Profile::forward : Profile::inference;
  if (images.stored && blocks > 0 && plan.blocks[0]->takesStored()) {
    StoredImage* stored = stored_.reserve(pass.count);
    {
      const Stopwatch watch(profile_ ? &profile_->loading[phase] : nullptr);
      parallelFor(pass.count, [&](std::ptrdiff_t i, int) { stored[i] = images.stored(pass.first + i); });
    }
    Features source{nullptr, input_};
    source.stored = stored;
    return run(plan, blocks, pass, source);
  }
  float* inputs = inputs_.reserve(pass.count * input_.size());
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

Features Network::run(Plan& plan, size_t blocks, const Pass& pass, Features features, size_t from) {
  const Profile::Phase phase = pass.training ? Profile::forward : Profile::inference;
  for (size_t i = from; i < blocks; ++i) {
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

void Network::infer(const ImageSource& images, std::initializer_list<size_t> stops, const Take& take) {
  Plan& whole = inferencePlan();
  // Where a block ends with the layers wanted, the kept plan serves, with the weights that it has prepared.
  const auto endOf = [](const Plan& plan, size_t layers) {
    return std::find(plan.firstLayers.begin(), plan.firstLayers.end(), layers) - plan.firstLayers.begin();
  };
  const bool kept = std::all_of(stops.begin(), stops.end(), [&](size_t layers) {
    return static_cast<size_t>(endOf(whole, layers)) <= whole.blocks.size();
  });
  const size_t last = *(stops.end() - 1);
  const auto partial = kept ? nullptr : makePlan(0, last, Purpose::inference, *stops.begin());
  Plan& plan = partial ? *partial : whole;
  const int64_t part = std::clamp<int64_t>(inferencePartBytes / plan.bytesPerImage, 1, 256);
  for (int64_t first = 0; first < images.count; first += part) {
    const Pass pass{std::min(part, images.count - first), first, false, false, 0, &scratch_};
    auto done = static_cast<size_t>(endOf(plan, *stops.begin()));
    Features features = forward(plan, done, pass, images);
    for (const size_t layers : stops) {
      const auto blocks = static_cast<size_t>(endOf(plan, layers));
      features = run(plan, blocks, pass, features, done);
      done = blocks;
      for (int64_t i = 0; i < pass.count; ++i) {
        Features one = features;
        one.data += i * one.shape.size();
        take(layers, first + i, one);
      }
    }
  }
}

void Network::takeProbabilities(const Features& logits, float* dst) const {
  const float* values = logits.image(0, dst);
  if (values != dst) std::copy_n(values, classes(), dst);
  softmaxRows(dst, 1, classes());
}

void Network::predict(const ImageSource& images, float* dst) {
  infer(images, {depth_}, [&](size_t, int64_t index, const Features& logits) {
    takeProbabilities(logits, dst + index * classes());
  });
}

void Network::activations(const ImageSource& images, int layer, float* dst) {
  Buffer<float> scratch(layer < 0 ? input_.size() : shapes_[layer].size());
  infer(images, {static_cast<size_t>(layer + 1)}, [&](size_t, int64_t index, const Features& features) {
    toChannelsFirst(features.image(0, scratch.data()), features.shape, dst + index * features.shape.size());
  });
}

void Network::predictWith(const ImageSource& images, int layer, float* probabilities, float* activations) {
  Buffer<float> scratch(layer < 0 ? input_.size() : shapes_[layer].size());
  const size_t seen = static_cast<size_t>(layer + 1);
  infer(images, {seen, depth_}, [&](size_t layers, int64_t index, const Features& features) {
    if (layers == depth_) return takeProbabilities(features, probabilities + index * classes());
    toChannelsFirst(features.image(0, scratch.data()), features.shape, activations + index * features.shape.size());
  });
}

}  // namespace brightcell
