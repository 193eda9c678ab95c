#include "core/umap.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "core/parallel.h"
#include "core/random.h"

namespace brightcell {
namespace {

constexpr int64_t pointsPerTask = 256;
constexpr int pushes = 5;  // for each pull

double clipped(double x) { return std::clamp(x, -4.0, 4.0); }

struct Layout {
  const Affinities& graph;
  const UmapSettings& settings;
  UmapCurve curve;
  double strongest;
  const double* y;  // where points stood when the epoch began

  // Whether an edge's turn comes in this epoch: as many turns as its weight is of the strongest's.
  bool isDue(float weight, int epoch) const {
    const double share = double{weight} / strongest;
    return std::floor((epoch + 1) * share) > std::floor(epoch * share);
  }

  void pull(double* own, const double* other, double rate) const {
    const double dx = own[0] - other[0], dy = own[1] - other[1], square = dx * dx + dy * dy;
    if (square <= 0) return;
    const double power = std::pow(square, curve.b);
    const double factor = -2 * curve.a * curve.b * power / square / (1 + curve.a * power);
    own[0] += rate * clipped(factor * dx);
    own[1] += rate * clipped(factor * dy);
  }

  void push(double* own, const double* other, double rate) const {
    const double dx = own[0] - other[0], dy = own[1] - other[1], square = dx * dx + dy * dy;
    if (square <= 0) return;
    const double factor = 2 * curve.b / ((0.001 + square) * (1 + curve.a * std::pow(square, curve.b)));
    own[0] += rate * clipped(factor * dx);
    own[1] += rate * clipped(factor * dy);
  }

  // umap-learn moves both ends of an edge, and its graph holds each edge twice; here every point moves itself, twice.
  void move(int64_t i, int epoch, double rate, double* dst) const {
    const auto N = static_cast<uint64_t>(graph.count());
    Random random(settings.seed, static_cast<uint64_t>(epoch) * N + static_cast<uint64_t>(i));
    double own[2] = {y[2 * i], y[2 * i + 1]};
    for (int64_t at = graph.start[static_cast<size_t>(i)]; at < graph.start[static_cast<size_t>(i + 1)]; ++at) {
      if (!isDue(graph.weights[static_cast<size_t>(at)], epoch)) continue;
      const double* other = y + 2 * int64_t{graph.neighbours[static_cast<size_t>(at)]};
      pull(own, other, rate);
      pull(own, other, rate);
      for (int p = 0; p < pushes; ++p) {
        const uint64_t j = random.below(N);
        if (j != static_cast<uint64_t>(i)) push(own, y + 2 * j, rate);
      }
    }
    dst[2 * i] = own[0];
    dst[2 * i + 1] = own[1];
  }
};

}  // namespace

// Gauss and Newton, halving a step that does not help.
UmapCurve fitUmapCurve(double minimumDistance) {
  constexpr int points = 300;
  const auto distance = [](int i) { return 3.0 * i / (points - 1); };
  const auto wanted = [&](double d) { return d < minimumDistance ? 1 : std::exp(minimumDistance - d); };
  const auto loss = [&](UmapCurve c) {
    double sum = 0;
    for (int i = 0; i < points; ++i) {
      const double rest = wanted(distance(i)) - 1 / (1 + c.a * std::pow(distance(i), 2 * c.b));
      sum += rest * rest;
    }
    return sum;
  };
  UmapCurve best{1, 1};
  for (int step = 0; step < 100; ++step) {
    double aa = 1e-12, ab = 0, bb = 1e-12, ra = 0, rb = 0;
    for (int i = 1; i < points; ++i) {
      const double d = distance(i), power = std::pow(d, 2 * best.b), value = 1 / (1 + best.a * power);
      const double byA = -value * value * power, byB = -value * value * best.a * power * 2 * std::log(d);
      const double rest = wanted(d) - value;
      aa += byA * byA;
      ab += byA * byB;
      bb += byB * byB;
      ra += byA * rest;
      rb += byB * rest;
    }
    const double det = aa * bb - ab * ab, now = loss(best);
    double share = 1;
    UmapCurve next = best;
    do {
      next = {best.a + share * (bb * ra - ab * rb) / det, best.b + share * (aa * rb - ab * ra) / det};
      share /= 2;
    } while (share > 1e-6 && !(next.a > 0 && next.b > 0 && loss(next) <= now));
    if (share <= 1e-6 || now - loss(next) < 1e-15) break;
    best = next;
  }
  return best;
}

void embedUmap(const Affinities& graph, const UmapSettings& settings, double* y, const Watch& watch) {
  const int64_t N = graph.count();
  if (graph.weights.empty()) return;
  const double strongest = *std::max_element(graph.weights.begin(), graph.weights.end());
  std::vector<double> next(y, y + 2 * N);
  const Layout layout{graph, settings, fitUmapCurve(settings.minimumDistance), strongest, y};
  watch.begin(settings.epochs);
  for (int epoch = 0; epoch < settings.epochs; ++epoch) {
    watch.check();
    const double rate = 1 - static_cast<double>(epoch) / settings.epochs;
    parallelFor((N + pointsPerTask - 1) / pointsPerTask, [&](int64_t task, int) {
      const int64_t end = std::min(N, (task + 1) * pointsPerTask);
      for (int64_t i = task * pointsPerTask; i < end; ++i) layout.move(i, epoch, rate, next.data());
    });
    std::copy(next.begin(), next.end(), y);
    watch.advance();
  }
  for (int64_t i = 0; i < 2 * N; ++i)
    if (!std::isfinite(y[i])) throw std::domain_error("the embedding left the finite numbers");
}

}  // namespace brightcell
