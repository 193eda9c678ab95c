// Convolutions of awkward shapes, numbers that break sums, and what the twins make of them in double precision.
#pragma once
#include <string>
#include <vector>

#include "core/convolution.h"
#include "core/random.h"
#include "reference/activation.h"
#include "reference/convolution.h"
#include "reference/pool.h"

namespace brightcell::test {

using Maps = reference::Maps<double>;
using Doubles = std::vector<double>;

struct NamedLayer {
  const char* name;
  ConvLayer layer;
};

// What the numbers are like.
struct Kind {
  const char* name;
  double (*source)(Random&);
  double (*weight)(Random&);
  double (*diff)(Random&);
  double absolute = 0;  // error allowed besides: what a float cannot say
};

struct Expected {
  Maps source;
  Doubles weights, bias;
  Maps wide, result;       // wide: the convolution with its bias, before pool and activation
  Maps diff;               // gradient of the result before its activation
  std::vector<int> place;  // of the largest of each window of the pool, [N, F, H, W]
  reference::ConvolutionGradients<double> gradients;
};

struct Cell {
  int y, x;
};

// Where place `place` of the pool window of (y, x) stands in the convolution's own map.
inline Cell cellOf(const Window& pool, int y, int x, int place) {
  return {y * pool.strideY - pool.top + place / pool.width, x * pool.strideX - pool.left + place % pool.width};
}

inline double largestOf(const Maps& maps, int64_t image) {
  double largest = 0;
  for (int64_t i = 0; i < maps.shape.size(); ++i)
    largest = std::max(largest, std::abs(maps.values[image * maps.shape.size() + i]));
  return largest;
}

inline Window squareWindow(int side, int stride, int before, int after) {
  return {side, side, stride, stride, before, after, before, after};
}

inline ConvLayer wideLayer(Shape source, int filters, Window window, Activation activation = Activation::none) {
  ConvLayer layer;
  layer.source = source;
  layer.window = window;
  layer.output = {filters, window.outputHeight(source.height), window.outputWidth(source.width)};
  layer.result = layer.output;
  layer.activation = activation;
  return layer;
}

inline ConvLayer pooledLayer(Shape source, int filters, Window window, Activation activation,
                             Window pool = squareWindow(2, 2, 0, 0)) {
  ConvLayer layer = wideLayer(source, filters, window, activation);
  layer.pooled = true;
  layer.pool = pool;
  layer.result = {filters, pool.outputHeight(layer.output.height), pool.outputWidth(layer.output.width)};
  return layer;
}

inline const std::vector<NamedLayer>& convolutionLayers() {
  constexpr Activation none = Activation::none, relu = Activation::relu, scaledTanh = Activation::scaledTanh;
  const auto square = squareWindow;
  static const std::vector<NamedLayer> all{
      {"11 x 11, stride 2, one channel", pooledLayer({1, 23, 30}, 20, square(11, 2, 4, 5), relu)},
      {"11 x 11, one channel", pooledLayer({1, 18, 21}, 17, square(11, 1, 5, 5), relu)},
      {"6 x 6, stride 2", pooledLayer({8, 15, 18}, 33, square(6, 2, 2, 2), relu)},
      {"6 x 6", pooledLayer({6, 14, 17}, 18, square(6, 1, 2, 3), relu)},
      {"3 x 3, pooled", pooledLayer({5, 9, 10}, 16, square(3, 1, 1, 1), relu)},
      {"3 x 3, wide", wideLayer({18, 8, 7}, 40, square(3, 1, 0, 0))},
      {"3 x 3, whole vectors", pooledLayer({16, 12, 12}, 32, square(3, 1, 1, 1), scaledTanh)},
      {"3 x 3 to one filter", wideLayer({3, 11, 5}, 1, square(3, 1, 1, 1), Activation::tanh)},
      {"3 x 3, stride 2", wideLayer({4, 9, 12}, 12, square(3, 2, 0, 1), relu)},
      {"1 x 1 map", wideLayer({1, 1, 1}, 1, square(1, 1, 0, 0))},
      {"1 x 1 map with a border", wideLayer({7, 1, 1}, 5, square(3, 1, 1, 1), relu)},
      {"1 x 1 kernel", pooledLayer({9, 7, 6}, 13, square(1, 1, 0, 0), relu)},
      {"kernel larger than the map", wideLayer({2, 3, 2}, 6, square(5, 1, 2, 2), relu)},
      {"6 x 6 larger than the map", pooledLayer({4, 4, 3}, 10, square(6, 1, 3, 3), none)},
      {"stride larger than the kernel", wideLayer({3, 14, 13}, 7, square(2, 3, 0, 0), none)},
      {"windows that do not reach the end", pooledLayer({2, 16, 15}, 9, square(4, 3, 1, 0), relu)},
      {"9 x 9 on an odd map", wideLayer({3, 19, 26}, 8, square(9, 1, 0, 0), none)},
      {"5 x 5, a pool that leaves a row", pooledLayer({17, 13, 11}, 9, square(5, 1, 2, 2), scaledTanh)},
      {"7 x 7, pool of 2", pooledLayer({1, 16, 18}, 6, square(7, 1, 3, 3), scaledTanh)},
      {"4 x 4, stride 2, pool of 3",
       pooledLayer({6, 15, 15}, 16, square(4, 2, 1, 1), scaledTanh, square(3, 3, 0, 0))},
      {"a pool whose windows overlap", pooledLayer({4, 12, 11}, 11, square(3, 1, 1, 1), relu, square(3, 2, 1, 1))},
      {"oblong everything",
       pooledLayer({3, 13, 17}, 10, {5, 2, 2, 3, 1, 2, 0, 1}, relu, {3, 2, 1, 2, 1, 1, 0, 1})},
      {"5 x 5 to one filter, whole vectors", wideLayer({32, 9, 14}, 1, square(5, 1, 2, 2))},
      {"5 x 4 to three filters", wideLayer({19, 8, 13}, 3, {5, 4, 1, 1, 1, 2, 3, 0}, scaledTanh)},
      {"1 x 3 to eight filters", wideLayer({16, 3, 29}, 8, {1, 3, 1, 1, 0, 0, 2, 2}, relu)},
      {"3 x 3, wide sums", wideLayer({129, 5, 9}, 114, square(3, 1, 1, 1), relu)},
      {"5 x 5, wide sums, stride 2, pooled", pooledLayer({40, 9, 13}, 100, square(5, 2, 2, 2), relu)},
      {"3 x 3, wide sums, a pool of 3", pooledLayer({130, 7, 6}, 113, square(3, 1, 1, 1), none, square(3, 2, 1, 1))},
  };
  return all;
}

inline const Kind& kindOf(const std::string& name) {
  using Draw = double (*)(Random&);
  constexpr double smallest = 1.5e-45;  // the smallest float above zero
  static const Draw normal = [](Random& r) { return r.normal(); };
  static const Draw zero = [](Random&) { return 0.0; };
  static const Draw half = [](Random&) { return 0.5; };
  static const Draw bit = [](Random& r) { return static_cast<double>(r.below(2)); };
  static const Draw sign = [](Random& r) { return static_cast<double>(r.below(3)) - 1; };
  static const Draw huge = [](Random& r) { return 1e30 * r.normal(); };
  static const Draw small = [](Random& r) { return 1e-3 * r.normal(); };
  static const Draw tiny = [](Random& r) { return 1e-30 * r.normal(); };
  static const Draw denormal = [](Random& r) { return 1e-40 * r.normal(); };
  static const Draw positive = [](Random& r) { return r.uniform(0.5, 1.5); };
  static const Draw rare = [](Random& r) { return r.below(25) == 0 ? r.normal() : 0.0; };
  static const Draw mixed = [](Random& r) { return r.normal() * (r.below(40) == 0 ? 1e4 : 1.0); };
  static const std::vector<Kind> kinds{
      {"random", normal, normal, normal},
      {"no sources", zero, normal, normal},
      {"no weights", normal, zero, normal},
      {"no gradient", normal, normal, zero},
      {"mostly zeros", rare, rare, rare},
      {"ties", bit, sign, sign},
      {"all alike", half, half, half},
      {"far from zero", positive, normal, positive},
      {"a few large", mixed, normal, normal},
      {"huge", huge, small, small},
      {"huge weights", small, huge, small},
      {"tiny", tiny, normal, normal},
      {"denormal", denormal, normal, normal, 500 * smallest},
  };
  for (const Kind& kind : kinds)
    if (name == kind.name) return kind;
  throw std::invalid_argument("no numbers are called " + name);
}

// The gradient as it stands before the pool: each at the first of the largest of its window, whose place is kept.
inline Maps throughPool(const ConvLayer& layer, const Maps& wide, const Maps& diff, std::vector<int>& place) {
  if (!layer.pooled) return diff;
  Maps before(wide.count, wide.shape);
  for (int64_t n = 0; n < wide.count; ++n)
    for (int f = 0; f < wide.shape.channels; ++f)
      for (int y = 0; y < diff.shape.height; ++y)
        for (int x = 0; x < diff.shape.width; ++x) {
          int best = -1;
          Cell at{};
          for (int i = 0; i < layer.pool.area(); ++i) {
            const Cell cell = cellOf(layer.pool, y, x, i);
            if (!wide.has(cell.y, cell.x)) continue;
            if (best >= 0 && wide.at(n, f, cell.y, cell.x) <= wide.at(n, f, at.y, at.x)) continue;
            best = i;
            at = cell;
          }
          place.push_back(best);
          before.at(n, f, at.y, at.x) += diff.at(n, f, y, x);
        }
  return before;
}

// `brighter` multiplies the first image.
inline Expected expectConvolution(const ConvLayer& layer, const Kind& kind, int64_t count, uint64_t seed,
                                  double brighter = 1) {
  Random random(seed);
  // Rounded to what the engine can be given.
  const auto fill = [&](Doubles& values, size_t size, auto draw) {
    values.resize(size);
    for (double& x : values) x = static_cast<float>(draw(random));
  };
  Expected e;
  const int filters = layer.output.channels;
  e.source = Maps(count, layer.source);
  e.diff = Maps(count, layer.result);
  fill(e.source.values, e.source.values.size(), kind.source);
  for (int64_t i = 0; i < layer.source.size(); ++i)
    e.source.values[i] = static_cast<float>(brighter * e.source.values[i]);
  // So that results are about as large as sources.
  // A power of two: ties stay ties.
  const double scale = std::exp2(std::round(-0.5 * std::log2(static_cast<double>(layer.depth()))));
  fill(e.weights, filters * layer.depth(), [&](Random& r) { return scale * kind.weight(r); });
  // A bias of the size of one product, so that neither hides the other.
  fill(e.bias, filters, [&](Random& r) { return kind.source(r) * kind.weight(r); });
  fill(e.diff.values, e.diff.values.size(), kind.diff);
  e.wide = reference::convolve(e.source, e.weights, e.bias, filters, layer.window);
  e.result = layer.pooled ? reference::maxPool(e.wide, layer.pool) : e.wide;
  if (layer.activation != Activation::none) e.result = reference::activate(layer.activation, e.result);
  const Maps before = throughPool(layer, e.wide, e.diff, e.place);
  e.gradients = reference::convolveBackward(e.source, e.weights, false, layer.window, before);
  return e;
}

}  // namespace brightcell::test
