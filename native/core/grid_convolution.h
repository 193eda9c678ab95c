// Sums over all points of a kernel of their distance times charges, on a square grid of nodes: charges are spread to
// the nodes around each point, convolved there by Fourier transforms, and read where the points are. Linderman et
// al., Nature Methods 2019, by cubic interpolation on one regular grid instead of quadratic ones in boxes.
#pragma once
#include <cstdint>
#include <vector>

#include "core/buffer.h"

namespace brightcell {

// Four charges a node, two by two the real and the imaginary part of one transform.
inline constexpr int gridCharges = 4;

// Convolves charges on M x M nodes with the kernel (1 + d^2)^-2, d the distance of two nodes.
class GridConvolution {
 public:
  // M = side of the smallest grid that has at least so many nodes; at most largestSide.
  static int64_t sideFor(int64_t nodes);
  static constexpr int64_t largestSide = 1024;

  // Makes the grid of `side` (of sideFor) nodes, `spacing` apart; costs a transform unless both are what they were.
  void prepare(int64_t side, double spacing);
  int64_t side() const { return side_; }
  double spacing() const { return spacing_; }
  // [4][M][M]: what to convolve, and then the result. On all threads, the same bits on any number of them.
  double* charges() { return charges_.data(); }
  void convolve();

 private:
  void transformKernel();
  void forwardRows(int pair);
  void columns();
  void inverseRows(int pair);

  int64_t side_ = 0, lanes_ = 0;
  double spacing_ = 0;
  std::vector<double> twiddles_;
  Buffer<double> kernel_;   // [M + 1][2 M], the transform of the kernel: real, and the same from both ends
  Buffer<double> charges_;
  Buffer<double> spectra_;  // [2 pairs][re, im][M][2 M]
};

}  // namespace brightcell
