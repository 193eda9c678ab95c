// tanh and scaledTanh against the mathematics library.
#include <cstring>
#include <limits>

#include "core/instruction_set.h"
#include "reference/activation.h"
#include "test/check.h"

namespace brightcell::test {
namespace {

double ulp(double value) {
  const float size = std::max(std::abs(static_cast<float>(value)), std::numeric_limits<float>::min());
  return std::nextafter(size, std::numeric_limits<float>::infinity()) - size;
}

// Every 1009th float of both signs, with the smallest and the largest among them.
std::vector<float> everySize() {
  std::vector<float> values;
  for (uint32_t bits = 0; bits < 0x7f800000u; bits += 1009) {
    float x;
    std::memcpy(&x, &bits, sizeof x);
    values.push_back(x);
    values.push_back(-x);
  }
  values.push_back(std::numeric_limits<float>::max());
  return values;
}

FACT("tanh is within 2 units in the last place of the library's, and scaledTanh within 4, at every size") {
  for (const Kernels* set : availableKernels())
    for (const Activation kind : {Activation::tanh, Activation::scaledTanh}) {
      const auto values = everySize();
      auto received = values;
      set->activate(kind, received.data(), static_cast<int64_t>(received.size()));
      const double bound = kind == Activation::tanh ? 2 : 4;
      for (size_t i = 0; i < values.size(); ++i) {
        const double expected = reference::activated(kind, static_cast<double>(values[i]));
        const double error = std::abs(received[i] - expected);
        if (!(error <= bound * ulp(expected) && error <= 2e-7 * (kind == Activation::tanh ? 1 : 1.7159)))
          fail(std::string(set->name) + ": of " + std::to_string(values[i]) + " expected " + std::to_string(expected) +
               ", received " + std::to_string(received[i]) + ", " + std::to_string(error / ulp(expected)) + " units off");
      }
    }
}

FACT("tanh keeps NaN and the sign of zero, ends at 1, and gives a number the same bits wherever it stands") {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  for (const Kernels* set : availableKernels()) {
    std::vector<float> values{infinity, -infinity, std::numeric_limits<float>::quiet_NaN(), 0.0f, -0.0f};
    set->activate(Activation::tanh, values.data(), 5);
    check(values[0] == 1 && values[1] == -1, "infinity is not 1");
    check(std::isnan(values[2]), "NaN went lost");
    check(values[3] == 0 && !std::signbit(values[3]) && std::signbit(values[4]), "zero lost its sign");
    for (int size = 1; size < 40; ++size) {
      std::vector<float> many(size, 0.71f);
      set->activate(Activation::tanh, many.data(), size);
      for (const float x : many) check(x == many[0], "places differ");
    }
  }
}

}  // namespace
}  // namespace brightcell::test
