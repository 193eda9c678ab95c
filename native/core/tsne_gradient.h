// The gradient of t-SNE: 4 sum over j of (exaggeration p_ij - q_ij) (y_i - y_j) / (1 + |y_i - y_j|^2). Van der Maaten
// and Hinton, JMLR 2008. Attraction is summed over the neighbours; repulsion over all pairs, or by interpolation on a
// grid. N points.
#pragma once
#include <vector>

#include "core/affinities.h"
#include "core/grid_convolution.h"

namespace brightcell {

enum class RepulsionBy { pairs, grid };

class TsneGradient {
 public:
  // `joint` adds up to 1 and must outlive this.
  TsneGradient(const Affinities& joint, RepulsionBy way);

  // y: pairs (x, y); writes as many numbers. Gives Z, the sum over pairs of 1 / (1 + d^2). The same bits on any number
  // of threads.
  double compute(const double* y, double exaggeration, double* gradient);
  // The divergence of p from q of the points of the last `compute`, in nats, over the pairs that `joint` holds.
  double divergence(const double* y) const;

 private:
  double repulseByPairs();
  double repulseByGrid(const double* y);

  const Affinities& joint_;
  RepulsionBy way_;
  double sum_ = 0;  // Z
  std::vector<float> points_, xs_, ys_;
  std::vector<double> repulsion_;
  GridConvolution grid_;
  std::vector<int32_t> order_;
  std::vector<int64_t> rows_;
};

// What the points of an embedding are spread to and read from: for tests.
inline constexpr double gridSpacing = 0.3;

}  // namespace brightcell
