// What a long computation and its caller share: a wish to stop, and how far it has come.
#pragma once
#include <cstdint>
#include <stdexcept>

namespace brightcell {

struct Stopped : std::runtime_error {
  Stopped() : std::runtime_error("stopped on request") {}
};

class Watch {
 public:
  // On three numbers of the caller's, which must outlive it: not zero once the work should stop; done; in all.
  explicit Watch(int32_t* shared) : shared_(shared) {}
  Watch() : Watch(nullptr) { shared_ = own_; }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // Throws Stopped once the caller wished so.
  void check() const {
    if (__atomic_load_n(&shared_[0], __ATOMIC_RELAXED) != 0) throw Stopped();
  }
  void begin(int64_t total) const {
    __atomic_store_n(&shared_[1], 0, __ATOMIC_RELAXED);
    __atomic_store_n(&shared_[2], static_cast<int32_t>(total), __ATOMIC_RELAXED);
  }
  void advance() const { __atomic_fetch_add(&shared_[1], 1, __ATOMIC_RELAXED); }

 private:
  int32_t own_[3] = {};
  int32_t* shared_;
};

}  // namespace brightcell
