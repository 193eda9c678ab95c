// A network: its layers, parameters and optimiser state, one step of training, and prediction. Not safe for use from
// two threads at once. N images, C channels, H rows, W columns, K classes.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "core/block.h"
#include "core/initialise.h"
#include "core/loss.h"
#include "core/optimiser.h"
#include "core/profile.h"
#include "core/shape.h"
#include "kernels/kernels.h"

namespace brightcell {

enum class LayerKind { conv, maxPool, averagePool, batchNorm, dense, dropout, activation };

struct Layer {
  LayerKind kind;
  std::string type;  // the name outside: "conv"
  int units = 0;     // filters of a convolution, units of a dense layer
  Window window{};
  bool bias = true;
  double decay = 0.99, epsilon = 0.001, rate = 0;
  Activation activation = Activation::none;
};

// Images on demand: load writes image `index` as [C, H, W] and may use scratchFloats of scratch. Called from any thread.
struct ImageSource {
  int64_t count = 0;
  int64_t scratchFloats = 0;
  std::function<void(int64_t index, float* dst, float* scratch)> load;
};

struct TrainStep {
  const int32_t* labels = nullptr;
  Loss loss;
  Optimiser optimiser;
  double learningRate = 0;
  double clipNorm = 0;  // 0: none
  uint64_t seed = 0;    // of dropout
};

struct StepResult {
  double loss = 0;
  int64_t correct = 0;
  double gradientNorm = 0;
  bool finite = true;  // false: loss or gradient was not finite, and nothing was changed
};

// One array of the network's state as the outside sees it.
struct NamedArray {
  std::string name;
  std::vector<int64_t> shape;
  Parameter* parameter;  // null for the step count
  Buffer<float>* values;
};

class Network {
 public:
  // Throws std::invalid_argument for bfloat16 where the chosen instruction set has none.
  Network(Shape input, std::vector<Layer> layers, uint64_t seed, const Initialiser& initialiser,
          Precision precision = Precision::float32);
  ~Network();

  Shape input() const { return input_; }
  const std::vector<Shape>& outputShapes() const { return shapes_; }
  int classes() const { return shapes_.back().channels; }
  int64_t parameterCount() const;

  StepResult trainStep(const ImageSource& images, const TrainStep& step);
  // The first half of it: loss and gradients, nothing changed. For tests, and for what explains a network.
  StepResult computeGradients(const ImageSource& images, const TrainStep& step);
  // Probabilities, N x K.
  void predict(const ImageSource& images, float* dst);
  // Output of one layer (-1: the network's input) as evaluation sees it, N x C x H x W.
  void activations(const ImageSource& images, int layer, float* dst);

  // While set, passes add to it how long each block took; null: nobody watches.
  void watch(Profile* profile) { profile_ = profile; }
  // What each block of the training plan (or of the prediction plan) is made of, in the profile's order.
  struct BlockLayers {
    size_t first, count;  // layers
    Ways ways;
  };
  std::vector<BlockLayers> blocks(bool training);

  // Parameters and statistics, in order of layers; with `moments`, the optimiser's state after them.
  std::vector<NamedArray> arrays(bool moments);
  void read(const NamedArray& array, float* dst) const;         // in the outside's order
  void write(const NamedArray& array, const float* src) const;  // likewise
  // Which moments there are: 'none' forgets them, otherwise they start at zero.
  enum class Moments { none, adam, sgd };
  void resetMoments(Moments moments);
  // Call after writing: takes the step count over.
  void finishWriting();
  std::vector<Parameter*> trainedParameters();

 private:
  struct Plan;
  void addParameters(size_t index, Shape source);
  Parameter* addParameter(size_t layer, const char* what, ParameterKind kind, std::vector<int64_t> shape,
                          int64_t outer, Shape layout);
  Parameter* parameter(size_t layer, const char* what);
  std::unique_ptr<Plan> makePlan(size_t layers, bool training);
  // Through the first `blocks` of the plan; gives the result of the last of them.
  Features forward(Plan& plan, size_t blocks, const Pass& pass, const ImageSource& images);
  void backward(Plan& plan, const Pass& pass);
  void infer(const ImageSource& images, size_t layers, const std::function<void(int64_t, const Features&)>& take);
  bool hasBatchNorm() const;

  Shape input_;
  std::vector<Layer> layers_;
  Precision precision_;
  std::vector<Shape> shapes_;
  std::vector<std::unique_ptr<Parameter>> parameters_;
  std::unique_ptr<Plan> training_, inference_;
  Buffer<float> inputs_, diffs_[2], steps_;
  Scratch scratch_;
  Profile* profile_ = nullptr;
  Moments moments_ = Moments::none;
  int64_t step_ = 0;
};

}  // namespace brightcell
