// Idea: vectors stay bytes, words or floats where they are. Standardising is folded into the weights before a pass and
// into the gradient after it, so that a pass over the vectors is two products in double precision: scores from the
// weights, and the gradient from what is wrong with the probabilities. Both go block by block and stretch by stretch of
// features, which keeps a stretch of the weights in the first-level cache. Partial sums belong to ranges of vectors that
// follow from the sizes alone.
#include "core/logistic.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/instruction_set.h"
#include "core/parallel.h"

namespace brightcell {
namespace {

constexpr int64_t block = 64;      // vectors
constexpr int64_t stretch = 1024;  // features
constexpr int together = 4;        // vectors, in a kernel

// Vectors from..to of a set as floats, a stretch of features at a time.
class Window {
 public:
  Window(const VectorRows& vectors, int64_t from, int64_t to) : vectors_(vectors), from_(from), to_(to) {
    if (vectors.type != PixelType::float32) floats_.resize(static_cast<size_t>(block * stretch));
    rows_.resize(static_cast<size_t>(to - from));
  }
  int64_t count() const { return to_ - from_; }
  const float* const* rows() const { return rows_.data(); }

  void show(int64_t first, int64_t features) {
    const ImageKernels& image = kernels().image;
    for (int64_t i = 0; i < count(); ++i) {
      const void* numbers = vectors_.rows[from_ + i];
      float* dst = floats_.data() + i * stretch;
      rows_[i] = dst;
      if (vectors_.type == PixelType::uint8)
        image.scaleBytes(static_cast<const uint8_t*>(numbers) + first, features, {}, dst);
      else if (vectors_.type == PixelType::uint16)
        image.scaleWords(static_cast<const uint16_t*>(numbers) + first, features, {}, dst);
      else
        rows_[i] = static_cast<const float*>(numbers) + first;
    }
  }

 private:
  const VectorRows& vectors_;
  int64_t from_, to_;
  std::vector<float> floats_;
  std::vector<const float*> rows_;
};

template <typename Work>
void forStretches(Window& window, int64_t features, const Work& work) {
  for (int64_t first = 0; first < features; first += stretch) {
    const int64_t count = std::min(stretch, features - first);
    window.show(first, count);
    work(first, count);
  }
}

// Calls work(group's first vector, rows) four vectors at a time.
template <typename Work>
void forGroups(const Window& window, int64_t features, int classes, int64_t step, const Work& work) {
  for (int64_t i = 0; i < window.count(); i += together) {
    const int rows = static_cast<int>(std::min<int64_t>(together, window.count() - i));
    work(i, LinearRows{window.rows() + i, rows, features, classes, step});
  }
}

// Scores [count, K] of the window's vectors.
void score(Window& window, int64_t features, int classes, const double* weights, const double* offsets, double* dst) {
  for (int64_t i = 0; i < window.count(); ++i) std::copy_n(offsets, classes, dst + i * classes);
  forStretches(window, features, [&](int64_t first, int64_t count) {
    forGroups(window, count, classes, features, [&](int64_t i, const LinearRows& rows) {
      kernels().linearScores(rows, weights + first, dst + i * classes);
    });
  });
}

// In place; gives the logarithm of the sum of exponentials.
double softmax(double* scores, int classes) {
  const double most = *std::max_element(scores, scores + classes);
  double sum = 0;
  for (int k = 0; k < classes; ++k) sum += scores[k] = std::exp(scores[k] - most);
  for (int k = 0; k < classes; ++k) scores[k] /= sum;
  return most + std::log(sum);
}

// Ranges of blocks with partial sums of their own: a number that follows from the sizes alone.
struct Ranges {
  int64_t blocks, count;

