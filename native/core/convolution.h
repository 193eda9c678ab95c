// How one image's convolution is computed, behind one interface, so that a faster way can take the place of another.
// F filters, C channels, [H, W, C] maps. An algorithm sees the source already padded, and works on one image at a
// time; a block (conv_block.h) drives it over the batch.
#pragma once
#include <memory>
#include <vector>

#include "core/buffer.h"
#include "core/shape.h"
#include "kernels/kernels.h"

namespace brightcell {

struct ConvGeometry {
  ConvGeometry(Shape source, int filters, Window window, int lanes);
  Shape source, output;
  Window window;
  int paddedHeight, paddedWidth;  // what the windows reach: may be less than the map, or more
  int64_t sourceRow;              // floats in a padded row
  int64_t paddedSize;             // floats in the padded source, with slack for vectors
  int64_t run;                    // floats of one kernel row: width * C
  int64_t wideStep;               // floats between positions of the wide map: F rounded up to vectors
  int64_t wideSize() const { return output.positions() * wideStep; }
  int64_t weights() const { return output.channels * window.height * run; }
};

// Gradient of a convolution's result for one image: all of it ([positions][wideStep]), or, after a max pool, where
// most of it is zero, a list per filter.
struct ResultGradient {
  const float* wide = nullptr;
  const Live* live = nullptr;  // filter f's entries stand at live + f * liveStep
  const int64_t* liveCount = nullptr;
  int64_t liveStep = 0;
};

class ConvAlgorithm {
 public:
  virtual ~ConvAlgorithm() = default;
  // Takes weights [F, kernel rows, kernel columns, C] and bias [F] or null; once before a pass. `backward` says
  // whether the gradient of the source will be asked for.
  virtual void prepare(const float* weights, const float* bias, bool backward) = 0;
  // padded source -> [positions][wideStep].
  virtual void forward(const float* padded, float* wide) const = 0;
  // Adds one image's part to an accumulator of accumulatorFloats() that starts at zero.
  virtual int64_t accumulatorFloats() const = 0;
  virtual void addDiffWeights(const float* padded, const ResultGradient& diff, float* accumulator) const = 0;
  // Adds an accumulator to a gradient laid out like the weights.
  virtual void collectDiffWeights(const float* accumulator, float* gradient) const = 0;
  // Adds to a padded source gradient that starts at zero.
  virtual void addDiffSource(const ResultGradient& diff, float* padded) const = 0;
};

// Windows are read where they stand, as rows of a matrix product. Any convolution.
std::unique_ptr<ConvAlgorithm> createDirectConvolution(const ConvGeometry& geometry);
// The same forward; a backward that does work only where the gradient is not zero. After a max pool of 2 x 2 at
// least three quarters are zero, and a ReLU leaves about an eighth: it does a fourth to an eighth of the work.
std::unique_ptr<ConvAlgorithm> createSparseConvolution(const ConvGeometry& geometry);

}  // namespace brightcell
