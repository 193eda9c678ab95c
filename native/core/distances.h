// Squared Euclidean distances between stored vectors: whole numbers for images of 8 or 16 bits, exact whatever their
// length; for floats sums of squared differences, in which nothing cancels, to about six digits.
// M left vectors, N right ones, D numbers each.
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "core/buffer.h"
#include "core/input.h"

namespace brightcell {

// Where vectors stand, each in one run of D numbers of one type; not owned, scattered as they like.
struct VectorRows {
  PixelType type;
  int64_t length;  // D
  std::vector<const void*> rows;
  int64_t count() const { return static_cast<int64_t>(rows.size()); }
};

// The longest vector whose distances 64 bits hold and doubles hold exactly for 16 bits up to 2^21 numbers.
inline constexpr int64_t longestVector = int64_t{1} << 30;

// Left vectors in the order in which tiles read them. Read by any number of threads once packed.
class PackedVectors {
 public:
  // On all threads. Takes D bytes a vector (2 D where bytes are not multiplied in hardware or have 16 bits, 4 D for
  // floats). Throws std::invalid_argument for a vector longer than longestVector.
  void pack(const VectorRows& vectors);
  int64_t count() const { return count_; }
  int64_t length() const { return length_; }
  PixelType type() const { return type_; }

 private:
  friend class DistanceWork;
  friend class NearFloats;
  PixelType type_ = PixelType::uint8;
  int64_t count_ = 0, length_ = 0, words_ = 0;
  Buffer<uint32_t> data_;         // [plane][panel of rows][words][rows]
  std::vector<int64_t> squares_;  // |a|^2 of images
};

inline constexpr int64_t blockColumns = 64;

// The distances of all left vectors from right vectors first .. first + count - 1, on the thread that found them.
class DistanceBlock {
 public:
  int64_t first, count;
  // Those of left vector i: whole numbers for images, the bits of doubles for floats, which are never negative, so that
  // both are ordered as integers. Gives the smallest. dst holds `count`, at most blockColumns. Throws std::range_error
  // where a float's distance is not finite.
  int64_t row(int64_t i, int64_t* dst) const { return read_(i, dst); }

 private:
  friend class DistanceWork;
  std::function<int64_t(int64_t, int64_t*)> read_;
};

// Compares all left with all right vectors, packing the right ones on the way; `found` is called once a block, from
// several threads at once, in no fixed order. Memory for each thread: 1 MB and 256 to
// 768 bytes a left vector. Type and
// length of both sides must be the same.
void compareVectors(const PackedVectors& left, const VectorRows& right,
                    const std::function<void(const DistanceBlock&)>& found);

// dst[i * N + j], M x N.
void squaredDistances(const PackedVectors& left, const VectorRows& right, double* dst);

// Throws std::range_error: numbers, or their differences, are no floats once squared.
[[noreturn]] void refuseDistance();

// A key of DistanceBlock::row as the number that it stands for.
double distanceOf(int64_t key, PixelType type);

}  // namespace brightcell
