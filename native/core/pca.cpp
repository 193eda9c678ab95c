// Idea: products in single precision by the engine's matrix product, a bounded part of the vectors at a time; what
// decides on directions, the small table of their products, is summed in double precision.
// q directions: P and a few more, which makes the wanted ones settle fast.
#include "core/pca.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/buffer.h"
#include "core/gemm.h"
#include "core/parallel.h"
#include "core/random.h"

namespace brightcell {
namespace {

constexpr int64_t more = 14;  // directions beyond those asked for
constexpr int mostRounds = 60, fewestRounds = 3;
constexpr int64_t exactAxes = 3;
constexpr double settledAxis = 1e-8, settledSum = 1e-4;
constexpr int64_t numbersAtOnce = int64_t{1} << 24, centredNumbers = int64_t{1} << 22;
constexpr int64_t rowsPerTask = 2048;

int64_t rowsAtOnce(int64_t D) { return std::max<int64_t>(1, numbersAtOnce / D); }

// Means of columns, in double precision, and the columns less them; gives the sum of what is left, squared.
double centreColumns(float* values, int64_t N, int64_t D, std::vector<float>& mean) {
  constexpr int64_t columnsPerTask = 16;
  const int64_t tasks = (D + columnsPerTask - 1) / columnsPerTask;
  mean.resize(static_cast<size_t>(D));
  std::vector<double> squares(static_cast<size_t>(tasks));
  parallelFor(tasks, [&](int64_t task, int) {
    const int64_t first = task * columnsPerTask, count = std::min(columnsPerTask, D - first);
    double sums[columnsPerTask] = {}, square = 0;
    for (int64_t i = 0; i < N; ++i)
      for (int64_t d = 0; d < count; ++d) sums[d] += static_cast<double>(values[i * D + first + d]);
    for (int64_t d = 0; d < count; ++d)
      mean[static_cast<size_t>(first + d)] = static_cast<float>(sums[d] / static_cast<double>(N));
    for (int64_t i = 0; i < N; ++i)
      for (int64_t d = 0; d < count; ++d) {
        float& value = values[i * D + first + d];
        value = static_cast<float>(static_cast<double>(value) - sums[d] / static_cast<double>(N));
        square += static_cast<double>(value) * static_cast<double>(value);
      }
    squares[static_cast<size_t>(task)] = square;
  });
  return std::accumulate(squares.begin(), squares.end(), 0.0);
}

using Table = std::vector<double>;  // q x q, symmetric

// Products of the q columns of [rows][q] with each other.
Table products(const float* columns, int64_t rows, int64_t q) {
  const int64_t tasks = (rows + rowsPerTask - 1) / rowsPerTask;
  std::vector<Table> parts(static_cast<size_t>(tasks));
  parallelFor(tasks, [&](int64_t task, int) {
    Table& part = parts[static_cast<size_t>(task)];
    part.assign(static_cast<size_t>(q * q), 0.0);
    std::vector<double> row(static_cast<size_t>(q));
    for (int64_t r = task * rowsPerTask; r < std::min(rows, (task + 1) * rowsPerTask); ++r) {
      std::copy_n(columns + r * q, q, row.begin());
      for (int64_t a = 0; a < q; ++a)
        for (int64_t b = 0; b < q; ++b) part[static_cast<size_t>(a * q + b)] += row[static_cast<size_t>(a)] * row[static_cast<size_t>(b)];
    }
  });
  Table sum = std::move(parts[0]);
  for (int64_t task = 1; task < tasks; ++task)
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += parts[static_cast<size_t>(task)][i];
  return sum;
}

struct Eigen {
  std::vector<double> values;  // largest first
  Table vectors;               // column i belongs to value i
};

// Jacobi's rotations, until what stands beside the diagonal is nothing.
Eigen solveSymmetric(Table a, int64_t q) {
  Table v(static_cast<size_t>(q * q), 0.0);
  const auto at = [q](int64_t i, int64_t j) { return static_cast<size_t>(i * q + j); };
  for (int64_t i = 0; i < q; ++i) v[at(i, i)] = 1;
  for (int sweep = 0; sweep < 60; ++sweep) {
    double beside = 0, all = 0;
    for (int64_t i = 0; i < q; ++i)
      for (int64_t j = 0; j < q; ++j) (i == j ? all : beside) += a[at(i, j)] * a[at(i, j)];
    if (beside <= 1e-30 * all) break;
    for (int64_t i = 0; i < q; ++i)
      for (int64_t j = i + 1; j < q; ++j) {
        if (std::abs(a[at(i, j)]) <= 1e-300) continue;
        const double theta = (a[at(j, j)] - a[at(i, i)]) / (2 * a[at(i, j)]);
        const double t = (theta < 0 ? -1 : 1) / (std::abs(theta) + std::sqrt(theta * theta + 1));
        const double c = 1 / std::sqrt(t * t + 1), s = t * c;
        for (int64_t k = 0; k < q; ++k) {
          const double x = a[at(k, i)], y = a[at(k, j)];
          a[at(k, i)] = c * x - s * y;
          a[at(k, j)] = s * x + c * y;
        }
        for (int64_t k = 0; k < q; ++k) {
          const double x = a[at(i, k)], y = a[at(j, k)];
          a[at(i, k)] = c * x - s * y;
          a[at(j, k)] = s * x + c * y;
          const double vx = v[at(k, i)], vy = v[at(k, j)];
          v[at(k, i)] = c * vx - s * vy;
          v[at(k, j)] = s * vx + c * vy;
        }
      }
  }
  std::vector<int64_t> order(static_cast<size_t>(q));
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int64_t i, int64_t j) {
    return a[at(i, i)] != a[at(j, j)] ? a[at(i, i)] > a[at(j, j)] : i < j;
  });
  Eigen result{{}, Table(static_cast<size_t>(q * q))};
  for (int64_t i = 0; i < q; ++i) {
    const int64_t from = order[static_cast<size_t>(i)];
    result.values.push_back(std::max(0.0, a[at(from, from)]));
    for (int64_t k = 0; k < q; ++k) result.vectors[at(k, i)] = v[at(k, from)];
  }
  return result;
}

