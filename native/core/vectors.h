// Reading vectors where they stand, whatever their type of numbers.
#pragma once
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "core/distances.h"

namespace brightcell {

// Calls work with a null pointer of the type's numbers: one body for all three.
template <typename Work>
decltype(auto) withNumbersOf(PixelType type, const Work& work) {
  if (type == PixelType::uint8) return work(static_cast<const uint8_t*>(nullptr));
  if (type == PixelType::uint16) return work(static_cast<const uint16_t*>(nullptr));
  return work(static_cast<const float*>(nullptr));
}

// Throws std::domain_error where one of vector n's numbers is not finite.
inline void checkFinite(const VectorRows& vectors, int64_t n) {
  if (vectors.type != PixelType::float32) return;
  const auto* numbers = static_cast<const float*>(vectors.rows[n]);
  float sum = 0;  // of zeros: 0 * x is not a number where x is not finite
  for (int64_t d = 0; d < vectors.length; ++d) sum += 0.0f * numbers[d];
  if (sum == 0) return;
  int64_t d = 0;
  while (std::isfinite(numbers[d])) ++d;
  throw std::domain_error("number " + std::to_string(d) + " of vector " + std::to_string(n) + " is " +
                          (std::isnan(numbers[d]) ? "not a number" : "infinite"));
}

}  // namespace brightcell
