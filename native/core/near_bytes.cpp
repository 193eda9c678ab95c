// Idea: vectors are halved again and again along the number in which they spread most, until 64 are left; the box about
// such a run bounds its distance from another run's. A run of queries meets the other runs in order of that bound and
// stops where it exceeds what its queries keep. What is met is a product of 64 x 64 vectors in the first-level cache,
// looked through where it stands.
#include "core/near_bytes.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>

#include "core/instruction_set.h"
#include "core/parallel.h"
#include "core/shape.h"
#include "kernels/distances.h"

namespace brightcell {
namespace {

constexpr int64_t runLength = 64;
constexpr int64_t sampled = 512;  // of a part's vectors, to find where it spreads most
constexpr size_t metFirst = 32;   // runs, before the others are sorted
constexpr int32_t farthest = NearBytes::longest * 255 * 255;

// The number in which some vectors spread most.
int64_t widest(const uint8_t* vectors, int64_t length, const int32_t* order, int64_t count) {
  const int64_t step = std::max<int64_t>(1, count / sampled);
  int64_t best = 0, most = -1;
  for (int64_t d = 0; d < length; ++d) {
    int64_t n = 0, sum = 0, squares = 0;
    for (int64_t i = 0; i < count; i += step, ++n) {
      const int64_t value = vectors[order[i] * length + d];
      sum += value;
      squares += value * value;
    }
    const int64_t spread = squares * n - sum * sum;
    if (spread <= most) continue;
    most = spread;
    best = d;
  }
  return best;
}

// All runs but the last are full.
void halve(const uint8_t* vectors, int64_t length, int32_t* order, int64_t count) {
  if (count <= runLength) return;
  const int64_t half = (roundUp(count, runLength) / runLength / 2) * runLength, d = widest(vectors, length, order, count);
  std::nth_element(order, order + half, order + count, [&](int32_t a, int32_t b) {
    const uint8_t left = vectors[a * length + d], right = vectors[b * length + d];
    return left != right ? left < right : a < b;
  });
  halve(vectors, length, order, half);
  halve(vectors, length, order + half, count - half);
}

// The least squared distance of two boxes.
int32_t between(const uint8_t* lowest, const uint8_t* highest, const uint8_t* otherLowest, const uint8_t* otherHighest,
                int64_t length) {
  int32_t sum = 0;
  for (int64_t d = 0; d < length; ++d) {
    const int gap = std::max(std::max(lowest[d] - otherHighest[d], otherLowest[d] - highest[d]), 0);
    sum += gap * gap;
  }
  return sum;
}

struct Candidate {
  int32_t squared, place;
  friend bool operator<(const Candidate& a, const Candidate& b) {
    return a.squared != b.squared ? a.squared < b.squared : a.place < b.place;
  }
};

struct Bound {
  int32_t squared, run;
  friend bool operator<(const Bound& a, const Bound& b) { return a.squared != b.squared ? a.squared < b.squared : a.run < b.run; }
};

}  // namespace

// Of one run of queries.
struct NearBytes::Scratch {
  std::vector<Bound> bounds;
  Buffer<uint32_t> left;   // [panel of tileRows][words][tileRows]
  Buffer<int32_t> dot;     // [runLength, rounded up to tileRows][runLength]
  int64_t count = 0, k = 0;
  int32_t squares[runLength];
  int32_t query[runLength];                // where it stands in what was asked
  std::vector<Candidate> best;             // runLength x (k + 1), ascending; the last is room
  int32_t limit[runLength];                // no farther one is wanted

