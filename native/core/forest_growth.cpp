// Idea: a node counts its vectors by range and class, one feature after another, and finds the best cut by walking the
// ranges that are in use, in order; no sorting. The vectors that a tree was grown without are parted along with the
// others and meet their leaves for the out-of-bag estimate. Trees are grown on all threads, one tree a thread.
#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <numeric>
#include <utility>

#include "core/forest.h"
#include "core/forest_bins.h"
#include "core/parallel.h"
#include "core/random.h"

namespace brightcell {
namespace {

// One vector of a tree's sample.
struct Drawn {
  uint32_t row;
  uint16_t label, times;
};

struct Split {
  int64_t feature = -1;
  int code = 0;         // vectors in ranges up to this go to the first child
  double purity = 0;    // sum over the children of the squared class weights over their sum: larger is purer
};

// Sums over trees of shares, as fixed-point numbers: integers add up to the same in any order.
class OutOfBag {
 public:
  OutOfBag(int64_t count, int classes) : classes_(classes), sums_(static_cast<size_t>(count * classes)) {}
  void add(int64_t row, int k, float share) {
    const auto fixed = static_cast<uint64_t>(std::llround(static_cast<double>(share) * 0x1p32));
    __atomic_fetch_add(&sums_[static_cast<size_t>(row * classes_ + k)], fixed, __ATOMIC_RELAXED);
  }
  std::vector<float> means() const {
    std::vector<float> means(sums_.size());
    for (size_t i = 0; i < sums_.size(); i += static_cast<size_t>(classes_)) {
      const uint64_t total = std::accumulate(sums_.begin() + i, sums_.begin() + i + classes_, uint64_t{0});
      for (size_t k = i; total > 0 && k < i + classes_; ++k)
        means[k] = static_cast<float>(static_cast<double>(sums_[k]) / static_cast<double>(total));
    }
    return means;
  }

 private:
  int classes_;
  std::vector<uint64_t> sums_;
};

struct Task {
  const Bins& bins;
  const int32_t* labels;
  int classes;
  const ForestSettings& settings;
  int64_t tries;
  const Watch& watch;
  OutOfBag& outOfBag;
};

// Grows one tree after another, on memory of its own.
class Grower {
 public:
  explicit Grower(const Task& task)
      : t_(task), features_(static_cast<size_t>(task.bins.features)),
        counts_(static_cast<size_t>(Bins::most) * task.classes), sizes_(Bins::most), node_(task.classes),
        left_(task.classes) {}

  Tree grow(int number) {
    t_.watch.check();
    random_ = Random(t_.settings.seed, static_cast<uint64_t>(number));
    std::iota(features_.begin(), features_.end(), 0);
    drawSample();
    tree_ = {};
    tree_.nodes.push_back({});
    tree_.gains.push_back(0);
    open_.push_back({0, 0, sample_.size(), 0, unseen_.size()});
    countClasses(0, sample_.size());
    total_ = weigh(node_.data());
    while (!open_.empty()) {
      const Range range = open_.back();
      open_.pop_back();
      growNode(range);
    }
    return std::move(tree_);
  }

 private:
  struct Range {
    size_t node, from, to, unseenFrom, unseenTo;
  };

  void drawSample() {
    const int64_t count = t_.bins.count;
    std::vector<uint16_t>& times = times_;
    times.assign(static_cast<size_t>(count), 0);
    for (int64_t i = 0; i < count; ++i) ++times[random_.below(static_cast<uint64_t>(count))];
    sample_.clear();
    unseen_.clear();
    for (int64_t n = 0; n < count; ++n) {
      const auto row = static_cast<uint32_t>(n);
      if (times[n] > 0)
        sample_.push_back({row, static_cast<uint16_t>(t_.labels[n]), times[n]});
      else
        unseen_.push_back(row);
    }
  }

