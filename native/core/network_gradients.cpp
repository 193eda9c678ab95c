// How the score of a class changes with the input or with what a layer gives, as evaluation sees both: for pictures of
// what a network looks at. N images, K classes.
#include <algorithm>
#include <cmath>

#include "core/network_plan.h"

namespace brightcell {
namespace {

// Gradient of the score of class `target` with respect to the K logits.
void seed(const float* logits, int classes, int target, ScoreKind kind, float* diff) {
  std::fill_n(diff, classes, 0.0f);
  if (kind == ScoreKind::logit) {
    diff[target] = 1;
    return;
  }
  const float most = *std::max_element(logits, logits + classes);
  double sum = 0;
  for (int k = 0; k < classes; ++k) sum += std::exp(static_cast<double>(logits[k] - most));
  const auto share = [&](int k) { return std::exp(static_cast<double>(logits[k] - most)) / sum; };
  const double own = share(target);
  for (int k = 0; k < classes; ++k) diff[k] = static_cast<float>(own * ((k == target ? 1.0 : 0.0) - share(k)));
}

}  // namespace

void Network::lookBack(const ImageSource& images, const LookBack& look) {
  const auto cut = static_cast<size_t>(look.layer + 1);
  if (!looking_ || lookingCut_ != cut) {
    looking_ = makePlan(0, depth_, Purpose::looking, cut);
    lookingCut_ = cut;
  }
  Plan& plan = *looking_;
  const auto& ends = plan.firstLayers;
  const auto stop = static_cast<size_t>(std::find(ends.begin(), ends.end(), cut) - ends.begin());
  const Shape shape = look.layer < 0 ? input_ : shapes_[static_cast<size_t>(look.layer)];
  const int64_t size = shape.size();
  const int64_t most = std::clamp<int64_t>(inferencePartBytes / plan.bytesPerImage, 1, 256);
  Buffer<float> plain(size);
  for (int64_t first = 0; first < images.count; first += most) {
    const Pass pass{std::min(most, images.count - first), first, true, false, 0, &scratch_, false};
    const Features result = forward(plan, plan.blocks.size(), pass, images);
    float* diff = diffs_[0].reserve(pass.count * classes());
    for (int64_t i = 0; i < pass.count; ++i) {
      float* logits = look.logits + (first + i) * classes();
      const float* values = result.image(i, logits);
      if (values != logits) std::copy_n(values, classes(), logits);
      seed(logits, classes(), look.targets[first + i], look.kind, diff + i * classes());
    }
    const Features source{inputs_.data(), input_};
    const Features seen = stop == 0 ? source : plan.blocks[stop - 1]->features();
    const Gradient gradient = carryOut(pass, seen, backward(plan, pass, source, stop));
    for (int64_t i = 0; i < pass.count; ++i) {
      toChannelsFirst(seen.image(i, plain.data()), shape, look.activations + (first + i) * size);
      toChannelsFirst(gradient.data + i * size, shape, look.gradients + (first + i) * size);
    }
  }
}

}  // namespace brightcell
