#include "core/gemm.h"

#include "core/instruction_set.h"
#include "core/random.h"
#include "test/check.h"

namespace brightcell::test {
namespace {

void compareProduct(uint64_t seed) {
  Random random(seed);
  const auto side = [&](int most) { return 1 + static_cast<int64_t>(random.below(most)); };
  const int64_t rows = side(230), columns = side(300), depth = side(600);
  const bool turnA = random.below(2), turnB = random.below(2), accumulate = random.below(2), withBias = random.below(2);
  std::vector<float> a(rows * depth), b(depth * columns), c(rows * columns), bias(columns);
  for (auto* values : {&a, &b, &c, &bias})
    for (float& x : *values) x = static_cast<float>(random.normal());
  const Matrix ma = turnA ? Matrix{a.data(), 1, rows} : Matrix{a.data(), depth, 1};
  const Matrix mb = turnB ? Matrix{b.data(), 1, depth} : Matrix{b.data(), columns, 1};
  std::vector<double> expected(rows * columns);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) {
      double sum = (accumulate ? c[i * columns + j] : 0.0) + (withBias ? bias[j] : 0.0);
      for (int64_t k = 0; k < depth; ++k)
        sum += static_cast<double>(ma.data[i * ma.rowStep + k * ma.columnStep]) *
               mb.data[k * mb.rowStep + j * mb.columnStep];
      expected[i * columns + j] = sum;
    }
  multiply({rows, columns, depth, ma, mb, c.data(), columns, accumulate, withBias ? bias.data() : nullptr});
  checkClose(c, expected, 1e-5, 1e-6, "product of case " + std::to_string(seed));
}

FACT("matrix products of any shape and order agree with three loops") {
  for (const Kernels* set : availableKernels()) {
    chooseKernels(set->name);
    for (uint64_t seed = 1; seed <= 12; ++seed) compareProduct(seed);
  }
}

}  // namespace
}  // namespace brightcell::test
