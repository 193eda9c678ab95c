// Fixed-order parallel loops. Results must never depend on the number of threads: a task writes only its own
// outputs, and reductions are made over a number of chunks that depends on the problem, never on the threads.
#pragma once
#include <cstddef>
#include <shared_mutex>

namespace brightcell {

// Sets how many threads parallelFor uses (at least 1). Waits until nobody holds them.
void setThreads(int threads);
// 1 on a thread that works alone.
int threads();
// While held, the number of threads stays: for work that gives each worker memory of its own before its loops.
std::shared_lock<std::shared_mutex> holdThreads();

// While it lives, loops of this thread run on this thread, as worker 0, and wait for nobody: for work too short to
// share, or that must not wait for another caller's.
class WorkAlone {
 public:
  WorkAlone();
  ~WorkAlone();
  WorkAlone(const WorkAlone&) = delete;
  WorkAlone& operator=(const WorkAlone&) = delete;

 private:
  bool before_;
};

// The body of a loop, borrowed for as long as the loop runs: unlike std::function it allocates nothing.
struct LoopBody {
  const void* body;
  void (*call)(const void* body, std::ptrdiff_t index, int worker);
};
void runLoop(std::ptrdiff_t count, const LoopBody& body);

// Calls task(index, worker) for every index in [0, count), each exactly once, in no fixed order; worker is in
// [0, threads()) and is never in use twice at once, so it may index scratch memory. Loops from several callers
// are run one after another. The first exception is rethrown when all tasks have ended. Loops do not nest.
template <typename Task>
void parallelFor(std::ptrdiff_t count, const Task& task) {
  runLoop(count, {&task, [](const void* body, std::ptrdiff_t index, int worker) {
                    (*static_cast<const Task*>(body))(index, worker);
                  }});
}

}  // namespace brightcell
