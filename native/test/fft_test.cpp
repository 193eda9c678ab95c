// Convolution by Fourier transform against the scalar twin, over random shapes. The scratch and what stands behind
// the arrays are no numbers at first: nothing may come of it.
#include "core/fft_convolution.h"

#include <limits>

#include "core/instruction_set.h"
#include "core/random.h"
#include "kernels/fft.h"
#include "reference/activation.h"
#include "reference/convolution.h"
#include "reference/pool.h"
#include "test/check.h"

namespace brightcell::test {
namespace {

constexpr int slack = 64;
constexpr double mostWork = 1.5e6;  // of the twin, multiply-adds an image

struct FftCase {
  ConvLayer layer;
  int64_t count;
  bool scaled, biased;
  std::vector<float> src, scale, shift, weights, bias, diff;

  Features features() const {
    return {src.data(), layer.source, scaled ? scale.data() : nullptr, scaled ? shift.data() : nullptr};
  }
};

int between(Random& random, int low, int high) { return low + static_cast<int>(random.below(high - low + 1)); }

std::vector<float> normals(Random& random, int64_t count, double scale) {
  std::vector<float> values(count + slack, std::numeric_limits<float>::quiet_NaN());
  for (int64_t i = 0; i < count; ++i) values[i] = static_cast<float>(scale * random.normal());
  return values;
}

Window drawPool(Random& random) {
  switch (between(random, 0, 3)) {
    case 0: return {2, 2, 2, 2, 0, 0, 0, 0};
    case 1: return {3, 3, 2, 2, 0, 1, 1, 0};
    case 2: return {3, 3, 3, 3, 0, 0, 0, 0};
    default: return {between(random, 1, 3), 2, between(random, 1, 3), 1, 0, 0, 1, 0};
  }
}

ConvLayer drawLayer(Random& random) {
  for (;;) {
    ConvLayer layer;
    layer.source = {between(random, 1, 40), between(random, 1, 32), between(random, 1, 32)};
    Window& w = layer.window;
    w = {between(random, 1, 12), between(random, 1, 12), 1, 1, 0, 0, 0, 0};
    w.top = between(random, 0, w.height - 1), w.bottom = between(random, 0, w.height - 1);
    w.left = between(random, 0, w.width - 1), w.right = between(random, 0, w.width - 1);
    layer.output = {between(random, 1, 40), w.outputHeight(layer.source.height), w.outputWidth(layer.source.width)};
    if (w.height > layer.source.height || w.width > layer.source.width) continue;
    if (w.area() == 1 || layer.output.height < 1 || layer.output.width < 1) continue;
    if (layer.multiplyAdds() > mostWork) continue;
    layer.result = layer.output;
    layer.pooled = random.below(3) > 0;
    if (layer.pooled) {
      layer.pool = drawPool(random);
      if (layer.output.height < layer.pool.height || layer.output.width < layer.pool.width) continue;
      layer.result.height = layer.pool.outputHeight(layer.output.height);
      layer.result.width = layer.pool.outputWidth(layer.output.width);
    }
    if (random.below(2)) layer.activation = Activation::relu;
    return layer;
  }
}

FftCase drawCase(uint64_t seed) {
  Random random(seed);
  FftCase c;
  c.layer = drawLayer(random);
  c.count = between(random, 1, 3);
  c.scaled = random.below(2);
  c.biased = random.below(2);
  const int channels = c.layer.source.channels, filters = c.layer.output.channels;
  c.src = normals(random, c.count * c.layer.source.size(), 1);
  c.scale = normals(random, channels, 1);
  c.shift = normals(random, channels, 1);
  c.weights = normals(random, filters * c.layer.depth(), 1 / std::sqrt(static_cast<double>(c.layer.depth())));
  c.bias = normals(random, filters, 1);
  c.diff = normals(random, c.count * c.layer.result.size(), 1);
  return c;
}

// [N, H, W, C] to the twin's order and back.
reference::Maps<double> toMaps(const float* values, int64_t count, Shape s) {
  reference::Maps<double> maps(count, s);
  for (int64_t n = 0; n < count; ++n)
    for (int y = 0; y < s.height; ++y)
      for (int x = 0; x < s.width; ++x)
        for (int c = 0; c < s.channels; ++c) maps.at(n, c, y, x) = *values++;
  return maps;
}

std::vector<double> channelsLast(const reference::Maps<double>& maps) {
  std::vector<double> values;
  for (int64_t n = 0; n < maps.count; ++n)
    for (int y = 0; y < maps.shape.height; ++y)
      for (int x = 0; x < maps.shape.width; ++x)
        for (int c = 0; c < maps.shape.channels; ++c) values.push_back(maps.at(n, c, y, x));
  return values;
}

reference::Maps<double> sourceMaps(const FftCase& c) {
  auto maps = toMaps(c.src.data(), c.count, c.layer.source);
  if (!c.scaled) return maps;
  for (int64_t n = 0; n < c.count; ++n)
    for (int k = 0; k < c.layer.source.channels; ++k)
      for (int y = 0; y < c.layer.source.height; ++y)
        for (int x = 0; x < c.layer.source.width; ++x)
          maps.at(n, k, y, x) = maps.at(n, k, y, x) * c.scale[k] + c.shift[k];
  return maps;
}

// [F, taps, C] and [F, C, taps].
std::vector<double> turnedWeights(const float* weights, const ConvLayer& layer, bool back = false) {
  const int channels = layer.source.channels, taps = layer.window.area();
  std::vector<double> turned(layer.output.channels * layer.depth());
  for (int f = 0; f < layer.output.channels; ++f)
    for (int c = 0; c < channels; ++c)
      for (int t = 0; t < taps; ++t) {
        const int64_t here = (static_cast<int64_t>(f) * taps + t) * channels + c;
        const int64_t there = (static_cast<int64_t>(f) * channels + c) * taps + t;
        turned[back ? here : there] = weights[back ? there : here];
      }
  return turned;
}

struct Received {
  std::vector<float> result, diffSrc, diffWeights;
  std::vector<uint8_t> place;
};


Received runCase(const FftCase& c, Precision precision) {
  std::vector<ConvCandidate<ConvForward>> forwards;
  std::vector<ConvCandidate<ConvBackward>> backwards;
  addFftForward(c.layer, precision, forwards);
  addFftBackward(c.layer, true, precision, backwards);
  const auto forward = forwards.at(0).create();
  const auto backward = backwards.at(0).create();
  const float nothing = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> scratch(std::max(forward->scratchFloats(), backward->scratchFloats()) + slack, nothing);
  Received r;
  r.result.assign(c.count * c.layer.result.size() + slack, nothing);
  r.place.resize(r.result.size());
  r.diffSrc.assign(c.count * c.layer.source.size() + slack, nothing);
  r.diffWeights.assign(c.layer.output.channels * c.layer.depth(), 0);
  std::vector<float> accumulator(backward->accumulatorFloats());
  forward->prepare(c.weights.data(), c.biased ? c.bias.data() : nullptr);
  backward->prepare(c.weights.data());
  forward->run(c.features(), {0, c.count}, r.result.data(), c.layer.pooled ? r.place.data() : nullptr, scratch.data());
  backward->run(c.features(), {0, c.count}, c.diff.data(), c.layer.pooled ? r.place.data() : nullptr,
                accumulator.data(), r.diffSrc.data(), scratch.data());
  backward->collect(accumulator.data(), r.diffWeights.data());
  check(std::isnan(r.result[r.result.size() - slack]), "the forward wrote behind its result");
  check(std::isnan(r.diffSrc[r.diffSrc.size() - slack]), "the backward wrote behind its result");
  r.result.resize(r.result.size() - slack);
  r.diffSrc.resize(r.diffSrc.size() - slack);
  return r;
}

// The gradient of the convolution's own map, at the places that the engine chose.
reference::Maps<double> wideGradient(const FftCase& c, const std::vector<uint8_t>& place,
                                     const reference::Maps<double>& wide, double tolerance) {
  const ConvLayer& l = c.layer;
  const auto diff = toMaps(c.diff.data(), c.count, l.result);
  if (!l.pooled) return diff;
  const auto pooled = reference::maxPool(wide, l.pool);
  reference::Maps<double> gradient(c.count, l.output);
  int64_t at = 0;
  for (int64_t n = 0; n < c.count; ++n)
    for (int y = 0; y < l.result.height; ++y)
      for (int x = 0; x < l.result.width; ++x)
        for (int f = 0; f < l.result.channels; ++f, ++at) {
          const int row = y * l.pool.strideY - l.pool.top + place[at] / l.pool.width;
          const int column = x * l.pool.strideX - l.pool.left + place[at] % l.pool.width;
          check(wide.has(row, column), "a place outside the map");
          check(wide.at(n, f, row, column) >= pooled.at(n, f, y, x) - tolerance, "a place that is not the largest");
          gradient.at(n, f, row, column) += diff.at(n, f, y, x);
        }
  return gradient;
}

void compareCase(uint64_t seed, Precision precision, double tolerance) {
  const FftCase c = drawCase(seed);
  const Received r = runCase(c, precision);
  const ConvLayer& l = c.layer;
  const auto source = sourceMaps(c);
  const auto weights = turnedWeights(c.weights.data(), l);
  const std::vector<double> bias(c.bias.begin(), c.bias.begin() + (c.biased ? l.output.channels : 0));
  const auto wide = reference::convolve(source, weights, bias, l.output.channels, l.window);
  auto expected = channelsLast(l.pooled ? reference::maxPool(wide, l.pool) : wide);
  if (l.activation == Activation::relu)
    for (double& x : expected) x = std::max(x, 0.0);
  const std::string name = " of case " + std::to_string(seed) + " with " + kernels().name;
  checkClose(r.result, expected, tolerance, tolerance, "result" + name);
  const auto diff = reference::convolveBackward(source, weights, false, l.window,
                                                wideGradient(c, r.place, wide, 20 * tolerance));
  checkClose(r.diffSrc, channelsLast(diff.src), tolerance, tolerance, "gradient of the source" + name);
  const std::vector<float> diffWeights(diff.weights.begin(), diff.weights.end());
  checkClose(r.diffWeights, turnedWeights(diffWeights.data(), l, true), tolerance, tolerance,
             "gradient of the weights" + name);
}

FACT("convolution by Fourier transform agrees with its twin for any shape") {
  for (const Kernels* set : availableKernels()) {
    chooseKernels(set->name);
    for (uint64_t seed = 1; seed <= 32; ++seed) compareCase(seed, Precision::float32, 5e-6);
  }
}

FACT("convolution by Fourier transform in bfloat16 agrees with its twin within a hundredth") {
  for (const Kernels* set : availableKernels()) {
    if (set->fft->multiplyPairs == nullptr) continue;
    chooseKernels(set->name);
    for (uint64_t seed = 1; seed <= 32; ++seed) compareCase(seed, Precision::bfloat16, 1e-2);
  }
  chooseKernels(availableKernels().back()->name);
}

FACT("an image convolved by Fourier transform gives the same bits alone and among others") {
  for (uint64_t seed = 41; seed <= 60; ++seed) {
    FftCase c = drawCase(seed);
    const std::vector<float> together = runCase(c, Precision::float32).result;
    const int64_t size = c.layer.result.size(), last = c.count - 1;
    c.src.erase(c.src.begin(), c.src.begin() + last * c.layer.source.size());
    c.diff.erase(c.diff.begin(), c.diff.begin() + last * size);
    c.count = 1;
    const std::vector<float> alone = runCase(c, Precision::float32).result;
    for (int64_t i = 0; i < size; ++i) check(alone[i] == together[last * size + i], "the bits differ");
  }
}

}  // namespace
}  // namespace brightcell::test
