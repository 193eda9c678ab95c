#include "core/svm.h"

#include <algorithm>
#include <cmath>

#include "core/instruction_set.h"
#include "core/parallel.h"
#include "core/random.h"
#include "core/svm_solver.h"
#include "test/check.h"

namespace brightcell::test {
namespace {

// Clouds of points that overlap, one a class.
struct Clouds {
  std::vector<float> values;
  std::vector<int32_t> labels;
  int64_t length;

  Clouds(std::vector<int> counts, int64_t size, double distance, uint64_t seed) : length(size) {
    Random random(seed);
    for (size_t c = 0; c < counts.size(); ++c)
      for (int n = 0; n < counts[c]; ++n) {
        labels.push_back(static_cast<int32_t>(c));
        for (int64_t d = 0; d < size; ++d)
          values.push_back(static_cast<float>(random.normal(d == static_cast<int64_t>(c) ? distance : 0, 1)));
      }
  }
  SvmPoints points() const {
    VectorRows rows{PixelType::float32, length, {}};
    for (size_t n = 0; n < labels.size(); ++n) rows.rows.push_back(values.data() + n * static_cast<size_t>(length));
    return SvmPoints(rows);
  }
  double kernel(size_t a, size_t b, double gamma) const {
    double sum = 0;
    for (int64_t d = 0; d < length; ++d) {
      const double difference = double{values[a * length + d]} - values[b * length + d];
      sum += difference * difference;
    }
    return std::exp(-gamma * sum);
  }
};

SvmSettings settingsOf(double c, double gamma, size_t classes) {
  return {c, gamma, std::vector<double>(classes, 1.0), 1e-3, 0, false, 1, int64_t{1} << 28};
}

SvmModel trainOne(const Clouds& clouds, const SvmSettings& settings, int classes) {
  return trainSvm(clouds.points(), clouds.labels, classes, {settings}, [](int64_t, int64_t) {}).front();
}

FACT("the exponential of svm rows is right to 2 units in the last place, on every instruction set") {
  std::vector<float> distances;
  for (int i = 0; i < 4000; ++i) distances.push_back(static_cast<float>(i) * 0.025f);
  for (const Kernels* set : availableKernels()) {
    std::vector<float> result(distances.size());
    set->rbf(distances.data(), static_cast<int64_t>(distances.size()), 1.0f, result.data());
    for (size_t i = 0; i < distances.size(); ++i) {
      const double expected = std::exp(-static_cast<double>(distances[i]));
      check(std::abs(result[i] - expected) <= 3e-7 * expected || (distances[i] > 86 && result[i] == 0),
            std::string(set->name) + ": e^-" + std::to_string(distances[i]));
    }
  }
}

FACT("a problem of two points has the solution 1 / (1 - k), or C") {
  const Clouds two({1, 1}, 3, 1.0, 5);
  const double k = two.kernel(0, 1, 0.3);
  for (const double c : {0.1, 1000.0}) {
    const SvmModel model = trainOne(two, settingsOf(c, 0.3, 2), 2);
    const double expected = std::min(c, 1 / (1 - k));
    check(std::abs(model.coefficients[0] - expected) < 1e-5 * expected, "first coefficient");
    check(std::abs(model.coefficients[1] + expected) < 1e-5 * expected, "second coefficient");
    check(std::abs(model.pairs[0].rho) < 1e-5, "rho");
  }
}

// The optimality conditions, from kernel values in double precision.
void checkOptimal(const Clouds& clouds, const SvmSettings& settings, const std::string& what) {
  const SvmModel model = trainOne(clouds, settings, 2);
  std::vector<double> beta(clouds.labels.size());
  double sum = 0, objective = 0;
  for (size_t s = 0; s < model.support.size(); ++s) sum += beta[model.support[s]] = model.coefficients[s];
  check(std::abs(sum) < 1e-4 * settings.c * std::sqrt(static_cast<double>(beta.size())), what + ": coefficients add up to zero");
  double lowest = 1e300, highest = -1e300;
  for (size_t i = 0; i < beta.size(); ++i) {
    const bool first = clouds.labels[i] == 0;
    const double bound = static_cast<float>(settings.c * settings.weights[first ? 0 : 1]);
    check(first ? beta[i] >= 0 && beta[i] <= bound : beta[i] <= 0 && beta[i] >= -bound, what + ": inside the box");
    double f = first ? -1 : 1;
    for (size_t j = 0; j < beta.size(); ++j)
      if (beta[j] != 0) f += beta[j] * clouds.kernel(i, j, settings.gamma);
    if (beta[i] < (first ? bound : 0)) lowest = std::min(lowest, f);
    if (beta[i] > (first ? 0 : -bound)) highest = std::max(highest, f);
    objective += beta[i] * (f - (first ? 1 : -1)) / 2;
  }
  check(highest - lowest < settings.tolerance + 2e-5 * settings.c, what + ": violation " + std::to_string(highest - lowest));
  check(std::abs(objective - model.pairs[0].objective) < 1e-5 * std::abs(objective), what + ": objective");
}

FACT("solutions keep the optimality conditions on random problems, whatever C, gamma, weights and memory") {
  for (const double c : {0.01, 1.0, 50.0})
    for (const double gamma : {0.02, 0.5})
      for (const int64_t bytes : {int64_t{0}, int64_t{1} << 28}) {
        const Clouds clouds({700, 200}, 6, 1.5, static_cast<uint64_t>(c * 100 + gamma * 1000));
        SvmSettings settings = settingsOf(c, gamma, 2);
        settings.weights = {1.0, 3.5};
        settings.bytes = bytes;
        checkOptimal(clouds, settings, "C " + std::to_string(c) + " gamma " + std::to_string(gamma));
      }
}

bool same(const SvmModel& a, const SvmModel& b) {
  if (a.support != b.support || a.coefficients != b.coefficients || a.pairs.size() != b.pairs.size()) return false;
  for (size_t i = 0; i < a.pairs.size(); ++i)
    if (a.pairs[i].rho != b.pairs[i].rho || a.pairs[i].sigmoid.slope != b.pairs[i].sigmoid.slope ||
        a.pairs[i].sigmoid.offset != b.pairs[i].sigmoid.offset || a.pairs[i].iterations != b.pairs[i].iterations)
      return false;
  return true;
}

FACT("training gives the same bits on any number of threads and with any memory") {
  const Clouds clouds({300, 400, 250}, 8, 1.2, 11);
  SvmSettings settings = settingsOf(2, 0.1, 3);
  settings.probability = true;
  const SvmModel expected = trainOne(clouds, settings, 3);
  for (const int count : {1, 3})
    // By rows; by rows; by pairs where these are small; by pairs; whole.
    for (const int64_t bytes : {0, 200'000, 2'000'000, 3'000'000, 1 << 28}) {
      setThreads(count);
      settings.bytes = bytes;
      check(same(trainOne(clouds, settings, 3), expected),
            std::to_string(count) + " threads, " + std::to_string(bytes) + " bytes");
    }
  setThreads(2);
}

FACT("several settings trained at once give what each gives alone") {
  const Clouds clouds({150, 150, 150}, 8, 1.2, 3);
  const std::vector<SvmSettings> settings{settingsOf(1, 0.05, 3), settingsOf(30, 0.05, 3), settingsOf(1, 0.3, 3)};
  const auto models = trainSvm(clouds.points(), clouds.labels, 3, settings, [](int64_t, int64_t) {});
  for (size_t m = 0; m < settings.size(); ++m)
    check(same(models[m], trainOne(clouds, settings[m], 3)), "model " + std::to_string(m));
}

FACT("equal points of different classes and constant features train to finite numbers") {
  Clouds clouds({40, 40}, 4, 1.0, 9);
  std::fill(clouds.values.begin(), clouds.values.end(), 0.25f);
  for (const double c : {1.0, 1e6}) {
    SvmSettings settings = settingsOf(c, usualGamma(clouds.points()), 2);
    settings.probability = true;
    const SvmModel model = trainOne(clouds, settings, 2);
    check(settings.gamma == 1, "gamma where nothing varies");
    check(std::isfinite(model.pairs[0].rho) && std::isfinite(model.pairs[0].sigmoid.slope), "finite");
    check(model.pairs[0].converged, "converged");
  }
}

FACT("a class without points has no pairs and probability zero") {
  Clouds clouds({60, 60, 60}, 5, 2.0, 4);
  for (int32_t& label : clouds.labels) label = label == 1 ? 3 : label;
  SvmSettings settings = settingsOf(1, 0.1, 4);
  settings.probability = true;
  const SvmModel model = trainOne(clouds, settings, 4);
  check(model.pairs.size() == 3, "pairs of the classes that are there");
  VectorRows support{PixelType::float32, 5, {}};
  for (const int32_t point : model.support) support.rows.push_back(clouds.values.data() + point * 5);
  std::vector<float> probabilities(4);
  predictSvm(model, SvmPoints(support), {clouds.values.data()}, probabilities.data(), [](int64_t, int64_t) {});
  check(probabilities[1] == 0, "the missing class");
  check(std::abs(probabilities[0] + probabilities[2] + probabilities[3] - 1) < 1e-6, "they add up to 1");
  check(probabilities[0] > 0.5, "the point's own class");
}

FACT("coupling pairs that agree gives the probabilities behind them") {
  const std::vector<double> p{0.5, 0.2, 0.05, 0.25};
  std::vector<double> pairwise(16), result(4);
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 4; ++j) pairwise[i * 4 + j] = p[i] / (p[i] + p[j]);
  couple(pairwise.data(), 4, result.data());
  checkClose(result, p, 1e-5, 0, "coupled");
}

FACT("a sigmoid finds the slope and offset that values were drawn with") {
  Random random(8);
  std::vector<double> values;
  std::vector<char> positive;
  for (int n = 0; n < 40000; ++n) {
    values.push_back(random.uniform(-3, 3));
    positive.push_back(random.uniform() < Sigmoid{-1.7, 0.4}.at(values.back()));
  }
  const Sigmoid fitted = fitSigmoid(values, positive);
  check(std::abs(fitted.slope + 1.7) < 0.06 && std::abs(fitted.offset - 0.4) < 0.06, "slope and offset");
  check(Sigmoid{1e30, 0}.at(5) == 0 && Sigmoid{1e30, 0}.at(-5) == 1, "far values do not overflow");
}

FACT("a limit of steps is kept, and each step brings the objective nearer to that of the solution") {
  const Clouds clouds({300, 200}, 6, 1.2, 17);
  SvmSettings settings = settingsOf(5, 0.1, 2);
  const SvmPair solved = trainOne(clouds, settings, 2).pairs[0];
  double before = 0;
  for (const int64_t limit : {1, 10, 100, 300}) {
    settings.iterations = limit;
    const SvmModel model = trainOne(clouds, settings, 2);
    const SvmPair& pair = model.pairs[0];
    check(pair.iterations == limit && !pair.converged, "steps taken");
    double sum = 0, objective = 0;  // beta' K beta / 2 - y' beta, by its definition
    for (size_t s = 0; s < model.support.size(); ++s) {
      sum += model.coefficients[s];
      objective -= model.coefficients[s] * (clouds.labels[model.support[s]] == 0 ? 1 : -1);
      for (size_t t = 0; t < model.support.size(); ++t)
        objective += model.coefficients[s] * model.coefficients[t] / 2 *
                     clouds.kernel(model.support[s], model.support[t], settings.gamma);
    }
    check(std::abs(sum) < 1e-4 && std::abs(objective - pair.objective) < 1e-4 * std::abs(objective), "a point of the problem");
    check(objective < before && objective > solved.objective, "nearer");
    before = objective;
  }
  settings.iterations = solved.iterations + 1;
  const SvmPair enough = trainOne(clouds, settings, 2).pairs[0];
  check(solved.iterations > 300 && enough.converged && enough.objective == solved.objective, "a limit that is not met");
}

FACT("training stops when it is told to") {
  const Clouds clouds({300, 300}, 8, 1.2, 11);
  bool stopped = false;
  try {
    trainSvm(clouds.points(), clouds.labels, 2, {settingsOf(1, 0.1, 2)},
             [](int64_t, int64_t) { throw std::runtime_error("stopped"); });
  } catch (const std::runtime_error&) {
    stopped = true;
  }
  check(stopped, "went on");
}

}  // namespace
}  // namespace brightcell::test
