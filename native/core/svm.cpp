#include "core/svm.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <mutex>
#include <numeric>
#include <stdexcept>

#include "core/instruction_set.h"
#include "core/parallel.h"
#include "core/random.h"
#include "core/svm_solver.h"

namespace brightcell {
namespace {

constexpr int folds = 5;
constexpr int64_t queriesAtOnce = 256;
constexpr double leastProbability = 1e-7;

// Training of several models on the same points.
class Training {
 public:
  Training(const SvmPoints& points, const std::vector<int32_t>& labels, int classes,
           const std::vector<SvmSettings>& settings, const SvmAdvance& advance)
      : settings_(settings), advance_(advance), order_(labels.size()), starts_(static_cast<size_t>(classes) + 1) {
    for (const int32_t label : labels) ++starts_[label + 1];
    std::partial_sum(starts_.begin(), starts_.end(), starts_.begin());
    std::vector<int64_t> next(starts_.begin(), starts_.end() - 1);
    for (size_t n = 0; n < labels.size(); ++n) order_[next[labels[n]]++] = static_cast<int32_t>(n);
    VectorRows sorted{points.rows().type, points.rows().length, {}};
    for (const int32_t n : order_) sorted.rows.push_back(points.rows().rows[n]);
    points_ = std::make_unique<SvmPoints>(std::move(sorted));
    addTasks();
  }

  std::vector<SvmModel> run() {
    const int64_t bytes = settings_.front().bytes;
    rows_ = std::make_unique<SvmRows>(*points_, starts_, bytes / 4 * 3, [this] { report(); });
    if (rows_->holdAll()) {
      solveAll(tasksOf([](const Task&) { return true; }), bytes / 4, threads());
    } else {
      for (const auto& [a, b] : pairs()) {
        const auto tasks = tasksOf([a = a, b = b](const Task& t) { return t.pair.first == a && t.pair.second == b; });
        if (!tasks.empty()) solveAll(tasks, bytes / 4, rows_->holdPair(a, b) ? threads() : 1);
      }
    }
    std::vector<SvmModel> models;
    for (size_t m = 0; m < settings_.size(); ++m) models.push_back(collect(m));
    return models;
  }

 private:
  // One problem of a model: a pair of classes, whole (fold -1) or without the points of a fold.
  struct Task {
    size_t model;
    SvmPair pair;
    int fold;
    std::vector<double> values;  // beta of the whole; decision values of the points left out of a fold
  };

  int classes() const { return static_cast<int>(starts_.size()) - 1; }
  int64_t size(int c) const { return starts_[c + 1] - starts_[c]; }

  void addTasks() {
    for (size_t m = 0; m < settings_.size(); ++m)
      for (int a = 0; a < classes(); ++a)
        for (int b = a + 1; b < classes(); ++b)
          for (int fold = -1; fold < (settings_[m].probability ? folds : 0) && size(a) > 0 && size(b) > 0; ++fold) {
            Task task{m, {}, fold, {}};
            task.pair.first = a;
            task.pair.second = b;
            tasks_.push_back(std::move(task));
          }
  }

  // Each pair shares a class with the one before, whose distances may then stay.
  std::vector<std::pair<int, int>> pairs() const {
    std::vector<std::pair<int, int>> pairs;
    for (int a = 0; a < classes(); ++a)
      for (int n = a + 1; n < classes(); ++n) pairs.emplace_back(a, a % 2 == 0 ? n : classes() + a - n);
    return pairs;
  }

  template <typename Wanted>
  std::vector<Task*> tasksOf(const Wanted& wanted) {
    std::vector<Task*> found;
    for (Task& task : tasks_)
      if (wanted(task)) found.push_back(&task);
    return found;
  }

  // Side by side on so many threads; on one, each product may use all.
  void solveAll(const std::vector<Task*>& tasks, int64_t bytes, int workers) {
    if (workers > 1)
      parallelFor(static_cast<std::ptrdiff_t>(tasks.size()),
                  [&](std::ptrdiff_t t, int) { solve(*tasks[t], bytes / workers); });
    else
      for (Task* task : tasks) solve(*task, bytes);
  }

  // May come from several threads at once.
  void report() {
    const std::lock_guard lock(reporting_);
    advance_(done_.load(), static_cast<int64_t>(tasks_.size()));
  }

  // The fold of each point of a class, the same for every model and pair: shuffled, then dealt in turns, so that every
  // fold has its share of the class.
  std::vector<int> foldsOf(const SvmSettings& settings, int c) const {
    std::vector<int64_t> places(static_cast<size_t>(size(c)));
    std::iota(places.begin(), places.end(), int64_t{0});
    Random random(settings.seed, static_cast<uint64_t>(c));
    for (size_t n = places.size(); n > 1; --n) std::swap(places[n - 1], places[random.below(n)]);
    std::vector<int> fold(places.size());
    for (size_t n = 0; n < places.size(); ++n) fold[places[n]] = static_cast<int>(n % folds);
    return fold;
  }

