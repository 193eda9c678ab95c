// A random forest (Breiman 2001): decision trees, each grown on a bootstrap sample, that look at a few features of their
// own draw at every node. N vectors, D features, K classes, T trees.
#pragma once
#include <cstdint>
#include <vector>

#include "core/vectors.h"
#include "core/watch.h"

namespace brightcell {

// Inside a tree: `feature` in [0, D), and a vector goes to node `next` where its number is at most `cut`, else to
// next + 1; both stand behind their parent. A leaf of one class has feature pureLeaf and the class as `next`; a leaf of
// several has sharedLeaf and the number of its row of `shares`.
struct TreeNode {
  static constexpr int32_t pureLeaf = -1, sharedLeaf = -2;
  int32_t feature;
  float cut;
  int32_t next;
};

struct Tree {
  std::vector<TreeNode> nodes;  // the root is the first
  std::vector<float> gains;     // decrease of Gini impurity by each node's cut, weighted by its share of the sample
  std::vector<float> shares;    // rows of K shares that add up to 1
};

struct Forest {
  int64_t features = 0;
  int classes = 0;
  std::vector<Tree> trees;
};

struct ForestSettings {
  int trees = 500;
  int minimalLeaf = 1;          // distinct vectors of the sample in a leaf, at least
  int64_t featuresPerNode = 0;  // 0: the square root of D, rounded down
  std::vector<double> classWeights;  // K, finite and not negative
  uint64_t seed = 0;
};

struct Growth {
  Forest forest;
  // N x K: mean shares from the trees that were grown without the vector; zeros where every tree saw it.
  std::vector<float> outOfBag;
};

// Bytes that growing takes beside the vectors, without the trees themselves.
int64_t forestBytes(int64_t count, int64_t features, int classes);

// Labels are in [0, K). The same bits on any number of threads: a tree depends on the seed and its own number. Throws
// Stopped, std::domain_error for a number that is not finite, std::bad_alloc. watch counts trees.
Growth growForest(const VectorRows& vectors, const int32_t* labels, int classes, const ForestSettings& settings,
                  const Watch& watch);

// Mean shares, N x K. Vectors must have the forest's D; throws as above.
void predictForest(const Forest& forest, const VectorRows& vectors, float* dst, const Watch& watch);

// Share of each feature in the decrease of impurity, the mean over the trees; adds up to 1, or 0 if no tree has a cut.
std::vector<double> importances(const Forest& forest);

// Throws std::invalid_argument saying what is wrong with a forest that came from elsewhere: afterwards every walk
// through it ends at a leaf and stays inside.
void checkForest(const Forest& forest);

}  // namespace brightcell
