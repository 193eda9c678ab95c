#include "core/parallel.h"

#include <atomic>
#include <chrono>
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

FACT("short loops that follow each other closely or after a pause lose no index") {
  for (const int count : {2, 4}) {
    setThreads(count);
    for (int loop = 0; loop < 3000; ++loop) {
      std::atomic<int> calls{0};
      parallelFor(1 + loop % 5, [&](std::ptrdiff_t, int) { ++calls; });
      check(calls == 1 + loop % 5, "an index was lost");
      if (loop % 500 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  setThreads(2);
}

FACT("a thread that works alone runs its loops itself, while another caller's loop is under way") {
  std::atomic<bool> begun{false}, release{false};
  std::thread other([&] {
    parallelFor(1, [&](std::ptrdiff_t, int) {
      begun = true;
      while (!release) std::this_thread::yield();
    });
  });
  while (!begun) std::this_thread::yield();
  {
    const WorkAlone alone;
    check(threads() == 1, "a lone thread has one worker");
    const auto self = std::this_thread::get_id();
    int calls = 0;
    parallelFor(20, [&](std::ptrdiff_t, int worker) {
      check(worker == 0 && std::this_thread::get_id() == self, "an index ran elsewhere");
      ++calls;
    });
    check(calls == 20, "an index was lost");
  }
  release = true;
  other.join();
  check(threads() == 2, "the number of threads came back");
}

}  // namespace
}  // namespace brightcell::test
