#include "core/tsne.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

namespace brightcell {
namespace {

constexpr double leastGain = 0.01, leastNorm = 1e-7;
constexpr int between = 50;  // steps between two looks at the gradient's length and the centre

void centre(int64_t N, double* y) {
  for (int part = 0; part < 2; ++part) {
    double sum = 0;
    for (int64_t i = 0; i < N; ++i) sum += y[2 * i + part];
    for (int64_t i = 0; i < N; ++i) y[2 * i + part] -= sum / static_cast<double>(N);
  }
}

struct Descent {
  std::vector<double> gradient, update, gains;
  explicit Descent(size_t count) : gradient(count), update(count, 0.0), gains(count, 1.0) {}

  // Jacobs' gains: larger where the gradient keeps its sign. Gives the gradient's length before them.
  double step(double momentum, double learningRate, double* y) {
    double squares = 0;
    for (size_t i = 0; i < gradient.size(); ++i) {
      squares += gradient[i] * gradient[i];
      gains[i] = update[i] * gradient[i] < 0 ? gains[i] + 0.2 : std::max(leastGain, gains[i] * 0.8);
      update[i] = momentum * update[i] - learningRate * gains[i] * gradient[i];
      y[i] += update[i];
    }
    return std::sqrt(squares);
  }
};

}  // namespace

TsneResult embedTsne(const Affinities& joint, const TsneSettings& settings, double* y, const Watch& watch) {
  const int64_t N = joint.count();
  TsneGradient gradient(joint, settings.repulsion);
  Descent descent(static_cast<size_t>(2 * N));
  watch.begin(settings.iterations);
  int made = 0;
  for (; made < settings.iterations; ++made) {
    watch.check();
    const bool early = made < settings.exaggerated;
    // The second phase begins anew: its gradient is another one.
    if (made == settings.exaggerated) descent = Descent(static_cast<size_t>(2 * N));
    gradient.compute(y, early ? settings.exaggeration : 1, descent.gradient.data());
    const double norm = descent.step(early ? 0.5 : 0.8, settings.learningRate, y);
    if (!std::isfinite(norm)) throw std::domain_error("the embedding left the finite numbers");
    watch.advance();
    if (made % between == between - 1) {
      centre(N, y);
      if (norm < leastNorm && !early) break;
    }
  }
  centre(N, y);
  gradient.compute(y, 1, descent.gradient.data());
  return {gradient.divergence(y), std::min(made + 1, settings.iterations)};
}

}  // namespace brightcell
