// Idea of predicting: tree by tree over a block of vectors, so that a tree is read into the cache once a block; several
// vectors walk at once, because each step waits for memory.
#include "core/forest.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <type_traits>

#include "core/parallel.h"

namespace brightcell {
namespace {

constexpr int64_t block = 1024;
constexpr int64_t together = 8;

// Moves `together` vectors from the root to their leaves.
template <typename Number>
void walk(const TreeNode* nodes, const Number* const* vectors, const TreeNode** leaves) {
  int32_t at[together] = {};
  for (bool moving = true; moving;) {
    moving = false;
    for (int64_t i = 0; i < together; ++i) {
      const TreeNode& node = nodes[at[i]];
      const bool inside = node.feature >= 0;
      const auto number = static_cast<float>(vectors[i][inside ? node.feature : 0]);
      at[i] = inside ? node.next + !(number <= node.cut) : at[i];
      moving |= inside;
    }
  }
  for (int64_t i = 0; i < together; ++i) leaves[i] = nodes + at[i];
}

void vote(const Tree& tree, const TreeNode& leaf, int classes, double* votes) {
  if (leaf.feature == TreeNode::pureLeaf) {
    votes[leaf.next] += 1;
    return;
  }
  const float* shares = tree.shares.data() + static_cast<int64_t>(leaf.next) * classes;
  for (int k = 0; k < classes; ++k) votes[k] += shares[k];
}

// The last vector stands in for those that are missing to a full group.
template <typename Number>
void predictBlock(const Forest& forest, const VectorRows& vectors, int64_t from, int64_t count, float* dst,
                  const Watch& watch) {
  std::vector<const Number*> numbers(static_cast<size_t>((count + together - 1) / together * together));
  for (size_t i = 0; i < numbers.size(); ++i)
    numbers[i] = static_cast<const Number*>(vectors.rows[from + std::min(static_cast<int64_t>(i), count - 1)]);
  std::vector<double> votes(static_cast<size_t>(count * forest.classes));
  const TreeNode* leaves[together];
  for (const Tree& tree : forest.trees) {
    watch.check();
    for (int64_t i = 0; i < count; i += together) {
      walk(tree.nodes.data(), numbers.data() + i, leaves);
      for (int64_t j = i; j < std::min(count, i + together); ++j)
        vote(tree, *leaves[j - i], forest.classes, votes.data() + j * forest.classes);
    }
  }
  for (size_t i = 0; i < votes.size(); ++i)
    dst[from * forest.classes + static_cast<int64_t>(i)] =
        static_cast<float>(votes[i] / static_cast<double>(forest.trees.size()));
}

[[noreturn]] void refuse(size_t tree, size_t node, const std::string& what) {
  throw std::invalid_argument("node " + std::to_string(node) + " of tree " + std::to_string(tree) + " " + what);
}

void checkNode(const Forest& forest, size_t t, size_t i) {
  const Tree& tree = forest.trees[t];
  const TreeNode& node = tree.nodes[i];
  const auto next = static_cast<int64_t>(node.next);
  if (node.feature >= 0) {
    if (node.feature >= forest.features) refuse(t, i, "looks at a feature that is not there");
    if (!std::isfinite(node.cut)) refuse(t, i, "has a cut that is not finite");
    if (next <= static_cast<int64_t>(i) || next + 1 >= static_cast<int64_t>(tree.nodes.size()))
      refuse(t, i, "leads to a node that does not stand behind it");
  } else if (node.feature == TreeNode::pureLeaf) {
    if (next < 0 || next >= forest.classes) refuse(t, i, "names a class that is not there");
  } else if (node.feature == TreeNode::sharedLeaf) {
    if (next < 0 || (next + 1) * forest.classes > static_cast<int64_t>(tree.shares.size()))
      refuse(t, i, "names shares that are not there");
  } else {
    refuse(t, i, "is neither a cut nor a leaf");
  }
}

void checkShares(const Forest& forest, size_t t) {
  const std::vector<float>& shares = forest.trees[t].shares;
  for (size_t i = 0; i < shares.size(); i += forest.classes) {
    double sum = 0;
    for (size_t k = i; k < i + forest.classes; ++k) {
      if (!(shares[k] >= 0)) refuse(t, i, "has shares below 0");
      sum += shares[k];
    }
    if (!(std::abs(sum - 1) < 1e-4)) refuse(t, i, "has shares that do not add up to 1");
  }
}

}  // namespace

void predictForest(const Forest& forest, const VectorRows& vectors, float* dst, const Watch& watch) {
  parallelFor((vectors.count() + block - 1) / block, [&](std::ptrdiff_t i, int) {
    const int64_t from = i * block, count = std::min(block, vectors.count() - from);
    for (int64_t n = from; n < from + count; ++n) checkFinite(vectors, n);
    withNumbersOf(vectors.type, [&](auto kind) {
      using Number = std::remove_cv_t<std::remove_pointer_t<decltype(kind)>>;
      predictBlock<Number>(forest, vectors, from, count, dst, watch);
    });
  });
}

std::vector<double> importances(const Forest& forest) {
  std::vector<double> sum(static_cast<size_t>(forest.features)), own(sum.size());
  double total = 0;
  for (const Tree& tree : forest.trees) {
    std::fill(own.begin(), own.end(), 0);
    double ownTotal = 0;
    for (size_t i = 0; i < tree.nodes.size(); ++i) {
      if (tree.nodes[i].feature < 0) continue;
      own[tree.nodes[i].feature] += tree.gains[i];
      ownTotal += tree.gains[i];
    }
    if (ownTotal == 0) continue;
    for (size_t d = 0; d < sum.size(); ++d) sum[d] += own[d] / ownTotal;
    total += 1;
  }
  for (double& share : sum) share = total > 0 ? share / total : 0;
  return sum;
}

void checkForest(const Forest& forest) {
  if (forest.features < 1 || forest.classes < 1 || forest.trees.empty())
    throw std::invalid_argument("a forest has features, classes and trees");
  for (size_t t = 0; t < forest.trees.size(); ++t) {
    const Tree& tree = forest.trees[t];
    if (tree.nodes.empty() || tree.gains.size() != tree.nodes.size() || tree.shares.size() % forest.classes != 0)
      throw std::invalid_argument("tree " + std::to_string(t) + " has tables that do not fit each other");
    for (size_t i = 0; i < tree.nodes.size(); ++i) checkNode(forest, t, i);
    checkShares(forest, t);
    for (const float gain : tree.gains)
      if (!(gain >= 0 && gain <= 1)) throw std::invalid_argument("tree " + std::to_string(t) + " has a gain outside of 0 to 1");
  }
}

}  // namespace brightcell
