#include "core/forest.h"

#include <algorithm>

#include "core/parallel.h"
#include "core/random.h"
#include "test/check.h"

namespace brightcell::test {
namespace {

struct Sample {
  std::vector<float> numbers;
  std::vector<int32_t> labels;
  VectorRows rows{PixelType::float32, 7, {}};

  explicit Sample(int64_t count) : numbers(static_cast<size_t>(count * 7)) {
    Random random(3);
    for (float& number : numbers) number = static_cast<float>(random.normal());
    for (int64_t n = 0; n < count; ++n) {
      const float* x = numbers.data() + n * 7;
      labels.push_back(x[0] * x[1] > 0 ? 2 : x[2] > 0.5f);
      rows.rows.push_back(x);
    }
  }
};

ForestSettings settingsOf(int minimalLeaf) {
  ForestSettings settings;
  settings.trees = 12;
  settings.minimalLeaf = minimalLeaf;
  settings.classWeights = {1, 1, 1};
  settings.seed = 5;
  return settings;
}

std::vector<float> sharesOf(const Growth& growth, const Sample& sample) {
  std::vector<float> shares(sample.labels.size() * 3);
  predictForest(growth.forest, sample.rows, shares.data(), Watch());
  return shares;
}

FACT("a forest is the same on any number of threads, and knows the vectors that it was grown on") {
  const Sample sample(700);
  const int before = threads();
  setThreads(1);
  const Growth alone = growForest(sample.rows, sample.labels.data(), 3, settingsOf(1), Watch());
  setThreads(3);
  const Growth together = growForest(sample.rows, sample.labels.data(), 3, settingsOf(1), Watch());
  const std::vector<float> shares = sharesOf(alone, sample);
  check(shares == sharesOf(together, sample), "shares differ");
  check(alone.outOfBag == together.outOfBag, "out-of-bag shares differ");
  setThreads(before);
  int right = 0;
  for (size_t n = 0; n < sample.labels.size(); ++n) {
    const float* own = shares.data() + 3 * n;
    right += std::max_element(own, own + 3) - own == sample.labels[n];
  }
  check(right > 690, "only " + std::to_string(right) + " of 700 are right");
  checkForest(alone.forest);
}

FACT("the ways of finding a cut agree: leaves of one vector and the general way with leaves of at least one") {
  // With 12 classes of which 3 are there, the general way is taken: the same cuts as of 3 classes alone.
  const Sample sample(300);
  ForestSettings many = settingsOf(1);
  many.classWeights.assign(12, 0);
  for (int k = 0; k < 3; ++k) many.classWeights[k] = 1;
  const Growth few = growForest(sample.rows, sample.labels.data(), 3, settingsOf(1), Watch());
  const Growth general = growForest(sample.rows, sample.labels.data(), 12, many, Watch());
  for (size_t t = 0; t < few.forest.trees.size(); ++t) {
    const auto &a = few.forest.trees[t].nodes, &b = general.forest.trees[t].nodes;
    check(a.size() == b.size(), "trees of different sizes");
    for (size_t i = 0; i < a.size(); ++i)
      check(a[i].feature == b[i].feature && a[i].cut == b[i].cut, "other cuts");
  }
}

}  // namespace
}  // namespace brightcell::test
