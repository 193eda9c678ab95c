// The gradient of t-SNE against its formula, summed over all pairs in double precision, and that against differences
// of the divergence; the grid against direct sums.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/grid_convolution.h"
#include "core/instruction_set.h"
#include "core/parallel.h"
#include "core/random.h"
#include "core/tsne.h"
#include "test/check.h"

namespace brightcell::test {
namespace {

std::vector<double> scatter(int64_t N, double deviation, uint64_t seed) {
  Random random(seed);
  std::vector<double> y;
  for (int64_t i = 0; i < 2 * N; ++i) y.push_back(random.normal(0, deviation));
  return y;
}

// Every point and the k after it in a circle.
Affinities circle(int64_t N, int64_t k) {
  std::vector<int32_t> places;
  std::vector<double> distances;
  Random random(3);
  for (int64_t i = 0; i < N; ++i)
    for (int64_t j = 1; j <= k; ++j) {
      places.push_back(static_cast<int32_t>((i + j) % N));
      distances.push_back(random.uniform(0.5, 2) * static_cast<double>(j));
    }
  std::vector<float> weights(places.size());
  conditionalProbabilities(N, k, distances.data(), std::min(30.0, static_cast<double>(k) / 2), weights.data());
  return symmetrise(N, k, places.data(), weights.data(), Symmetry::mean);
}

double squareBetween(const std::vector<double>& y, int64_t i, int64_t j) {
  const double dx = y[static_cast<size_t>(2 * i)] - y[static_cast<size_t>(2 * j)];
  const double dy = y[static_cast<size_t>(2 * i + 1)] - y[static_cast<size_t>(2 * j + 1)];
  return dx * dx + dy * dy;
}

struct Twin {
  double sum = 0, divergence = 0;
  std::vector<double> gradient, repulsion;
};

Twin twin(const Affinities& joint, const std::vector<double>& y, double exaggeration) {
  const int64_t N = joint.count();
  Twin t;
  t.gradient.assign(y.size(), 0.0);
  t.repulsion.assign(y.size(), 0.0);
  for (int64_t i = 0; i < N; ++i)
    for (int64_t j = 0; j < N; ++j)
      if (i != j) t.sum += 1 / (1 + squareBetween(y, i, j));
  for (int64_t i = 0; i < N; ++i) {
    std::vector<double> p(static_cast<size_t>(N), 0.0);
    for (int64_t at = joint.start[static_cast<size_t>(i)]; at < joint.start[static_cast<size_t>(i + 1)]; ++at)
      p[static_cast<size_t>(joint.neighbours[static_cast<size_t>(at)])] = static_cast<double>(joint.weights[static_cast<size_t>(at)]);
    for (int64_t j = 0; j < N; ++j) {
      if (i == j) continue;
      const double q = 1 / (1 + squareBetween(y, i, j)), own = p[static_cast<size_t>(j)];
      if (own > 0) t.divergence += own * std::log(own * t.sum / q);
      for (int64_t part = 0; part < 2; ++part) {
        const double difference = y[static_cast<size_t>(2 * i + part)] - y[static_cast<size_t>(2 * j + part)];
        t.gradient[static_cast<size_t>(2 * i + part)] += 4 * (exaggeration * own - q / t.sum) * q * difference;
        t.repulsion[static_cast<size_t>(2 * i + part)] += 4 * q * q / t.sum * difference;
      }
    }
  }
  return t;
}

// Length of the difference over the length of the repulsion: what the way of repelling is to blame for.
double errorOf(const std::vector<double>& gradient, const Twin& t) {
  double error = 0, all = 0;
  for (size_t i = 0; i < gradient.size(); ++i) {
    error += (gradient[i] - t.gradient[i]) * (gradient[i] - t.gradient[i]);
    all += t.repulsion[i] * t.repulsion[i];
  }
  return std::sqrt(error / all);
}

FACT("the gradient of t-SNE over pairs is its formula, on every instruction set") {
  const Affinities joint = circle(203, 9);
  for (const double deviation : {1e-4, 1.0, 30.0}) {
    const std::vector<double> y = scatter(203, deviation, 5);
    const Twin expected = twin(joint, y, 12);
    for (const Kernels* set : availableKernels()) {
      chooseKernels(set->name);
      TsneGradient gradient(joint, RepulsionBy::pairs);
      std::vector<double> received(y.size());
      checkClose(std::vector{gradient.compute(y.data(), 12, received.data())}, std::vector{expected.sum}, 1e-6, 0, "Z");
      checkClose(received, expected.gradient, 2e-6, 0, "gradient");
      checkClose(std::vector{gradient.divergence(y.data())}, std::vector{expected.divergence}, 1e-6, 0, "divergence");
    }
  }
}

FACT("the formula of t-SNE's gradient agrees with differences of the divergence") {
  const Affinities joint = circle(40, 6);
  std::vector<double> y = scatter(40, 2, 7);
  const Twin expected = twin(joint, y, 1);
  std::vector<double> differences;
  for (double& value : y) {
    const double before = value, step = 1e-4;
    value = before + step;
    const double above = twin(joint, y, 1).divergence;
    value = before - step;
    const double below = twin(joint, y, 1).divergence;
    value = before;
    differences.push_back((above - below) / (2 * step));
  }
  checkClose(expected.gradient, differences, 1e-6, 0, "gradient");
}

FACT("the interpolated gradient of t-SNE is within 2 in 100 of the formula's repulsion, wherever points lie") {
  const Affinities joint = circle(700, 20);
  for (const double deviation : {1e-4, 0.1, 1.0, 8.0, 40.0}) {
    const std::vector<double> y = scatter(700, deviation, 9);
    const Twin expected = twin(joint, y, 1);
    for (const Kernels* set : availableKernels()) {
      chooseKernels(set->name);
      TsneGradient gradient(joint, RepulsionBy::grid);
      std::vector<double> received(y.size());
      const double sum = gradient.compute(y.data(), 1, received.data());
      const double error = errorOf(received, expected), ofSum = std::abs(sum / expected.sum - 1);
      check(error < 0.02 && ofSum < 0.002, "deviation " + std::to_string(deviation) + ": gradient off by " +
                                               std::to_string(error) + ", Z by " + std::to_string(ofSum));
    }
  }
}

FACT("a convolution on the grid is the direct sum over its nodes") {
  for (const Kernels* set : availableKernels()) {
    chooseKernels(set->name);
    for (const int64_t side : {32, 40, 48}) {
      GridConvolution grid;
      grid.prepare(side, 0.3);
      Random random(1);
      std::vector<double> charges;
      for (int64_t i = 0; i < gridCharges * side * side; ++i) charges.push_back(random.normal());
      std::copy(charges.begin(), charges.end(), grid.charges());
      grid.convolve();
      std::vector<double> received, expected;
      for (int64_t node = 0; node < gridCharges * side * side; node += 97) {
        const int64_t plane = node / (side * side), row = node / side % side, column = node % side;
        double sum = 0;
        for (int64_t r = 0; r < side; ++r)
          for (int64_t c = 0; c < side; ++c) {
            const double q = 1 / (1 + 0.09 * static_cast<double>((r - row) * (r - row) + (c - column) * (c - column)));
            sum += q * q * charges[static_cast<size_t>((plane * side + r) * side + c)];
          }
        expected.push_back(sum);
        received.push_back(grid.charges()[node]);
      }
      checkClose(received, expected, 1e-12, 0, std::string("node on ") + set->name);
    }
  }
}

FACT("t-SNE moves points the same way on any number of threads, by pairs and by the grid") {
  const Affinities joint = circle(900, 15);
  for (const RepulsionBy way : {RepulsionBy::pairs, RepulsionBy::grid}) {
    std::vector<double> first;
    for (const int count : {1, 2, 5}) {
      setThreads(count);
      std::vector<double> y = scatter(900, 1e-4, 2);
      TsneSettings settings;
      settings.repulsion = way;
      settings.iterations = 60;
      settings.exaggerated = 20;
      embedTsne(joint, settings, y.data(), Watch());
      if (first.empty()) first = y;
      check(first == y, "other points on " + std::to_string(count) + " threads");
    }
  }
  setThreads(2);
}

FACT("conditional probabilities have the perplexity that is asked for") {
  Random random(8);
  std::vector<double> distances;
  for (int i = 0; i < 50 * 90; ++i) distances.push_back(random.uniform(1, 1e6));
  std::vector<float> p(distances.size());
  conditionalProbabilities(50, 90, distances.data(), 30, p.data());
  for (int64_t i = 0; i < 50; ++i) {
    double sum = 0, entropy = 0;
    for (int64_t j = 0; j < 90; ++j) {
      const double own = static_cast<double>(p[static_cast<size_t>(i * 90 + j)]);
      sum += own;
      if (own > 0) entropy -= own * std::log(own);
    }
    check(std::abs(sum - 1) < 1e-5 && std::abs(std::exp(entropy) - 30) < 1e-3, "perplexity " + std::to_string(std::exp(entropy)));
  }
}

FACT("equal distances, and perplexities as large as the neighbours are many, weigh all neighbours the same") {
  const std::vector<double> equal(40, 0.0);
  std::vector<float> p(40), same(40, 0.1f);
  conditionalProbabilities(4, 10, equal.data(), 3, p.data());
  checkClose(p, same, 1e-6, 0, "of equal distances");
  std::vector<double> distances(40);
  std::iota(distances.begin(), distances.end(), 1.0);
  conditionalProbabilities(4, 10, distances.data(), 10, p.data());
  checkClose(p, same, 1e-3, 0, "of a large perplexity");
}

FACT("joint probabilities are symmetric and add up to 1") {
  const Affinities joint = circle(30, 4);
  double sum = 0;
  for (int64_t i = 0; i < 30; ++i)
    for (int64_t at = joint.start[static_cast<size_t>(i)]; at < joint.start[static_cast<size_t>(i + 1)]; ++at) {
      const auto j = static_cast<size_t>(joint.neighbours[static_cast<size_t>(at)]);
      const auto* first = joint.neighbours.data() + joint.start[j];
      const auto* found = std::lower_bound(first, joint.neighbours.data() + joint.start[j + 1], static_cast<int32_t>(i));
      check(*found == i && joint.weights[static_cast<size_t>(found - joint.neighbours.data())] == joint.weights[static_cast<size_t>(at)],
            "an edge has no equal way back");
      sum += static_cast<double>(joint.weights[static_cast<size_t>(at)]);
    }
  checkClose(std::vector{sum}, std::vector{1.0}, 1e-6, 0, "sum");
}

}  // namespace
}  // namespace brightcell::test