  void growNode(const Range& range) {
    if (t_.bins.count > 4096) t_.watch.check();
    countClasses(range.from, range.to);
    const Split split = isLeaf(range) ? Split{} : chooseSplit(range);
    if (split.feature < 0) return makeLeaf(range);
    const size_t middle = partSample(range, split), unseenMiddle = partUnseen(range, split);
    const size_t next = tree_.nodes.size();
    tree_.nodes[range.node] = {static_cast<int32_t>(split.feature), t_.bins.cut(split.feature, split.code),
                               static_cast<int32_t>(next)};
    const double gain = split.purity - squares(node_.data()) / weigh(node_.data());
    tree_.gains[range.node] = static_cast<float>(std::max(0.0, gain / total_));
    tree_.nodes.resize(next + 2);
    tree_.gains.resize(next + 2);
    open_.push_back({next, range.from, middle, range.unseenFrom, unseenMiddle});
    open_.push_back({next + 1, middle, range.to, unseenMiddle, range.unseenTo});
  }

  void countClasses(size_t from, size_t to) {
    std::fill(node_.begin(), node_.end(), 0);
    for (size_t i = from; i < to; ++i) node_[sample_[i].label] += sample_[i].times;
  }

  bool isLeaf(const Range& range) const {
    const auto size = static_cast<int64_t>(range.to - range.from);
    return size < 2 || size < 2 * t_.settings.minimalLeaf || classesIn(node_.data()) < 2;
  }

  int classesIn(const int32_t* counts) const {
    int present = 0;
    for (int k = 0; k < t_.classes; ++k) present += counts[k] > 0 && t_.settings.classWeights[k] > 0;
    return present;
  }

  double weigh(const int32_t* counts) const {
    double sum = 0;
    for (int k = 0; k < t_.classes; ++k) sum += t_.settings.classWeights[k] * counts[k];
    return sum;
  }

  double squares(const int32_t* counts) const {
    double sum = 0;
    for (int k = 0; k < t_.classes; ++k) {
      const double weight = t_.settings.classWeights[k] * counts[k];
      sum += weight * weight;
    }
    return sum;
  }

  // The best of some features, drawn without putting back; features that do not vary here count as drawn, but one that
  // does is looked for until there are none left.
  Split chooseSplit(const Range& range) {
    Split best;
    const auto all = static_cast<int64_t>(features_.size());
    for (int64_t drawn = 0; drawn < all && (drawn < t_.tries || best.feature < 0); ++drawn) {
      std::swap(features_[drawn], features_[drawn + static_cast<int64_t>(random_.below(static_cast<uint64_t>(all - drawn)))]);
      tryFeature(range, features_[drawn], best);
    }
    return best;
  }

  void tryFeature(const Range& range, int64_t feature, Split& best) {
    const bool anyLeaf = t_.settings.minimalLeaf == 1;
    switch (anyLeaf ? t_.classes : 0) {
      case 2: return tryCuts<2>(range, feature, best);
      case 3: return tryCuts<3>(range, feature, best);
      case 4: return tryCuts<4>(range, feature, best);
      default: return anyLeaf ? tryCuts<-1>(range, feature, best) : tryCuts<0>(range, feature, best);
    }
  }

  // Kind: how many classes there are where leaves may be of any size; -1 for any other number, 0 where sizes matter too.
  template <int Kind>
  void tryCuts(const Range& range, int64_t feature, Split& best) {
    const uint8_t* codes = t_.bins.column(feature);
    const int classes = Kind > 0 ? Kind : t_.classes;
    // Two sets of marks in turns: a mark need not wait for the one before it.
    uint64_t inUse[2][Bins::most / 64] = {};
    for (size_t i = range.from; i < range.to; ++i) {
      const Drawn drawn = sample_[i];
      const int code = codes[drawn.row];
      counts_[code * classes + drawn.label] += drawn.times;
      if (Kind == 0) ++sizes_[code];
      inUse[i % 2][code / 64] |= uint64_t{1} << code % 64;
    }
    if constexpr (Kind > 0)
      walk<Kind>(feature, inUse, best);
    else
      walkAny(range, feature, inUse, best);
  }

