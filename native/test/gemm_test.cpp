#include "core/gemm.h"

#include <cstring>
#include <limits>

#include "core/instruction_set.h"
#include "core/parallel.h"
#include "core/random.h"
#include "test/check.h"

namespace brightcell::test {
namespace {

// Numbers of a case: normal, or hard ones: zeros, ties, and sizes from 1e-18 to 1e12.
std::vector<float> draw(Random& random, int64_t count, bool hard) {
  std::vector<float> values(count);
  for (float& x : values) {
    x = static_cast<float>(random.normal());
    if (!hard) continue;
    constexpr float factors[] = {0.0f, 1e-18f, 1e12f, 1.0f};
    const uint64_t kind = random.below(5);
    x = kind == 4 ? 1.00390625f : x * factors[kind];  // half way between two bfloat16
  }
  return values;
}

struct Case {
  int64_t rows, columns, depth;
  bool turnA, turnB, accumulate, withBias, hard;
  Precision precision;
};

Case drawCase(Random& random) {
  const auto side = [&](int most) { return 1 + static_cast<int64_t>(random.below(most)); };
  const auto coin = [&] { return random.below(2) == 1; };
  return {side(230), side(300), side(1200), coin(), coin(), coin(), coin(), coin(), Precision::float32};
}

struct Factors {
  std::vector<float> a, b, bias, start;
  Matrix ma, mb;  // of what a and b hold
};

Factors drawFactors(const Case& c, uint64_t seed) {
  Random random(seed);
  Factors f;
  f.a = draw(random, c.rows * c.depth, c.hard), f.b = draw(random, c.depth * c.columns, c.hard);
  f.bias = draw(random, c.columns, false);
  f.start = draw(random, c.rows * c.columns, false);
  f.ma = c.turnA ? Matrix{f.a.data(), 1, c.rows} : Matrix{f.a.data(), c.depth, 1};
  f.mb = c.turnB ? Matrix{f.b.data(), 1, c.depth} : Matrix{f.b.data(), c.columns, 1};
  return f;
}

// What an element is, and the sum of the sizes of what it adds, by which its error is measured.
struct Element {
  double sum = 0, size = 0;
};

std::vector<Element> threeLoops(const Case& c, const Factors& f) {
  std::vector<Element> all;
  for (int64_t i = 0; i < c.rows; ++i)
    for (int64_t j = 0; j < c.columns; ++j) {
      Element element;
      const auto add = [&](double term) { element.sum += term, element.size += std::abs(term); };
      if (c.accumulate) add(f.start[i * c.columns + j]);
      if (c.withBias) add(f.bias[j]);
      const float *row = f.ma.data + i * f.ma.rowStep, *column = f.mb.data + j * f.mb.columnStep;
      for (int64_t k = 0; k < c.depth; ++k)
        add(static_cast<double>(row[k * f.ma.columnStep]) * column[k * f.mb.rowStep]);
      all.push_back(element);
    }
  return all;
}

std::vector<float> multiplyBothWays(const Case& c, const Factors& f) {
  auto received = f.start, again = f.start;
  Product product{c.rows, c.columns, c.depth, f.ma, f.mb, received.data(), c.columns, c.accumulate};
  if (c.withBias) product.bias = f.bias.data();
  product.precision = c.precision;
  multiply(product);
  PackedColumns packed;
  packed.pack(f.mb, c.depth, c.columns, c.precision);
  product.c = again.data();
  product.packed = &packed;
  multiply(product);
  check(std::memcmp(again.data(), received.data(), received.size() * sizeof(float)) == 0,
        "a packed factor gives other bits");
  return received;
}

// On every instruction set, against loops that know none and run once.
void compareProduct(const Case& c, uint64_t seed) {
  const Factors factors = drawFactors(c, seed);
  const std::vector<Element> expected = threeLoops(c, factors);
  const double bound = c.precision == Precision::float32 ? 1e-5 : 1e-2;
  for (const Kernels* set : availableKernels()) {
    chooseKernels(set->name);
    const std::vector<float> received = multiplyBothWays(c, factors);
    for (size_t i = 0; i < expected.size(); ++i)
      if (!(std::abs(received[i] - expected[i].sum) <= bound * expected[i].size + 1e-30))
        fail("case " + std::to_string(seed) + " on " + set->name + ", element " + std::to_string(i / c.columns) + ", " +
             std::to_string(i % c.columns) + ": expected " + std::to_string(expected[i].sum) + ", received " +
             std::to_string(received[i]));
  }
  chooseKernels(availableKernels().back()->name);
}

void compareAll(Precision precision) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    Random random(seed);
    Case c = drawCase(random);
    c.precision = precision;
    compareProduct(c, seed);
  }
  for (const int64_t side : {1, 2, 31, 33})
    compareProduct({side, 34 - side, 2 * side + 1, false, true, false, true, false, precision}, 99);
}

