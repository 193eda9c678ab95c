#include "core/neighbours.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/instruction_set.h"
#include "core/parallel.h"
#include "core/random.h"
#include "test/check.h"

namespace brightcell::test {
namespace {

// Few values and few numbers a vector: many distances are equal.
struct Case {
  int64_t queries, references, length, k;
  std::vector<uint8_t> numbers;

  Case(int64_t queries, int64_t references, int64_t length, int64_t k)
      : queries(queries), references(references), length(length), k(k) {
    Random random(11);
    for (int64_t i = 0; i < (queries + references) * length; ++i)
      numbers.push_back(static_cast<uint8_t>(random.below(3)));
  }
  const uint8_t* row(int64_t i) const { return numbers.data() + i * length; }
  VectorRows rows(int64_t first, int64_t count) const {
    VectorRows rows{PixelType::uint8, length, {}};
    for (int64_t i = 0; i < count; ++i) rows.rows.push_back(row(first + i));
    return rows;
  }
};

struct Found {
  std::vector<int32_t> places;
  std::vector<double> distances;
  bool operator==(const Found&) const = default;
};

// All references, nearest first, of equal ones the first; a stable sort is the definition.
Found twin(const Case& c) {
  Found found;
  for (int64_t i = 0; i < c.queries; ++i) {
    std::vector<std::pair<double, int32_t>> all;
    for (int64_t j = 0; j < c.references; ++j) {
      double sum = 0;
      for (int64_t k = 0; k < c.length; ++k) {
        const double difference = double{1} * c.row(i)[k] - c.row(c.queries + j)[k];
        sum += difference * difference;
      }
      all.emplace_back(sum, static_cast<int32_t>(j));
    }
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    for (int64_t j = 0; j < c.k; ++j) {
      const bool there = j < c.references;
      found.places.push_back(there ? all[static_cast<size_t>(j)].second : -1);
      found.distances.push_back(there ? all[static_cast<size_t>(j)].first : std::numeric_limits<double>::infinity());
    }
  }
  return found;
}

Found search(const Case& c, int64_t step, bool backwards) {
  NearestNeighbours nearest(c.rows(0, c.queries), c.k);
  std::vector<int64_t> starts;
  for (int64_t at = 0; at < c.references; at += step) starts.push_back(at);
  if (backwards) std::reverse(starts.begin(), starts.end());
  for (const int64_t at : starts) nearest.add(c.rows(c.queries + at, std::min(step, c.references - at)), at);
  Found found{std::vector<int32_t>(static_cast<size_t>(c.queries * c.k)),
              std::vector<double>(static_cast<size_t>(c.queries * c.k))};
  nearest.write(found.places.data(), found.distances.data());
  return found;
}

FACT("the nearest neighbours are those of a stable sort, in whatever parts and order references come") {
  for (const Kernels* set : availableKernels()) {
    chooseKernels(set->name);
    for (const Case& c : {Case(1, 1, 1, 1), Case(9, 700, 5, 12), Case(3, 130, 4, 130), Case(2, 5, 70, 9)}) {
      const Found expected = twin(c);
      for (const int64_t step : {c.references, int64_t{50}})
        for (const bool backwards : {false, true})
          check(search(c, step, backwards) == expected, std::string("other neighbours on ") + set->name);
    }
  }
}

// Vectors of floats of which many are equal; enough queries for every thread, or too few for the way without a block.
FACT("the nearest neighbours of floats are those of a stable sort of their distances, on every instruction set") {
  for (const Kernels* set : availableKernels()) {
    chooseKernels(set->name);
    for (const auto& [queries, references, length, k] :
         {std::array<int64_t, 4>{330, 700, 50, 12}, {330, 90, 1, 90}, {5, 400, 50, 7}, {330, 300, 257, 5}, {201, 3000, 256, 9}}) {
      Random random(5);
      std::vector<float> numbers;
      for (int64_t i = 0; i < (queries + references) * length; ++i)
        numbers.push_back(static_cast<float>(random.below(length > 50 ? 2 : 3)) * 0.5f - 0.5f);  // sums are exact
      VectorRows left{PixelType::float32, length, {}}, right = left;
      for (int64_t i = 0; i < queries; ++i) left.rows.push_back(numbers.data() + i * length);
      for (int64_t j = 0; j < references; ++j) right.rows.push_back(numbers.data() + (queries + j) * length);
      NearestNeighbours nearest(left, k);
      nearest.add(right, 0);
      std::vector<int32_t> places(static_cast<size_t>(queries * k));
      std::vector<double> squared(places.size());
      nearest.write(places.data(), squared.data());
      for (int64_t i = 0; i < queries; ++i) {
        std::vector<std::pair<double, int32_t>> all;
        for (int64_t j = 0; j < references; ++j) {
          double sum = 0;
          for (int64_t d = 0; d < length; ++d) {
            const double difference = double{numbers[static_cast<size_t>(i * length + d)]} -
                                      double{numbers[static_cast<size_t>((queries + j) * length + d)]};
            sum += difference * difference;
          }
          all.emplace_back(sum, static_cast<int32_t>(j));
        }
        std::sort(all.begin(), all.end());
        for (int64_t j = 0; j < k; ++j)
          check(places[static_cast<size_t>(i * k + j)] == all[static_cast<size_t>(j)].second &&
                    squared[static_cast<size_t>(i * k + j)] == all[static_cast<size_t>(j)].first,
                std::string("other neighbours of floats on ") + set->name);
      }
    }
  }
}

FACT("the nearest neighbours are the same on any number of threads") {
  const Case c(40, 3000, 6, 7);
  const Found expected = twin(c);
  for (const int count : {1, 2, 3, 7}) {
    setThreads(count);
    check(search(c, 1000, false) == expected, "other neighbours on " + std::to_string(count) + " threads");
  }
  setThreads(2);
}

FACT("numbers that are not finite, or too large to square, have no neighbours") {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::quiet_NaN(),
                          std::numeric_limits<float>::infinity(), 1e30f}) {
    const float good[3] = {1, 2, 3}, wrong[3] = {1, bad, 3};
    for (const bool asQuery : {true, false}) {
      NearestNeighbours nearest({PixelType::float32, 3, {asQuery ? wrong : good}}, 1);
      bool refused = false;
      try {
        nearest.add({PixelType::float32, 3, {asQuery ? good : wrong, good}}, 0);
      } catch (const std::range_error&) {
        refused = true;
      }
      check(refused, "a number was taken that is not finite");
    }
  }
}

FACT("a number that is not finite is refused wherever it stands among many") {
  Random random(6);
  std::vector<float> numbers;
  for (int i = 0; i < 900 * 4; ++i) numbers.push_back(static_cast<float>(random.normal()));
  VectorRows rows{PixelType::float32, 4, {}};
  for (int64_t i = 0; i < 900; ++i) rows.rows.push_back(numbers.data() + 4 * i);
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity(), 2e18f}) {
    numbers[4 * 888 + 2] = bad;
    bool refused = false;
    try {
      NearestNeighbours(rows, 3).add(rows, 0);
    } catch (const std::range_error&) {
      refused = true;
    }
    check(refused, "a number was taken that is not finite");
  }
}

}  // namespace
}  // namespace brightcell::test
