// Memory for numbers: aligned to a cache line, uninitialised, kept between steps and only ever growing. A few floats
// of slack stand past the end, so that vector loads may run over the last element. Large ones ask for large pages.
#pragma once
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace brightcell {

template <typename T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(int64_t count) { reserve(count); }
  Buffer(Buffer&& other) noexcept { *this = std::move(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(capacity_, other.capacity_);
    return *this;
  }
  ~Buffer() { std::free(data_); }

  // Makes room for `count`; what was held is lost where it grows.
  T* reserve(int64_t count) {
    if (count <= capacity_) return data_;
    std::free(data_);
    data_ = nullptr;
    capacity_ = 0;
    const std::size_t wanted = static_cast<std::size_t>(count) * sizeof(T) + slackBytes;
    const std::size_t unit = wanted >= largeBytes ? pageBytes : 64, bytes = (wanted + unit - 1) / unit * unit;
    data_ = static_cast<T*>(std::aligned_alloc(unit, bytes));
    if (data_ == nullptr) throw std::bad_alloc();
#if defined(__linux__)
    if (unit == pageBytes) madvise(static_cast<void*>(data_), bytes, MADV_HUGEPAGE);
#endif
    capacity_ = count;
    return data_;
  }
  T* zeroed(int64_t count) {
    reserve(count);
    std::memset(static_cast<void*>(data_), 0, static_cast<std::size_t>(count) * sizeof(T) + slackBytes);
    return data_;
  }
  T* data() { return data_; }
  const T* data() const { return data_; }
  int64_t capacity() const { return capacity_; }
  bool empty() const { return capacity_ == 0; }

 private:
  static constexpr std::size_t slackBytes = 256;
  static constexpr std::size_t pageBytes = std::size_t{2} << 20, largeBytes = 2 * pageBytes;
  T* data_ = nullptr;
  int64_t capacity_ = 0;
};

// The same memory as words of 32 bits.
inline uint32_t* wordsOf(float* p) { return reinterpret_cast<uint32_t*>(p); }
inline const uint32_t* wordsOf(const float* p) { return reinterpret_cast<const uint32_t*>(p); }

}  // namespace brightcell