FACT("matrix products of any shape and order agree with three loops") { compareAll(Precision::float32); }
FACT("matrix products in bfloat16 agree with three loops within a hundredth") { compareAll(Precision::bfloat16); }

FACT("a product in bfloat16 is exact where every factor has eight bits") {
  for (const Kernels* set : availableKernels()) {
    chooseKernels(set->name);
    Random random(5);
    constexpr int64_t rows = 13, columns = 37, depth = 301;
    std::vector<float> a(rows * depth), b(depth * columns), c(rows * columns);
    for (auto* values : {&a, &b})
      for (float& x : *values) x = static_cast<float>(random.below(17)) - 8;
    Product product{rows, columns, depth, {a.data(), depth, 1}, {b.data(), columns, 1}, c.data(), columns};
    product.precision = Precision::bfloat16;
    multiply(product);
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < columns; ++j) {
        float sum = 0;
        for (int64_t k = 0; k < depth; ++k) sum += a[i * depth + k] * b[k * columns + j];
        check(c[i * columns + j] == sum, std::string("an element differs on ") + set->name);
      }
  }
}

FACT("a row of a product has the same bits alone, in any product and on any number of threads") {
  for (const Kernels* set : availableKernels()) {
    chooseKernels(set->name);
    for (const Precision precision : {Precision::float32, Precision::bfloat16}) {
      Random random(7);
      constexpr int64_t rows = 900, columns = 45, depth = 700;
      const auto a = draw(random, rows * depth, false), b = draw(random, columns * depth, false);
      std::vector<float> all(rows * columns), one(columns);
      Product product{rows, columns, depth, {a.data(), depth, 1}, {b.data(), 1, depth}, all.data(), columns};
      product.precision = precision;
      product.activation = Activation::tanh;
      setThreads(3);
      multiply(product);
      setThreads(1);
      product.rows = 1;
      product.c = one.data();
      for (int64_t row = 0; row < rows; row += 7) {
        product.a.data = a.data() + row * depth;
        multiply(product);
        check(std::memcmp(one.data(), all.data() + row * columns, columns * sizeof(float)) == 0,
              "row " + std::to_string(row) + " differs on " + set->name);
      }
      setThreads(2);
    }
  }
}

FACT("what is not finite shows in a product of either precision") {
  for (const Kernels* set : availableKernels()) {
    chooseKernels(set->name);
    for (const Precision precision : {Precision::float32, Precision::bfloat16})
      for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        std::vector<float> a(5 * 3, 1.0f), b(3 * 7, 1.0f), c(5 * 7);
        a[4] = bad;
        Product product{5, 7, 3, {a.data(), 3, 1}, {b.data(), 7, 1}, c.data(), 7};
        product.precision = precision;
        multiply(product);
        for (int i = 0; i < 5; ++i)
          for (int j = 0; j < 7; ++j)
            check(std::isfinite(c[i * 7 + j]) == (i != 1), std::string("a number went lost on ") + set->name);
      }
  }
}

}  // namespace
}  // namespace brightcell::test
