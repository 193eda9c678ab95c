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

// The k neighbours of each of N points.
struct Table {
  int64_t N, k;
  const int32_t* places;
  const float* weights;

  // Where i stands among the neighbours of j, -1 where it does not.
  int64_t find(int64_t i, int64_t j) const {
    const int32_t *row = places + j * k, wanted = static_cast<int32_t>(i);
    int64_t place = -1;
    for (int64_t at = 0; at < k; ++at) place = row[at] == wanted ? at : place;
    return place < 0 ? -1 : j * k + place;
  }
};

// Points that name i, and that i names, each once: places of the rows of the result.
std::vector<int64_t> startOfRows(const Table& table) {
  std::vector<int64_t> start(static_cast<size_t>(table.N + 1), table.k);
  start[0] = 0;
  forRows(table.N, [&](int64_t i) {
    for (int64_t at = i * table.k; at < (i + 1) * table.k; ++at) {
      const int64_t j = table.places[at];
      if (j < 0 || j >= table.N) throw std::invalid_argument("a neighbour is not there");
      if (table.find(i, j) < 0) __atomic_fetch_add(&start[static_cast<size_t>(j + 1)], 1, __ATOMIC_RELAXED);
    }
  });
  std::partial_sum(start.begin(), start.end(), start.begin());
  return start;
}

float combine(float a, float b, Symmetry symmetry, double scale) {
  const double both = double{a} + double{b};
  return static_cast<float>(symmetry == Symmetry::mean ? scale * both : both - double{a} * double{b});
}

// Puts the entries of row i in order of neighbours.
void sortRow(Affinities& joint, int64_t i) {
  struct Named {
    int32_t neighbour;
    float weight;
  };
  const auto first = static_cast<size_t>(joint.start[static_cast<size_t>(i)]);
  std::vector<Named> row(static_cast<size_t>(joint.start[static_cast<size_t>(i + 1)]) - first);
  for (size_t at = 0; at < row.size(); ++at) row[at] = {joint.neighbours[first + at], joint.weights[first + at]};
  std::sort(row.begin(), row.end(), [](const Named& a, const Named& b) { return a.neighbour < b.neighbour; });
  for (size_t at = 0; at < row.size(); ++at) {
    joint.neighbours[first + at] = row[at].neighbour;
    joint.weights[first + at] = row[at].weight;
  }
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

// Idea: no table is ever turned over. Who names whom in return is looked up in the other's row, which is in order of
// distance and short; entries of others come in whatever order threads bring them, and rows are sorted in the end.
Affinities symmetrise(int64_t N, int64_t k, const int32_t* places, const float* weights, Symmetry symmetry) {
  const Table table{N, k, places, weights};
  Affinities joint;
  joint.start = startOfRows(table);
  joint.neighbours.resize(static_cast<size_t>(joint.start.back()));
  joint.weights.resize(joint.neighbours.size());
  std::vector<int64_t> next(joint.start.begin(), joint.start.end() - 1);
  const double scale = 0.5 / static_cast<double>(N);
  const auto put = [&](int64_t row, int64_t neighbour, float weight) {
    const auto to = static_cast<size_t>(__atomic_fetch_add(&next[static_cast<size_t>(row)], 1, __ATOMIC_RELAXED));
    joint.neighbours[to] = static_cast<int32_t>(neighbour);
    joint.weights[to] = weight;
  };
  forRows(N, [&](int64_t i) {
    for (int64_t at = i * k; at < (i + 1) * k; ++at) {
      const int64_t back = table.find(i, places[at]);
      const float weight = combine(weights[at], back < 0 ? 0 : weights[back], symmetry, scale);
      put(i, places[at], weight);
      if (back < 0) put(places[at], i, weight);
    }
  });
  forRows(N, [&](int64_t i) { sortRow(joint, i); });
  return joint;
}

}  // namespace brightcell
