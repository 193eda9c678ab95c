// Idea: with the charges 1, x, y and x^2 + y^2 one convolution with (1 + d^2)^-2 gives force and normalisation at once:
// every term is the interpolated kernel times a difference, so that nothing large cancels. Points are sorted by the row
// of the grid that they are in; a task spreads the points of a few rows, even and odd groups of rows one after the
// other, so that no two threads ever write to the same node and sums are in a fixed order.
#include "core/tsne_gradient.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/instruction_set.h"
#include "core/parallel.h"
#include "kernels/embedding.h"

namespace brightcell {
namespace {

constexpr int64_t pointsPerTask = 512;
constexpr int nodes = 4;          // that a point is spread to, in each direction
constexpr int64_t bandRows = 8;   // of the grid, at least `nodes`
constexpr double fewestNodes = 24;

template <typename Point>
double sumOverPoints(int64_t N, const Point& point) {
  std::vector<double> sums(static_cast<size_t>((N + pointsPerTask - 1) / pointsPerTask));
  parallelFor(static_cast<std::ptrdiff_t>(sums.size()), [&](int64_t task, int) {
    const int64_t end = std::min(N, (task + 1) * pointsPerTask);
    double sum = 0;
    for (int64_t i = task * pointsPerTask; i < end; ++i) sum += point(i);
    sums[static_cast<size_t>(task)] = sum;
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

// Lagrange's cubic through four nodes; the point lies `t` behind the second.
struct Stencil {
  int64_t first;
  double weights[nodes];
};

Stencil stencilAt(double place) {
  const double floor = std::floor(place), t = place - floor;
  return {static_cast<int64_t>(floor) - 1,
          {-t * (t - 1) * (t - 2) / 6, (t + 1) * (t - 1) * (t - 2) / 2, -(t + 1) * t * (t - 2) / 2,
           (t + 1) * t * (t - 1) / 6}};
}

// Where the nodes are: node k of a row at origin + k * spacing.
struct Frame {
  double originX, originY, centreX, centreY, spacing;
  int64_t side;

  Stencil across(double x) const { return stencilAt((x - originX) / spacing); }
  Stencil down(double y) const { return stencilAt((y - originY) / spacing); }
};

// As fine as gridSpacing, or as the largest grid allows; coarser spacings of few points are rounded up to powers of
// two to the quarter, so that the kernel is transformed anew only now and then.
Frame frameOf(const double* y, int64_t N) {
  double low[2] = {y[0], y[1]}, high[2] = {y[0], y[1]};
  for (int64_t i = 1; i < N; ++i)
    for (int part = 0; part < 2; ++part) {
      low[part] = std::min(low[part], y[2 * i + part]);
      high[part] = std::max(high[part], y[2 * i + part]);
    }
  const double extent = std::max({high[0] - low[0], high[1] - low[1], 1e-30});
  double spacing = gridSpacing;
  const double least = extent / (GridConvolution::largestSide - nodes), most = extent / fewestNodes;
  if (least > spacing) spacing = std::exp2(std::ceil(4 * std::log2(least)) / 4);
  if (most < spacing) spacing = std::exp2(std::floor(4 * std::log2(most)) / 4);
  const int64_t side = GridConvolution::sideFor(static_cast<int64_t>(extent / spacing) + nodes);
  const double centreX = (low[0] + high[0]) / 2, centreY = (low[1] + high[1]) / 2;
  const double half = spacing * static_cast<double>(side - 1) / 2;
  return {centreX - half, centreY - half, centreX, centreY, spacing, side};
}

// The interpolated kernel of a point and itself, of which Z must not know: sums over both stencils of the kernel of
// the nodes' distance.
double ownKernel(const Stencil& across, const Stencil& down, const double* kernel) {
  double x[nodes] = {}, y[nodes] = {};
  for (int a = 0; a < nodes; ++a)
    for (int b = 0; b < nodes; ++b) {
      x[std::abs(a - b)] += across.weights[a] * across.weights[b];
      y[std::abs(a - b)] += down.weights[a] * down.weights[b];
    }
  double sum = 0;
  for (int a = 0; a < nodes; ++a)
    for (int b = 0; b < nodes; ++b) sum += x[a] * y[b] * kernel[a * nodes + b];
  return sum;
}

}  // namespace

TsneGradient::TsneGradient(const Affinities& joint, RepulsionBy way)
    : joint_(joint), way_(way), points_(static_cast<size_t>(2 * joint.count())),
      repulsion_(static_cast<size_t>(2 * joint.count())) {
  if (way == RepulsionBy::pairs) {
    xs_.resize(static_cast<size_t>(joint.count()));
    ys_.resize(static_cast<size_t>(joint.count()));
  } else {
    order_.resize(static_cast<size_t>(joint.count()));
  }
}

double TsneGradient::compute(const double* y, double exaggeration, double* gradient) {
  const int64_t N = joint_.count();
  for (int64_t i = 0; i < 2 * N; ++i) points_[static_cast<size_t>(i)] = static_cast<float>(y[i]);
  sum_ = way_ == RepulsionBy::pairs ? repulseByPairs() : repulseByGrid(y);
  const auto attract = kernels().embedding->attract;
  parallelFor((N + pointsPerTask - 1) / pointsPerTask, [&](int64_t task, int) {
    const int64_t end = std::min(N, (task + 1) * pointsPerTask);
    for (int64_t i = task * pointsPerTask; i < end; ++i) {
      const int64_t at = joint_.start[static_cast<size_t>(i)], count = joint_.start[static_cast<size_t>(i + 1)] - at;
      const Attraction own = attract(points_.data(), joint_.neighbours.data() + at, joint_.weights.data() + at, count,
                                     points_[static_cast<size_t>(2 * i)], points_[static_cast<size_t>(2 * i + 1)]);
      gradient[2 * i] = 4 * (exaggeration * own.x - repulsion_[static_cast<size_t>(2 * i)] / sum_);
      gradient[2 * i + 1] = 4 * (exaggeration * own.y - repulsion_[static_cast<size_t>(2 * i + 1)] / sum_);
    }
  });
  return sum_;
}

double TsneGradient::divergence(const double* y) const {
  return sumOverPoints(joint_.count(), [&](int64_t i) {
    double sum = 0;
    for (int64_t at = joint_.start[static_cast<size_t>(i)]; at < joint_.start[static_cast<size_t>(i + 1)]; ++at) {
      const int64_t j = joint_.neighbours[static_cast<size_t>(at)];
      const double p = joint_.weights[static_cast<size_t>(at)], dx = y[2 * i] - y[2 * j], dy = y[2 * i + 1] - y[2 * j + 1];
      if (p > 0) sum += p * std::log(p * sum_ * (1 + dx * dx + dy * dy));
    }
    return sum;
  });
}

double TsneGradient::repulseByPairs() {
  const int64_t N = joint_.count();
  for (int64_t i = 0; i < N; ++i) {
    xs_[static_cast<size_t>(i)] = points_[static_cast<size_t>(2 * i)];
    ys_[static_cast<size_t>(i)] = points_[static_cast<size_t>(2 * i + 1)];
  }
  const auto repulse = kernels().embedding->repulse;
  return sumOverPoints(N, [&](int64_t i) {
    const auto own = static_cast<size_t>(i);
    const Repulsion force = repulse(xs_.data(), ys_.data(), N, xs_[own], ys_[own]);
    repulsion_[2 * own] = force.x;
    repulsion_[2 * own + 1] = force.y;
    return force.sum - 1;
  });
}

double TsneGradient::repulseByGrid(const double* y) {
  const int64_t N = joint_.count();
  const Frame frame = frameOf(y, N);
  const int64_t M = frame.side, plane = M * M, bands = (M + bandRows - 1) / bandRows;
  grid_.prepare(M, frame.spacing);
  double* charges = grid_.charges();
  parallelFor(gridCharges * M, [&](int64_t row, int) { std::fill_n(charges + row * M, M, 0.0); });

  rows_.assign(static_cast<size_t>(bands + 1), 0);
  const auto bandOf = [&](int64_t i) {
    return static_cast<size_t>((static_cast<int64_t>((y[2 * i + 1] - frame.originY) / frame.spacing) - 1) / bandRows);
  };
  for (int64_t i = 0; i < N; ++i) ++rows_[bandOf(i) + 1];
  std::partial_sum(rows_.begin(), rows_.end(), rows_.begin());
  std::vector<int64_t> next(rows_.begin(), rows_.end() - 1);
  for (int64_t i = 0; i < N; ++i) order_[static_cast<size_t>(next[bandOf(i)]++)] = static_cast<int32_t>(i);

  for (int64_t parity = 0; parity < 2; ++parity)
    parallelFor((bands - parity + 1) / 2, [&](int64_t task, int) {
      const auto band = static_cast<size_t>(2 * task + parity);
      for (int64_t at = rows_[band]; at < rows_[band + 1]; ++at) {
        const int64_t i = order_[static_cast<size_t>(at)];
        const Stencil across = frame.across(y[2 * i]), down = frame.down(y[2 * i + 1]);
        const double x = y[2 * i] - frame.centreX, z = y[2 * i + 1] - frame.centreY;
        const double charge[gridCharges] = {1, x, z, x * x + z * z};
        for (int c = 0; c < gridCharges; ++c)
          for (int a = 0; a < nodes; ++a) {
            double* row = charges + c * plane + (down.first + a) * M + across.first;
            const double weight = charge[c] * down.weights[a];
            for (int b = 0; b < nodes; ++b) row[b] += weight * across.weights[b];
          }
      }
    });
  grid_.convolve();

  double kernel[nodes * nodes];
  for (int a = 0; a < nodes; ++a)
    for (int b = 0; b < nodes; ++b) {
      const double q = 1 / (1 + frame.spacing * frame.spacing * (a * a + b * b));
      kernel[a * nodes + b] = q * q;
    }
  return sumOverPoints(N, [&](int64_t at) {
    const int64_t i = order_[static_cast<size_t>(at)];
    const Stencil across = frame.across(y[2 * i]), down = frame.down(y[2 * i + 1]);
    const double x = y[2 * i] - frame.centreX, z = y[2 * i + 1] - frame.centreY;
    double potential[gridCharges];
    for (int c = 0; c < gridCharges; ++c) {
      double sum = 0;
      for (int a = 0; a < nodes; ++a) {
        const double* row = charges + c * plane + (down.first + a) * M + across.first;
        double part = 0;
        for (int b = 0; b < nodes; ++b) part += row[b] * across.weights[b];
        sum += part * down.weights[a];
      }
      potential[c] = sum;
    }
    repulsion_[static_cast<size_t>(2 * i)] = x * potential[0] - potential[1];
    repulsion_[static_cast<size_t>(2 * i + 1)] = z * potential[0] - potential[2];
    const double square = x * x + z * z;
    return (1 + square) * potential[0] - 2 * (x * potential[1] + z * potential[2]) + potential[3] -
           ownKernel(across, down, kernel);
  });
}

}  // namespace brightcell
