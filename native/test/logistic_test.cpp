#include "core/logistic.h"

#include "core/instruction_set.h"
#include "core/random.h"
#include "test/check.h"

namespace brightcell::test {
namespace {

FACT("scores and sums of vectors are those of plain loops, on every instruction set") {
  Random random(8);
  for (const Kernels* kernels : availableKernels())
    for (const int rows : {1, 3, 4})
      for (const int classes : {1, 2, 3, 4, 5, 11})
        for (const int64_t count : {1, 7, 8, 37}) {
          const int64_t step = count + 3;
          std::vector<std::vector<float>> x(rows, std::vector<float>(count));
          std::vector<const float*> pointers;
          for (auto& row : x) {
            for (float& number : row) number = static_cast<float>(random.normal());
            pointers.push_back(row.data());
          }
          std::vector<double> weights(classes * step), factors(rows * classes), scores(rows * classes, 0.5);
          for (double& weight : weights) weight = random.normal();
          for (double& factor : factors) factor = random.normal();
          std::vector<double> sums = weights, slowScores = scores, slowSums = weights;
          for (int r = 0; r < rows; ++r)
            for (int k = 0; k < classes; ++k)
              for (int64_t d = 0; d < count; ++d) {
                slowScores[r * classes + k] += x[r][d] * weights[k * step + d];
                slowSums[k * step + d] += factors[r * classes + k] * x[r][d];
              }
          const LinearRows linear{pointers.data(), rows, count, classes, step};
          kernels->linearScores(linear, weights.data(), scores.data());
          kernels->linearSums(linear, factors.data(), sums.data());
          checkClose(scores, slowScores, 1e-14, 1e-14, std::string(kernels->name) + " scores");
          checkClose(sums, slowSums, 1e-14, 1e-14, std::string(kernels->name) + " sums");
        }
}

FACT("the minimum of a badly scaled quadratic function is found to the last digits") {
  std::vector<double> x(30, 1);
  const Minimum found = minimise(
      [](const std::vector<double>& at, std::vector<double>& gradient) {
        double value = 0;
        for (size_t i = 0; i < at.size(); ++i) {
          const double scale = std::pow(2.0, static_cast<double>(i % 16)), distance = at[i] - static_cast<double>(i);
          gradient[i] = scale * distance;
          value += scale * distance * distance / 2;
        }
        return value;
      },
      x, {1e-9, 5000});
  check(found.converged && found.gradient <= 1e-9, "not converged");
  for (size_t i = 0; i < x.size(); ++i)
    check(std::abs(x[i] - static_cast<double>(i)) < 1e-8, "another minimum");
}

}  // namespace
}  // namespace brightcell::test
