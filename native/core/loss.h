// Losses over logits. K classes. With p = softmax(logits) and y the label:
//   crossEntropy    -sum_k t_k ln p_k, t = (1 - smoothing) onehot(y) + smoothing / K
//   doubleSoftmax   -ln q_y, q = softmax(p)
//   meanSquaredError  sum_k (p_k - onehot(y)_k)^2 / K
//   focal           -(1 - p_y)^gamma ln p_y
#pragma once
#include <cstdint>

namespace brightcell {

enum class LossKind { crossEntropy, doubleSoftmax, meanSquaredError, focal };

struct Loss {
  LossKind kind = LossKind::crossEntropy;
  double labelSmoothing = 0, gamma = 0;
};

struct LossResult {
  double sum = 0;
  int64_t correct = 0;
};

// Sum of the losses of N rows of K logits; writes to diff their gradient times `scale`. A row counts as correct when
// the first of its largest logits stands at the label.
LossResult computeLoss(const Loss& loss, const float* logits, const int32_t* labels, int64_t rows, int classes,
                       double scale, float* diff);

// Rows of logits to probabilities, in place.
void softmaxRows(float* values, int64_t rows, int classes);

}  // namespace brightcell