  // Tries the cut behind each range in use, and leaves the counts at zero. A cut is better by its fraction
  // (leftSquares / left + rightSquares / right), compared without dividing.
  template <int K>
  void walk(int64_t feature, const uint64_t (&inUse)[2][Bins::most / 64], Split& best) {
    double node[K], left[K] = {}, weights[K];
    for (int k = 0; k < K; ++k) {
      node[k] = node_[k];
      weights[k] = t_.settings.classWeights[k];
    }
    int before = -1;
    for (int word = 0; word < Bins::most / 64; ++word)
      for (uint64_t bits = inUse[0][word] | inUse[1][word]; bits != 0; bits &= bits - 1) {
        const int code = 64 * word + std::countr_zero(bits);
        double leftSum = 0, rightSum = 0, leftSquares = 0, rightSquares = 0;
        for (int k = 0; k < K; ++k) {
          const double l = weights[k] * left[k], r = weights[k] * (node[k] - left[k]);
          leftSum += l;
          rightSum += r;
          leftSquares += l * l;
          rightSquares += r * r;
        }
        consider(leftSum, rightSum, leftSquares, rightSquares, {feature, (before + code - 1) / 2, 0}, best);
        for (int k = 0; k < K; ++k) left[k] += std::exchange(counts_[code * K + k], 0);
        before = code;
      }
  }

  void walkAny(const Range& range, int64_t feature, const uint64_t (&inUse)[2][Bins::most / 64], Split& best) {
    const auto size = static_cast<int64_t>(range.to - range.from);
    const int64_t least = t_.settings.minimalLeaf;
    std::fill(left_.begin(), left_.end(), 0);
    int before = -1;
    int64_t leftSize = 0;
    for (int word = 0; word < Bins::most / 64; ++word)
      for (uint64_t bits = inUse[0][word] | inUse[1][word]; bits != 0; bits &= bits - 1) {
        const int code = 64 * word + std::countr_zero(bits);
        if (least == 1 || (leftSize >= least && size - leftSize >= least))
          considerAny({feature, (before + code - 1) / 2, 0}, best);
        for (int k = 0; k < t_.classes; ++k) left_[k] += std::exchange(counts_[code * t_.classes + k], 0);
        leftSize += std::exchange(sizes_[code], 0);
        before = code;
      }
  }

  void considerAny(const Split& split, Split& best) const {
    double leftSum = 0, rightSum = 0, leftSquares = 0, rightSquares = 0;
    for (int k = 0; k < t_.classes; ++k) {
      const double weight = t_.settings.classWeights[k];
      const double left = weight * left_[k], right = weight * (node_[k] - left_[k]);
      leftSum += left;
      rightSum += right;
      leftSquares += left * left;
      rightSquares += right * right;
    }
    consider(leftSum, rightSum, leftSquares, rightSquares, split, best);
  }

  // Where one side is empty, before the first range, there is no cut: both products are 0.
  static void consider(double leftSum, double rightSum, double leftSquares, double rightSquares, const Split& split,
                       Split& best) {
    const double top = leftSquares * rightSum + rightSquares * leftSum, bottom = leftSum * rightSum;
    if (top <= best.purity * bottom || bottom <= 0) return;
    best = split;
    best.purity = top / bottom;
  }

  // Both keep the order of rows, so that a column is read forwards.
  size_t partSample(const Range& range, const Split& split) {
    const uint8_t* codes = t_.bins.column(split.feature);
    return part(sample_, spareSample_, range.from, range.to,
                [&](const Drawn& drawn) { return codes[drawn.row] <= split.code; });
  }
  size_t partUnseen(const Range& range, const Split& split) {
    const uint8_t* codes = t_.bins.column(split.feature);
    return part(unseen_, spareUnseen_, range.unseenFrom, range.unseenTo,
                [&](uint32_t row) { return codes[row] <= split.code; });
  }

