// The second chain of blocks, which makes the network's input again of what one layer gives.
#include <algorithm>

#include "core/blocks.h"
#include "core/instruction_set.h"
#include "core/network.h"
#include "core/network_plan.h"
#include "core/parallel.h"
#include "core/reconstruction.h"

namespace brightcell {

// The decoder forward and backward, in parts of a size that depends on it only: its widest maps are as large as the
// images. Adds to diffCode the gradient of what the decoder reads.
void Network::decode(const Pass& pass, const Features& code, float* diffCode) {
  Plan& plan = *decoderTraining_;
  decoderScratch_.reserve(plan.scratchFloats, threads());
  const int64_t most = hasBatchNorm(depth_, layers_.size())
                           ? pass.count
                           : std::max<int64_t>(8, trainingPartBytes / plan.bytesPerImage);
  for (int64_t first = 0; first < pass.count; first += most) {
    const Pass part{std::min(most, pass.count - first), pass.first + first, true, pass.accumulate || first > 0,
                    pass.dropSeed, &decoderScratch_};
    const int64_t size = code.shape.size();
    const Features source{code.data + first * size, code.shape, code.scale, code.shift};
    const Features result = run(plan, plan.blocks.size(), part, source);
    float* diff = decoderDiffs_[0].reserve(part.count * input_.size());
    reconstructionSum_ += reconstructionLoss(result, inputs_.data() + first * input_.size(), part.count,
                                             reconstructionScale_, diff);
    const Gradient gradient = carryOut(part, source, backward(plan, part, source));
    parallelFor(part.count, [&](std::ptrdiff_t i, int) {
      kernels().add(gradient.data + i * size, diffCode + (first + i) * size, size);
    });
  }
}

void Network::reconstruct(const ImageSource& images, float* dst) {
  Plan& encoder = inferencePlan();
  if (!decoderInference_) decoderInference_ = makePlan(depth_, layers_.size(), Purpose::inference);
  Plan& decoder = *decoderInference_;
  const auto& ends = encoder.firstLayers;
  const auto blocks = static_cast<size_t>(std::find(ends.begin(), ends.end(), branch_) - ends.begin());
  const int64_t size = input_.size();
  const int64_t part =
      std::clamp<int64_t>(inferencePartBytes / (encoder.bytesPerImage + decoder.bytesPerImage), 1, 256);
  decoderScratch_.reserve(std::max(decoder.scratchFloats, size), threads());
  for (int64_t first = 0; first < images.count; first += part) {
    Pass pass{std::min(part, images.count - first), first, false, false, 0, &scratch_};
    const Features code = forward(encoder, blocks, pass, images);
    pass.scratch = &decoderScratch_;
    const Features made = run(decoder, decoder.blocks.size(), pass, code);
    parallelFor(pass.count, [&](std::ptrdiff_t i, int worker) {
      toChannelsFirst(made.image(i, decoderScratch_.of(worker)), input_, dst + (first + i) * size);
    });
  }
}

}  // namespace brightcell
