// The twins themselves, in double precision, against central differences: their backward is not taken on trust.
#include "test/check.h"
#include "test/random_network.h"

namespace brightcell::test {
namespace {

using Kinds = std::vector<LayerKind>;
constexpr double stepSize = 1e-5;

double lossOf(const reference::TwinNetwork<double>& twin, const Case& c, const reference::Maps<double>& input) {
  const auto result = twin.forward(input, c.labels, {});
  return result.loss + twin.reconstructionWeight * result.reconstructionLoss;
}

// A few entries of every parameter and of the input; each must agree. With a decoder, which reads the last layer of
// `kinds`, the input is what it should give too, so only the parameters can be compared.
void compare(const Kinds& kinds, const Kinds& decoder = {}) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    Case c = randomCase(seed, kinds);
    if (!decoder.empty()) addDecoder(c, seed, kinds.size() - 1, decoder);
    Network network(c.input, c.layers, seed, {InitialiserKind::glorotUniform}, Precision::float32, c.decoder);
    scatter(network, seed);
    auto twin = twinOf<double>(network, c);
    twin.reconstructionWeight = 0.7;
    auto input = mapsOf<double>(c);
    const auto result = twin.run(input, c.labels, {});
    Random random(seed);
    const auto compareEntry = [&](double& entry, double gradient, const std::string& what) {
      const double at = entry;
      entry = at + stepSize;
      const double above = lossOf(twin, c, input);
      entry = at - stepSize;
      const double below = lossOf(twin, c, input);
      entry = at;
      checkClose(std::vector<double>{gradient}, std::vector<double>{(above - below) / (2 * stepSize)}, 1e-5, 1e-8,
                 what + ", case " + std::to_string(seed));
    };
    for (const auto& [name, gradient] : result.gradients)
      for (int i = 0; i < 4; ++i) {
        const auto at = random.below(gradient.size());
        compareEntry(twin.arrays[name][at], gradient[at], name);
      }
    for (int i = 0; i < 4 && decoder.empty(); ++i) {
      const auto at = random.below(input.values.size());
      compareEntry(input.values[at], result.diffInput.values[at], "input");
    }
  }
}

FACT("the convolution twin agrees with finite differences") { compare({LayerKind::conv}); }
FACT("the max pool twin agrees with finite differences") { compare({LayerKind::maxPool}); }
FACT("the average pool twin agrees with finite differences") { compare({LayerKind::averagePool}); }
FACT("the batch norm twin agrees with finite differences") { compare({LayerKind::conv, LayerKind::batchNorm}); }
FACT("the dense twin agrees with finite differences") { compare({LayerKind::dense}); }
FACT("the activation twins agree with finite differences") { compare({LayerKind::activation}); }
FACT("the dropout twin agrees with finite differences") { compare({LayerKind::dropout}); }
FACT("the upsampling twin agrees with finite differences") { compare({LayerKind::conv, LayerKind::upsample}); }
FACT("the twin of a network with a decoder agrees with finite differences") {
  compare({LayerKind::conv, LayerKind::batchNorm}, {LayerKind::upsample, LayerKind::conv});
}

}  // namespace
}  // namespace brightcell::test
