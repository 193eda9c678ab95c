// The exponential function of a vector, for activations and kernels of support vector machines.
#pragma once
#include "kernels/vector.h"

namespace brightcell::BRIGHTCELL_SET {

// The quotient and the exponent of e^x = 2^n e^r by adding a number whose last bit is worth 1.
constexpr float lastBitOne = 12582912.0f;

// e^x for x from -87 to 20, within 2 units in the last place; the polynomial is a minimax fit of ours, to 4e-9.
BRIGHTCELL_INLINE Vector powerOf(Vector x) {
  const Vector shifted = x * 1.44269504f + lastBitOne;
  const Vector quotient = shifted - lastBitOne;
  const Vector rest = x - quotient * 0.693359375f + quotient * 2.12194440e-4f;  // ln 2 in two parts
  Vector power = rest * 0.001395047758705914f + 0.008368882350623608f;
  power = power * rest + 0.04166620597243309f;
  power = power * rest + 0.166665181517601f;
  power = power * rest + 0.5f;
  power = power * rest + 1.0f;
  power = power * rest + 1.0f;
  const Integers exponent = (Integers)shifted - 0x4b400000;
  return (Vector)((Integers)power + (exponent << 23));
}

}  // namespace brightcell::BRIGHTCELL_SET
