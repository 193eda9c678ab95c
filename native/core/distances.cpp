// Idea: a matrix product in bytes. The left vectors are packed once. A task takes a block of right vectors, packs a part
// of their length at a time into its second-level cache, with the sums that |a|^2 + |b|^2 - 2 a b needs on the way, and
// meets it with all left vectors; so the right side is read from memory once and never written back.
// Left bytes are a - 128 (kernels/distances.cpp), which adds 128 times the sum of b to each product: a constant of the
// right vector, as its square is. Images of 16 bits are two planes of bytes, high and low: four products, each with its
// weight, in sums of 64 bits.
#include "core/distances.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <stdexcept>
#include <string>

#include "core/instruction_set.h"
#include "core/parallel.h"
#include "core/shape.h"
#include "kernels/distances.h"

namespace brightcell {
namespace {

constexpr int64_t depthWords = 4096;  // of a panel that is packed at a time: 1 MB for blockColumns of them
constexpr uint64_t infinityBits = 0x7ff0000000000000;
constexpr int mostColumns = 64, mostRows = 6;
static_assert(mostByteProducts % (4 * depthWords) == 0 && depthWords % floatRun == 0);

int planesOf(PixelType type) { return type == PixelType::uint16 ? 2 : 1; }
int64_t bytesOf(PixelType type) { return type == PixelType::uint8 ? 1 : type == PixelType::uint16 ? 2 : 4; }
int numbersPerWord(PixelType type) { return type == PixelType::float32 ? 1 : kernels().distance->bytesPerWord; }
// Words of a panel for so many numbers.
int64_t wordsOf(int64_t numbers, PixelType type) {
  const int64_t lanes = kernels().lanes;
  return roundUp(numbers, lanes * numbersPerWord(type)) / numbersPerWord(type);
}

// Bytes of a plane, 0 the low one, of numbers of 16 bits.
void splitPlane(const uint16_t* src, int64_t count, int plane, uint8_t* dst) {
  for (int64_t i = 0; i < count; ++i) dst[i] = static_cast<uint8_t>(src[i] >> (8 * plane));
}

struct WideSums {
  uint64_t sum = 0, squares = 0;
};

WideSums wideSums(const uint16_t* src, int64_t count) {
  WideSums result;
  for (int64_t i = 0; i < count; ++i) {
    const uint64_t value = src[i];
    result.sum += value;
    result.squares += value * value;
  }
  return result;
}

WideSums sumsOf(const void* row, PixelType type, int64_t first, int64_t count) {
  if (type == PixelType::uint16) return wideSums(static_cast<const uint16_t*>(row) + first, count);
  const ByteSums sums = kernels().distance->byteSums(static_cast<const uint8_t*>(row) + first, count);
  return {sums.sum, sums.squares};
}

// Numbers first .. first + numbers - 1 of some vectors, as panels of one width.
struct PanelPacker {
  PixelType type;
  int64_t first, numbers;
  int width;
  bool left;
  Buffer<uint8_t>& bytes;  // scratch for planes

  void pack(const void* const* rows, int count, int plane, uint32_t* dst) const {
    const DistanceKernels& k = *kernels().distance;
    if (type == PixelType::float32) {
      const float* at[mostColumns];
      for (int i = 0; i < count; ++i) at[i] = static_cast<const float*>(rows[i]) + first;
      return k.packFloats(at, count, width, numbers, dst);
    }
    const uint8_t* at[mostColumns];
    if (type == PixelType::uint16) bytes.reserve(numbers * count);
    for (int i = 0; i < count; ++i) {
      at[i] = static_cast<const uint8_t*>(rows[i]) + first;
      if (type == PixelType::uint8) continue;
      uint8_t* own = bytes.data() + i * numbers;
      splitPlane(static_cast<const uint16_t*>(rows[i]) + first, numbers, plane, own);
      at[i] = own;
    }
    k.packBytes(at, count, width, numbers, left, dst);
  }
};

// Part of some vectors, asked for before it is needed: while tiles are computed, memory would be idle.
struct Ahead {
  const void* const* rows;
  int64_t count, first, bytes;  // of each row
  int64_t done = 0;

