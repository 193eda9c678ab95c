// Losses of one row of logits, by their definitions (core/loss.h).
#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include "core/loss.h"

namespace brightcell::reference {

template <typename T>
std::vector<T> softmax(const std::vector<T>& x) {
  const T largest = *std::max_element(x.begin(), x.end());
  std::vector<T> p(x.size());
  T sum{};
  for (size_t k = 0; k < x.size(); ++k) sum += p[k] = std::exp(x[k] - largest);
  for (T& value : p) value /= sum;
  return p;
}

template <typename T>
T rowLoss(const Loss& loss, const std::vector<T>& logits, int label) {
  const std::vector<T> p = softmax(logits);
  const T classes = static_cast<T>(p.size());
  if (loss.kind == LossKind::doubleSoftmax) return -std::log(softmax(p)[label]);
  if (loss.kind == LossKind::focal) return -std::pow(1 - p[label], static_cast<T>(loss.gamma)) * std::log(p[label]);
  T sum{};
  for (int k = 0; k < static_cast<int>(p.size()); ++k) {
    const T hit = k == label ? T{1} : T{};
    if (loss.kind == LossKind::meanSquaredError)
      sum += (p[k] - hit) * (p[k] - hit) / classes;
    else
      sum -= ((1 - static_cast<T>(loss.labelSmoothing)) * hit + static_cast<T>(loss.labelSmoothing) / classes) *
             std::log(p[k]);
  }
  return sum;
}

// By central differences: a loss has few inputs.
template <typename T>
std::vector<T> rowLossGradient(const Loss& loss, std::vector<T> logits, int label) {
  std::vector<T> gradient(logits.size());
  const T step = static_cast<T>(1e-5);
  for (size_t k = 0; k < logits.size(); ++k) {
    const T at = logits[k];
    logits[k] = at + step;
    const T above = rowLoss(loss, logits, label);
    logits[k] = at - step;
    gradient[k] = (above - rowLoss(loss, logits, label)) / (2 * step);
    logits[k] = at;
  }
  return gradient;
}

}  // namespace brightcell::reference
