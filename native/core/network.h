// A network: its layers, parameters and optimiser state, one step of training, and prediction. Not safe for use from
// two threads at once. N images, C channels, H rows, W columns, K classes.
#pragma once
#include <functional>
#include <initializer_list>
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

enum class LayerKind { conv, maxPool, averagePool, batchNorm, dense, dropout, activation, upsample, reshape };

struct Layer {
  LayerKind kind;
  std::string type;  // the name outside: "conv"
  int units = 0;     // filters of a convolution, units of a dense layer
  Window window{};   // of an upsampling, its height and width: how many times as large
  Shape shape{};     // that a reshape gives
  bool bias = true;
  double decay = 0.99, epsilon = 0.001, rate = 0;
  Activation activation = Activation::none;
};

// Layers that make the network's input again of what layer `from` gives, beside the classes.
struct Decoder {
  size_t from = 0;
  std::vector<Layer> layers;  // none: there is no decoder
};

// Images on demand: load writes image `index` as [C, H, W] and may use scratchFloats of scratch. Called from any thread.
struct ImageSource {
  int64_t count = 0;
  int64_t scratchFloats = 0;
  std::function<void(int64_t index, float* dst, float* scratch)> load;
  // Image `index` as it is stored, for a first layer that reads bytes; null: there are none.
  std::function<StoredImage(int64_t index)> stored = {};
};

struct TrainStep {
  const int32_t* labels = nullptr;
  Loss loss;
  Optimiser optimiser;
  double learningRate = 0;
  double clipNorm = 0;  // 0: none
  uint64_t seed = 0;    // of dropout
  double reconstructionWeight = 1;  // of the decoder's loss beside the loss of the classes
};

struct StepResult {
  double loss = 0;            // of the classes
  double reconstructionLoss = 0;  // mean over images and pixels of (reconstruction - input)^2; 0 without a decoder
  int64_t correct = 0;
  double gradientNorm = 0;
  bool finite = true;  // false: loss or gradient was not finite, and nothing was changed
};

enum class ScoreKind { logit, probability };

// How the score of one class an image changes with what a layer gives. Arrays are [N, C, H, W] and [N, K].
struct LookBack {
  const int32_t* targets = nullptr;  // N of [0, K)
  ScoreKind kind = ScoreKind::logit;
  int layer = -1;                // -1: the network's input
  float* activations = nullptr;  // what the layer gives
  float* gradients = nullptr;    // of the score with respect to it
  float* logits = nullptr;
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
          Precision precision = Precision::float32, Decoder decoder = {});
  ~Network();

  Shape input() const { return input_; }
  // Of the layers, then of the decoder's.
  const std::vector<Shape>& outputShapes() const { return shapes_; }
  int classes() const { return shapes_[depth_ - 1].channels; }
  bool hasDecoder() const { return depth_ < layers_.size(); }
  int64_t parameterCount() const;

  StepResult trainStep(const ImageSource& images, const TrainStep& step);
  // The first half of it: loss and gradients, nothing changed. For tests, and for what explains a network.
  StepResult computeGradients(const ImageSource& images, const TrainStep& step);
  // Probabilities, N x K.
  void predict(const ImageSource& images, float* dst);
  // Output of one layer (-1: the network's input) as evaluation sees it, N x C x H x W.
  void activations(const ImageSource& images, int layer, float* dst);
  // Both in one pass; the layer comes before the last.
  void predictWith(const ImageSource& images, int layer, float* probabilities, float* activations);

  // The same, and the gradient of a class's score with respect to it; parameters and their gradients stay as they are.
  void lookBack(const ImageSource& images, const LookBack& look);

  // What the decoder makes of each image, N x C x H x W like the network's input.
  void reconstruct(const ImageSource& images, float* dst);

  // While set, passes add to it how long each block took; null: nobody watches.
  void watch(Profile* profile) { profile_ = profile; }
  // What each block of the training plan (or of the prediction plan) is made of, in the profile's order; those of the
  // decoder come last, their layers counted on from the others.
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
  enum class Purpose;
  void addParameters(size_t index, Shape source);
  Parameter* addParameter(size_t layer, const char* what, ParameterKind kind, std::vector<int64_t> shape,
                          int64_t outer, Shape layout);
  Parameter* parameter(size_t layer, const char* what);
  std::string layerName(size_t layer) const;
  // Of layers [first, last), which read what comes before the first.
  // A block ends with the first `cut` layers, where that is above 0.
  std::unique_ptr<Plan> makePlan(size_t first, size_t last, Purpose purpose, size_t cut = 0);
  Plan& inferencePlan();
  // Through the first `blocks` of the plan; gives the result of the last of them.
  Features forward(Plan& plan, size_t blocks, const Pass& pass, const ImageSource& images);
  // Blocks [from, blocks), of which the first reads the source.
  Features run(Plan& plan, size_t blocks, const Pass& pass, Features source, size_t from = 0);
  Gradient backward(Plan& plan, const Pass& pass, const Features& source, size_t stop = 0);
  size_t profiledFrom(const Plan& plan) const;
  void decode(const Pass& pass, const Features& code, float* diffCode);
  // One image of what so many layers give.
  using Take = std::function<void(size_t layers, int64_t index, const Features& one)>;
  // Once through the layers; stops, one or two of them, ascend.
  void infer(const ImageSource& images, std::initializer_list<size_t> stops, const Take& take);
  void takeProbabilities(const Features& logits, float* dst) const;
  bool hasBatchNorm(size_t first, size_t last) const;

  Shape input_;
  std::vector<Layer> layers_;  // the decoder's last
  size_t depth_;               // how many are not the decoder's
  size_t branch_;              // after so many layers the decoder reads; 0: no decoder
  Precision precision_;
  std::vector<Shape> shapes_;
  std::vector<std::unique_ptr<Parameter>> parameters_;
  std::unique_ptr<Plan> training_, inference_, decoderTraining_, decoderInference_, looking_;
  size_t lookingCut_ = 0;
  Buffer<StoredImage> stored_;
  Buffer<float> inputs_, diffs_[2], decoderDiffs_[2], steps_;
  Scratch scratch_, decoderScratch_;
  double reconstructionScale_ = 0, reconstructionSum_ = 0;  // of the step under way: weight / N; over its images
  Profile* profile_ = nullptr;
  Moments moments_ = Moments::none;
  int64_t step_ = 0;
};

}  // namespace brightcell
