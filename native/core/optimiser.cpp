#include "core/optimiser.h"

#include <algorithm>
#include <cmath>

#include "core/instruction_set.h"
#include "core/parallel.h"

namespace brightcell {
namespace {

constexpr int64_t run = 16384;

struct Run {
  Parameter* parameter;
  int64_t at, count;
};

std::vector<Run> runsOf(const std::vector<Parameter*>& parameters) {
  std::vector<Run> runs;
  for (Parameter* p : parameters)
    for (int64_t at = 0; at < p->size(); at += run) runs.push_back({p, at, std::min(run, p->size() - at)});
  return runs;
}

}  // namespace

double gradientNorm(const std::vector<Parameter*>& parameters) {
  const std::vector<Run> runs = runsOf(parameters);
  std::vector<double> sums(runs.size());
  parallelFor(static_cast<std::ptrdiff_t>(runs.size()), [&](std::ptrdiff_t i, int) {
    sums[i] = kernels().sumSquares(runs[i].parameter->gradient.data() + runs[i].at, runs[i].count);
  });
  double sum = 0;
  for (const double part : sums) sum += part;
  return std::sqrt(sum);
}

void update(const Optimiser& o, const std::vector<Parameter*>& parameters, double learningRate, int64_t step,
            double gradientScale) {
  const double correction1 = 1.0 - std::pow(o.beta1, static_cast<double>(step));
  const double correction2 = 1.0 - std::pow(o.beta2, static_cast<double>(step));
  const std::vector<Run> runs = runsOf(parameters);
  for (Parameter* p : parameters) ++p->version;
  parallelFor(static_cast<std::ptrdiff_t>(runs.size()), [&](std::ptrdiff_t i, int) {
    Parameter& p = *runs[i].parameter;
    const int64_t at = runs[i].at, count = runs[i].count;
    const double decay = p.kind == ParameterKind::weights ? o.weightDecay : 0.0;
    if (o.kind == OptimiserKind::sgd) {
      const SgdSettings settings{static_cast<float>(learningRate), static_cast<float>(o.momentum),
                                 static_cast<float>(decay), static_cast<float>(gradientScale), o.nesterov};
      kernels().sgd(settings, p.gradient.data() + at, p.value.data() + at, p.moment1.data() + at, count);
      return;
    }
    const double keep = o.kind == OptimiserKind::adamw ? 1.0 - learningRate * decay : 1.0;
    const AdamSettings settings{static_cast<float>(o.beta1),
                                static_cast<float>(o.beta2),
                                static_cast<float>(o.epsilon),
                                static_cast<float>(learningRate / correction1),
                                static_cast<float>(1.0 / std::sqrt(correction2)),
                                static_cast<float>(keep),
                                static_cast<float>(gradientScale)};
    kernels().adam(settings, p.gradient.data() + at, p.value.data() + at, p.moment1.data() + at,
                   p.moment2.data() + at, count);
  });
}

}  // namespace brightcell
