// In double: K is small, and the loss of a run is what people look at.
#include "core/loss.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/parallel.h"

namespace brightcell {
namespace {

// Returns ln of the sum, for probabilities' logarithms.
template <typename T>
double softmax(const T* logits, int classes, double* p) {
  const double largest = *std::max_element(logits, logits + classes);
  double sum = 0;
  for (int k = 0; k < classes; ++k) sum += p[k] = std::exp(logits[k] - largest);
  for (int k = 0; k < classes; ++k) p[k] /= sum;
  return largest + std::log(sum);
}

// From the gradient by probabilities (in diff) to the gradient by logits.
void throughSoftmax(const double* p, int classes, double* diff) {
  double mean = 0;
  for (int k = 0; k < classes; ++k) mean += diff[k] * p[k];
  for (int k = 0; k < classes; ++k) diff[k] = p[k] * (diff[k] - mean);
}

double crossEntropy(const Loss& loss, const float* logits, int label, int classes, double* p, double* diff) {
  const double logSum = softmax(logits, classes, p);
  double result = 0;
  for (int k = 0; k < classes; ++k) {
    const double target = (k == label ? 1.0 - loss.labelSmoothing : 0.0) + loss.labelSmoothing / classes;
    if (target != 0) result += target * (logSum - logits[k]);
    diff[k] = p[k] - target;
  }
  return result;
}

double doubleSoftmax(const float* logits, int label, int classes, double* p, double* diff) {
  softmax(logits, classes, p);
  const double result = softmax(p, classes, diff) - p[label];
  diff[label] -= 1.0;
  throughSoftmax(p, classes, diff);
  return result;
}

double meanSquaredError(const float* logits, int label, int classes, double* p, double* diff) {
  softmax(logits, classes, p);
  double result = 0;
  for (int k = 0; k < classes; ++k) {
    const double error = p[k] - (k == label ? 1.0 : 0.0);
    result += error * error / classes;
    diff[k] = 2.0 * error / classes;
  }
  throughSoftmax(p, classes, diff);
  return result;
}

double focal(const Loss& loss, const float* logits, int label, int classes, double* p, double* diff) {
  const double logP = logits[label] - softmax(logits, classes, p);
  double rest = 0;  // 1 - p_y, without cancellation
  for (int k = 0; k < classes; ++k) rest += k == label ? 0.0 : p[k];
  const double power = std::pow(rest, loss.gamma);
  // rest^(gamma - 1) would not be finite at rest = 0 for gamma < 1; its product with ln p is small there.
  const double slope = rest > 0 ? loss.gamma * power / rest * p[label] * logP - power : -power;
  for (int k = 0; k < classes; ++k) diff[k] = slope * ((k == label ? 1.0 : 0.0) - p[k]);
  return -power * logP;
}

double rowLoss(const Loss& loss, const float* logits, int label, int classes, double* p, double* diff) {
  switch (loss.kind) {
    case LossKind::crossEntropy: return crossEntropy(loss, logits, label, classes, p, diff);
    case LossKind::doubleSoftmax: return doubleSoftmax(logits, label, classes, p, diff);
    case LossKind::meanSquaredError: return meanSquaredError(logits, label, classes, p, diff);
    default: return focal(loss, logits, label, classes, p, diff);
  }
}

}  // namespace

LossResult computeLoss(const Loss& loss, const float* logits, const int32_t* labels, int64_t rows, int classes,
                       double scale, float* diff) {
  std::vector<double> losses(rows);
  parallelFor(rows, [&](std::ptrdiff_t row, int) {
    thread_local std::vector<double> buffer;
    buffer.resize(2 * classes);
    double *p = buffer.data(), *gradient = p + classes;
    losses[row] = rowLoss(loss, logits + row * classes, labels[row], classes, p, gradient);
    for (int k = 0; k < classes; ++k) diff[row * classes + k] = static_cast<float>(gradient[k] * scale);
  });
  LossResult result;
  for (int64_t row = 0; row < rows; ++row) {
    const float* first = logits + row * classes;
    result.sum += losses[row];
    result.correct += std::max_element(first, first + classes) - first == labels[row];
  }
  return result;
}

void softmaxRows(float* values, int64_t rows, int classes) {
  thread_local std::vector<double> p;  // kept: a single image is classified without allocation
  p.resize(classes);
  for (int64_t row = 0; row < rows; ++row, values += classes) {
    softmax(values, classes, p.data());
    for (int k = 0; k < classes; ++k) values[k] = static_cast<float>(p[k]);
  }
}

}  // namespace brightcell
