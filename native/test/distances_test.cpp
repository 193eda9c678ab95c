#include "core/distances.h"

#include <cstring>
#include <limits>
#include <mutex>

#include "core/instruction_set.h"
#include "core/parallel.h"
#include "core/random.h"
#include "kernels/distances.h"
#include "test/check.h"

namespace brightcell::test {
namespace {

// Vectors that own their numbers, scattered: every second place is left free, and bytes start at odd addresses.
template <typename Number>
struct Vectors {
  std::vector<Number> numbers;
  VectorRows rows;

  Vectors(int64_t count, int64_t length, PixelType type) : numbers(static_cast<size_t>(2 * count * length + 1)) {
    rows.type = type;
    rows.length = length;
    for (int64_t i = 0; i < count; ++i) rows.rows.push_back(at(count - 1 - i));
  }
  Number* at(int64_t place) { return numbers.data() + 1 + 2 * place * rows.length; }
  Number* row(int64_t i) { return static_cast<Number*>(const_cast<void*>(rows.rows[i])); }
};

template <typename Number, typename Draw>
Vectors<Number> draw(int64_t count, int64_t length, PixelType type, Draw next) {
  Vectors<Number> vectors(count, length, type);
  for (Number& x : vectors.numbers) x = next();
  return vectors;
}

// The definition: differences, squared and summed. Sum: wide enough to be exact, or double.
template <typename Sum, typename Number>
double twin(const Number* a, const Number* b, int64_t length) {
  Sum sum = 0;
  for (int64_t k = 0; k < length; ++k) {
    const Sum difference = static_cast<Sum>(a[k]) - static_cast<Sum>(b[k]);
    sum += difference * difference;
  }
  return static_cast<double>(sum);
}

std::vector<double> distancesOf(const VectorRows& left, const VectorRows& right) {
  PackedVectors packed;
  packed.pack(left);
  std::vector<double> dst(left.rows.size() * right.rows.size());
  squaredDistances(packed, right, dst.data());
  return dst;
}

template <typename Sum, typename Number>
void compare(Vectors<Number>& left, Vectors<Number>& right, double relative) {
  const auto received = distancesOf(left.rows, right.rows);
  const int64_t columns = right.rows.count();
  for (int64_t i = 0; i < left.rows.count(); ++i)
    for (int64_t j = 0; j < columns; ++j) {
      const double expected = twin<Sum>(left.row(i), right.row(j), left.rows.length);
      const double got = received[static_cast<size_t>(i * columns + j)];
      if (std::abs(got - expected) <= relative * expected) continue;
      fail(std::string(kernels().name) + ", length " + std::to_string(left.rows.length) + ", " + std::to_string(i) +
           " to " + std::to_string(j) + ": expected " + std::to_string(expected) + ", received " + std::to_string(got));
    }
}

struct Size {
  int64_t left, right, length;
};
constexpr Size sizes[] = {{1, 1, 1},    {1, 65, 63},  {7, 1, 64},    {5, 129, 65},   {13, 300, 127},
                          {6, 64, 4096}, {2, 3, 4097}, {12, 70, 8191}, {3, 5, 20001}};

template <typename Body>
void onEverySet(const Body& body) {
  for (const Kernels* set : availableKernels()) {
    chooseKernels(set->name);
    body();
    if (std::string(set->name) != "avx512bf16") continue;
    chooseKernels("avx512vnni");  // every processor that has bfloat16 has it, though it takes the other
    body();
    chooseKernels(set->name);
  }
}

FACT("squared distances of 8-bit images are the exact whole numbers at any size") {
  onEverySet([] {
    Random random(3);
    for (const Size& s : sizes) {
      const auto next = [&] { return static_cast<uint8_t>(random.below(256)); };
      auto left = draw<uint8_t>(s.left, s.length, PixelType::uint8, next);
      auto right = draw<uint8_t>(s.right, s.length, PixelType::uint8, next);
      compare<int64_t>(left, right, 0);
    }
  });
}

FACT("squared distances of 16-bit images are the exact whole numbers at any size") {
  onEverySet([] {
    Random random(4);
    for (const Size& s : sizes) {
      const auto next = [&] { return static_cast<uint16_t>(random.below(65536)); };
      auto left = draw<uint16_t>(s.left, s.length, PixelType::uint16, next);
      auto right = draw<uint16_t>(s.right, s.length, PixelType::uint16, next);
      compare<int64_t>(left, right, 0);
    }
  });
}

// Black against white, white against white: the largest sums there are, on both sides of the length at which 32 bits
// no longer hold them.
template <typename Number>
void compareExtremes(PixelType type, int64_t length) {
  const Number most = std::numeric_limits<Number>::max();
  Vectors<Number> left(3, length, type), right(3, length, type);
  for (auto* side : {&left, &right}) {
    std::fill_n(side->row(0), length, Number{0});
    std::fill_n(side->row(1), length, most);
    for (int64_t k = 0; k < length; ++k) side->row(2)[k] = k % 2 == 0 ? most : Number{0};
  }
  compare<int64_t>(left, right, 0);
}

FACT("black and white images have exact distances however many pixels they have") {
  onEverySet([] {
    for (const int64_t length : {int64_t{64}, int64_t{16384}, mostByteProducts - 1, mostByteProducts,
                                 mostByteProducts + 1, 3 * mostByteProducts + 4099}) {
      compareExtremes<uint8_t>(PixelType::uint8, length);
      compareExtremes<uint16_t>(PixelType::uint16, length);
    }
  });
}

FACT("the sum and the sum of squares of bytes are exact") {
  onEverySet([] {
    Random random(5);
    for (const int64_t length : {1, 63, 64, 65, 128, 4096, 5000, 3000001})
      for (const int fill : {-1, 0, 64, 255}) {
        std::vector<uint8_t> bytes(static_cast<size_t>(length));
        for (uint8_t& x : bytes) x = static_cast<uint8_t>(fill < 0 ? random.below(256) : fill);
        uint64_t sum = 0, squares = 0;
        for (const uint64_t x : bytes) sum += x, squares += x * x;
        const ByteSums received = kernels().distance->byteSums(bytes.data(), length);
        check(received.sum == sum && received.squares == squares,
              std::string("sums of ") + std::to_string(length) + " bytes differ on " + kernels().name);
      }
  });
}

FACT("squared distances of floats keep six digits however close two vectors are beside their size") {
  onEverySet([] {
    Random random(6);
    for (const Size& s : sizes) {
      const auto next = [&] { return static_cast<float>(random.normal()); };
      auto left = draw<float>(s.left, s.length, PixelType::float32, next);
      auto right = draw<float>(s.right, s.length, PixelType::float32, next);
      // The first two are neighbours far from the origin, where |a|^2 + |b|^2 - 2ab would have no digit left.
      for (int64_t k = 0; k < s.length; ++k) {
        left.row(0)[k] = 1000.0f + left.row(0)[k];
        right.row(0)[k] = left.row(0)[k] + 0.0009765625f * static_cast<float>(k % 3);
      }
      compare<double>(left, right, 1e-6);
    }
  });
}

FACT("equal vectors of floats have distance zero, and equal pairs the same distance at any place") {
  onEverySet([] {
    Random random(7);
    auto left = draw<float>(9, 777, PixelType::float32, [&] { return static_cast<float>(random.normal()); });
    auto right = draw<float>(150, 777, PixelType::float32, [&] { return static_cast<float>(random.normal()); });
    for (int64_t j = 0; j < 150; j += 3) std::memcpy(right.row(j), left.row(4), 777 * sizeof(float));
    const auto received = distancesOf(left.rows, right.rows);
    for (int64_t i = 0; i < 9; ++i)
      for (int64_t j = 0; j < 150; j += 3)
        check(received[static_cast<size_t>(i * 150 + j)] == (i == 4 ? 0 : received[static_cast<size_t>(i * 150)]),
              std::string("equal vectors have other distances on ") + kernels().name);
  });
}

FACT("distances are the same bits on any number of threads") {
  onEverySet([] {
    Random random(8);
    auto left = draw<float>(20, 1000, PixelType::float32, [&] { return static_cast<float>(random.normal()); });
    auto right = draw<float>(700, 1000, PixelType::float32, [&] { return static_cast<float>(random.normal()); });
    setThreads(1);
    const auto expected = distancesOf(left.rows, right.rows);
    for (const int count : {2, 3, 7}) {
      setThreads(count);
      check(distancesOf(left.rows, right.rows) == expected, std::string("other distances on ") + kernels().name);
    }
    setThreads(2);
  });
}

FACT("vectors of different types or lengths are not compared") {
  Vectors<uint8_t> left(1, 10, PixelType::uint8), shorter(1, 9, PixelType::uint8);
  Vectors<float> floats(1, 10, PixelType::float32);
  PackedVectors packed;
  packed.pack(left.rows);
  double distance = 0;
  for (const VectorRows* rows : {&shorter.rows, &floats.rows}) {
    bool refused = false;
    try {
      squaredDistances(packed, *rows, &distance);
    } catch (const std::invalid_argument&) {
      refused = true;
    }
    check(refused, "they were compared");
  }
}

}  // namespace
}  // namespace brightcell::test