  // Places in class c in the fold (`inside`) or out of it, ascending; fold -1: all are out of it.
  std::vector<int32_t> placesOf(const Task& task, int c, bool inside) const {
    std::vector<int> fold;
    if (task.fold >= 0) fold = foldsOf(settings_[task.model], c);
    std::vector<int32_t> places;
    for (int32_t n = 0; n < size(c); ++n)
      if ((task.fold >= 0 && fold[n] == task.fold) == inside) places.push_back(n);
    return places;
  }

  void solve(Task& task, int64_t bytes) {
    report();
    const SvmSettings& settings = settings_[task.model];
    SvmPair& pair = task.pair;
    const SvmProblem problem{pair.first, pair.second, placesOf(task, pair.first, false),
                             placesOf(task, pair.second, false), settings.c * settings.weights[pair.first],
                             settings.c * settings.weights[pair.second], settings.gamma * points_->unit(),
                             settings.tolerance, settings.iterations};
    if (task.fold < 0) {
      SvmSolution solution = solveSvm(problem, starts_, *rows_, {bytes, [this] { report(); }});
      for (size_t n = 0; n < solution.beta.size(); ++n) {
        const double size = std::abs(solution.beta[n]);
        pair.support += size > 0;
        pair.bounded += size >= (n < problem.first.size() ? problem.firstCost : problem.secondCost);
      }
      pair.rho = solution.rho;
      pair.objective = solution.objective;
      pair.iterations = solution.iterations;
      pair.converged = solution.converged;
      task.values = std::move(solution.beta);
    } else {
      task.values = leftOut(task, problem, bytes);
    }
    ++done_;
  }

  // Decision values of a fold's points by what the others teach; where those are of one class, that class.
  std::vector<double> leftOut(const Task& task, const SvmProblem& problem, int64_t bytes) {
    const std::vector<int32_t> first = placesOf(task, task.pair.first, true), second = placesOf(task, task.pair.second, true);
    if (problem.first.empty() || problem.second.empty()) {
      const double value = (problem.first.empty() ? 0.0 : 1.0) - (problem.second.empty() ? 0.0 : 1.0);
      return std::vector<double>(first.size() + second.size(), value);
    }
    const SvmSolution solution = solveSvm(problem, starts_, *rows_, {bytes, [this] { report(); }});
    std::vector<double> values = svmDecisions(problem, solution.beta, first, second, starts_, *rows_);
    for (double& value : values) value -= solution.rho;
    return values;
  }

  SvmModel collect(size_t m) {
    SvmModel model;
    model.classes = classes();
    model.gamma = settings_[m].gamma;
    model.probability = settings_[m].probability;
    model.distances = rows_->computed();
    std::vector<const Task*> whole;
    for (const Task& task : tasks_)
      if (task.model == m && task.fold < 0) whole.push_back(&task);
    std::vector<char> used(order_.size());
    for (const Task* task : whole)
      forEachBeta(*task, [&](int64_t point, double beta, int) { used[point] |= beta != 0; });
    std::vector<int32_t> number(order_.size(), -1);
    model.starts.assign(starts_.size(), 0);
    for (int c = 0; c < classes(); ++c) {
      for (int64_t n = starts_[c]; n < starts_[c + 1]; ++n) {
        if (!used[n]) continue;
        number[n] = static_cast<int32_t>(model.support.size());
        model.support.push_back(order_[n]);
      }
      model.starts[c + 1] = static_cast<int32_t>(model.support.size());
    }
    const size_t count = model.support.size();
    model.coefficients.assign(count * static_cast<size_t>(std::max(0, classes() - 1)), 0);
    for (const Task* task : whole) {
      forEachBeta(*task, [&](int64_t point, double beta, int row) {
        if (beta != 0) model.coefficients[row * count + number[point]] = static_cast<float>(beta);
      });
      model.pairs.push_back(task->pair);
      if (model.probability) model.pairs.back().sigmoid = sigmoidOf(*task);
    }
    return model;
  }

  // visit(point, beta, row of the coefficients).
  template <typename Visit>
  void forEachBeta(const Task& task, const Visit& visit) const {
    const int a = task.pair.first, b = task.pair.second;
    for (int64_t n = 0; n < size(a); ++n) visit(starts_[a] + n, task.values[n], b - 1);
    for (int64_t n = 0; n < size(b); ++n) visit(starts_[b] + n, task.values[size(a) + n], a);
  }

