#include "core/affinities.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "core/parallel.h"

namespace brightcell {
namespace {

constexpr int64_t rowsPerTask = 256;
constexpr int mostBisections = 100;

template <typename Row>
void forRows(int64_t N, const Row& row) {
  parallelFor((N + rowsPerTask - 1) / rowsPerTask, [&](int64_t task, int) {
    const int64_t end = std::min(N, (task + 1) * rowsPerTask);
    for (int64_t i = task * rowsPerTask; i < end; ++i) row(i);
  });
}

// Entropy in nats of the row at this precision, which is written unscaled; gives its sum too.
struct RowEntropy {
  double entropy, sum;
};

RowEntropy weigh(const double* distances, int64_t k, double nearest, double beta, float* dst) {
  double sum = 0, weighted = 0;
  for (int64_t j = 0; j < k; ++j) {
    const double d = distances[j] - nearest, weight = std::exp(-beta * d);
    dst[j] = static_cast<float>(weight);
    sum += weight;
    weighted += weight * d;
  }
  return {std::log(sum) + beta * weighted / sum, sum};
}

void conditionalRow(const double* distances, int64_t k, double perplexity, float* dst) {
  const double nearest = *std::min_element(distances, distances + k), farthest = *std::max_element(distances, distances + k);
  const double wanted = std::log(std::min(perplexity, static_cast<double>(k)));
  double low = 0, high = 0, beta = farthest > nearest ? 1 / (farthest - nearest) : 0;
  RowEntropy now = weigh(distances, k, nearest, beta, dst);
  for (int step = 0; step < mostBisections && beta > 0 && std::abs(now.entropy - wanted) > 1e-7; ++step) {
    if (now.entropy > wanted) {
      low = beta;
      beta = high == 0 ? 2 * beta : (low + high) / 2;
    } else {
      high = beta;
      beta = (low + high) / 2;
    }
    if (!std::isfinite(beta)) break;
    now = weigh(distances, k, nearest, beta, dst);
  }
  for (int64_t j = 0; j < k; ++j) dst[j] = static_cast<float>(dst[j] / now.sum);
}

void fuzzyRow(const double* squared, int64_t k, double meanDistance, float* dst) {
  const double wanted = std::log2(static_cast<double>(k + 1));
  double nearest = 0, own = 0;
  for (int64_t j = 0; j < k; ++j) {
    const double d = std::sqrt(squared[j]);
    own += d / static_cast<double>(k);
    if (d > 0 && (nearest == 0 || d < nearest)) nearest = d;
  }
  const auto excess = [&](int64_t j) { return std::max(0.0, std::sqrt(squared[j]) - nearest); };
  double low = 0, high = 0, width = 1;
  for (int step = 0; step < 64; ++step) {
    double sum = 0;
    for (int64_t j = 0; j < k; ++j) sum += std::exp(-excess(j) / width);
    if (std::abs(sum - wanted) < 1e-5) break;
    if (sum > wanted) {
      high = width;
      width = (low + high) / 2;
    } else {
      low = width;
      width = high == 0 ? 2 * width : (low + high) / 2;
    }
  }
  width = std::max(width, 1e-3 * (own > 0 ? own : meanDistance));
  for (int64_t j = 0; j < k; ++j) dst[j] = static_cast<float>(width > 0 ? std::exp(-excess(j) / width) : 1);
}

// The table turned: who names a point, in order, and with which weight.
Affinities transpose(int64_t N, int64_t k, const int32_t* places, const float* weights) {
  Affinities turned;
  turned.start.assign(static_cast<size_t>(N + 1), 0);
  turned.neighbours.resize(static_cast<size_t>(N * k));
  turned.weights.resize(static_cast<size_t>(N * k));
  for (int64_t at = 0; at < N * k; ++at) {
    if (places[at] < 0 || places[at] >= N) throw std::invalid_argument("a neighbour is not there");
    ++turned.start[static_cast<size_t>(places[at] + 1)];
  }
  std::partial_sum(turned.start.begin(), turned.start.end(), turned.start.begin());
  std::vector<int64_t> next(turned.start.begin(), turned.start.end() - 1);
  for (int64_t i = 0; i < N; ++i)
    for (int64_t at = i * k; at < (i + 1) * k; ++at) {
      const auto to = static_cast<size_t>(next[static_cast<size_t>(places[at])]++);
      turned.neighbours[to] = static_cast<int32_t>(i);
      turned.weights[to] = weights[at];
    }
  return turned;
}

struct Named {
  int32_t neighbour;
  float weight;
};

// Calls found(neighbour, own weight, other's weight) in order of neighbours, of both lists, each in order.
template <typename Found>
void merge(const std::vector<Named>& own, const Affinities& turned, int64_t i, const Found& found) {
  auto at = turned.start[static_cast<size_t>(i)];
  const auto end = turned.start[static_cast<size_t>(i + 1)];
  size_t mine = 0;
  while (mine < own.size() || at < end) {
    const int32_t theirs = at < end ? turned.neighbours[static_cast<size_t>(at)] : INT32_MAX;
    const int32_t ours = mine < own.size() ? own[mine].neighbour : INT32_MAX;
    const float a = ours <= theirs ? own[mine++].weight : 0, b = theirs <= ours ? turned.weights[static_cast<size_t>(at++)] : 0;
    found(std::min(ours, theirs), a, b);
  }
}

std::vector<Named> sortedRow(int64_t i, int64_t k, const int32_t* places, const float* weights) {
  std::vector<Named> row;
  row.reserve(static_cast<size_t>(k));
  for (int64_t at = i * k; at < (i + 1) * k; ++at) row.push_back({places[at], weights[at]});
  std::sort(row.begin(), row.end(), [](const Named& a, const Named& b) { return a.neighbour < b.neighbour; });
  return row;
}

}  // namespace

void conditionalProbabilities(int64_t N, int64_t k, const double* squaredDistances, double perplexity, float* dst) {
  forRows(N, [&](int64_t i) { conditionalRow(squaredDistances + i * k, k, perplexity, dst + i * k); });
}

void fuzzyMemberships(int64_t N, int64_t k, const double* squaredDistances, float* dst) {
  double mean = 0;
  for (int64_t at = 0; at < N * k; ++at) mean += std::sqrt(squaredDistances[at]);
  mean /= static_cast<double>(N * k);
  forRows(N, [&](int64_t i) { fuzzyRow(squaredDistances + i * k, k, mean, dst + i * k); });
}

Affinities symmetrise(int64_t N, int64_t k, const int32_t* places, const float* weights, Symmetry symmetry) {
  const Affinities turned = transpose(N, k, places, weights);
  Affinities joint;
  joint.start.assign(static_cast<size_t>(N + 1), 0);
  forRows(N, [&](int64_t i) {
    int64_t count = 0;
    merge(sortedRow(i, k, places, weights), turned, i, [&](int32_t, float, float) { ++count; });
    joint.start[static_cast<size_t>(i + 1)] = count;
  });
  std::partial_sum(joint.start.begin(), joint.start.end(), joint.start.begin());
  joint.neighbours.resize(static_cast<size_t>(joint.start.back()));
  joint.weights.resize(joint.neighbours.size());
  const double scale = 0.5 / static_cast<double>(N);
  forRows(N, [&](int64_t i) {
    auto at = static_cast<size_t>(joint.start[static_cast<size_t>(i)]);
    merge(sortedRow(i, k, places, weights), turned, i, [&](int32_t neighbour, float a, float b) {
      const double both = double{a} + double{b};
      joint.neighbours[at] = neighbour;
      joint.weights[at++] = static_cast<float>(symmetry == Symmetry::mean ? scale * both : both - double{a} * double{b});
    });
  });
  return joint;
}

}  // namespace brightcell
