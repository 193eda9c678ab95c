// What brightcell bench shows: the peak, and the clock at every block.
#include "core/instruction_set.h"
#include "core/peak.h"
#include "core/profile.h"
#include "test/check.h"
#include "test/random_network.h"

namespace brightcell::test {
namespace {

FACT("the peak is above nothing, and bfloat16 has one just where the set has its products") {
  check(measurePeak(Precision::float32, 0.01) > 1e6, "float32");
  const bool has = kernels().peakBfloat16 != nullptr;
  check((measurePeak(Precision::bfloat16, 0.01) > 0) == has, "bfloat16");
}

FACT("a watched step changes nothing and gives every block its time") {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    const Case c = randomCase(seed, {LayerKind::conv, LayerKind::maxPool, LayerKind::batchNorm, LayerKind::dense});
    const auto lossOf = [&](Profile* profile) {
      Network network(c.input, c.layers, seed, {InitialiserKind::glorotUniform});
      TrainStep step;
      step.labels = c.labels.data();
      network.watch(profile);
      return network.computeGradients(sourceOf(c), step).loss;
    };
    Profile profile;
    check(lossOf(&profile) == lossOf(nullptr), "the loss is the same");
    Network network(c.input, c.layers, seed, {InitialiserKind::glorotUniform});
    const auto blocks = network.blocks(true);
    check(profile.blocks.size() == blocks.size(), "one entry a block");
    size_t layers = 0;
    for (const auto& block : blocks) {
      check(block.first == layers, "blocks follow each other");
      layers += block.count;
    }
    check(layers == c.layers.size(), "every layer is in a block");
    for (const auto& block : profile.blocks)
      check(block.seconds[Profile::forward] > 0 && block.seconds[Profile::backward] > 0, "both passes took time");
  }
}

}  // namespace
}  // namespace brightcell::test
