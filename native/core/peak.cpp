#include "core/peak.h"

#include <algorithm>
#include <chrono>

#include "core/instruction_set.h"
#include "core/parallel.h"
#include "kernels/distances.h"

namespace brightcell {

namespace {

double measure(int64_t (*multiplyAdds)(int64_t rounds, float* sink), double seconds) {
  constexpr int64_t rounds = 1 << 15;
  constexpr int parts = 20;
  float sink[64];
  const double round = static_cast<double>(multiplyAdds(0, sink)) * rounds;
  const auto run = [&](int64_t loops) {
    const int workers = threads();
    const auto start = std::chrono::steady_clock::now();
    parallelFor(workers, [&](std::ptrdiff_t, int) {
      float own[64];
      for (int64_t i = 0; i < loops; ++i) multiplyAdds(rounds, own);
    });
    const double taken = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return round * static_cast<double>(loops) * workers / taken;
  };
  double best = run(1);
  const double each = round * threads() / best;
  const auto loops = std::max<int64_t>(1, static_cast<int64_t>(seconds / parts / each));
  for (int i = 0; i < parts; ++i) best = std::max(best, run(loops));
  return best;
}

}  // namespace

double measurePeak(Precision precision, double seconds) {
  const Kernels& set = kernels();
  const auto multiplyAdds = precision == Precision::float32 ? set.peakFloat32 : set.peakBfloat16;
  return multiplyAdds == nullptr ? 0 : measure(multiplyAdds, seconds);
}

double measureBytePeak(double seconds) { return measure(kernels().distance->peakBytes, seconds); }

}  // namespace brightcell
