// The one way long work leaves the event loop: `work` runs on a pool thread and touches no JavaScript value;
// `finish` runs back on the main thread and makes the value that resolves the promise. Objects that `work`
// reads (typed arrays, wrapped handles) are pinned by `keep` until the promise settles.
#pragma once
#include <napi.h>

#include <functional>
#include <utility>
#include <vector>

#include "core/parallel.h"

namespace brightcell::bindings {

class Worker : public Napi::AsyncWorker {
 public:
  using Work = std::function<void()>;
  using Finish = std::function<Napi::Value(Napi::Env)>;

  static Napi::Promise run(Napi::Env env, const std::vector<Napi::Object>& keep, Work work, Finish finish) {
    auto* worker = new Worker(env, std::move(work), std::move(finish));
    for (const auto& object : keep) worker->pinned_.push_back(Napi::Persistent(object));
    Napi::Promise promise = worker->deferred_.Promise();
    worker->Queue();
    return promise;
  }

 protected:
  void Execute() override {
    const auto threadsStay = holdThreads();
    work_();
  }
  void OnOK() override { deferred_.Resolve(finish_(Env())); }
  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  Worker(Napi::Env env, Work work, Finish finish)
      : Napi::AsyncWorker(env), deferred_(env), work_(std::move(work)), finish_(std::move(finish)) {}

  Napi::Promise::Deferred deferred_;
  Work work_;
  Finish finish_;
  std::vector<Napi::ObjectReference> pinned_;
};

}  // namespace brightcell::bindings