  Ranges(int64_t vectors, int64_t sums) : blocks((vectors + block - 1) / block) {
    constexpr int64_t room = int64_t{64} << 20;
    count = std::min(blocks, std::clamp<int64_t>(room / (sums * 8), 8, 64));
  }
  int64_t first(int64_t range) const { return range * blocks / count; }
};

struct Statistics {
  std::vector<double> sum, low, high;
  explicit Statistics(int64_t features)
      : sum(features), low(features, std::numeric_limits<double>::infinity()), high(features, -std::numeric_limits<double>::infinity()) {}
};

// Calls work(range's sums, stretch, numbers) for every vector; ranges on all threads.
template <typename Sums, typename Work>
void visit(const VectorRows& vectors, const Ranges& ranges, std::vector<Sums>& sums, const Watch& watch, const Work& work) {
  parallelFor(ranges.count, [&](std::ptrdiff_t range, int) {
    for (int64_t b = ranges.first(range); b < ranges.first(range + 1); ++b) {
      watch.check();
      Window window(vectors, b * block, std::min(vectors.count(), (b + 1) * block));
      forStretches(window, vectors.length, [&](int64_t first, int64_t count) {
        for (int64_t i = 0; i < window.count(); ++i) work(sums[range], first, count, window.rows()[i]);
      });
    }
  });
}

// Mean of each feature, as a float, and the lowest and highest number.
Statistics measureMeans(const VectorRows& vectors, const Watch& watch) {
  const Ranges ranges(vectors.count(), 3 * vectors.length);
  std::vector<Statistics> sums(ranges.count, Statistics(vectors.length));
  visit(vectors, ranges, sums, watch, [](Statistics& s, int64_t first, int64_t count, const float* numbers) {
    for (int64_t d = 0; d < count; ++d) {
      const double number = numbers[d];
      s.sum[first + d] += number;
      s.low[first + d] = std::min(s.low[first + d], number);
      s.high[first + d] = std::max(s.high[first + d], number);
    }
  });
  Statistics all = std::move(sums[0]);
  for (int64_t i = 1; i < ranges.count; ++i)
    for (int64_t d = 0; d < vectors.length; ++d) {
      all.sum[d] += sums[i].sum[d];
      all.low[d] = std::min(all.low[d], sums[i].low[d]);
      all.high[d] = std::max(all.high[d], sums[i].high[d]);
    }
  return all;
}

std::vector<double> measureVariances(const VectorRows& vectors, const std::vector<float>& mean, const Watch& watch) {
  const Ranges ranges(vectors.count(), vectors.length);
  std::vector<std::vector<double>> sums(ranges.count, std::vector<double>(vectors.length));
  visit(vectors, ranges, sums, watch, [&](std::vector<double>& sum, int64_t first, int64_t count, const float* numbers) {
    for (int64_t d = 0; d < count; ++d) {
      const double difference = static_cast<double>(numbers[d]) - mean[first + d];
      sum[first + d] += difference * difference;
    }
  });
  for (int64_t d = 0; d < vectors.length; ++d) {
    for (int64_t i = 1; i < ranges.count; ++i) sums[0][d] += sums[i][d];
    sums[0][d] /= static_cast<double>(vectors.count());
  }
  return std::move(sums[0]);
}

struct Folded {
  std::vector<double> weights, offsets;
};

// Weights for vectors as they are, from those for standardised ones.
template <typename Number>
Folded fold(int64_t features, int classes, const std::vector<float>& mean, const std::vector<float>& scale,
            const Number* coefficients, const Number* intercepts) {
  Folded folded{std::vector<double>(static_cast<size_t>(classes * features)), std::vector<double>(classes)};
  for (int k = 0; k < classes; ++k) {
    folded.offsets[k] = intercepts[k];
    for (int64_t d = 0; d < features; ++d) {
      const double weight = static_cast<double>(coefficients[k * features + d]) * scale[d];
      folded.weights[k * features + d] = weight;
      folded.offsets[k] -= weight * mean[d];
    }
  }
  return folded;
}

// What a range of vectors adds to the loss and its gradient.
struct Partial {
  double loss = 0;
  std::vector<double> products, errors;  // [K, D] and K

