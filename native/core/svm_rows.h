// Squared distances of training points, kept as memory allows: all of them; or all among the points of two classes, for
// the problems of that pair; or the latest used. Distances do not depend on C, gamma, the pair of classes or the fold of
// an internal cross-validation, so all of these share them. Points are sorted by class. A block is the distances of all
// points of one class to all of another; a segment is those of one point to all points of one class.
#pragma once
#include <functional>
#include <list>
#include <unordered_map>
#include <vector>

#include "core/buffer.h"
#include "core/svm_points.h"

namespace brightcell {

class SvmRows {
 public:
  // Points of class c are [starts[c], starts[c + 1]). `bytes` bounds what is kept, but eight rows always are. `check`
  // is called before each product and throws to stop it.
  SvmRows(const SvmPoints& points, std::vector<int64_t> starts, int64_t bytes, std::function<void()> check);

  // Works out what is missing of all distances, or of those among two classes, where they fit; gives whether they are
  // there. While they are, `find` never fails for these classes, `make` does nothing, and both may be called from many
  // threads. What it needs room for goes: other blocks, and all segments.
  bool holdAll();
  bool holdPair(int a, int b);
  int64_t count() const { return points_.count(); }
  // How many points it is worth asking `make` for at once in a problem of two classes.
  int64_t block(int a, int b) const;

  // The segment, or null where it is not kept. It stays until the next `make`.
  const float* find(int32_t point, int c);
  // Works out what is missing of the points' segments of both classes; at most `block` points. On all threads.
  void make(const std::vector<int32_t>& points, int a, int b);
  // Segments worked out so far, in points' distances: what was computed, whether kept or not.
  int64_t computed() const { return computed_; }

 private:
  static constexpr int64_t rowsAtOnce = 512;
  struct Segment {
    Buffer<float> values;
    std::list<int64_t>::iterator age;
  };
  bool hold(const std::vector<int>& wanted);
  void makeBlock(int c, int d);
  void drop(int64_t block);
  bool isHeld(int c, int d) const { return held_[c * classes() + d]; }
  void makeClass(const std::vector<int32_t>& points, int c);
  int64_t size(int c) const { return starts_[c + 1] - starts_[c]; }
  int64_t classes() const { return static_cast<int64_t>(starts_.size()) - 1; }

  const SvmPoints& points_;
  std::vector<int64_t> starts_;
  int64_t bytes_, kept_ = 0, computed_ = 0;
  std::function<void()> check_;
  std::vector<int32_t> classOf_;                   // of each point
  std::vector<Buffer<float>> blocks_;              // [c, d]: size(c) x size(d)
  std::vector<char> held_;                         // [c, d]
  std::unordered_map<int64_t, Segment> segments_;  // by point * classes + class
  std::list<int64_t> ages_;                        // the latest used first
};

}  // namespace brightcell