// Turns the q columns of [rows][q] into orthogonal ones of length 1, of zeros where they depend on each other; gives
// the squared lengths before, largest first.
std::vector<double> orthonormalise(float* columns, int64_t rows, int64_t q) {
  const Eigen eigen = solveSymmetric(products(columns, rows, q), q);
  Table turn = eigen.vectors;
  for (int64_t i = 0; i < q; ++i) {
    const double value = eigen.values[static_cast<size_t>(i)];
    const double scale = value > 1e-13 * eigen.values[0] ? 1 / std::sqrt(value) : 0;
    for (int64_t k = 0; k < q; ++k) turn[static_cast<size_t>(k * q + i)] *= scale;
  }
  parallelFor((rows + rowsPerTask - 1) / rowsPerTask, [&](int64_t task, int) {
    std::vector<double> turned(static_cast<size_t>(q));
    for (int64_t r = task * rowsPerTask; r < std::min(rows, (task + 1) * rowsPerTask); ++r) {
      float* row = columns + r * q;
      std::fill(turned.begin(), turned.end(), 0.0);
      for (int64_t k = 0; k < q; ++k)
        for (int64_t i = 0; i < q; ++i)
          turned[static_cast<size_t>(i)] += static_cast<double>(row[k]) * turn[static_cast<size_t>(k * q + i)];
      std::transform(turned.begin(), turned.end(), row, [](double x) { return static_cast<float>(x); });
    }
  });
  return eigen.values;
}

// The directions that are looked at must be exact; of the others only how much they hold together.
bool isSettled(const std::vector<double>& before, const std::vector<double>& now, int64_t P) {
  if (before.empty()) return false;
  double change = 0, sum = 0;
  for (int64_t i = 0; i < P; ++i) {
    const double own = now[static_cast<size_t>(i)] - before[static_cast<size_t>(i)];
    if (i < exactAxes && std::abs(own) > settledAxis * now[0]) return false;
    change += own;
    sum += now[static_cast<size_t>(i)];
  }
  return std::abs(change) <= settledSum * sum;
}

}  // namespace

PrincipalAxes findPrincipalAxes(float* values, int64_t N, int64_t D, int64_t P, const Watch& watch) {
  PrincipalAxes result;
  const double freedom = static_cast<double>(N - 1);
  result.total = centreColumns(values, N, D, result.mean) / freedom;
  const int64_t q = std::min({P + more, N, D}), step = rowsAtOnce(D);
  Buffer<float> across(D * q), down(N * q);
  Random random(20190917);
  for (int64_t i = 0; i < D * q; ++i) across.data()[i] = static_cast<float>(random.normal());
  orthonormalise(across.data(), D, q);
  std::vector<double> before, lengths;
  for (int round = 0; round < mostRounds; ++round) {
    watch.check();
    for (int64_t at = 0; at < N; at += step)
      multiply({std::min(step, N - at), q, D, {values + at * D, D, 1}, {across.data(), q, 1}, down.data() + at * q, q});
    orthonormalise(down.data(), N, q);
    for (int64_t at = 0; at < N; at += step) {
      Product product{D, q, std::min(step, N - at), {values + at * D, 1, D}, {down.data() + at * q, q, 1}, across.data(), q};
      product.accumulate = at > 0;
      multiply(product);
    }
    lengths = orthonormalise(across.data(), D, q);
    if (round >= fewestRounds - 1 && isSettled(before, lengths, P)) break;
    before = lengths;
  }
  result.axes.resize(static_cast<size_t>(P * D));
  for (int64_t p = 0; p < P; ++p) {
    float largest = 0;
    for (int64_t d = 0; d < D; ++d)
      if (std::abs(across.data()[d * q + p]) > std::abs(largest)) largest = across.data()[d * q + p];
    for (int64_t d = 0; d < D; ++d)
      result.axes[static_cast<size_t>(p * D + d)] = largest < 0 ? -across.data()[d * q + p] : across.data()[d * q + p];
    result.variances.push_back(lengths[static_cast<size_t>(p)] / freedom);
  }
  return result;
}

void projectOnAxes(const float* values, int64_t N, int64_t D, const float* mean, const float* axes, int64_t P,
                   float* dst) {
  const int64_t step = std::clamp<int64_t>(centredNumbers / D, 1, N);
  Buffer<float> centred(step * D);
  for (int64_t at = 0; at < N; at += step) {
    const int64_t rows = std::min(step, N - at);
    parallelFor(rows, [&](int64_t r, int) {
      for (int64_t d = 0; d < D; ++d) centred.data()[r * D + d] = values[(at + r) * D + d] - mean[d];
    });
    multiply({rows, P, D, {centred.data(), D, 1}, {axes, 1, D}, dst + at * P, P});
  }
}

}  // namespace brightcell
