#include "core/choice.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>

#include "core/instruction_set.h"
#include "core/random.h"

namespace brightcell {
namespace {

constexpr double close = 1.5;     // estimates no farther from the best than this are measured
constexpr double clearly = 0.9;   // share of the first's time that another must stay below to take its place
constexpr int rounds = 3;         // the fastest counts
constexpr double liveShare = 0.75;  // of a pooled gradient, after a ReLU, as trainings show it

class ProcessMemory : public WayMemory {
 public:
  std::string recall(const std::string& key) override { return names_[key]; }
  std::string keep(const std::string& key, const std::string& name) override { return names_[key] = name; }

 private:
  std::map<std::string, std::string> names_;
};

std::mutex& mutex() {
  static std::mutex& instance = *new std::mutex;
  return instance;
}

std::unique_ptr<WayMemory>& memory() {
  static auto& instance = *new std::unique_ptr<WayMemory>(new ProcessMemory);
  return instance;
}

std::string keyOf(const ConvLayer& l, const char* pass, Precision precision) {
  std::string key = std::string(kernels().name) + "-" + (precision == Precision::float32 ? "float32" : "bfloat16") +
                    "-" + pass + "-" + std::to_string(l.source.channels) + "x" + std::to_string(l.source.height) +
                    "x" + std::to_string(l.source.width) + "-" + std::to_string(l.output.channels);
  const auto window = [&](const char* name, const Window& w) {
    key += name;
    for (int value : {w.height, w.width, w.strideY, w.strideX, w.top, w.bottom, w.left, w.right})
      key += "." + std::to_string(value);
  };
  window("-conv", l.window);
  if (l.pooled) window("-pool", l.pool);
  return key;
}

// Made-up images, weights and gradients of a layer: from a fixed seed.
struct Sample {
  Sample(const ConvLayer& layer, int64_t images)
      : weights(layer.output.channels * layer.depth()),
        source(images * layer.source.size()),
        result(images * layer.result.size()),
        diff(images * layer.result.size()),
        diffSource(images * layer.source.size()),
        place(images * layer.result.size()) {
    Random random(1);
    fill(random, weights, layer.output.channels * layer.depth());
    fill(random, source, images * layer.source.size());
    fill(random, diff, images * layer.result.size());
    for (int64_t i = 0; i < images * layer.result.size(); ++i) {
      if (layer.pooled && random.uniform() > liveShare) diff.data()[i] = 0;
      place.data()[i] = firstPlace(layer, i % layer.result.size() / layer.result.channels);
    }
  }

  Buffer<float> weights, source, result, diff, diffSource;
  Buffer<uint8_t> place;

 private:
  // The first place of a cell's pool window that is inside the map: ways write where it says.
  static uint8_t firstPlace(const ConvLayer& layer, int64_t cell) {
    if (!layer.pooled) return 0;
    const Window& p = layer.pool;
    const int64_t y = cell / layer.result.width, x = cell % layer.result.width;
    const int64_t row = std::max<int64_t>(0, p.top - y * p.strideY), column = std::max<int64_t>(0, p.left - x * p.strideX);
    return static_cast<uint8_t>(row * p.width + column);
  }

  static void fill(Random& random, Buffer<float>& buffer, int64_t count) {
    for (int64_t i = 0; i < count; ++i) buffer.data()[i] = static_cast<float>(random.uniform() - 0.5);
  }
};

// Seconds an image, the fastest of a few.
template <typename Run>
double measure(int64_t images, Run run) {
  double best = 0;
  for (int round = 0; round <= rounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    run();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (round == 1 || seconds < best) best = seconds;
  }
  return best / static_cast<double>(images);
}

double measure(const ConvLayer& layer, ConvForward& way) {
  const Images images{0, way.group()};
  Sample sample(layer, images.count());
  Buffer<float> scratch(way.scratchFloats());
  way.prepare(sample.weights.data(), nullptr);
  return measure(images.count(), [&] {
    way.run({sample.source.data(), layer.source}, images, sample.result.data(), sample.place.data(), scratch.data());
  });
}

double measure(const ConvLayer& layer, ConvBackward& way, bool diffSource) {
  const Images images{0, way.group()};
  Sample sample(layer, images.count());
  Buffer<float> scratch(way.scratchFloats()), sums;
  sums.zeroed(way.accumulatorFloats());
  if (diffSource) way.prepare(sample.weights.data());
  return measure(images.count(), [&] {
    way.run({sample.source.data(), layer.source}, images, sample.diff.data(), sample.place.data(), sums.data(),
            diffSource ? sample.diffSource.data() : nullptr, scratch.data());
  });
}

template <typename Way, typename Measure>
ConvCandidate<Way> choose(std::vector<ConvCandidate<Way>> candidates, const std::string& key, Measure seconds) {
  std::erase_if(candidates, [&](const auto& c) { return c.cost > close * candidates.front().cost; });
  if (candidates.size() == 1) return candidates.front();
  const auto named = [&](const std::string& name) {
    return std::find_if(candidates.begin(), candidates.end(), [&](const auto& c) { return c.name == name; });
  };
  const std::lock_guard lock(mutex());
  if (const auto known = named(memory()->recall(key)); known != candidates.end()) return *known;
  size_t best = 0;
  const double first = seconds(*candidates[0].create());
  double fastest = first;
  for (size_t i = 1; i < candidates.size(); ++i)
    if (const double time = seconds(*candidates[i].create()); time < clearly * first && time < fastest) {
      best = i;
      fastest = time;
    }
  const auto kept = named(memory()->keep(key, candidates[best].name));
  return kept != candidates.end() ? *kept : candidates[best];
}

}  // namespace

void setWayMemory(std::unique_ptr<WayMemory> wanted) {
  const std::lock_guard lock(mutex());
  memory() = wanted ? std::move(wanted) : std::make_unique<ProcessMemory>();
}

ConvCandidate<ConvForward> chooseForward(const ConvLayer& layer, Precision precision) {
  return choose(forwardCandidates(layer, precision), keyOf(layer, "forward", precision),
                [&](ConvForward& way) { return measure(layer, way); });
}

ConvCandidate<ConvBackward> chooseBackward(const ConvLayer& layer, bool diffSource, Precision precision) {
  return choose(backwardCandidates(layer, diffSource, precision),
                keyOf(layer, diffSource ? "backward" : "weights", precision),
                [&](ConvBackward& way) { return measure(layer, way, diffSource); });
}

}  // namespace brightcell
