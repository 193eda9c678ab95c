// The kernels that work element by element or channel by channel, of every instruction set, on numbers and sizes
// chosen to break them, against their formulas in double precision.
#include <limits>

#include "core/gemm.h"
#include "core/instruction_set.h"
#include "core/random.h"
#include "reference/activation.h"
#include "test/check.h"

namespace brightcell::test {
namespace {

constexpr float guard = 12345.0f;
constexpr float largest = std::numeric_limits<float>::max(), smallest = std::numeric_limits<float>::denorm_min();

template <typename Body>
void forEachSet(Body body) {
  for (const Kernels* set : availableKernels()) {
    chooseKernels(set->name);
    body(*set, std::string(set->name));
  }
  chooseKernels(availableKernels().back()->name);
}

std::vector<float> draw(int64_t count, Random& random, double scale = 1) {
  std::vector<float> values(count);
  for (float& x : values) x = static_cast<float>(scale * random.normal());
  return values;
}

// Each element's own relative error; below the smallest normal float a few of the smallest steps are allowed.
void checkEach(const std::vector<float>& received, const std::vector<double>& expected, const std::string& what) {
  for (size_t i = 0; i < expected.size(); ++i) {
    const double error = std::abs(received[i] - expected[i]);
    check(error <= 1e-5 * std::abs(expected[i]) + 2 * smallest,
          what, ", ", i, ": expected ", expected[i], ", received ", received[i]);
  }
}

std::vector<float> awkward() {
  std::vector<float> values{0.0f, -0.0f, smallest, -smallest, 1e-40f, -1e-40f, 1e-30f, -1e-30f, 1e30f, -1e30f, largest, -largest};
  for (int exponent = -30; exponent <= 8; ++exponent)
    for (const double factor : {1.0, 1.3, 1.7}) {
      values.push_back(static_cast<float>(std::ldexp(factor, exponent)));
      values.push_back(static_cast<float>(-std::ldexp(factor, exponent)));
    }
  for (int i = -400; i <= 400; ++i) values.push_back(0.025f * static_cast<float>(i));
  return values;
}

FACT("activations agree with their formulas number by number, from the smallest float to the largest") {
  const std::vector<float> values = awkward();
  forEachSet([&](const Kernels& k, const std::string& set) {
    for (const Activation kind : {Activation::relu, Activation::tanh, Activation::scaledTanh, Activation::sigmoid}) {
      std::vector<float> received = values;
      std::vector<double> expected, slopes;
      k.activate(kind, received.data(), static_cast<int64_t>(received.size()));
      for (const float x : values) expected.push_back(reference::activated<double>(kind, x));
      checkEach(received, expected, set + ", activation " + std::to_string(static_cast<int>(kind)));
      // A slope is 1 at most and taken from the result, whose last bit is 6e-8 of it.
      std::vector<float> diff(values.size(), 3.0f);
      k.activateBackward(kind, received.data(), diff.data(), static_cast<int64_t>(diff.size()));
      for (const float x : values) slopes.push_back(3 * reference::slope<double>(kind, x));
      checkClose(diff, slopes, 1e-5, 0, set + ", slope " + std::to_string(static_cast<int>(kind)));
    }
  });
}

FACT("activations of any number of values touch no other, and keep what is not a number") {
  forEachSet([&](const Kernels& k, const std::string& set) {
    for (const Activation kind : {Activation::relu, Activation::tanh, Activation::scaledTanh, Activation::sigmoid})
      for (int count = 0; count < 70; ++count) {
        Random random(count);
        std::vector<float> values = draw(count, random), expected;
        for (const float x : values) expected.push_back(reference::activated<float>(kind, x));
        if (count > 3) values[count - 2] = NAN;
        values.resize(count + 64, guard);
        k.activate(kind, values.data(), count);
        for (int i = 0; i < count; ++i)
          check(count > 3 && i == count - 2 ? std::isnan(values[i]) : std::abs(values[i] - expected[i]) < 1e-5f,
                set, ", value ", i, " of ", count);
        for (size_t i = count; i < values.size(); ++i) check(values[i] == guard, set, ": wrote past the end");
      }
  });
}

struct Channels {
  int64_t positions;
  int channels;
  double scale;
};

const std::vector<Channels> channelCases{{1, 1, 1},    {1, 3, 1},    {7, 1, 1},       {1024, 1, 1},    {33, 15, 1},
                                         {64, 16, 1},  {50, 17, 1},  {9, 33, 1},      {5, 64, 1},      {12, 100, 1},
                                         {40, 7, 1e15}, {40, 7, 1e-15}, {40, 7, 1e-25}, {100, 32, 0}};

// Sums: the error is measured against the largest sum of the magnitudes.
FACT("sums over the positions of a map agree with their formulas for any number of channels") {
  forEachSet([&](const Kernels& k, const std::string& set) {
    for (const Channels& c : channelCases) {
      Random random(c.positions * 1000 + c.channels);
      const std::vector<float> src = draw(c.positions * c.channels, random, c.scale),
                               diff = draw(c.positions * c.channels, random), mean = draw(c.channels, random, c.scale);
      std::vector<float> sum(c.channels + 64, guard), squares = sum, sums = sum, products = sum;
      for (auto* values : {&sum, &squares, &sums, &products}) std::fill_n(values->begin(), c.channels, 0.0f);
      std::vector<double> s(c.channels), q(c.channels), d(c.channels), p(c.channels), magnitudes(4);
      for (int64_t i = 0; i < c.positions * c.channels; ++i) {
        const int64_t at = i % c.channels;
        const double distance = static_cast<double>(src[i]) - mean[at];
        s[at] += src[i];
        q[at] += distance * distance;
        d[at] += diff[i];
        p[at] += diff[i] * distance;
        magnitudes[0] += std::abs(src[i]) / c.channels;
        magnitudes[1] += distance * distance / c.channels;
        magnitudes[2] += std::abs(diff[i]) / c.channels;
        magnitudes[3] += std::abs(diff[i] * distance) / c.channels;
      }
      k.addChannels(src.data(), c.positions, c.channels, sum.data());
      k.addSquares(src.data(), mean.data(), c.positions, c.channels, squares.data());
      k.addProducts(diff.data(), src.data(), mean.data(), c.positions, c.channels, sums.data(), products.data());
      const std::string what = set + ", " + std::to_string(c.positions) + " x " + std::to_string(c.channels);
      const auto compare = [&](std::vector<float>& received, const std::vector<double>& expected, int at) {
        for (int64_t i = c.channels; i < c.channels + 64; ++i) check(received[i] == guard, what, ": wrote past the end");
        received.resize(c.channels);
        checkClose(received, expected, 0, 1e-5 * magnitudes[at] + 10 * smallest, what + ", sum " + std::to_string(at));
      };
      compare(sum, s, 0);
      compare(squares, q, 1);
      compare(sums, d, 2);
      compare(products, p, 3);
    }
  });
}

FACT("factors and summands of channels agree with their formulas for any number of channels") {
  forEachSet([&](const Kernels& k, const std::string& set) {
    for (const Channels& c : channelCases) {
      Random random(c.positions * 1000 + c.channels);
      const int64_t size = c.positions * c.channels;
      const std::vector<float> src = draw(size, random, c.scale), a = draw(c.channels, random),
                               b = draw(c.channels, random), d = draw(c.channels, random, c.scale);
      std::vector<float> diff = draw(size, random, c.scale), scaled(size + 64, guard);
      std::vector<double> expectedScaled(size), expectedCombined(size);
      for (int64_t i = 0; i < size; ++i) {
        const int64_t at = i % c.channels;
        expectedScaled[i] = static_cast<double>(src[i]) * a[at] + d[at];
        expectedCombined[i] = static_cast<double>(a[at]) * diff[i] + static_cast<double>(b[at]) * src[i] + d[at];
      }
      const std::string what = set + ", " + std::to_string(c.positions) + " x " + std::to_string(c.channels);
      diff.resize(size + 64, guard);
      k.scaleShift(src.data(), a.data(), d.data(), c.positions, c.channels, scaled.data());
      k.combine(diff.data(), src.data(), a.data(), b.data(), d.data(), c.positions, c.channels);
      for (auto* values : {&scaled, &diff}) {
        for (int64_t i = size; i < size + 64; ++i) check((*values)[i] == guard, what, ": wrote past the end");
        values->resize(size);
      }
      checkClose(scaled, expectedScaled, 1e-5, 10 * smallest, what + ", scale and shift");
      checkClose(diff, expectedCombined, 1e-5, 10 * smallest, what + ", combine");
    }
  });
}

FACT("the sum of squares is taken in double precision: no float is too large or too small for it") {
  forEachSet([&](const Kernels& k, const std::string& set) {
    for (const double scale : {1.0, 1e30, 1e-30, 0.0})
      for (const int64_t count : {1, 2, 7, 8, 9, 1000, 4099}) {
        Random random(count);
        const std::vector<float> values = draw(count, random, scale);
        double expected = 0;
        for (const float x : values) expected += static_cast<double>(x) * x;
        const double received = k.sumSquares(values.data(), count);
        check(std::abs(received - expected) <= 1e-12 * expected, set + ", " + std::to_string(count) + " values");
      }
  });
}

FACT("a step of Adam makes finite weights of gradients from 0 to the largest float") {
  forEachSet([&](const Kernels& k, const std::string& set) {
    const AdamSettings settings{0.9f, 0.999f, 1e-8f, 0.01f / 0.1f, static_cast<float>(1 / std::sqrt(0.001)), 1.0f, 1.0f};
    std::vector<float> gradient{0.0f, smallest, 1e-30f, -1e-15f, 1.0f, -1e15f, 1e30f, largest, -largest};
    for (int i = 0; i < 40; ++i) gradient.push_back(static_cast<float>(i) - 20);
    const int64_t count = static_cast<int64_t>(gradient.size());
    std::vector<float> value(count, 1.0f), m(count, 0.0f), v(count, 0.0f);
    k.adam(settings, gradient.data(), value.data(), m.data(), v.data(), count);
    for (int64_t i = 0; i < count; ++i) {
      const double g = gradient[i];
      // The first step is of the learning rate, whatever the gradient's size; a square above the largest float stops it.
      const double step = std::abs(g) > 1e15 ? value[i] - 1 : -0.01 * g / (std::abs(g) + 1e-8);
      check(std::abs(value[i] - (1 + step)) < 1e-5 && std::abs(value[i] - 1) < 0.0101,
            set, ", gradient ", i, ": ", value[i]);
    }
  });
}

void compareProduct(int64_t rows, int64_t columns, int64_t depth, double a, double b, const std::string& set) {
  Random random(rows + 10 * columns + 100 * depth);
  const std::vector<float> left = draw(rows * depth, random, a), right = draw(depth * columns, random, b);
  std::vector<float> c(rows * columns + 64, guard);
  std::vector<double> expected(rows * columns);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t k = 0; k < depth; ++k)
      for (int64_t j = 0; j < columns; ++j)
        expected[i * columns + j] += static_cast<double>(left[i * depth + k]) * right[k * columns + j];
  multiply({rows, columns, depth, {left.data(), depth, 1}, {right.data(), columns, 1}, c.data(), columns});
  for (int64_t i = rows * columns; i < rows * columns + 64; ++i) check(c[i] == guard, set, ": wrote past the end");
  c.resize(rows * columns);
  checkClose(c, expected, 1e-5, 10 * smallest,
             set + ", " + std::to_string(rows) + " x " + std::to_string(columns) + " x " + std::to_string(depth));
}

FACT("matrix products of one row, one column, one term, and of huge and tiny numbers agree with three loops") {
  forEachSet([](const Kernels&, const std::string& set) {
    for (const int64_t rows : {1, 2, 13})
      for (const int64_t columns : {1, 15, 16, 17, 33})
        for (const int64_t depth : {1, 2, 255, 257}) compareProduct(rows, columns, depth, 1, 1, set);
    for (const auto& [a, b] : {std::pair{1e30, 1e-3}, {1e-3, 1e30}, {1e-30, 1.0}, {1e-20, 1e-20}, {0.0, 1.0}, {1.0, 0.0}})
      compareProduct(37, 50, 300, a, b, set);
  });
}

FACT("one image's dense results are the same bits in any batch") {
  forEachSet([](const Kernels&, const std::string& set) {
    for (const auto& [columns, depth] : {std::pair<int64_t, int64_t>{2048, 700}, {64, 2048}, {4, 64}, {33, 130}}) {
      Random random(columns);
      const std::vector<float> a = draw(30 * depth, random), b = draw(depth * columns, random);
      std::vector<float> together(30 * columns + 64), alone(columns + 64);
      multiply({30, columns, depth, {a.data(), depth, 1}, {b.data(), 1, depth}, together.data(), columns});
      for (int64_t i = 0; i < 30; ++i) {
        multiply({1, columns, depth, {a.data() + i * depth, depth, 1}, {b.data(), 1, depth}, alone.data(), columns});
        check(std::equal(alone.begin(), alone.begin() + columns, together.begin() + i * columns),
              set + ", row " + std::to_string(i) + " of " + std::to_string(columns) + " columns");
      }
    }
  });
}

}  // namespace
}  // namespace brightcell::test
