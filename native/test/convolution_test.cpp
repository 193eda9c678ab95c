// Every way there is of computing a convolution (convolution.h), forward and backward, on every instruction set,
// against the twins in double precision: on random numbers and on numbers chosen to break it (convolution_cases.h).
// The error is measured against the largest number expected in the image (forward, gradient of the source) or in the
// whole gradient of the weights: at most 1e-5 of it in float32, 1e-2 in bfloat16.
#include "core/convolution.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <limits>

#include "core/instruction_set.h"
#include "core/parallel.h"
#include "test/check.h"
#include "test/convolution_cases.h"

namespace brightcell::test {
namespace {

constexpr float guard = 12345.0f;

// Channels last, as the engine holds maps and weights.
std::vector<float> toLast(const Doubles& values, int64_t outer, Shape s) {
  std::vector<float> dst(values.size() + 64, 0.0f);
  for (int64_t n = 0; n < outer; ++n)
    for (int c = 0; c < s.channels; ++c)
      for (int64_t p = 0; p < s.positions(); ++p)
        dst[n * s.size() + p * s.channels + c] = static_cast<float>(values[n * s.size() + c * s.positions() + p]);
  return dst;
}

Doubles fromLast(const float* values, int64_t outer, Shape s) {
  Doubles dst(outer * s.size());
  for (int64_t n = 0; n < outer; ++n)
    for (int c = 0; c < s.channels; ++c)
      for (int64_t p = 0; p < s.positions(); ++p)
        dst[n * s.size() + c * s.positions() + p] = values[n * s.size() + p * s.channels + c];
  return dst;
}

Shape tapsOf(const ConvLayer& layer) { return {layer.source.channels, layer.window.height, layer.window.width}; }

// Scratch holds no promise: what a way reads of it, it must have written.
class DirtyScratch {
 public:
  explicit DirtyScratch(int64_t floats) : values_(floats + 16, std::numeric_limits<float>::quiet_NaN()) {}
  float* data() {
    return reinterpret_cast<float*>((reinterpret_cast<uintptr_t>(values_.data()) + 63) / 64 * 64);
  }

