// How the convolution of a few images is computed, behind two interfaces, so that each layer and pass takes the way
// that is fastest for its shape. A way does the max pool and the activation along, so that only the pooled map and one
// byte a cell are written. F filters, C channels; maps are [H, W, C].
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/block.h"
#include "core/shape.h"
#include "kernels/kernels.h"

namespace brightcell {

// What the layer is. The bias is added before the pool; the activation is done after it.
struct ConvLayer {
  Shape source;
  Window window;
  Shape output;  // of the convolution itself
  bool pooled = false;
  Window pool{};
  Activation activation = Activation::none;
  Shape result;  // after the pool
  bool stored = false;  // sources may come as stored bytes (Features::stored)

  int64_t depth() const { return static_cast<int64_t>(window.area()) * source.channels; }
  // The pool is of 2 x 2, and each of its cells stands whole in the map, apart from all others.
  bool poolsSquares() const;
  double multiplyAdds() const { return static_cast<double>(output.size()) * static_cast<double>(depth()); }
};

// Images [first, last) of a pass.
struct Images {
  int64_t first, last;
  int64_t count() const { return last - first; }
};

class ConvForward {
 public:
  virtual ~ConvForward() = default;
  // How many images are best done at once, and the scratch that so many need; fewer may be asked for, never more.
  virtual int64_t group() const { return 1; }
  // A way that puts all threads to one group of images: run by one caller at a time, outside of loops.
  virtual bool takesAllThreads() const { return false; }
  virtual int64_t scratchFloats() const = 0;
  // Weights [F, kernel rows, kernel columns, C], bias [F] or null. On all threads; before the first run after a change.
  virtual void prepare(const float* weights, const float* bias) = 0;
  // result: [N, result.size()] of the whole pass, activated. place: likewise, where in its pool window (row-major, the
  // first of equals) each cell's largest stood; null where there is no pool or nobody asks.
  virtual void run(const Features& src, Images images, float* result, uint8_t* place, float* scratch) const = 0;
};

class ConvBackward {
 public:
  virtual ~ConvBackward() = default;
  virtual int64_t group() const { return 1; }
  // As above; it has one accumulator for all images.
  virtual bool takesAllThreads() const { return false; }
  virtual int64_t scratchFloats() const = 0;
  // For the gradient of the source; not called where nobody wants it.
  virtual void prepare(const float* weights) = 0;
  // Floats of a sum over images of the gradient of the weights, in whatever form suits; starts at zero.
  virtual int64_t accumulatorFloats() const = 0;
  // diff: gradient of the result before its activation, [N, result.size()]; place as above. Adds to the accumulator,
  // and writes the gradient of the source to diffSrc [N, source.size()] unless that is null. The order of every sum
  // depends on the images and their number only.
  virtual void run(const Features& src, Images images, const float* diff, const uint8_t* place, float* accumulator,
                   float* diffSrc, float* scratch) const = 0;
  // Adds an accumulator to a gradient laid out like the weights. On all threads.
  virtual void collect(const float* accumulator, float* gradient) const = 0;
};

// One way, for a layer it can do: how long an image is thought to take on one thread (multiply-adds at full speed,
// so that only comparisons mean anything), and the thing itself.
template <typename Way>
struct ConvCandidate {
  std::string name;
  double cost;
  std::function<std::unique_ptr<Way>()> create;
};

// All ways that can do the layer, cheapest first. BRIGHTCELL_ALGORITHM=<name> keeps only the one of that name where
// it can do the layer: for tests.
std::vector<ConvCandidate<ConvForward>> forwardCandidates(const ConvLayer& layer, Precision precision);
std::vector<ConvCandidate<ConvBackward>> backwardCandidates(const ConvLayer& layer, bool diffSource,
                                                            Precision precision);

}  // namespace brightcell
