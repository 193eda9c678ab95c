// A pool of persistent workers that hand out indices from one shared counter. The calling thread works too, as
// worker 0, so one thread needs no pool at all. The pool is never destroyed: its threads sleep until the process
// ends, which spares every exit path from waiting for them.
#include "core/parallel.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

namespace brightcell {
namespace {

using Task = std::function<void(std::ptrdiff_t, int)>;

class Pool {
 public:
  void run(std::ptrdiff_t count, const Task& task) {
    std::lock_guard caller(callers_);
    if (count <= 0) return;
    const int wanted = static_cast<int>(std::min<std::ptrdiff_t>(wanted_, count));
    if (wanted <= 1) {
      for (std::ptrdiff_t i = 0; i < count; ++i) task(i, 0);
      return;
    }
    begin(count, task, wanted);
    work(0);
    std::unique_lock lock(mutex_);
    finished_.wait(lock, [&] { return busy_ == 0; });
    task_ = nullptr;
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

  void setThreads(int threads) {
    std::lock_guard caller(callers_);
    wanted_ = std::max(1, threads);
  }

  int threads() const { return wanted_; }

 private:
  void begin(std::ptrdiff_t count, const Task& task, int wanted) {
    std::lock_guard lock(mutex_);
    while (static_cast<int>(started_) < wanted - 1) {
      const int worker = ++started_;
      std::thread([this, worker] { serve(worker); }).detach();
    }
    task_ = &task;
    count_ = count;
    next_ = 0;
    active_ = wanted;
    busy_ = wanted - 1;
    ++round_;
    begun_.notify_all();
  }

  void serve(int worker) {
    long seen = 0;
    for (;;) {
      {
        std::unique_lock lock(mutex_);
        begun_.wait(lock, [&] { return round_ != seen && worker < active_ && task_ != nullptr; });
        seen = round_;
      }
      work(worker);
      std::lock_guard lock(mutex_);
      if (--busy_ == 0) finished_.notify_one();
    }
  }

  void work(int worker) {
    try {
      for (std::ptrdiff_t i; (i = next_.fetch_add(1)) < count_;) (*task_)(i, worker);
    } catch (...) {
      std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
    }
  }

  std::mutex callers_, mutex_;
  std::condition_variable begun_, finished_;
  const Task* task_ = nullptr;
  std::ptrdiff_t count_ = 0;
  std::atomic<std::ptrdiff_t> next_{0};
  std::exception_ptr error_;
  int active_ = 0, busy_ = 0, started_ = 0;
  long round_ = 0;
  std::atomic<int> wanted_{static_cast<int>(std::max(1u, std::thread::hardware_concurrency()))};
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

void setThreads(int threads) {
  const std::unique_lock lock(holders());
  pool().setThreads(threads);
}
std::shared_lock<std::shared_mutex> holdThreads() { return std::shared_lock(holders()); }
int threads() { return pool().threads(); }
void parallelFor(std::ptrdiff_t count, const Task& task) { pool().run(count, task); }

}  // namespace brightcell
