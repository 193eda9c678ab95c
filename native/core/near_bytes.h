// The nearest few of very many short vectors of bytes, none beyond a reach: exact squared distances, in whole numbers.
// N vectors, L bytes each.
#pragma once
#include <cstdint>
#include <vector>

#include "core/buffer.h"

namespace brightcell {

class NearBytes {
 public:
  // Most bytes of a vector: its products stay within 32 bits.
  static constexpr int64_t longest = 256;

  // `vectors` (N x L) must outlive this. Beside them: about L + 12 bytes a vector.
  NearBytes(const uint8_t* vectors, int64_t count, int64_t length);

  // Of each of `queries` (M x L), in their order, the k nearest vectors at a squared distance of at most `reach`, of equal ones the
  // lower places: places[M x k], nearest first, -1 where there are fewer. On all threads, the same on any number of them.
  void search(const uint8_t* queries, int64_t count, int64_t k, int32_t reach, int32_t* places) const;

  // The vectors stand in runs of 64 that lie near each other. Of runs first .. first + count - 1, of each vector its
  // nearest others, at places[vector x k].
  int64_t runs() const { return static_cast<int64_t>(own_.order.size() + 63) / 64; }
  void searchOwn(int64_t first, int64_t count, int64_t k, int32_t reach, int32_t* places) const;

 private:
  // Vectors so ordered that each 64 are near each other, and the box that each run of them lies in.
  struct Runs {
    std::vector<int32_t> order;
    std::vector<uint8_t> lowest, highest;  // runs x L
  };
  struct Scratch;

  Runs arrange(const uint8_t* vectors, int64_t count) const;
  void packRun(int64_t run);
  void searchRun(const uint8_t* queries, const Runs& runs, int64_t run, int64_t k, int32_t reach, bool own,
                 Scratch& scratch, int32_t* places) const;
  void meet(int64_t run, bool own, Scratch& scratch) const;

  const uint8_t* vectors_;
  int64_t count_, length_, words_;
  Runs own_;
  Buffer<uint32_t> packed_;      // [run][panel of tileColumns][words][tileColumns]
  std::vector<int32_t> terms_;   // of |a - b|^2, what depends on b alone; 64 a run
};

}  // namespace brightcell
