#include "core/choice.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <functional>
#include <map>
#include <mutex>

#include "core/instruction_set.h"
#include "core/parallel.h"
#include "core/random.h"

namespace brightcell {
namespace {

constexpr double close = 1.4;       // estimates no farther from the best than this are measured
constexpr double clearly = 0.85;    // share of the first's time that another must stay below to take its place
constexpr int rounds = 8;           // in turns; the fastest of each counts
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
  if (l.stored) key += "-stored";
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
        place(images * layer.result.size()),
        pixels(layer.stored ? images * layer.source.size() : 0) {
    Random random(1);
    fill(random, weights, layer.output.channels * layer.depth());
    fill(random, source, images * layer.source.size());
    fill(random, diff, images * layer.result.size());
    for (int64_t i = 0; i < pixels.capacity(); ++i) pixels.data()[i] = static_cast<uint8_t>(random.below(256));
    for (int64_t i = 0; layer.stored && i < images; ++i)
      stored.push_back({pixels.data() + i * layer.source.size(), 127.3, 0.01f});
    for (int64_t i = 0; layer.pooled && i < images * layer.result.size(); ++i) {
      if (random.uniform() > liveShare) diff.data()[i] = 0;
      place.data()[i] = placeInside(layer, i % layer.result.size() / layer.result.channels, random);
    }
  }

  Buffer<float> weights, source, result, diff, diffSource;
  Buffer<uint8_t> place, pixels;
  std::vector<StoredImage> stored;

 private:
  // Somewhere in a pooled cell's window, but on the map.
  static uint8_t placeInside(const ConvLayer& layer, int64_t cell, Random& random) {
    const Window& w = layer.pool;
    const auto within = [&](int64_t first, int size, int length) {
      const int64_t low = std::max<int64_t>(0, -first), high = std::min<int64_t>(size, length - first);
      return low + static_cast<int64_t>(random.below(static_cast<uint64_t>(high - low)));
    };
    const int64_t y = within(cell / layer.result.width * w.strideY - w.top, w.height, layer.output.height);
    const int64_t x = within(cell % layer.result.width * w.strideX - w.left, w.width, layer.output.width);
    return static_cast<uint8_t>(y * w.width + x);
  }

  static void fill(Random& random, Buffer<float>& buffer, int64_t count) {
    for (int64_t i = 0; i < count; ++i) buffer.data()[i] = static_cast<float>(random.uniform() - 0.5);
  }
};

// Of this thread's own time where the system tells it: others may be at work.
double seconds() {
#if defined(CLOCK_THREAD_CPUTIME_ID)
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
#else
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
#endif
}

// A way with all that one run of it needs.
struct Trial {
  std::function<void()> run;
  int64_t images;
  double fastest = 0;  // seconds an image

  void measure(int round) {
    const WorkAlone alone;  // the clock is this thread's
    const double start = seconds();
    run();
    const double time = (seconds() - start) / static_cast<double>(images);
    if (round <= 1 || time < fastest) fastest = time;  // the first only warms up
  }
};

Trial trial(const ConvLayer& layer, std::shared_ptr<ConvForward> way) {
  const Images images{0, way->group()};
  const auto sample = std::make_shared<Sample>(layer, images.count());
  const auto scratch = std::make_shared<Buffer<float>>(way->scratchFloats());
  way->prepare(sample->weights.data(), nullptr);
  const auto run = [=] {
    Features src{sample->source.data(), layer.source};
    if (layer.stored) src.stored = sample->stored.data();
    way->run(src, images, sample->result.data(), sample->place.data(), scratch->data());
  };
  return {run, images.count()};
}

Trial trial(const ConvLayer& layer, std::shared_ptr<ConvBackward> way, bool diffSource) {
  const Images images{0, way->group()};
  const auto sample = std::make_shared<Sample>(layer, images.count());
  const auto scratch = std::make_shared<Buffer<float>>(way->scratchFloats()), sums = std::make_shared<Buffer<float>>();
  sums->zeroed(way->accumulatorFloats());
  if (diffSource) way->prepare(sample->weights.data());
  const auto run = [=] {
    way->run({sample->source.data(), layer.source}, images, sample->diff.data(), sample->place.data(), sums->data(),
             diffSource ? sample->diffSource.data() : nullptr, scratch->data());
  };
  return {run, images.count()};
}

template <typename Way, typename MakeTrial>
ConvCandidate<Way> choose(std::vector<ConvCandidate<Way>> candidates, std::string key, MakeTrial make) {
  const double limit = close * candidates.front().cost;
  std::erase_if(candidates, [&](const auto& c) { return c.cost > limit; });
  if (candidates.size() == 1) return candidates.front();
  // What was found among others, by another version, says nothing.
  key += "-of";
  for (const auto& candidate : candidates) key += "." + candidate.name;
  const auto named = [&](const std::string& name) {
    return std::find_if(candidates.begin(), candidates.end(), [&](const auto& c) { return c.name == name; });
  };
  const std::lock_guard lock(mutex());
  if (const auto known = named(memory()->recall(key)); known != candidates.end()) return *known;
  std::vector<Trial> trials;
  for (const auto& candidate : candidates) trials.push_back(make(candidate.create()));
  for (int round = 0; round <= rounds; ++round)
    for (Trial& trial : trials) trial.measure(round);
  size_t best = 0;
  for (size_t i = 1; i < trials.size(); ++i)
    if (trials[i].fastest < clearly * trials[0].fastest && trials[i].fastest < trials[best].fastest) best = i;
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
                [&](std::shared_ptr<ConvForward> way) { return trial(layer, std::move(way)); });
}

ConvCandidate<ConvBackward> chooseBackward(const ConvLayer& layer, bool diffSource, Precision precision) {
  return choose(backwardCandidates(layer, diffSource, precision),
                keyOf(layer, diffSource ? "backward" : "weights", precision),
                [&](std::shared_ptr<ConvBackward> way) { return trial(layer, std::move(way), diffSource); });
}

}  // namespace brightcell
