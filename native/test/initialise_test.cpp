#include "core/initialise.h"

#include <algorithm>

#include "core/parallel.h"
#include "test/check.h"

namespace brightcell::test {
namespace {

std::vector<float> drawn(const Initialiser& initialiser, ParameterKind kind = ParameterKind::weights) {
  Parameter p;
  p.kind = kind;
  p.outer = 200;
  p.layout = {50, 3, 1};
  p.fanIn = 150;
  p.fanOut = 450;
  initialise(initialiser, 5, 1, p);
  return {p.value.data(), p.value.data() + p.size()};
}

double deviationOf(const std::vector<float>& values) {
  double sum = 0;
  for (const float x : values) sum += static_cast<double>(x) * x;
  return std::sqrt(sum / values.size());
}

FACT("glorotUniform stays within sqrt(6 / (fanIn + fanOut)) and fills it") {
  const auto values = drawn({InitialiserKind::glorotUniform});
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  check(*low > -0.1f - 1e-6f && *low < -0.0995f && *high < 0.1f + 1e-6f && *high > 0.0995f, "range");
  checkClose(std::vector<double>{deviationOf(values)}, std::vector<double>{0.1 / std::sqrt(3.0)}, 0.02, 0, "deviation");
}
FACT("heNormal has deviation sqrt(2 / fanIn)") {
  checkClose(std::vector<double>{deviationOf(drawn({InitialiserKind::heNormal}))},
             std::vector<double>{std::sqrt(2.0 / 150)}, 0.02, 0, "deviation");
}
FACT("truncatedNormal ends at two deviations") {
  const auto values = drawn({InitialiserKind::truncatedNormal, 0.1});
  check(*std::max_element(values.begin(), values.end()) <= 0.2f, "a value is past two deviations");
  checkClose(std::vector<double>{deviationOf(values)}, std::vector<double>{0.1 * 0.8796}, 0.02, 0, "deviation");
}
FACT("biases start at zero, or at the value that truncatedNormal is given") {
  for (const float x : drawn({InitialiserKind::heNormal}, ParameterKind::bias)) check(x == 0, "not zero");
  for (const float x : drawn({InitialiserKind::truncatedNormal, 0.1, 0.25}, ParameterKind::bias))
    check(x == 0.25f, "not the value given");
}
FACT("the first weights do not depend on the number of threads") {
  setThreads(1);
  const auto one = drawn({InitialiserKind::heNormal});
  setThreads(3);
  check(drawn({InitialiserKind::heNormal}) == one, "they differ");
  setThreads(2);
}

}  // namespace
}  // namespace brightcell::test
