// A pool of persistent workers that hand out indices from one shared counter. The calling thread works too, as
// worker 0, so one thread needs no pool at all. Loops follow each other closely while a network works, so a worker
// looks out for the next one for some microseconds before it sleeps (waking one costs as much), and a caller that has
// done the last index itself does not wait for workers that have not even begun. The pool is never destroyed: its
// threads sleep until the process ends, which spares every exit path from waiting for them.
#include "core/parallel.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

namespace brightcell {
namespace {

constexpr std::chrono::microseconds lookout{40};

thread_local bool alone = false;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Waits a little for `done`; where there are more threads than processors it would only keep one from working.
template <typename Done>
void watch(bool worthIt, Done done) {
  if (!worthIt) return;
  const auto end = std::chrono::steady_clock::now() + lookout;
  while (!done() && std::chrono::steady_clock::now() < end)
    for (int i = 0; i < 16 && !done(); ++i) pause();
}

class Pool {
 public:
  void run(std::ptrdiff_t count, const LoopBody& body) {
    std::lock_guard caller(callers_);
    const int wanted = static_cast<int>(std::min<std::ptrdiff_t>(wanted_, count));
    if (wanted <= 1) {
      for (std::ptrdiff_t i = 0; i < count; ++i) body.call(body.body, i, 0);
      return;
    }
    begin(count, body, wanted);
    work(0);
    finish();
  }

  void setThreads(int threads) {
    std::lock_guard caller(callers_);
    wanted_ = std::max(1, threads);
  }

  int threads() const { return wanted_; }

 private:
  void begin(std::ptrdiff_t count, const LoopBody& body, int wanted) {
    std::lock_guard lock(mutex_);
    while (started_ < wanted - 1) {
      const int worker = ++started_;
      std::thread([this, worker] { serve(worker); }).detach();
    }
    body_ = body;
    count_ = count;
    next_ = 0;
    active_ = wanted;
    open_ = true;
    ++round_;
    if (asleep_ > 0) begun_.notify_all();
  }

  // Closes the loop to workers that come late, and waits for those in it.
  void finish() {
    {
      std::lock_guard lock(mutex_);
      open_ = false;
    }
    watch(worthWatching(), [&] { return busy_.load(std::memory_order_acquire) == 0; });
    std::unique_lock lock(mutex_);
    finished_.wait(lock, [&] { return busy_ == 0; });
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

  void serve(int worker) {
    long seen = 0;
    for (;;) {
      watch(worthWatching(), [&] { return round_.load(std::memory_order_relaxed) != seen; });
      if (!join(worker, seen)) continue;
      work(worker);
      std::lock_guard lock(mutex_);
      if (--busy_ == 0) finished_.notify_one();
    }
  }

  // Waits for the next loop; whether this worker takes part in it.
  bool join(int worker, long& seen) {
    std::unique_lock lock(mutex_);
    ++asleep_;
    begun_.wait(lock, [&] { return round_ != seen; });
    --asleep_;
    seen = round_;
    if (!open_ || worker >= active_) return false;
    ++busy_;
    return true;
  }

  void work(int worker) {
    try {
      for (std::ptrdiff_t i; (i = next_.fetch_add(1)) < count_;) body_.call(body_.body, i, worker);
    } catch (...) {
      std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
    }
  }

  bool worthWatching() const { return wanted_ <= processors_; }

  std::mutex callers_, mutex_;
  std::condition_variable begun_, finished_;
  LoopBody body_{};
  std::ptrdiff_t count_ = 0;
  std::atomic<std::ptrdiff_t> next_{0};
  std::exception_ptr error_;
  bool open_ = false;
  int active_ = 0, started_ = 0, asleep_ = 0;
  std::atomic<int> busy_{0};
  std::atomic<long> round_{0};
  const int processors_ = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  std::atomic<int> wanted_{processors_};
};

Pool& pool() {
  static Pool& instance = *new Pool;
  return instance;
}

std::shared_mutex& holders() {
  static std::shared_mutex& mutex = *new std::shared_mutex;
  return mutex;
}

}  // namespace

WorkAlone::WorkAlone() : before_(std::exchange(alone, true)) {}
WorkAlone::~WorkAlone() { alone = before_; }

void setThreads(int threads) {
  const std::unique_lock lock(holders());
  pool().setThreads(threads);
}
std::shared_lock<std::shared_mutex> holdThreads() { return std::shared_lock(holders()); }
int threads() { return alone ? 1 : pool().threads(); }

void runLoop(std::ptrdiff_t count, const LoopBody& body) {
  if (!alone) return pool().run(count, body);
  for (std::ptrdiff_t i = 0; i < count; ++i) body.call(body.body, i, 0);
}

}  // namespace brightcell