  Sigmoid sigmoidOf(const Task& whole) const {
    std::vector<double> values;
    std::vector<char> positive;
    for (const Task& task : tasks_) {
      if (task.model != whole.model || task.fold < 0 || task.pair.first != whole.pair.first ||
          task.pair.second != whole.pair.second)
        continue;
      const size_t first = placesOf(task, task.pair.first, true).size();
      for (size_t n = 0; n < task.values.size(); ++n) {
        values.push_back(task.values[n]);
        positive.push_back(n < first);
      }
    }
    return fitSigmoid(values, positive);
  }

  const std::vector<SvmSettings>& settings_;
  const SvmAdvance& advance_;
  std::vector<int32_t> order_;   // given points, sorted by class
  std::vector<int64_t> starts_;
  std::unique_ptr<SvmPoints> points_;
  std::unique_ptr<SvmRows> rows_;
  std::vector<Task> tasks_;
  std::atomic<int64_t> done_{0};
  std::mutex reporting_;
};

// Votes or pairwise probabilities of one query, from its kernel values with all support vectors.
class Judge {
 public:
  Judge(const SvmModel& model) : model_(model), pairwise_(static_cast<size_t>(model.classes) * model.classes) {
    for (int c = 0; c < model.classes; ++c)
      if (std::any_of(model.pairs.begin(), model.pairs.end(), [c](const SvmPair& p) { return p.first == c || p.second == c; }))
        present_.push_back(c);
  }

  void judge(const float* values, float* dst) {
    const auto k = static_cast<size_t>(model_.classes);
    std::fill_n(dst, k, 0.0f);
    std::vector<double> votes(k);
    for (const SvmPair& pair : model_.pairs) {
      const double value = decision(pair, values);
      ++votes[value > 0 ? pair.first : pair.second];
      const double p = std::clamp(pair.sigmoid.at(value), leastProbability, 1 - leastProbability);
      pairwise_[pair.first * k + pair.second] = p;
      pairwise_[pair.second * k + pair.first] = 1 - p;
    }
    if (model_.probability) return share(dst);
    for (size_t c = 0; c < k; ++c) dst[c] = static_cast<float>(votes[c] / static_cast<double>(model_.pairs.size()));
  }

 private:
  double decision(const SvmPair& pair, const float* values) const {
    const auto count = static_cast<int64_t>(model_.support.size());
    const auto part = [&](int c, int row) {
      const int64_t first = model_.starts[c];
      return kernels().svmDot(model_.starts[c + 1] - first, values + first,
                              model_.coefficients.data() + row * count + first);
    };
    return part(pair.first, pair.second - 1) + part(pair.second, pair.first) - pair.rho;
  }

  void share(float* dst) const {
    const auto count = static_cast<int>(present_.size());
    std::vector<double> among(static_cast<size_t>(count) * count), result(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i)
      for (int j = 0; j < count; ++j) among[i * count + j] = pairwise_[present_[i] * model_.classes + present_[j]];
    couple(among.data(), count, result.data());
    for (int i = 0; i < count; ++i) dst[present_[i]] = static_cast<float>(result[i]);
  }

  const SvmModel& model_;
  std::vector<int> present_;
  std::vector<double> pairwise_;
};

}  // namespace

double usualGamma(const SvmPoints& points) {
  const double variance = points.variance();
  return variance > 0 ? 1 / (static_cast<double>(points.rows().length) * variance) : 1;
}

std::vector<SvmModel> trainSvm(const SvmPoints& points, const std::vector<int32_t>& labels, int classes,
                               const std::vector<SvmSettings>& settings, const SvmAdvance& advance) {
  return Training(points, labels, classes, settings, advance).run();
}

void predictSvm(const SvmModel& model, const SvmPoints& support, const std::vector<const void*>& queries, float* dst,
                const SvmAdvance& advance) {
  const auto count = static_cast<int64_t>(queries.size()), width = support.count();
  const auto gamma = static_cast<float>(model.gamma * support.unit());
  // At most 64 MB of kernel values.
  const int64_t block = std::clamp<int64_t>((int64_t{1} << 24) / std::max<int64_t>(1, width), 1, queriesAtOnce);
  Buffer<float> values(std::max<int64_t>(1, block * width));
  for (int64_t first = 0; first < count; first += block) {
    advance(first, count);
    const int64_t end = std::min(count, first + block);
    std::vector<float*> rows;
    for (int64_t q = first; q < end; ++q) rows.push_back(values.data() + (q - first) * width);
    support.distances({queries.begin() + first, queries.begin() + end}, 0, width, rows.data());
    parallelFor(end - first, [&](std::ptrdiff_t q, int) {
      kernels().rbf(rows[q], width, gamma, rows[q]);
      Judge(model).judge(rows[q], dst + (first + q) * model.classes);
    });
  }
  advance(count, count);
}

}  // namespace brightcell
