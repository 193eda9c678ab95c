// The inner loops of embeddings in two dimensions (core/tsne_gradient.cpp, core/grid_convolution.cpp).
#pragma once
#include <cstddef>
#include <cstdint>

namespace brightcell {

// Sums over other points: of the repulsion q^2 (y_i - y_j) and of q, q = 1 / (1 + |y_i - y_j|^2).
struct Repulsion {
  double x, y, sum;
};
struct Attraction {
  double x, y;
};

struct EmbeddingKernels {
  // All points, (x, y) itself among them, which adds 1 to `sum`.
  Repulsion (*repulse)(const float* xs, const float* ys, int64_t count, float x, float y);
  // Sum over `count` neighbours of weight q (y_i - y_j); `points` holds pairs (x, y).
  Attraction (*attract)(const float* points, const int32_t* neighbours, const float* weights, int64_t count, float x,
                        float y);
  // Fourier transforms of a strip of lanes / 2 sequences side by side, [n][re, im][lanes / 2], n = 2^a 3^b 5^c;
  // `twiddles`: cos and -sin of 2 pi k / n, k < n. Gives where the result stands, data or scratch. The inverse is not
  // divided by n.
  double* (*transformStrip)(double* data, double* scratch, int64_t n, const double* twiddles, bool inverse);
  // strip[k] *= factors[k * step ...], k < count, lanes / 2 of them each.
  void (*scaleStrip)(double* strip, const double* factors, ptrdiff_t step, int64_t count);
};

}  // namespace brightcell
