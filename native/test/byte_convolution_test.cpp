// The first layer straight from stored bytes, against the twins in double precision: of the images as they are, normalised
// in double. The error is measured against the largest number expected in the image, and is at most the 1e-2 of a kernel in
// bfloat16.
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>

#include "core/byte_convolution.h"
#include "core/byte_weights.h"
#include "core/input.h"
#include "core/instruction_set.h"
#include "core/network.h"
#include "core/parallel.h"
#include "reference/input.h"
#include "test/check.h"
#include "test/convolution_cases.h"

namespace brightcell::test {
namespace {

constexpr double bound = 1e-2;

struct ImageKind {
  const char* name;
  std::function<int(Random&, int y, int x)> pixel;
};

const std::vector<ImageKind>& imageKinds() {
  static const std::vector<ImageKind> all{
      {"noise", [](Random& r, int, int) { return static_cast<int>(r.below(256)); }},
      {"extremes", [](Random& r, int, int) { return r.below(2) == 0 ? 0 : 255; }},
      {"black", [](Random&, int, int) { return 0; }},
      {"grey", [](Random&, int, int) { return 100; }},
      {"white", [](Random&, int, int) { return 255; }},
      {"one pixel", [](Random&, int y, int x) { return y == 2 && x == 3 ? 201 : 200; }},
      {"bright and flat", [](Random& r, int, int) { return 250 + static_cast<int>(r.below(3)); }},
      {"a few bright", [](Random& r, int, int) { return r.below(30) == 0 ? 255 : 3; }},
      {"ramp", [](Random&, int y, int x) { return (5 * y + 3 * x) % 256; }},
      {"chequered", [](Random&, int y, int x) { return (y + x) % 2 * 255; }},
      {"a cell", [](Random& r, int y, int x) {
         return (y - 9) * (y - 9) + (x - 8) * (x - 8) < 30 ? 150 + static_cast<int>(r.below(20)) : 40 + static_cast<int>(r.below(8));
       }},
  };
  return all;
}

struct WeightKind {
  const char* name;
  std::function<double(Random&)> weight;
};

const std::vector<WeightKind>& weightKinds() {
  static const std::vector<WeightKind> all{
      {"normal", [](Random& r) { return r.normal(); }},
      {"uniform", [](Random& r) { return r.uniform(-1, 1); }},
      {"mostly zeros", [](Random& r) { return r.below(25) == 0 ? r.normal() : 0.0; }},
      {"a few large", [](Random& r) { return r.normal() * (r.below(40) == 0 ? 1e4 : 1.0); }},
      {"some larger", [](Random& r) { return r.normal() * (r.below(90) == 0 ? 5 : 1.0); }},
      {"alike", [](Random&) { return 0.5; }},
      {"huge", [](Random& r) { return 1e30 * r.normal(); }},
      {"tiny", [](Random& r) { return 1e-30 * r.normal(); }},
      {"none", [](Random&) { return 0.0; }},
  };
  return all;
}

// Those of convolutionLayers that bytes can be the source of, and some more of a few channels.
std::vector<NamedLayer> layers() {
  const auto square = squareWindow;
  std::vector<NamedLayer> all{
      {"11 x 11, stride 2, 50 filters", pooledLayer({1, 25, 27}, 50, square(11, 2, 4, 5), Activation::relu)},
      {"5 x 5, one channel", pooledLayer({1, 19, 40}, 32, square(5, 1, 2, 2), Activation::none)},
      {"3 x 3 to one filter, one channel", wideLayer({1, 7, 5}, 1, square(3, 1, 1, 1), Activation::tanh)},
      {"4 x 4 over all", wideLayer({1, 4, 4}, 3, square(4, 4, 0, 0))},
  };
  for (const NamedLayer& named : convolutionLayers())
    if (named.layer.source.channels <= 4) all.push_back(named);
  for (NamedLayer& named : all) named.layer.stored = true;
  return all;
}

struct Bytes {
  std::vector<uint8_t> pixels;
  ImageView view;
  Maps maps;  // normalised in double

  Bytes(const ImageKind& kind, Shape s, Normalisation how, uint64_t seed) : maps(1, s) {
    Random random(seed);
    for (int i = 0; i < s.size(); ++i)
      pixels.push_back(static_cast<uint8_t>(kind.pixel(random, static_cast<int>(i % s.positions()) / s.width, i % s.width)));
    view = {pixels.data(), PixelType::uint8, s.channels, s.height, s.width, 130.7f, 20.5f};
    maps.values.assign(pixels.begin(), pixels.end());
    reference::normalise(maps.values, how, 255, {view.level, view.contrast});
  }
};

struct Weights {
  Doubles taps, bias;
  std::vector<float> last, lastBias;  // as the engine holds them

