#include "core/loss.h"

#include "core/random.h"
#include "reference/loss.h"
#include "test/check.h"

namespace brightcell::test {
namespace {

void compare(const Loss& loss) {
  Random random(4);
  for (int n = 0; n < 20; ++n) {
    const int classes = 2 + static_cast<int>(random.below(6)), label = static_cast<int>(random.below(classes));
    std::vector<float> logits(classes), diff(classes);
    for (float& x : logits) x = static_cast<float>(random.normal(0, 2));
    const std::vector<double> exact(logits.begin(), logits.end());
    const double received = computeLoss(loss, logits.data(), &label, 1, classes, 0.5, diff.data()).sum;
    checkClose(std::vector<double>{received}, std::vector<double>{reference::rowLoss(loss, exact, label)}, 1e-12, 1e-14,
               "loss");
    auto gradient = reference::rowLossGradient(loss, exact, label);
    for (double& g : gradient) g *= 0.5;
    checkClose(diff, gradient, 1e-6, 1e-9, "gradient");
  }
}

FACT("cross-entropy agrees with its definition") { compare({LossKind::crossEntropy}); }
FACT("label smoothing agrees with its definition") { compare({LossKind::crossEntropy, 0.1}); }
FACT("the double softmax agrees with its definition") { compare({LossKind::doubleSoftmax}); }
FACT("the mean squared error agrees with its definition") { compare({LossKind::meanSquaredError}); }
FACT("the focal loss agrees with its definition") { compare({LossKind::focal, 0, 2.0}); }
FACT("the focal loss of gamma 0 is the cross-entropy") {
  const float logits[3] = {0.3f, -1.0f, 2.0f};
  const int32_t label = 1;
  float a[3], b[3];
  const double focal = computeLoss({LossKind::focal}, logits, &label, 1, 3, 1, a).sum;
  const double plain = computeLoss({LossKind::crossEntropy}, logits, &label, 1, 3, 1, b).sum;
  checkClose(std::vector<double>{focal}, std::vector<double>{plain}, 1e-12, 0, "loss");
  checkClose(std::vector<float>(a, a + 3), std::vector<float>(b, b + 3), 1e-6, 0, "gradient");
}
FACT("the double softmax cannot go below ln(1 + (K - 1) / e)") {
  const float logits[4] = {200, 0, 0, 0};
  const int32_t label = 0;
  float diff[4];
  const double loss = computeLoss({LossKind::doubleSoftmax}, logits, &label, 1, 4, 1, diff).sum;
  checkClose(std::vector<double>{loss}, std::vector<double>{std::log(1 + 3 / std::exp(1.0))}, 1e-12, 0, "loss");
}
FACT("losses of extreme logits are finite") {
  const float logits[3] = {1000, -1000, 0};
  for (int32_t label = 0; label < 3; ++label)
    for (const Loss loss : {Loss{LossKind::crossEntropy, 0.1}, Loss{LossKind::doubleSoftmax},
                            Loss{LossKind::meanSquaredError}, Loss{LossKind::focal, 0, 0.5}}) {
      float diff[3];
      check(std::isfinite(computeLoss(loss, logits, &label, 1, 3, 1, diff).sum), "loss is not finite");
      for (const float d : diff) check(std::isfinite(d), "gradient is not finite");
    }
}

}  // namespace
}  // namespace brightcell::test