  template <typename Item, typename IsLeft>
  static size_t part(std::vector<Item>& items, std::vector<Item>& spare, size_t from, size_t to, IsLeft isLeft) {
    spare.resize(items.size());
    size_t left = from, right = 0;
    for (size_t i = from; i < to; ++i) {
      const Item item = items[i];
      const bool goesLeft = isLeft(item);
      items[left] = item;  // overwritten by the next one that goes left
      spare[right] = item;
      left += goesLeft;
      right += !goesLeft;
    }
    std::copy_n(spare.begin(), right, items.begin() + static_cast<std::ptrdiff_t>(left));
    return left;
  }

  void makeLeaf(const Range& range) {
    TreeNode& node = tree_.nodes[range.node];
    const bool weighed = weigh(node_.data()) > 0;  // else all vectors are of classes without weight: they count alike
    const auto weightOf = [&](int k) { return weighed ? t_.settings.classWeights[k] * node_[k] : node_[k]; };
    double sum = 0;
    int present = 0, last = 0;
    for (int k = 0; k < t_.classes; ++k) {
      sum += weightOf(k);
      if (weightOf(k) == 0) continue;
      ++present;
      last = k;
    }
    if (present == 1) {
      node = {TreeNode::pureLeaf, 0, last};
    } else {
      node = {TreeNode::sharedLeaf, 0, static_cast<int32_t>(tree_.shares.size() / t_.classes)};
      for (int k = 0; k < t_.classes; ++k) tree_.shares.push_back(static_cast<float>(weightOf(k) / sum));
    }
    for (size_t i = range.unseenFrom; i < range.unseenTo; ++i) vote(node, unseen_[i]);
  }

  void vote(const TreeNode& leaf, uint32_t row) {
    if (leaf.feature == TreeNode::pureLeaf) return t_.outOfBag.add(row, leaf.next, 1);
    for (int k = 0; k < t_.classes; ++k) t_.outOfBag.add(row, k, tree_.shares[leaf.next * t_.classes + k]);
  }

  const Task& t_;
  Random random_{0};
  std::vector<int64_t> features_;  // in an order that goes on being shuffled
  std::vector<uint16_t> times_;
  std::vector<Drawn> sample_, spareSample_;
  std::vector<uint32_t> unseen_, spareUnseen_;
  std::vector<int32_t> counts_, sizes_;  // [range][class] and [range], zero between features
  std::vector<int32_t> node_, left_;     // [class]: of the node, and to the left of the cut
  std::vector<Range> open_;
  Tree tree_;
  double total_ = 0;
};

}  // namespace

int64_t forestBytes(int64_t count, int64_t features, int classes) {
  const int64_t perThread = count * static_cast<int64_t>(sizeof(uint16_t) + sizeof(Drawn) * 2 + sizeof(uint32_t) * 2);
  return count * features + features * Bins::mostCuts * 4 + count * classes * 12 + threads() * perThread;
}

Growth growForest(const VectorRows& vectors, const int32_t* labels, int classes, const ForestSettings& settings,
                  const Watch& watch) {
  watch.begin(settings.trees);
  const Bins bins = binVectors(vectors, settings.seed, watch);
  const auto root = static_cast<int64_t>(std::sqrt(static_cast<double>(vectors.length)));
  const int64_t tries = std::min(vectors.length, settings.featuresPerNode > 0 ? settings.featuresPerNode : root);
  OutOfBag outOfBag(vectors.count(), classes);
  const Task task{bins, labels, classes, settings, tries, watch, outOfBag};
  Growth growth{{vectors.length, classes, std::vector<Tree>(static_cast<size_t>(settings.trees))}, {}};
  std::vector<std::unique_ptr<Grower>> growers(static_cast<size_t>(threads()));
  // A few trees a loop: other callers' loops get their turn between.
  const int batch = 4 * threads();
  for (int first = 0; first < settings.trees; first += batch)
    parallelFor(std::min(batch, settings.trees - first), [&](std::ptrdiff_t i, int worker) {
      if (!growers[worker]) growers[worker] = std::make_unique<Grower>(task);
      growth.forest.trees[first + i] = growers[worker]->grow(static_cast<int>(first + i));
      watch.advance();
    });
  growth.outOfBag = outOfBag.means();
  return growth;
}

}  // namespace brightcell