  void fetch(int64_t until) {
    for (; done < std::min(until, count); ++done)
      for (int64_t at = 0; at < bytes; at += 64)
        __builtin_prefetch(static_cast<const char*>(rows[done]) + first + at, 0, 2);
  }
};

void checkLength(const VectorRows& vectors) {
  if (vectors.length >= 1 && vectors.length <= longestVector) return;
  throw std::invalid_argument("A vector must have 1 to " + std::to_string(longestVector) + " numbers. Received " +
                              std::to_string(vectors.length) + ".");
}

}  // namespace

void PackedVectors::pack(const VectorRows& vectors) {
  checkLength(vectors);
  type_ = vectors.type;
  count_ = vectors.count();
  length_ = vectors.length;
  words_ = wordsOf(length_, type_);
  const int rows = kernels().distance->tileRows, planes = planesOf(type_);
  const int64_t panels = roundUp(count_, rows) / rows;
  data_.reserve(planes * panels * words_ * rows);
  squares_.assign(static_cast<size_t>(count_), 0);
  std::vector<Buffer<uint8_t>> scratch(static_cast<size_t>(threads()));
  parallelFor(panels, [&](std::ptrdiff_t panel, int worker) {
    const int64_t first = panel * rows;
    const int count = static_cast<int>(std::min<int64_t>(rows, count_ - first));
    const PanelPacker packer{type_, 0, length_, rows, true, scratch[static_cast<size_t>(worker)]};
    for (int plane = 0; plane < planes; ++plane)
      packer.pack(vectors.rows.data() + first, count, plane,
                  data_.data() + (plane * panels + panel) * words_ * rows);
    if (type_ == PixelType::float32) return;
    for (int64_t i = first; i < first + count; ++i)
      squares_[static_cast<size_t>(i)] = static_cast<int64_t>(sumsOf(vectors.rows[i], type_, 0, length_).squares);
  });
}

// One comparison of all left with all right vectors.
class DistanceWork {
 public:
  DistanceWork(const PackedVectors& left, const VectorRows& right)
      : left_(left), right_(right), k_(*kernels().distance), type_(left.type()), planes_(planesOf(type_)),
        panels_(roundUp(left.count(), k_.tileRows) / k_.tileRows), rows_(panels_ * k_.tileRows),
        depth_(depthWords * numbersPerWord(type_) / planes_),
        wide_(type_ == PixelType::uint16 || (type_ == PixelType::uint8 && left.length() > mostByteProducts)) {}

  void run(const std::function<void(const DistanceBlock&)>& found) {
    std::vector<Scratch> scratch(static_cast<size_t>(threads()));
    parallelFor(roundUp(right_.count(), blockColumns) / blockColumns, [&](std::ptrdiff_t index, int worker) {
      Scratch& s = scratch[static_cast<size_t>(worker)];
      reserve(s);
      const int64_t first = index * blockColumns, count = columnsFrom(first);
      for (int64_t from = 0; from < left_.length(); from += depth_) {
        const bool last = from + depth_ >= left_.length();
        s.ahead = last ? aheadOf(first + threads() * blockColumns, 0) : aheadOf(first, from + depth_);
        addDepth(s, first, count, from, std::min(depth_, left_.length() - from));
      }
      found(blockOf(s, first, count));
    });
  }

 private:
  struct Scratch {
    Buffer<uint32_t> right;   // [plane][panel][words][tileColumns]
    Buffer<uint8_t> bytes;
    Buffer<int32_t> dot;      // [rows_][blockColumns], of images
    Buffer<int64_t> wide;     // the same in 64 bits, where 32 are not enough
    Buffer<double> distance;  // the same, of floats
    int64_t other[blockColumns];  // what is added for each right vector
    Ahead ahead;
  };

  int64_t columnsFrom(int64_t first) const {
    return std::clamp<int64_t>(right_.count() - first, 0, blockColumns);
  }

  // The block that a thread takes next is a guess, the part that it takes next is none.
  Ahead aheadOf(int64_t first, int64_t from) const {
    const int64_t numbers = std::min(depth_, left_.length() - from), size = bytesOf(type_);
    return {right_.rows.data() + first, columnsFrom(first), from * size, numbers * size};
  }

  void reserve(Scratch& s) {
    s.right.reserve(planes_ * blockColumns * wordsOf(std::min(depth_, left_.length()), type_));
    const int64_t size = rows_ * blockColumns;
    if (type_ == PixelType::float32) {
      s.distance.reserve(size);
      return;
    }
    s.dot.reserve(size);
    if (wide_) s.wide.zeroed(size);
    std::fill_n(s.other, blockColumns, int64_t{0});
  }

  // What numbers from .. from + numbers - 1 add.
  void addDepth(Scratch& s, int64_t first, int64_t count, int64_t from, int64_t numbers) {
    const int64_t words = wordsOf(numbers, type_);
    packRight(s, first, count, from, numbers);
    if (type_ == PixelType::float32)
      return forEachTile(s, count, from, words, 0, 0, [&](const DistanceTile& tile, int64_t at) {
        k_.floatTile(tile, s.distance.data() + at, blockColumns, from > 0);
      });
    const int64_t run = from % mostByteProducts;
    for (int leftPlane = 0; leftPlane < planes_; ++leftPlane)
      for (int rightPlane = 0; rightPlane < planes_; ++rightPlane) {
        const bool fresh = planes_ == 2 || run == 0;
        forEachTile(s, count, from, words, leftPlane, rightPlane, [&](const DistanceTile& tile, int64_t at) {
          k_.byteTile(tile, s.dot.data() + at, blockColumns, !fresh);
        });
        const bool last = planes_ == 2 || run + depth_ == mostByteProducts || from + numbers == left_.length();
        if (wide_ && last) widen(s, 8 * (leftPlane + rightPlane));
      }
  }

