#include "core/optimiser.h"

#include "core/instruction_set.h"
#include "core/random.h"
#include "reference/optimiser.h"
#include "test/check.h"

namespace brightcell::test {
namespace {

void compareKind(const Optimiser& optimiser, ParameterKind kind) {
  constexpr int size = 37;
  Parameter parameter;
  parameter.kind = kind;
  parameter.outer = size;
  Random random(1);
  std::vector<double> expected(size);
  std::vector<reference::Moments<double>> moments(size);
  for (auto* buffer : {&parameter.value, &parameter.gradient, &parameter.moment1, &parameter.moment2})
    buffer->zeroed(size);
  for (int i = 0; i < size; ++i) expected[i] = parameter.value.data()[i] = static_cast<float>(random.normal());
  for (int step = 1; step <= 10; ++step) {
    for (int i = 0; i < size; ++i) {
      const float gradient = static_cast<float>(random.normal());
      parameter.gradient.data()[i] = gradient;
      expected[i] = reference::updated(optimiser, expected[i], 0.5 * gradient, moments[i], 0.01, step,
                                       kind == ParameterKind::weights);
    }
    update(optimiser, {&parameter}, 0.01, step, 0.5);
  }
  checkClose(std::vector<float>(parameter.value.data(), parameter.value.data() + size), expected, 2e-6, 1e-7, "value");
}

void compare(const Optimiser& optimiser) {
  for (const Kernels* set : availableKernels()) {
    chooseKernels(set->name);
    compareKind(optimiser, ParameterKind::weights);
    compareKind(optimiser, ParameterKind::bias);
  }
}

FACT("adam agrees with its formula") { compare({OptimiserKind::adam}); }
FACT("adamw agrees with its formula and leaves biases undecayed") {
  compare({OptimiserKind::adamw, 0.8, 0.99, 1e-6, 0.1});
}
FACT("sgd agrees with its formula") { compare({OptimiserKind::sgd}); }
FACT("sgd with momentum and decay agrees with its formula") {
  compare({OptimiserKind::sgd, 0, 0, 0, 0.1, 0.9});
}
FACT("sgd with Nesterov momentum agrees with its formula") {
  compare({OptimiserKind::sgd, 0, 0, 0, 0, 0.9, true});
}

FACT("the gradient norm is the root of the sum of squares over all parameters") {
  Parameter a, b;
  a.outer = 40000;
  b.outer = 3;
  double sum = 0;
  for (Parameter* p : {&a, &b}) {
    p->gradient.zeroed(p->size());
    for (int64_t i = 0; i < p->size(); ++i) {
      p->gradient.data()[i] = static_cast<float>(i % 7) - 3;
      sum += (i % 7 - 3) * (i % 7 - 3);
    }
  }
  checkClose(std::vector<double>{gradientNorm({&a, &b})}, std::vector<double>{std::sqrt(sum)}, 1e-12, 0, "norm");
}

}  // namespace
}  // namespace brightcell::test