  void offer(int64_t i, Candidate candidate) {
    Candidate* own = best.data() + i * (k + 1);
    if (!(candidate < own[k - 1])) return;
    int64_t at = k - 1;
    for (; at > 0 && candidate < own[at - 1]; --at) own[at] = own[at - 1];
    own[at] = candidate;
    limit[i] = std::min(limit[i], own[k - 1].squared);
  }
};

NearBytes::NearBytes(const uint8_t* vectors, int64_t count, int64_t length)
    : vectors_(vectors), count_(count), length_(length) {
  if (length < 1 || length > longest)
    throw std::invalid_argument("A vector must have 1 to " + std::to_string(longest) + " bytes. Received " +
                                std::to_string(length) + ".");
  const DistanceKernels& kernel = *kernels().distance;
  words_ = roundUp(length, int64_t{kernels().lanes} * kernel.bytesPerWord) / kernel.bytesPerWord;
  own_ = arrange(vectors, count);
  packed_.reserve(runs() * runLength * words_);
  terms_.resize(static_cast<size_t>(runs() * runLength));
  parallelFor(runs(), [&](std::ptrdiff_t run, int) { packRun(run); });
}

NearBytes::Runs NearBytes::arrange(const uint8_t* vectors, int64_t count) const {
  Runs result;
  result.order.resize(static_cast<size_t>(count));
  std::iota(result.order.begin(), result.order.end(), 0);
  halve(vectors, length_, result.order.data(), count);
  const int64_t runs = roundUp(count, runLength) / runLength;
  result.lowest.assign(static_cast<size_t>(runs * length_), 255);
  result.highest.assign(static_cast<size_t>(runs * length_), 0);
  for (int64_t i = 0; i < count; ++i)
    for (int64_t d = 0; d < length_; ++d) {
      const uint8_t value = vectors[result.order[static_cast<size_t>(i)] * length_ + d];
      const auto at = static_cast<size_t>(i / runLength * length_ + d);
      result.lowest[at] = std::min(result.lowest[at], value);
      result.highest[at] = std::max(result.highest[at], value);
    }
  return result;
}

void NearBytes::packRun(int64_t run) {
  const DistanceKernels& kernel = *kernels().distance;
  const int64_t first = run * runLength, count = std::min(runLength, count_ - first);
  const uint8_t* rows[runLength];
  int32_t* terms = terms_.data() + first;
  for (int64_t j = 0; j < count; ++j) {
    rows[j] = vectors_ + own_.order[static_cast<size_t>(first + j)] * length_;
    const ByteSums sums = kernel.byteSums(rows[j], length_);
    // Left bytes are less than they seem by 128.
    terms[j] = static_cast<int32_t>(sums.squares) - 2 * 128 * static_cast<int32_t>(sums.sum);
  }
  std::fill(terms + count, terms + runLength, 0);
  for (int64_t j = 0; j < count; j += kernel.tileColumns)
    kernel.packBytes(rows + j, static_cast<int>(std::min<int64_t>(kernel.tileColumns, count - j)), kernel.tileColumns, length_,
                     false, packed_.data() + (first + j) * words_);
}

void NearBytes::search(const uint8_t* queries, int64_t count, int64_t k, int32_t reach, int32_t* places) const {
  const Runs asked = arrange(queries, count);
  std::vector<Scratch> scratch(static_cast<size_t>(threads()));
  parallelFor(roundUp(count, runLength) / runLength, [&](std::ptrdiff_t run, int worker) {
    searchRun(queries, asked, run, k, reach, false, scratch[static_cast<size_t>(worker)], places);
  });
}

void NearBytes::searchOwn(int64_t first, int64_t count, int64_t k, int32_t reach, int32_t* places) const {
  std::vector<Scratch> scratch(static_cast<size_t>(threads()));
  parallelFor(std::min(count, runs() - first), [&](std::ptrdiff_t run, int worker) {
    searchRun(vectors_, own_, first + run, k, reach, true, scratch[static_cast<size_t>(worker)], places);
  });
}

void NearBytes::searchRun(const uint8_t* queries, const Runs& asked, int64_t run, int64_t k, int32_t reach, bool own,
                          Scratch& s, int32_t* places) const {
  const DistanceKernels& kernel = *kernels().distance;
  const int64_t first = run * runLength;
  s.count = std::min(runLength, static_cast<int64_t>(asked.order.size()) - first);
  s.k = k;
  s.best.assign(static_cast<size_t>(runLength * (k + 1)), {std::numeric_limits<int32_t>::max(), -1});
  s.left.reserve(roundUp(runLength, kernel.tileRows) * words_);
  s.dot.reserve(roundUp(runLength, kernel.tileRows) * runLength);
  const uint8_t* rows[runLength];
  for (int64_t i = 0; i < s.count; ++i) {
    s.query[i] = asked.order[static_cast<size_t>(first + i)];
    rows[i] = queries + s.query[i] * length_;
    s.squares[i] = static_cast<int32_t>(kernel.byteSums(rows[i], length_).squares);
    s.limit[i] = std::min(reach, farthest);
  }
  for (int64_t i = 0; i < s.count; i += kernel.tileRows)
    kernel.packBytes(rows + i, static_cast<int>(std::min<int64_t>(kernel.tileRows, s.count - i)), kernel.tileRows, length_, true,
                     s.left.data() + i * words_);

  s.bounds.clear();
  for (int64_t other = 0; other < runs(); ++other) {
    const int32_t squared = between(&asked.lowest[static_cast<size_t>(run * length_)], &asked.highest[static_cast<size_t>(run * length_)],
                                    &own_.lowest[static_cast<size_t>(other * length_)],
                                    &own_.highest[static_cast<size_t>(other * length_)], length_);
    if (squared <= reach) s.bounds.push_back({squared, static_cast<int32_t>(other)});
  }
  const auto limit = [&] { return *std::max_element(s.limit, s.limit + s.count); };
  const auto nearest = s.bounds.begin() + static_cast<std::ptrdiff_t>(std::min(metFirst, s.bounds.size()));
  std::nth_element(s.bounds.begin(), nearest, s.bounds.end());
  std::sort(s.bounds.begin(), nearest);
  for (auto bound = s.bounds.begin(); bound != nearest; ++bound)
    if (bound->squared <= limit()) meet(bound->run, own, s);
  const auto end = std::remove_if(nearest, s.bounds.end(), [most = limit()](const Bound& bound) { return bound.squared > most; });
  std::sort(nearest, end);
  for (auto bound = nearest; bound != end && bound->squared <= limit(); ++bound) meet(bound->run, own, s);

  for (int64_t i = 0; i < s.count; ++i)
    for (int64_t j = 0; j < k; ++j) places[int64_t{s.query[i]} * k + j] = s.best[static_cast<size_t>(i * (k + 1) + j)].place;
}

void NearBytes::meet(int64_t run, bool own, Scratch& s) const {
  const DistanceKernels& kernel = *kernels().distance;
  const int64_t first = run * runLength, count = std::min(runLength, count_ - first);
  const int32_t* terms = terms_.data() + first;
  int32_t* dot = s.dot.data();
  for (int64_t i = 0; i < s.count; i += kernel.tileRows)
    for (int64_t j = 0; j < count; j += kernel.tileColumns)
      kernel.byteTile({s.left.data() + i * words_, packed_.data() + (first + j) * words_, words_,
                       static_cast<int>(std::min<int64_t>(kernel.tileRows, s.count - i))},
                      dot + i * runLength + j, runLength, false);
  for (int64_t i = 0; i < s.count; ++i, dot += runLength) {
    const int32_t most = s.limit[i] - s.squares[i];
    int32_t beyond = -1;  // negative while all are beyond the limit
    for (int64_t j = 0; j < count; ++j) beyond &= most - terms[j] + 2 * dot[j];
    if (beyond < 0) continue;
    for (int64_t j = 0; j < count; ++j) {
      const int32_t squared = s.squares[i] + terms[j] - 2 * dot[j], place = own_.order[static_cast<size_t>(first + j)];
      if (squared <= s.limit[i] && !(own && place == s.query[i])) s.offer(i, {squared, place});
    }
  }
}

}  // namespace brightcell