  Partial(int64_t features, int classes) : products(static_cast<size_t>(features * classes)), errors(classes) {}
};

}  // namespace

LogisticTrainer::LogisticTrainer(const VectorRows& vectors, const int32_t* labels, std::vector<double> classWeights,
                                 const Watch& watch)
    : vectors_(vectors), labels_(labels, labels + vectors.count()), classWeights_(std::move(classWeights)) {
  parallelFor((vectors.count() + block - 1) / block, [&](std::ptrdiff_t b, int) {
    watch.check();
    for (int64_t n = b * block; n < std::min(vectors.count(), (b + 1) * block); ++n) checkFinite(vectors, n);
  });
  const Statistics statistics = measureMeans(vectors, watch);
  for (const double sum : statistics.sum) mean_.push_back(static_cast<float>(sum / static_cast<double>(vectors.count())));
  const std::vector<double> variances = measureVariances(vectors, mean_, watch);
  for (int64_t d = 0; d < vectors.length; ++d) {
    // Neither of these is standardised by a number that is no number or infinite.
    const auto scale = static_cast<float>(1 / std::sqrt(variances[d]));
    scale_.push_back(statistics.low[d] < statistics.high[d] && std::isfinite(scale) ? scale : 0);
  }
  for (const int32_t label : labels_) totalWeight_ += classWeights_[label];
  parameters_.assign(classWeights_.size() * static_cast<size_t>(vectors.length + 1), 0);
}

Minimum LogisticTrainer::fit(double C, const Minimisation& settings, const Watch& watch) {
  const double penalty = 1 / (C * totalWeight_);
  return minimise(
      [&](const std::vector<double>& parameters, std::vector<double>& gradient) {
        return evaluate(parameters, penalty, gradient, watch);
      },
      parameters_, settings);
}

double LogisticTrainer::evaluate(const std::vector<double>& parameters, double penalty, std::vector<double>& gradient,
                                 const Watch& watch) const {
  const int64_t features = vectors_.length;
  const int classes = static_cast<int>(classWeights_.size());
  const Folded folded = fold(features, classes, mean_, scale_, parameters.data(), parameters.data() + classes * features);
  const Ranges ranges(vectors_.count(), features * classes);
  std::vector<Partial> partials(ranges.count, Partial(features, classes));
  parallelFor(ranges.count, [&](std::ptrdiff_t range, int) {
    Partial& partial = partials[range];
    std::vector<double> errors(static_cast<size_t>(block * classes));
    for (int64_t b = ranges.first(range); b < ranges.first(range + 1); ++b) {
      watch.check();
      Window window(vectors_, b * block, std::min(vectors_.count(), (b + 1) * block));
      score(window, features, classes, folded.weights.data(), folded.offsets.data(), errors.data());
      for (int64_t i = 0; i < window.count(); ++i) {
        double* own = errors.data() + i * classes;
        const int32_t label = labels_[b * block + i];
        const double weight = classWeights_[label] / totalWeight_, right = own[label];
        partial.loss += weight * (softmax(own, classes) - right);
        own[label] -= 1;
        for (int k = 0; k < classes; ++k) partial.errors[k] += own[k] *= weight;
      }
      forStretches(window, features, [&](int64_t first, int64_t count) {
        forGroups(window, count, classes, features, [&](int64_t i, const LinearRows& rows) {
          kernels().linearSums(rows, errors.data() + i * classes, partial.products.data() + first);
        });
      });
    }
  });
  double value = 0;
  std::fill(gradient.begin(), gradient.end(), 0);
  for (const Partial& partial : partials) {
    value += partial.loss;
    for (int k = 0; k < classes; ++k) gradient[classes * features + k] += partial.errors[k];
    for (size_t i = 0; i < partial.products.size(); ++i) gradient[i] += partial.products[i];
  }
  for (int k = 0; k < classes; ++k)
    for (int64_t d = 0; d < features; ++d) {
      const double coefficient = parameters[k * features + d];
      double& own = gradient[k * features + d];
      own = (own - gradient[classes * features + k] * mean_[d]) * scale_[d] + penalty * coefficient;
      value += penalty / 2 * coefficient * coefficient;
    }
  return value;
}

LogisticModel LogisticTrainer::model() const {
  const size_t coefficients = parameters_.size() - classWeights_.size();
  return {vectors_.length,
          static_cast<int>(classWeights_.size()),
          mean_,
          scale_,
          {parameters_.begin(), parameters_.begin() + static_cast<std::ptrdiff_t>(coefficients)},
          {parameters_.begin() + static_cast<std::ptrdiff_t>(coefficients), parameters_.end()}};
}

LogisticClassifier::LogisticClassifier(const LogisticModel& model) : features_(model.features), classes_(model.classes) {
  Folded folded = fold(features_, classes_, model.mean, model.scale, model.coefficients.data(), model.intercepts.data());
  weights_ = std::move(folded.weights);
  offsets_ = std::move(folded.offsets);
}

void LogisticClassifier::predict(const VectorRows& vectors, float* dst, const Watch& watch) const {
  parallelFor((vectors.count() + block - 1) / block, [&](std::ptrdiff_t b, int) {
    watch.check();
    for (int64_t n = b * block; n < std::min(vectors.count(), (b + 1) * block); ++n) checkFinite(vectors, n);
    Window window(vectors, b * block, std::min(vectors.count(), (b + 1) * block));
    std::vector<double> scores(static_cast<size_t>(window.count() * classes_));
    score(window, features_, classes_, weights_.data(), offsets_.data(), scores.data());
    for (int64_t i = 0; i < window.count(); ++i) softmax(scores.data() + i * classes_, classes_);
    for (size_t i = 0; i < scores.size(); ++i) dst[b * block * classes_ + static_cast<int64_t>(i)] = static_cast<float>(scores[i]);
  });
}

}  // namespace brightcell