  void widen(Scratch& s, int shift) {
    const int64_t size = left_.count() * blockColumns;
    const int64_t weight = int64_t{1} << shift;
    for (int64_t i = 0; i < size; ++i) s.wide.data()[i] += weight * s.dot.data()[i];
  }

  void packRight(Scratch& s, int64_t first, int64_t count, int64_t from, int64_t numbers) {
    const int64_t words = wordsOf(numbers, type_);
    const PanelPacker packer{type_, from, numbers, k_.tileColumns, false, s.bytes};
    // Left numbers are less than they seem by 128, in both planes where there are two.
    const int64_t lessened = planes_ == 2 ? 128 * 257 : 128;
    for (int64_t j = 0; j < count; j += k_.tileColumns) {
      const int columns = static_cast<int>(std::min<int64_t>(k_.tileColumns, count - j));
      const void* const* rows = right_.rows.data() + first + j;
      if (type_ != PixelType::float32)
        for (int i = 0; i < columns; ++i) {
          const WideSums sums = sumsOf(rows[i], type_, from, numbers);
          s.other[j + i] += static_cast<int64_t>(sums.squares) - 2 * lessened * static_cast<int64_t>(sums.sum);
        }
      for (int plane = 0; plane < planes_; ++plane)
        packer.pack(rows, columns, plane, s.right.data() + (plane * blockColumns + j) * words);
    }
  }

  // Calls compute(tile, place of its first result) for all left rows and the right columns that there are.
  template <typename Compute>
  void forEachTile(Scratch& s, int64_t count, int64_t from, int64_t words, int leftPlane, int rightPlane,
                   const Compute& compute) {
    const int64_t skipped = from / numbersPerWord(type_) * k_.tileRows;
    for (int64_t panel = 0; panel < panels_; ++panel) {
      const uint32_t* left = left_.data_.data() + (leftPlane * panels_ + panel) * left_.words_ * k_.tileRows;
      const int rows = static_cast<int>(std::min<int64_t>(k_.tileRows, left_.count() - panel * k_.tileRows));
      s.ahead.fetch((panel + 1) * blockColumns / panels_);
      for (int64_t j = 0; j < count; j += k_.tileColumns) {
        const uint32_t* right = s.right.data() + (rightPlane * blockColumns + j) * words;
        compute(DistanceTile{left + skipped, right, words, rows}, panel * k_.tileRows * blockColumns + j);
      }
    }
  }

  DistanceBlock blockOf(Scratch& s, int64_t first, int64_t count) const {
    DistanceBlock block;
    block.first = first;
    block.count = count;
    block.read_ = [this, &s, count](int64_t i, int64_t* dst) { return readRow(s, i, count, dst); };
    return block;
  }

  int64_t readRow(const Scratch& s, int64_t i, int64_t count, int64_t* dst) const {
    const int64_t at = i * blockColumns;
    if (type_ != PixelType::float32) {
      const int64_t own = left_.squares_[static_cast<size_t>(i)];
      return wide_ ? k_.wideDistanceRow(s.wide.data() + at, s.other, own, count, dst)
                   : k_.distanceRow(s.dot.data() + at, s.other, own, count, dst);
    }
    uint64_t smallest = UINT64_MAX, largest = 0;
    for (int64_t j = 0; j < count; ++j) {
      const auto key = std::bit_cast<uint64_t>(s.distance.data()[at + j]);
      dst[j] = static_cast<int64_t>(key);
      smallest = std::min(smallest, key);
      largest = std::max(largest, key);
    }
    if (largest >= infinityBits)  // infinite, or no number, whose sign may be set
      refuseDistance();
    return static_cast<int64_t>(smallest);
  }

  const PackedVectors& left_;
  const VectorRows& right_;
  const DistanceKernels& k_;
  const PixelType type_;
  const int planes_;
  const int64_t panels_, rows_, depth_;  // depth_: numbers packed at a time
  const bool wide_;
};

void compareVectors(const PackedVectors& left, const VectorRows& right,
                    const std::function<void(const DistanceBlock&)>& found) {
  if (left.type() != right.type || left.length() != right.length)
    throw std::invalid_argument("Vectors to compare must have the same type and length.");
  if (left.count() == 0 || right.count() == 0) return;
  DistanceWork(left, right).run(found);
}

void squaredDistances(const PackedVectors& left, const VectorRows& right, double* dst) {
  const int64_t width = right.count();
  compareVectors(left, right, [&](const DistanceBlock& block) {
    int64_t keys[blockColumns];
    for (int64_t i = 0; i < left.count(); ++i) {
      block.row(i, keys);
      double* row = dst + i * width + block.first;
      if (left.type() == PixelType::float32)
        std::memcpy(row, keys, static_cast<size_t>(block.count) * sizeof(double));
      else
        kernels().distance->wholeToReal(keys, block.count, row);
    }
  });
}

void refuseDistance() {
  throw std::range_error("Numbers of vectors must be finite and their differences below 1e18.");
}

double distanceOf(int64_t key, PixelType type) {
  return type == PixelType::float32 ? std::bit_cast<double>(key) : static_cast<double>(key);
}

}  // namespace brightcell
