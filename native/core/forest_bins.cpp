// Idea: with bytes in place of numbers, a node finds its best cut by counting, without sorting, and the training vectors
// take N x D bytes. A feature's bytes stand together, because a node reads few features of many vectors.
#include "core/forest_bins.h"

#include <algorithm>
#include <limits>
#include <type_traits>

#include "core/parallel.h"
#include "core/random.h"

namespace brightcell {
namespace {

constexpr int64_t mostDrawn = 65536;
constexpr int64_t group = 64;   // features at once: a cache line of bytes
constexpr int64_t tile = 1024;  // vectors at once

// One vector from each of equally long stretches.
std::vector<int64_t> drawVectors(int64_t count, uint64_t seed) {
  const int64_t drawn = std::min(count, mostDrawn);
  std::vector<int64_t> rows(static_cast<size_t>(drawn));
  Random random(seed, ~uint64_t{0});
  for (int64_t i = 0; i < drawn; ++i) {
    const int64_t from = i * count / drawn, to = (i + 1) * count / drawn;
    rows[static_cast<size_t>(i)] = from + static_cast<int64_t>(random.below(static_cast<uint64_t>(to - from)));
  }
  return rows;
}

// Not below `low` and below `high`.
float between(float low, float high) {
  const auto middle = static_cast<float>(low + (static_cast<double>(high) - low) / 2);
  return middle < high ? middle : low;
}

// Cuts sorted values into ranges of about equal size; a value that is frequent enough has a range of its own.
int cutsOf(const std::vector<float>& sorted, float* cuts) {
  const auto count = static_cast<int64_t>(sorted.size());
  int64_t values = 1;
  for (int64_t i = 1; i < count; ++i) values += sorted[i] != sorted[i - 1];
  int used = 0;
  for (int64_t from = 0, to; from < count && used < Bins::mostCuts; from = to) {
    const double fair = static_cast<double>(count - from) / (Bins::most - used);
    to = from;
    do {
      const int64_t next = std::upper_bound(sorted.begin() + to, sorted.end(), sorted[to]) - sorted.begin();
      if (to > from && static_cast<double>(next - to) >= fair) break;  // a frequent value begins
      to = next;
    } while (to < count && values > Bins::most && static_cast<double>(to - from) < fair);
    if (to < count) cuts[used++] = between(sorted[to - 1], sorted[to]);
  }
  return used;
}

void chooseCuts(const VectorRows& vectors, const std::vector<int64_t>& rows, int64_t first, int64_t features, Bins& bins) {
  std::vector<std::vector<float>> columns(static_cast<size_t>(features), std::vector<float>(rows.size()));
  withNumbersOf(vectors.type, [&](auto kind) {
    for (size_t i = 0; i < rows.size(); ++i) {
      if (first == 0) checkFinite(vectors, rows[i]);
      const auto* numbers = static_cast<decltype(kind)>(vectors.rows[rows[i]]) + first;
      for (int64_t d = 0; d < features; ++d) columns[d][i] = static_cast<float>(numbers[d]);
    }
  });
  for (int64_t d = 0; d < features; ++d) {
    std::sort(columns[d].begin(), columns[d].end());
    bins.used[first + d] = cutsOf(columns[d], bins.cuts.data() + (first + d) * Bins::mostCuts);
  }
}

// How many cuts lie below the number: 8 steps, whatever the number.
uint8_t codeOf(const float* cuts, float number) {
  int code = 0;
  for (int step = 128; step > 0; step /= 2)
    if (cuts[code + step - 1] < number) code += step;
  return static_cast<uint8_t>(code);
}

template <typename Number>
void encode(const VectorRows& vectors, int64_t from, int64_t to, int64_t first, int64_t features, Bins& bins) {
  for (int64_t n = from; n < to; ++n) {
    const auto* numbers = static_cast<const Number*>(vectors.rows[n]) + first;
    for (int64_t d = 0; d < features; ++d)
      bins.codes.data()[(first + d) * bins.count + n] =
          codeOf(bins.cuts.data() + (first + d) * Bins::mostCuts, static_cast<float>(numbers[d]));
  }
}

void encodeTile(const VectorRows& vectors, int64_t from, int64_t to, Bins& bins) {
  for (int64_t n = from; n < to; ++n) checkFinite(vectors, n);
  for (int64_t first = 0; first < vectors.length; first += group)
    withNumbersOf(vectors.type, [&](auto kind) {
      using Number = std::remove_cv_t<std::remove_pointer_t<decltype(kind)>>;
      encode<Number>(vectors, from, to, first, std::min(group, vectors.length - first), bins);
    });
}

}  // namespace

Bins binVectors(const VectorRows& vectors, uint64_t seed, const Watch& watch) {
  Bins bins;
  bins.count = vectors.count();
  bins.features = vectors.length;
  bins.codes.reserve(vectors.count() * vectors.length);
  // Unused cuts are infinite: no number lies above them.
  bins.cuts.assign(static_cast<size_t>(vectors.length * Bins::mostCuts), std::numeric_limits<float>::infinity());
  bins.used.resize(static_cast<size_t>(vectors.length));
  const std::vector<int64_t> rows = drawVectors(vectors.count(), seed);
  const int64_t few = vectors.length > 16 * group ? group : 8;
  parallelFor((vectors.length + few - 1) / few, [&](std::ptrdiff_t i, int) {
    watch.check();
    chooseCuts(vectors, rows, i * few, std::min(few, vectors.length - i * few), bins);
  });
  parallelFor((vectors.count() + tile - 1) / tile, [&](std::ptrdiff_t i, int) {
    watch.check();
    encodeTile(vectors, i * tile, std::min(vectors.count(), (i + 1) * tile), bins);
  });
  return bins;
}

}  // namespace brightcell
