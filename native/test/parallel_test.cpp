#include "core/parallel.h"

#include <atomic>
#include <numeric>
#include <thread>

#include "test/check.h"

namespace brightcell::test {
namespace {

FACT("a parallel loop calls each index once and never shares a worker") {
  for (const int count : {1, 2, 5}) {
    setThreads(count);
    std::vector<int> calls(1000);
    std::vector<std::atomic<int>> inUse(static_cast<size_t>(count));
    parallelFor(1000, [&](std::ptrdiff_t index, int worker) {
      check(worker >= 0 && worker < count, "worker out of range");
      check(inUse[worker]++ == 0, "worker in use twice");
      ++calls[index];
      --inUse[worker];
    });
    for (const int n : calls) check(n == 1, "an index was called " + std::to_string(n) + " times");
  }
  setThreads(2);
}

FACT("loops of several callers both finish") {
  std::atomic<int> sum{0};
  const auto loop = [&] {
    for (int i = 0; i < 200; ++i) parallelFor(10, [&](std::ptrdiff_t, int) { ++sum; });
  };
  std::thread other(loop);
  loop();
  other.join();
  check(sum == 4000, "calls are missing");
}

FACT("an exception of a task reaches the caller, and the next loop works") {
  for (const int count : {1, 3}) {
    setThreads(count);
    bool thrown = false;
    try {
      parallelFor(50, [](std::ptrdiff_t index, int) {
        if (index == 7) throw std::runtime_error("seven");
      });
    } catch (const std::runtime_error& error) {
      thrown = std::string(error.what()) == "seven";
    }
    check(thrown, "the exception was lost");
    int sum = 0;
    parallelFor(1, [&](std::ptrdiff_t, int) { ++sum; });
    check(sum == 1, "the next loop did not run");
  }
  setThreads(2);
}

}  // namespace
}  // namespace brightcell::test