  Weights(const WeightKind& kind, const ConvLayer& l, uint64_t seed) {
    Random random(seed);
    for (int64_t i = 0; i < l.output.channels * l.depth(); ++i) taps.push_back(static_cast<float>(kind.weight(random)));
    for (int f = 0; f < l.output.channels; ++f) bias.push_back(static_cast<float>(kind.weight(random)));
    last.resize(taps.size() + 64);
    const int64_t window = l.window.area(), channels = l.source.channels;
    for (size_t i = 0; i < taps.size(); ++i) {
      const int64_t f = i / l.depth(), c = i % l.depth() / window, tap = i % window;
      last[f * l.depth() + tap * channels + c] = static_cast<float>(taps[i]);
    }
    lastBias.assign(bias.begin(), bias.end());
    lastBias.resize(bias.size() + 64);
  }
};

std::unique_ptr<ConvForward> bytesFor(const ConvLayer& layer) {
  for (const auto& candidate : forwardCandidates(layer, Precision::bfloat16))
    if (candidate.name == bytesWay) return candidate.create();
  return nullptr;
}

// [F, H, W] of one image; scratch that begins as NaN.
Doubles runBytes(const ConvLayer& l, const ConvForward& way, const StoredImage& stored, std::vector<uint8_t>* place) {
  std::vector<float> scratch(way.scratchFloats() + 32, std::numeric_limits<float>::quiet_NaN());
  float* aligned = reinterpret_cast<float*>((reinterpret_cast<uintptr_t>(scratch.data()) + 63) / 64 * 64);
  std::vector<float> result(l.result.size() + 64, 12345.0f);
  Features src{nullptr, l.source};
  src.stored = &stored;
  way.run(src, {0, 1}, result.data(), place ? place->data() : nullptr, aligned);
  for (size_t i = l.result.size(); i < result.size(); ++i) check(result[i] == 12345.0f, "wrote behind the result");
  Doubles planar(l.result.size());
  for (int f = 0; f < l.result.channels; ++f)
    for (int64_t p = 0; p < l.result.positions(); ++p) planar[f * l.result.positions() + p] = result[p * l.result.channels + f];
  return planar;
}

void checkPlaces(const ConvLayer& l, const Maps& wide, const std::vector<uint8_t>& place, double error, const std::string& what) {
  const Shape s = l.result;
  for (int64_t i = 0; i < s.size(); ++i) {
    const int f = static_cast<int>(i % s.channels), x = static_cast<int>(i / s.channels % s.width);
    const int y = static_cast<int>(i / s.channels / s.width);
    double largest = -std::numeric_limits<double>::infinity();
    for (int p = 0; p < l.pool.area(); ++p)
      if (const Cell c = cellOf(l.pool, y, x, p); wide.has(c.y, c.x)) largest = std::max(largest, wide.at(0, f, c.y, c.x));
    const Cell chosen = cellOf(l.pool, y, x, place[i]);
    check(place[i] < l.pool.area() && wide.has(chosen.y, chosen.x), what, ": a place outside the map");
    check(largest - wide.at(0, f, chosen.y, chosen.x) <= error, what, ": not the place of the largest");
  }
}

void compareBytes(const NamedLayer& named, const WeightKind& weightKind, Normalisation how, uint64_t seed) {
  const ConvLayer& l = named.layer;
  const Weights weights(weightKind, l, seed);
  const auto way = bytesFor(l);
  check(way != nullptr, "bytes are a way of a first layer");
  way->prepare(weights.last.data(), weights.lastBias.data());
  for (const ImageKind& kind : imageKinds()) {
    const std::string what = std::string(named.name) + ", " + kind.name + ", weights " + weightKind.name + ", normalisation " +
                             std::to_string(static_cast<int>(how));
    const Bytes image(kind, l.source, how, seed);
    const Maps wide = reference::convolve(image.maps, weights.taps, weights.bias, l.output.channels, l.window);
    Maps expected = l.pooled ? reference::maxPool(wide, l.pool) : wide;
    if (l.activation != Activation::none) expected = reference::activate(l.activation, expected);
    const bool bent = l.activation == Activation::tanh || l.activation == Activation::scaledTanh;
    const double error = bound * largestOf(wide, 0);
    const StoredImage stored = loadStored(image.view, how);
    std::vector<uint8_t> place(l.pooled ? l.result.size() + 64 : 0);
    const Doubles received = runBytes(l, *way, stored, l.pooled ? &place : nullptr);
    checkClose(received, expected.values, bound, bent ? error : 0, what);
    if (l.pooled) checkPlaces(l, wide, place, 2 * error, what);
    check(runBytes(l, *way, stored, nullptr) == received, what + ": without places the result is another");
  }
}

// While it lives, bytes are taken wherever they are a way.
struct ForceBytes {
  ForceBytes() { setenv("BRIGHTCELL_ALGORITHM", bytesWay, 1); }
  ~ForceBytes() { unsetenv("BRIGHTCELL_ALGORITHM"); }
};

bool haveBytes() { return kernels().byteTile != nullptr; }

FACT("a first layer from bytes agrees with the twin, whatever the image and the normalisation") {
  if (!haveBytes()) return;
  uint64_t seed = 0;
  for (const NamedLayer& named : layers())
    for (const Normalisation how : {Normalisation::none, Normalisation::range, Normalisation::mean,
                                    Normalisation::standardise, Normalisation::session})
      compareBytes(named, weightKinds()[0], how, ++seed);
}

FACT("a first layer from bytes agrees with the twin, whatever the weights") {
  if (!haveBytes()) return;
  uint64_t seed = 100;
  for (const NamedLayer& named : layers())
    for (const WeightKind& kind : weightKinds()) compareBytes(named, kind, Normalisation::standardise, ++seed);
}

FACT("weights that are no numbers make results that are none, in a first layer from bytes") {
  if (!haveBytes()) return;
  const ConvLayer l = layers()[0].layer;
  Weights weights(weightKinds()[0], l, 5);
  weights.last[7] = std::numeric_limits<float>::quiet_NaN();
  const auto way = bytesFor(l);
  way->prepare(weights.last.data(), weights.lastBias.data());
  const Bytes image(imageKinds()[0], l.source, Normalisation::mean, 5);
  const Doubles received = runBytes(l, *way, loadStored(image.view, Normalisation::mean), nullptr);
  for (int64_t p = 0; p < l.result.positions(); ++p) check(std::isnan(received[p]), "filter 0 is a number");
  check(!std::isnan(received[l.result.positions()]), "filter 1 is none");
}

FACT("small windows have weights of 16 bits in two planes of bytes") {
  const ConvLayer l = layers()[1].layer;  // 5 x 5: two words a row
  const Weights weights(weightKinds()[0], l, 3);
  ByteWeights rounded;
  rounded.round(l, weights.last.data(), 44, 0);
  check(rounded.panels[0].coarse == 10 && rounded.panels[0].offsets.size() == 20, "words");
  for (size_t i = 0; i < weights.taps.size(); ++i)
    check(std::abs(rounded.wholes[i] * static_cast<double>(rounded.scales[i / 25]) - weights.taps[i]) < 1e-4, "a tap");
}

FACT("rounded weights take no more words than two planes of bytes, and are right in sum") {
  const ConvLayer l = layers()[0].layer;
  const int taps = static_cast<int>(l.depth());
  for (const WeightKind& kind : weightKinds()) {
    const Weights weights(kind, l, 3);
    ByteWeights rounded;
    rounded.round(l, weights.last.data(), 40, 0);
    const BytePanel& panel = rounded.panels[0];
    const std::string name = kind.name;
    if (name == "uniform" || name == "alike" || name == "none") check(panel.offsets.size() == 33, name + ": words");
    const int words = panel.shared + (panel.own[0] + panel.own[1]) / 2;  // one of a single vector is half the work
    check(panel.coarse == 0 ? words < 66 : words == 66, name + ": too many words");
    for (int f = 0; f < l.output.channels; ++f) {
      double sum = 0, size = 0;
      for (int i = 0; i < taps; ++i) {
        sum += rounded.scales[f] * static_cast<double>(rounded.wholes[f * taps + i]) - weights.taps[f * taps + i];
        size = std::max(size, std::abs(weights.taps[f * taps + i]));
      }
      check(std::abs(sum) <= 2 * size / 127, std::string(kind.name) + ": the sum of filter " + std::to_string(f) + ": " + std::to_string(sum / size * 127));
    }
  }
}

FACT("a large tap costs the vector of filters it is in a word, and no other") {
  const ConvLayer l = layers()[0].layer;  // 11 x 11, 50 filters: a panel and more
  const int64_t taps = l.depth(), lanes = kernels().lanes, panel = kernels().panel;
  Random random(4);
  std::vector<float> weights(l.output.channels * taps);
  for (float& w : weights) w = static_cast<float>(random.uniform(-1, 1));
  weights[2 * taps + 60] = weights[2 * taps + 62] = 2.5f;  // in one word; beside it one of another row
  weights[3 * taps + 70] = -2.5f;
  weights[(lanes + 1) * taps + 60] = 2.5f;
  ByteWeights rounded;
  rounded.round(l, weights.data(), 40, 0);
  for (size_t p = 0; p < rounded.panels.size(); ++p) {
    const BytePanel& words = rounded.panels[p];
    check(words.shared == 33 && words.coarse == 0, "words of all");
    check(words.own[0] == (p == 0 ? 2 : 0) && words.own[1] == (p == 0 ? 1 : 0), "words of a vector");
    check(words.words.size() == static_cast<size_t>(33 * panel + (words.own[0] + words.own[1]) * lanes), "their number");
  }
  for (size_t i = 0; i < weights.size(); ++i) {
    const float scale = rounded.scales[i / taps];
    check(std::abs(rounded.wholes[i] * scale - weights[i]) <= 1.5f * scale, "a tap");
    check(scale < 1.3f / 127, "the scale of a filter");
  }
}

FACT("a network gives the same bits from bytes on 1, 2 and 5 threads, alone and in a batch, near those from floats") {
  if (!haveBytes()) return;
  const ForceBytes force;
  Layer conv{LayerKind::conv, "conv", 20, squareWindow(11, 2, 4, 5)};
  Layer pool{LayerKind::maxPool, "maxPool", 0, squareWindow(2, 2, 0, 0)};
  Layer relu{LayerKind::activation, "relu"};
  relu.activation = Activation::relu;
  const Shape shape{1, 40, 44};
  const std::vector<Layer> layers{conv, pool, relu, {LayerKind::dense, "dense", 3}};
  Network network(shape, layers, 1, {InitialiserKind::glorotUniform}, Precision::bfloat16);
  const int64_t count = 9;
  std::vector<Bytes> images;
  for (int64_t i = 0; i < count; ++i) images.emplace_back(imageKinds()[i], shape, Normalisation::standardise, i);
  InputTransform transform;
  transform.normalisation = Normalisation::standardise;
  ImageSource source{count, loadScratchSize(images[0].view), [&](int64_t i, float* dst, float* scratch) {
                       loadImage(images[i].view, transform, 0, dst, scratch);
                     }};
  const int64_t size = 20 * 10 * 11;
  std::vector<float> floats(count * size), bytes(count * size), again(count * size);
  network.activations(source, 2, floats.data());
  source.stored = [&](int64_t i) { return loadStored(images[i].view, transform.normalisation); };
  network.activations(source, 2, bytes.data());
  check(network.blocks(false)[0].ways.forward.starts_with(bytesWay), "another way than bytes");
  checkClose(bytes, floats, 1e-2, 0, "from bytes");
  for (const int threads : {1, 2, 5}) {
    setThreads(threads);
    network.activations(source, 2, again.data());
    check(again == bytes, "other bits on " + std::to_string(threads) + " threads");
  }
  setThreads(1);
  ImageSource one = source;
  one.count = 1;
  for (int64_t i = 0; i < count; ++i) {
    one.stored = [&](int64_t) { return loadStored(images[i].view, transform.normalisation); };
    one.load = [](int64_t, float*, float*) { fail("the image was loaded as floats"); };
    network.activations(one, 2, again.data());
    check(std::memcmp(again.data(), bytes.data() + i * size, size * sizeof(float)) == 0, "another image alone");
  }
  std::vector<float> input(count * shape.size());
  network.activations(source, -1, input.data());
  for (int64_t i = 0; i < count; ++i)
    checkClose(std::vector<float>(input.begin() + i * shape.size(), input.begin() + (i + 1) * shape.size()),
               images[i].maps.values, 1e-5, 1e-5, "the input itself");
}

}  // namespace
}  // namespace brightcell::test
