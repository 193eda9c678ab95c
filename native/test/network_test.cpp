// The engine against the scalar twins in double precision: random shapes, every layer, every instruction set.
#include <cstdlib>
#include <optional>

#include "core/instruction_set.h"
#include "core/parallel.h"
#include "test/check.h"
#include "test/random_network.h"

namespace brightcell::test {
namespace {

using Kinds = std::vector<LayerKind>;
constexpr LayerKind conv = LayerKind::conv, maxPool = LayerKind::maxPool, averagePool = LayerKind::averagePool,
                    batchNorm = LayerKind::batchNorm, dense = LayerKind::dense, dropout = LayerKind::dropout,
                    activation = LayerKind::activation, upsample = LayerKind::upsample, reshape = LayerKind::reshape;

// One pass for both against one for each.
void comparePredictWith(Network& network, const Case& c, int layer, const std::vector<float>& activations,
                        const std::string& what) {
  std::vector<float> probabilities(c.count * network.classes()), received(probabilities), seen(activations.size());
  network.predict(sourceOf(c), probabilities.data());
  network.predictWith(sourceOf(c), layer, received.data(), seen.data());
  checkClose(seen, activations, 1e-5, 1e-6, what + ", output of layer beside probabilities " + std::to_string(layer));
  checkClose(received, probabilities, 1e-5, 1e-6, what + ", probabilities beside layer " + std::to_string(layer));
}

// What the twins make of a case.
struct Expected {
  reference::NetworkResult<double> evaluation, step;
};

constexpr double reconstructionWeight = 3;

Expected expectCase(Network& network, const Case& c, uint64_t seed) {
  Expected expected;
  auto twin = twinOf<double>(network, c);
  twin.training = false;
  expected.evaluation = twin.forward(mapsOf<double>(c), c.labels, {});
  auto training = twinOf<double>(network, c, seed);
  training.reconstructionWeight = reconstructionWeight;
  expected.step = training.run(mapsOf<double>(c), c.labels, {});
  return expected;
}

void compareActivations(Network& network, const Case& c, const Expected& expected, const std::string& what) {
  for (size_t layer = 0; layer < c.layers.size(); ++layer) {
    std::vector<float> received(expected.evaluation.outputs[layer].values.size());
    network.activations(sourceOf(c), static_cast<int>(layer), received.data());
    checkClose(received, expected.evaluation.outputs[layer].values, 1e-5, 1e-6, what + ", output of layer " + std::to_string(layer));
    if (layer + 1 < c.layers.size()) comparePredictWith(network, c, static_cast<int>(layer), received, what);
  }
}

void compareReconstructions(Network& network, const Case& c, const Expected& expected, const std::string& what) {
  const std::vector<double>& reconstruction = expected.evaluation.decoded.back().values;
  std::vector<float> received(reconstruction.size());
  network.reconstruct(sourceOf(c), received.data());
  checkClose(received, reconstruction, 1e-5, 2e-6, what + ", reconstruction");
}

void compareStep(Network& network, const Case& c, uint64_t seed, const reference::NetworkResult<double>& expected,
                 const std::string& what) {
  TrainStep step;
  step.labels = c.labels.data();
  step.seed = seed;
  step.reconstructionWeight = reconstructionWeight;
  const StepResult received = network.computeGradients(sourceOf(c), step);
  checkClose(std::vector<double>{received.loss}, std::vector<double>{expected.loss}, 1e-5, 0, what + ", loss");
  checkClose(std::vector<double>{received.reconstructionLoss}, std::vector<double>{expected.reconstructionLoss}, 1e-5, 0,
             what + ", reconstruction loss");
  double largest = 0;
  for (const auto& [name, gradient] : expected.gradients)
    for (const double value : gradient) largest = std::max(largest, std::abs(value));
  for (Parameter* parameter : network.trainedParameters())
    checkClose(gradientOf(network, *parameter), expected.gradients.at(parameter->name), 2e-5, 2e-6 * largest,
               what + ", gradient of " + parameter->name);
}

// On every instruction set. The twins know none, so they run once, on the first network's weights: a set that began with
// others would not agree.
void compareCase(const Case& c, uint64_t seed) {
  std::optional<Expected> expected;
  for (const Kernels* set : availableKernels()) {
    chooseKernels(set->name);
    const std::string what = std::string(set->name) + ", case " + std::to_string(seed);
    Network network(c.input, c.layers, seed, {InitialiserKind::glorotUniform}, Precision::float32, c.decoder);
    scatter(network, seed);
    if (!expected) expected = expectCase(network, c, seed);
    if (network.hasDecoder()) compareReconstructions(network, c, *expected, what);
    compareActivations(network, c, *expected, what);
    compareStep(network, c, seed, expected->step, what);
  }
  chooseKernels(availableKernels().back()->name);
}

// The layers after a convolution show its result's gradient; a convolution before them shows their source's.
void compare(const std::vector<Kinds>& networks, int cases) {
  for (size_t i = 0; i < networks.size(); ++i)
    for (int n = 0; n < cases; ++n) compareCase(randomCase(1000 * (i + 1) + n, networks[i]), 1000 * (i + 1) + n);
}

FACT("convolutions agree with their twin, forward and backward") {
  compare({{conv}, {conv, conv}, {conv, activation, conv}}, 12);
}
FACT("a convolution with its max pool and activation agrees with the twins") {
  compare({{conv, maxPool}, {conv, conv, maxPool, activation}, {conv, conv, activation, maxPool}}, 12);
}
FACT("max pools agree with their twin") { compare({{maxPool}, {conv, activation, averagePool, maxPool}}, 10); }
FACT("average pools agree with their twin") { compare({{averagePool}, {conv, averagePool, conv}}, 10); }
FACT("batch norm agrees with its twin") {
  compare({{batchNorm}, {conv, batchNorm, conv}, {conv, maxPool, batchNorm, batchNorm}, {dense, batchNorm}}, 8);
}
FACT("dense layers agree with their twin") { compare({{dense}, {dense, activation, dense}, {conv, dense, dense}}, 10); }
FACT("activations agree with their twin") {
  compare({{activation}, {conv, batchNorm, activation, conv}, {conv, activation, activation}}, 8);
}
FACT("upsampling and reshaping agree with their twins") {
  compare({{upsample}, {conv, upsample, conv}, {conv, batchNorm, upsample, conv}, {conv, reshape, conv}}, 4);
}

struct Decoding {
  Kinds layers;
  size_t from;
  Kinds decoder;
};

FACT("a decoder agrees with its twin, wherever it reads, and the layers before it learn from both") {
  const std::vector<Decoding> decodings{
      {{conv, maxPool, activation, batchNorm}, 3, {conv, activation, upsample, conv}},
      {{conv, maxPool, activation, conv}, 0, {upsample}},
      {{conv, activation, batchNorm, conv, activation}, 2, {batchNorm, conv}},
      {{conv, batchNorm, dropout, dense, activation}, 1, {dropout, activation, conv}},
      {{dense, activation, batchNorm}, 1, {dense, batchNorm, activation}},
  };
  for (size_t i = 0; i < decodings.size(); ++i)
    for (uint64_t seed = 50 * i; seed < 50 * i + 5; ++seed) {
      Case c = randomCase(seed, decodings[i].layers);
      addDecoder(c, seed, decodings[i].from, decodings[i].decoder);
      compareCase(c, seed);
    }
}

FACT("dropout agrees with its twin") {
  compare({{dropout}, {conv, dropout, conv}, {conv, batchNorm, dropout}, {dense, activation, dropout}}, 8);
}
FACT("deep mixtures of all layers agree with the twins") {
  compare({{conv, maxPool, activation, batchNorm, conv, activation, averagePool, dropout, dense, activation, batchNorm}},
          12);
}

FACT("the engine agrees with the twins in single precision too") {
  const Case c = randomCase(5, {conv, maxPool, activation, batchNorm, dense});
  Network network(c.input, c.layers, 5, {InitialiserKind::heNormal});
  TrainStep step;
  step.labels = c.labels.data();
  const auto expected = twinOf<float>(network, c).run(mapsOf<float>(c), c.labels, step.loss);
  const double loss = network.computeGradients(sourceOf(c), step).loss;
  checkClose(std::vector<double>{loss}, std::vector<double>{expected.loss}, 1e-4, 0, "loss");
}

Case largeCase(bool withBatchNorm) {
  Kinds kinds{conv, maxPool, activation};
  if (withBatchNorm) kinds.push_back(batchNorm);
  kinds.insert(kinds.end(), {conv, dropout, dense, activation});
  return randomCase(77, kinds);
}

std::vector<std::vector<float>> trained(const Case& c, int threadCount) {
  setThreads(threadCount);
  Network network(c.input, c.layers, 3, {InitialiserKind::heNormal}, Precision::float32, c.decoder);
  TrainStep step;
  step.labels = c.labels.data();
  step.learningRate = 0.01;
  for (int i = 0; i < 5; ++i) {
    step.seed = i;
    network.trainStep(sourceOf(c), step);
  }
  std::vector<std::vector<float>> state;
  for (const NamedArray& array : network.arrays(true)) state.push_back(arrayOf(network, array.name));
  std::vector<float> probabilities(c.count * network.classes());
  network.predict(sourceOf(c), probabilities.data());
  state.push_back(probabilities);
  if (!network.hasDecoder()) return state;
  state.emplace_back(c.pixels.size());
  network.reconstruct(sourceOf(c), state.back().data());
  return state;
}

FACT("training gives the same bits on 1, 2, 3 and 7 threads") {
  Case decoded = largeCase(true);
  addDecoder(decoded, 77, 3, {conv, upsample, conv});
  for (const Case& c : {largeCase(false), largeCase(true), decoded}) {
    const auto expected = trained(c, 1);
    for (const int count : {2, 3, 7}) check(trained(c, count) == expected, std::to_string(count) + " threads differ");
  }
  setThreads(2);
}

Layer convolutionLayer(int filters) {
  Layer layer = layerOf(conv, "conv");
  layer.units = filters;
  layer.window = {3, 3, 1, 1, 1, 1, 1, 1};
  layer.bias = true;
  return layer;
}

// Convolutions of many channels and filters: with the pool and the activation along, and around a batch norm.
Case wideCase() {
  Case c = randomCase(31, {});
  c.input = {2, 8, 9};
  c.count = 9;
  Layer pool = layerOf(maxPool, "maxPool");
  pool.window = {2, 2, 2, 2, 0, 0, 0, 0};
  c.layers = {convolutionLayer(130), activationLayer(Activation::relu),
              convolutionLayer(120), pool,
              activationLayer(Activation::relu), layerOf(batchNorm, "batchNorm"),
              convolutionLayer(125), layerOf(batchNorm, "batchNorm"),
              activationLayer(Activation::tanh), denseLayer(3)};
  Random random(8);
  c.pixels.clear();
  c.labels.clear();
  for (int64_t i = 0; i < c.count * c.input.size(); ++i) c.pixels.push_back(static_cast<float>(random.normal()));
  for (int64_t i = 0; i < c.count; ++i) c.labels.push_back(static_cast<int32_t>(i % 3));
  return c;
}

FACT("wide convolutions agree with their twin in a network, and train to the same bits on any number of threads") {
  setenv("BRIGHTCELL_ALGORITHM", "wide", 1);
  const Case c = wideCase();
  compareCase(c, 3);
  const auto expected = trained(c, 1);
  for (const int count : {2, 3, 7}) check(trained(c, count) == expected, std::to_string(count) + " threads differ");
  setThreads(2);
  unsetenv("BRIGHTCELL_ALGORITHM");
}

FACT("each instruction set trains to the same weights within rounding") {
  const Case c = largeCase(true);
  chooseKernels(availableKernels().front()->name);
  const auto expected = trained(c, 2);
  for (const Kernels* set : availableKernels()) {
    chooseKernels(set->name);
    const auto received = trained(c, 2);
    for (size_t i = 0; i < expected.size(); ++i)
      checkClose(received[i], expected[i], 1e-2, 1e-4, std::string(set->name) + ", array " + std::to_string(i));
  }
}

FACT("a step that is not finite changes nothing") {
  Case c = largeCase(true);
  Network network(c.input, c.layers, 3, {InitialiserKind::heNormal});
  TrainStep step;
  step.labels = c.labels.data();
  step.learningRate = 0.01;
  network.trainStep(sourceOf(c), step);
  std::vector<std::vector<float>> before;
  for (const NamedArray& array : network.arrays(true)) before.push_back(arrayOf(network, array.name));
  std::fill_n(c.pixels.begin(), c.input.size(), NAN);
  check(!network.trainStep(sourceOf(c), step).finite, "a NaN pixel must make the step not finite");
  size_t at = 0;
  for (const NamedArray& array : network.arrays(true))
    check(arrayOf(network, array.name) == before[at++], array.name + " changed");
}

FACT("running statistics move by one minus the decay, which rises to its value, with the unbiased variance") {
  Case c = randomCase(9, {batchNorm});
  c.layers[0].decay = 0.15;
  Network network(c.input, c.layers, 3, {InitialiserKind::heNormal});
  const auto batch = reference::measure(mapsOf<double>(c));
  const double number = static_cast<double>(c.count * c.input.positions());
  TrainStep step;
  step.labels = c.labels.data();
  step.learningRate = 0.01;
  std::vector<double> mean(c.input.channels), variance(c.input.channels, 1.0);
  for (const double decay : {0.1, 0.15, 0.15}) {
    network.trainStep(sourceOf(c), step);
    for (int i = 0; i < c.input.channels; ++i) {
      mean[i] = decay * mean[i] + (1 - decay) * batch.mean[i];
      variance[i] = decay * variance[i] + (1 - decay) * batch.variance[i] * number / (number - 1);
    }
  }
  checkClose(arrayOf(network, "0.batchNorm.runningMean"), mean, 1e-5, 1e-7, "mean");
  checkClose(arrayOf(network, "0.batchNorm.runningVariance"), variance, 1e-6, 0, "variance");
}

}  // namespace
}  // namespace brightcell::test
