#include "core/near_bytes.h"

#include <algorithm>
#include <string>

#include "core/instruction_set.h"
#include "core/parallel.h"
#include "core/random.h"
#include "test/check.h"

namespace brightcell::test {
namespace {

// All distances, sorted, are the definition.
std::vector<int32_t> twin(const std::vector<uint8_t>& queries, const std::vector<uint8_t>& vectors, int64_t length, int64_t k,
                          int32_t reach, bool own) {
  std::vector<int32_t> places;
  const auto count = static_cast<int64_t>(queries.size()) / length, others = static_cast<int64_t>(vectors.size()) / length;
  for (int64_t i = 0; i < count; ++i) {
    std::vector<std::pair<int32_t, int32_t>> all;
    for (int64_t j = 0; j < others; ++j) {
      int32_t sum = 0;
      for (int64_t d = 0; d < length; ++d) {
        const int gap = queries[static_cast<size_t>(i * length + d)] - vectors[static_cast<size_t>(j * length + d)];
        sum += gap * gap;
      }
      if (sum <= reach && !(own && i == j)) all.emplace_back(sum, static_cast<int32_t>(j));
    }
    std::sort(all.begin(), all.end());
    for (int64_t j = 0; j < k; ++j) places.push_back(j < static_cast<int64_t>(all.size()) ? all[static_cast<size_t>(j)].second : -1);
  }
  return places;
}

// Clumps of near vectors, among them equal ones, and values at both ends of a byte.
std::vector<uint8_t> draw(int64_t count, int64_t length, uint64_t seed) {
  Random random(seed);
  std::vector<uint8_t> middles(static_cast<size_t>(5 * length)), numbers;
  for (auto& value : middles) value = static_cast<uint8_t>(random.below(256));
  for (int64_t i = 0; i < count; ++i) {
    const uint64_t clump = random.below(5);
    for (int64_t d = 0; d < length; ++d)
      numbers.push_back(static_cast<uint8_t>(std::clamp<int64_t>(
          middles[clump * static_cast<uint64_t>(length) + static_cast<uint64_t>(d)] + static_cast<int64_t>(random.below(9)) - 4, 0, 255)));
  }
  return numbers;
}

struct Case {
  int64_t count, queries, length, k;
  int32_t reach;
};

FACT("the nearest of many byte vectors are those of all distances, on every instruction set and any number of threads") {
  for (const Kernels* set : availableKernels()) {
    chooseKernels(set->name);
    for (const Case c : {Case{1, 1, 1, 1, 0}, {70, 3, 5, 4, 200}, {1000, 130, 64, 8, 900}, {777, 65, 33, 3, 2000000000}, {300, 64, 256, 8, 4000}}) {
      const auto vectors = draw(c.count, c.length, 3), queries = draw(c.queries, c.length, 3);
      const NearBytes near(vectors.data(), c.count, c.length);
      for (const int workers : {1, 3}) {
        setThreads(workers);
        std::vector<int32_t> places(static_cast<size_t>(c.queries * c.k)), own(static_cast<size_t>(c.count * c.k), -2);
        near.search(queries.data(), c.queries, c.k, c.reach, places.data());
        check(places == twin(queries, vectors, c.length, c.k, c.reach, false), std::string("other neighbours on ") + set->name);
        for (int64_t run = 0; run < near.runs(); run += 2) near.searchOwn(run, 2, c.k, c.reach, own.data());
        check(own == twin(vectors, vectors, c.length, c.k, c.reach, true), std::string("other own neighbours on ") + set->name);
      }
    }
  }
  setThreads(2);
}

}  // namespace
}  // namespace brightcell::test
