// A network is a chain of blocks, each one or a few layers done together. Blocks keep what their backward needs; a
// block reads its predecessor's result, never more. N images in the pass, C channels, H rows, W columns.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/buffer.h"
#include "core/shape.h"
#include "core/stored_image.h"

namespace brightcell {

enum class ParameterKind { weights, bias, scale, shift, statistic };

// A named array of a layer, with its gradient and the optimiser's moments. Held channels last; `layout` and `outer`
// say how ([outer, H, W, C] inside, [outer, C, H, W] outside).
struct Parameter {
  std::string name;
  std::vector<int64_t> shape;  // as the outside sees it
  ParameterKind kind = ParameterKind::weights;
  int64_t outer = 1;
  Shape layout{1, 1, 1};
  int64_t fanIn = 0, fanOut = 0;
  Buffer<float> value, gradient, moment1, moment2;
  uint64_t version = 1;  // raised by whoever writes `value`: what was prepared from it stands while this stays

  int64_t size() const { return outer * layout.size(); }
  bool trained() const { return kind != ParameterKind::statistic; }
};

// What a block gives to the next: [N, H, W, C]. With scale and shift set, what counts is
// data * scale[c] + shift[c]; the reader applies it, so batch norm stores nothing of its own.
struct Features {
  const float* data = nullptr;
  Shape shape;
  const float* scale = nullptr;
  const float* shift = nullptr;
  // Per image and channel the mean, and the sum of squares about it: [N][2][C]. Null: nobody measured.
  const float* moments = nullptr;
  // Set by a batch norm that wants sums over the gradient of these features, from whoever writes it.
  struct GradientSums* gradientSums = nullptr;
  // Of the network's input only, and only for a block that takes them: [N], in place of data.
  const StoredImage* stored = nullptr;

  // Image `index`, ready to read; `scratch` holds shape.size() floats.
  const float* image(int64_t index, float* scratch) const;
};

// Per image and channel, over the positions: the sum of the gradient, and of its product with data - mean. [N][2][C].
struct GradientSums {
  const float* mean;
  float* sums;
  bool complete = false;  // true: all images were added

  void add(const Features& features, int64_t image, const float* diff) const;
};

// Gradient of a block's result: data, or, with a factor set, factor[c] * data + slope[c] * result + offset[c].
struct Gradient {
  float* data;
  const float* factor = nullptr;
  const float* slope = nullptr;
  const float* offset = nullptr;
};

// Memory of one worker each.
class Scratch {
 public:
  void reserve(int64_t floatsEach, int workers);
  float* of(int worker) { return buffer_.data() + step_ * worker; }

 private:
  Buffer<float> buffer_;
  int64_t step_ = 0;
};

struct Pass {
  int64_t count;      // N, images in this pass
  int64_t first;      // place of the first of them in the batch
  bool training;      // keep what the backward needs, use batch statistics, drop units
  bool accumulate;    // add gradients to what stands: a later part of the same batch
  uint64_t dropSeed;  // of this step
  Scratch* scratch;
  bool parameters = true;  // their gradients are wanted, not that of the source alone
};

// How a block goes about its passes, in words for people; empty where there is one plain way.
struct Ways {
  std::string forward, backward;
};

class Block {
 public:
  virtual ~Block() = default;
  virtual Ways ways() const { return {}; }
  virtual Shape output() const = 0;
  // Floats of scratch that one worker needs.
  virtual int64_t scratchFloats() const { return 0; }
  // Bytes that one image of a training pass leaves in this block.
  virtual int64_t bytesPerImage() const { return output().size() * 4; }
  virtual void forward(const Pass& pass, const Features& src) = 0;
  virtual Features features() const = 0;
  // diff is the gradient of this block's result and may be overwritten; the gradient of src goes to diffSrc unless
  // that is null. Where inPlace(), diffSrc is diff.data. Parameter gradients are set, or added with pass.accumulate.
  virtual void backward(const Pass& pass, const Features& src, const Gradient& diff, float* diffSrc) = 0;
  // Whether src may be images as they are stored.
  virtual bool takesStored() const { return false; }
  virtual bool inPlace() const { return false; }
  // Whether diff may come with a factor; otherwise it is carried out before.
  virtual bool takesScaledGradient() const { return false; }
  // What the gradient of src looks like after backward wrote it to diffSrc.
  virtual Gradient sourceGradient(float* diffSrc) const { return {diffSrc}; }
  // After a step that is going to be applied, `steps` having gone before: batch norm takes its statistics over.
  virtual void commit(int64_t steps) { (void)steps; }
};

// How many parts a sum over `count` images is made of: from sizes only, never from threads.
struct Chunks {
  Chunks(int64_t count, int64_t most);
  int64_t number;
  int64_t begin(int64_t chunk) const { return count_ * chunk / number; }
  int64_t end(int64_t chunk) const { return count_ * (chunk + 1) / number; }

 private:
  int64_t count_;
};

// Sums parts[i * step .. + size) over i in order into parts[0 .. size), on all threads.
void sumParts(float* parts, int64_t number, int64_t step, int64_t size);

}  // namespace brightcell
