#include "core/initialise.h"

#include <algorithm>
#include <cmath>

#include "core/parallel.h"
#include "core/random.h"

namespace brightcell {
namespace {

double truncatedNormal(Random& random) {
  for (;;) {
    const double value = random.normal();
    if (std::abs(value) <= 2.0) return value;
  }
}

double draw(const Initialiser& initialiser, const Parameter& p, Random& random) {
  switch (initialiser.kind) {
    case InitialiserKind::glorotUniform: {
      const double limit = std::sqrt(6.0 / static_cast<double>(p.fanIn + p.fanOut));
      return random.uniform(-limit, limit);
    }
    case InitialiserKind::heNormal: return random.normal() * std::sqrt(2.0 / static_cast<double>(p.fanIn));
    default: return truncatedNormal(random) * initialiser.deviation;
  }
}

void fill(Parameter& p, double value) { std::fill_n(p.value.data(), p.size(), static_cast<float>(value)); }

}  // namespace

void initialise(const Initialiser& initialiser, uint64_t seed, uint64_t stream, Parameter& p) {
  p.value.zeroed(p.size());
  ++p.version;
  switch (p.kind) {
    case ParameterKind::bias:
      return fill(p, initialiser.kind == InitialiserKind::truncatedNormal ? initialiser.bias : 0.0);
    case ParameterKind::scale: return fill(p, 1.0);
    case ParameterKind::shift: return fill(p, 0.0);
    case ParameterKind::statistic: return fill(p, p.name.ends_with("Variance") ? 1.0 : 0.0);
    case ParameterKind::weights: break;
  }
  // One stream a row of the outer dimension, drawn in the order [C, H, W] that the outside sees.
  parallelFor(p.outer, [&](std::ptrdiff_t row, int) {
    Random random(seed, (stream << 32) + static_cast<uint64_t>(row));
    const int64_t positions = p.layout.positions();
    for (int c = 0; c < p.layout.channels; ++c)
      for (int64_t i = 0; i < positions; ++i)
        p.value.data()[row * p.layout.size() + i * p.layout.channels + c] =
            static_cast<float>(draw(initialiser, p, random));
  });
}

}  // namespace brightcell
