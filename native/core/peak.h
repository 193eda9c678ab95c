// How many multiply-adds a second the processor can do at most: what layers are measured against.
#pragma once
#include "core/shape.h"

namespace brightcell {

// On all threads together, by products of registers that nothing is loaded for, over about that many seconds; the best
// of several parts. 0 where the instruction set has no products of this precision.
double measurePeak(Precision precision, double seconds);
// The same for the products of bytes that distances are made of.
double measureBytePeak(double seconds);

}  // namespace brightcell
