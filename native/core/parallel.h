// Fixed-order parallel loops. Results must never depend on the number of threads: a task writes only its own
// outputs, and reductions are made over a number of chunks that depends on the problem, never on the threads.
#pragma once
#include <cstddef>
#include <functional>
#include <shared_mutex>

namespace brightcell {

// Sets how many threads parallelFor uses (at least 1). Waits until nobody holds them.
void setThreads(int threads);
int threads();
// While held, the number of threads stays: for work that gives each worker memory of its own before its loops.
std::shared_lock<std::shared_mutex> holdThreads();

// Calls task(index, worker) for every index in [0, count), each exactly once, in no fixed order; worker is in
// [0, threads()) and is never in use twice at once, so it may index scratch memory. Loops from several callers
// are run one after another. The first exception is rethrown when all tasks have ended. Loops do not nest.
void parallelFor(std::ptrdiff_t count, const std::function<void(std::ptrdiff_t index, int worker)>& task);

}  // namespace brightcell