 private:
  std::vector<float> values_;
};

struct Check {
  const ConvLayer& layer;
  const Expected& expected;
  double relative, absolute;
  std::string what;
  bool exact = false;  // sums that a float holds: ties are ties
};

// Each image against its own largest: a dim image beside a bright one is as exact as alone.
void compareImages(const Check& c, const Doubles& received, const Maps& expected, const std::string& what,
                   const Maps* before = nullptr) {
  const int64_t size = expected.shape.size();
  for (int64_t n = 0; n < expected.count; ++n)
    checkClose(Doubles(received.begin() + n * size, received.begin() + (n + 1) * size),
               Doubles(expected.values.begin() + n * size, expected.values.begin() + (n + 1) * size), c.relative,
               c.absolute + (before ? c.relative * largestOf(*before, n) : 0), what + ", image " + std::to_string(n));
}

// A hyperbolic tangent makes large numbers small, but not their error: that is measured before it.
void compareResult(const Check& c, const std::vector<float>& received) {
  const bool bent = c.layer.activation == Activation::tanh || c.layer.activation == Activation::scaledTanh;
  compareImages(c, fromLast(received.data(), c.expected.result.count, c.layer.result), c.expected.result, c.what,
                bent ? &c.expected.wide : nullptr);
}

// Rounding may break ties: another place is right where what stands there is as large.
void comparePlaces(const Check& c, const std::vector<uint8_t>& place) {
  const Shape s = c.layer.result;
  const Maps& wide = c.expected.wide;
  for (int64_t n = 0; n < wide.count; ++n) {
    const double error = 2 * (c.relative * largestOf(wide, n) + c.absolute);
    for (int f = 0; f < s.channels; ++f)
      for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {
          const int chosen = place[((n * s.height + y) * s.width + x) * s.channels + f];
          const int best = c.expected.place[((n * s.channels + f) * s.height + y) * s.width + x];
          const Cell at = cellOf(c.layer.pool, y, x, chosen), right = cellOf(c.layer.pool, y, x, best);
          check(chosen < c.layer.pool.area() && wide.has(at.y, at.x), c.what, ": a place outside the map");
          check(!c.exact || chosen == best, c.what, ": not the first of equals");
          check(wide.at(n, f, right.y, right.x) - wide.at(n, f, at.y, at.x) <= error,
                c.what, ": not the place of the largest");
        }
  }
}

struct Forwarded {
  std::vector<float> result;
  std::vector<uint8_t> place;
};

// Bit by bit.
void checkSame(const Forwarded& received, const Forwarded& expected, const std::string& what) {
  for (size_t i = 0; i < expected.result.size(); ++i)
    check(std::bit_cast<uint32_t>(received.result[i]) == std::bit_cast<uint32_t>(expected.result[i]),
          what, ", result ", i, ": ", received.result[i], " and ", expected.result[i]);
  for (size_t i = 0; i < std::min(received.place.size(), expected.place.size()); ++i)
    check(received.place[i] == expected.place[i], what, ", place ", i);
}

Forwarded runForward(const Check& c, const ConvForward& way, const Features& src, int64_t group, bool places) {
  const int64_t count = c.expected.source.count, size = c.layer.result.size();
  Forwarded f{std::vector<float>(count * size + 64, guard), std::vector<uint8_t>(places ? count * size + 64 : 0)};
  for (int64_t first = 0; first < count; first += group) {
    const int64_t last = std::min(first + group, count);
    DirtyScratch scratch(way.scratchFloats());
    way.run(src, {first, last}, f.result.data(), places ? f.place.data() : nullptr, scratch.data());
    for (int64_t i = last * size; i < count * size; ++i)
      check(f.result[i] == guard, c.what, ": wrote into the next image");
  }
  f.result.resize(count * size);
  if (places) f.place.resize(count * size);
  return f;
}

void compareForward(const Check& c, const ConvForward& way) {
  const int64_t count = c.expected.source.count;
  const std::vector<float> source = toLast(c.expected.source.values, count, c.layer.source);
  const Features src{source.data(), c.layer.source};
  const Forwarded alone = runForward(c, way, src, 1, c.layer.pooled);
  compareResult(c, alone.result);
  if (c.layer.pooled) comparePlaces(c, alone.place);
  for (const int64_t group : {std::min<int64_t>(2, way.group()), way.group()})
    checkSame(runForward(c, way, src, group, c.layer.pooled), alone,
              c.what + ": an image's bits depend on those beside it");
  checkSame(runForward(c, way, src, 1, false), alone, c.what + ": without places the result is another");
}

void compareBackward(const Check& c, const ConvBackward& way, bool diffSource) {
  const ConvLayer& l = c.layer;
  const Expected& e = c.expected;
  const int64_t count = e.source.count, size = l.source.size();
  const std::vector<float> source = toLast(e.source.values, count, l.source);
  const std::vector<float> diff = toLast(e.diff.values, count, l.result);
  const std::vector<float> places = toLast(Doubles(e.place.begin(), e.place.end()), l.pooled ? count : 0, l.result);
  const std::vector<uint8_t> place(places.begin(), places.end());
  std::vector<float> sums(roundUp(way.accumulatorFloats(), 16) + 64), diffSrc(count * size + 64, guard);
  // Blocks of many images are not full here: two at a time, so that there is more than one.
  const int64_t group = way.takesAllThreads() ? std::min<int64_t>(2, way.group()) : way.group();
  for (int64_t first = 0; first < count; first += group) {
    const int64_t last = std::min(first + group, count);
    DirtyScratch scratch(way.scratchFloats());
    way.run({source.data(), l.source}, {first, last}, diff.data(), place.data(), sums.data(),
            diffSource ? diffSrc.data() : nullptr, scratch.data());
    for (int64_t i = last * size; i < count * size; ++i)
      check(diffSrc[i] == guard, c.what, ": wrote into the next image's gradient");
  }
  std::vector<float> gradient(l.output.channels * l.depth() + 64, 0.0f);
  way.collect(sums.data(), gradient.data());
  checkClose(fromLast(gradient.data(), l.output.channels, tapsOf(l)), e.gradients.weights, c.relative, c.absolute,
             c.what + ", gradient of the weights");
  if (diffSource)
    compareImages(c, fromLast(diffSrc.data(), count, l.source), e.gradients.src, c.what + ", gradient of the source");
}

void compareWays(const ConvLayer& layer, const Expected& e, double absolute, Precision precision,
                 const std::string& what) {
  const double relative = precision == Precision::float32 ? 1e-5 : 1e-2;
  const std::vector<float> weights = toLast(e.weights, layer.output.channels, tapsOf(layer));
  std::vector<float> bias(e.bias.begin(), e.bias.end());
  bias.resize(bias.size() + 64);
  for (const auto& candidate : forwardCandidates(layer, precision)) {
    const auto way = candidate.create();
    way->prepare(weights.data(), bias.data());
    way->prepare(weights.data(), bias.data());  // as after a step: nothing of the first may be left
    const bool exact = what.starts_with("ties") && candidate.name == "direct" && precision == Precision::float32;
    compareForward({layer, e, relative, absolute, what + ", " + candidate.name + " forward", exact}, *way);
  }
  for (const bool diffSource : {true, false})
    for (const auto& candidate : backwardCandidates(layer, diffSource, precision)) {
      const auto way = candidate.create();
      for (int i = 0; diffSource && i < 2; ++i) way->prepare(weights.data());
      compareBackward({layer, e, relative, absolute, what + ", " + candidate.name + " backward"}, *way, diffSource);
    }
}

// All that the processor has. Under a sanitizer, which slows them ten times, BRIGHTCELL_TEST_SETS=best leaves the last
// for all but random numbers.
std::vector<const Kernels*> setsFor(const std::string& name) {
  const char* wanted = std::getenv("BRIGHTCELL_TEST_SETS");
  const std::vector<const Kernels*> all = availableKernels();
  return wanted != nullptr && std::string(wanted) == "best" && name != "random" ? std::vector{all.back()} : all;
}

void compareKind(const char* name, Precision precision) {
  const Kind& kind = kindOf(name);
  uint64_t seed = 0;
  for (const NamedLayer& named : convolutionLayers()) {
    ++seed;
    const Expected e = expectConvolution(named.layer, kind, seed % 3 == 0 ? 1 : 3, seed);
    for (const Kernels* set : setsFor(name)) {
      chooseKernels(set->name);
      compareWays(named.layer, e, kind.absolute, precision, std::string(name) + ", " + named.name + ", " + set->name);
    }
  }
  chooseKernels(availableKernels().back()->name);
}

void compareKinds(const std::vector<const char*>& names, Precision precision) {
  for (const char* name : names) compareKind(name, precision);
}

FACT("every way of a convolution agrees with the twin on random numbers") {
  compareKinds({"random", "far from zero", "a few large"}, Precision::float32);
}
FACT("every way of a convolution agrees with the twin on zeros") {
  compareKinds({"no sources", "no weights", "no gradient", "mostly zeros"}, Precision::float32);
}
FACT("every way of a convolution agrees with the twin on ties") {
  compareKinds({"ties", "all alike"}, Precision::float32);
}
FACT("every way of a convolution agrees with the twin on huge numbers") {
  compareKinds({"huge", "huge weights"}, Precision::float32);
}
FACT("every way of a convolution agrees with the twin on tiny numbers") {
  compareKinds({"tiny", "denormal"}, Precision::float32);
}
FACT("every way of a convolution in bfloat16 agrees with the twin within 1e-2") {
  compareKinds({"random", "far from zero", "no sources", "mostly zeros", "ties", "huge", "tiny"}, Precision::bfloat16);
}

FACT("a dim image beside one a million times brighter is as exact as alone, in every way of a convolution") {
  for (const NamedLayer& named : convolutionLayers()) {
    const Expected e = expectConvolution(named.layer, kindOf("random"), 2, 7, 1e6);
    compareWays(named.layer, e, 0, Precision::float32, std::string("dim and bright, ") + named.name);
  }
}

// bfloat16 is float32 where the processor has none.
std::vector<Precision> precisions() {
  if (!kernels().bfloat16) return {Precision::float32};
  return {Precision::float32, Precision::bfloat16};
}

std::string nameOf(Precision precision) { return precision == Precision::float32 ? "float32" : "bfloat16"; }

FACT("layers of more tiles than a task takes at once agree with the twin in every way") {
  const std::vector<NamedLayer> layers{{"wide", wideLayer({128, 36, 60}, 116, squareWindow(3, 1, 1, 1))},
                                       {"few", wideLayer({48, 37, 59}, 1, squareWindow(5, 1, 2, 2))}};
  for (const NamedLayer& named : layers) {
    const Expected e = expectConvolution(named.layer, kindOf("random"), 1, 11);
    for (const Precision precision : precisions())
      compareWays(named.layer, e, 0, precision, nameOf(precision) + ", large, " + named.name);
  }
}

FACT("layers of more channels or filters than integers are summed of at once agree with the twin in every way") {
  if (!kernels().bfloat16) return;
  const std::vector<NamedLayer> layers{{"channels", wideLayer({257, 5, 6}, 60, squareWindow(3, 1, 1, 1))},
                                       {"filters", wideLayer({60, 6, 5}, 257, squareWindow(3, 1, 1, 1))},
                                       {"ragged parts", wideLayer({33, 5, 6}, 84, squareWindow(5, 1, 2, 2))}};
  for (const NamedLayer& named : layers)
    compareWays(named.layer, expectConvolution(named.layer, kindOf("random"), 3, 12), 0, Precision::bfloat16,
                std::string("in rounds, ") + named.name);
}

std::vector<std::vector<float>> runTogether(const ConvLayer& layer, const Expected& e, const ConvBackward& way) {
  const int64_t count = e.source.count;
  const std::vector<float> source = toLast(e.source.values, count, layer.source);
  const std::vector<float> diff = toLast(e.diff.values, count, layer.result);
  std::vector<float> sums(roundUp(way.accumulatorFloats(), 16) + 64), diffSrc(count * layer.source.size() + 64);
  std::vector<float> gradient(layer.output.channels * layer.depth() + 64);
  way.run({source.data(), layer.source}, {0, count}, diff.data(), nullptr, sums.data(), diffSrc.data(), nullptr);
  way.collect(sums.data(), gradient.data());
  return {sums, diffSrc, gradient};
}

void compareThreads(const ConvLayer& layer, Precision precision) {
  const Expected e = expectConvolution(layer, kindOf("random"), 5, 4);
  const std::vector<float> weights = toLast(e.weights, layer.output.channels, tapsOf(layer));
  int64_t found = 0;
  for (const auto& candidate : backwardCandidates(layer, true, precision)) {
    const auto way = candidate.create();
    if (!way->takesAllThreads()) continue;
    ++found;
    std::vector<std::vector<float>> expected;
    for (const int count : {1, 2, 3, 7}) {
      setThreads(count);
      way->prepare(weights.data());
      const auto received = runTogether(layer, e, *way);
      if (count == 1) expected = received;
      check(received == expected,
            candidate.name + ", " + nameOf(precision) + ": " + std::to_string(count) + " threads differ");
    }
    setThreads(2);
  }
  check(found > 0, "no way took all threads");
}

FACT("a way that takes all threads gives the same bits on any number of them") {
  for (const Precision precision : precisions()) {
    compareThreads(wideLayer({129, 9, 14}, 114, squareWindow(3, 1, 1, 1)), precision);
    compareThreads(wideLayer({257, 5, 6}, 60, squareWindow(3, 1, 1, 1)), precision);
  }
}

FACT("every way of a convolution applies the scale and the shift of its source") {
  for (const NamedLayer& named : convolutionLayers()) {
    const ConvLayer& l = named.layer;
    const Expected e = expectConvolution(l, kindOf("random"), 2, 3);
    std::vector<float> scale(l.source.channels + 64), shift(l.source.channels + 64);
    Doubles raw = e.source.values;
    for (int c = 0; c < l.source.channels; ++c) {
      scale[c] = c % 2 == 0 ? 0.5f : -2.0f;
      shift[c] = static_cast<float>(c % 5) - 2.0f;
    }
    for (size_t i = 0; i < raw.size(); ++i) {
      const int64_t c = i / l.source.positions() % l.source.channels;
      raw[i] = (raw[i] - shift[c]) / scale[c];
    }
    const std::vector<float> source = toLast(raw, 2, l.source), weights = toLast(e.weights, l.output.channels, tapsOf(l));
    std::vector<float> bias(e.bias.begin(), e.bias.end());
    bias.resize(bias.size() + 64);
    for (const auto& candidate : forwardCandidates(l, Precision::float32)) {
      const auto way = candidate.create();
      way->prepare(weights.data(), bias.data());
      const Check c{l, e, 1e-5, 0, std::string(named.name) + ", " + candidate.name + ", scaled"};
      const Features src{source.data(), l.source, scale.data(), shift.data()};
      compareResult(c, runForward(c, *way, src, way->group(), false).result);
    }
  }
}

}  // namespace
}  // namespace brightcell::test
