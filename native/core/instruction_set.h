// The kernels this processor runs best, chosen once; BRIGHTCELL_ISA=plain|avx2|avx512|avx512vnni|avx512bf16,
// or neon on 64-bit ARM, forces a set.
#pragma once
#include <string>
#include <vector>

#include "kernels/kernels.h"

namespace brightcell {

const Kernels& kernels();
// Sets that this processor can run, slowest first; avx512vnni only where there is no avx512bf16.
std::vector<const Kernels*> availableKernels();
// For tests and for the environment variable; throws std::invalid_argument for a set that is not available.
void chooseKernels(const std::string& name);

}  // namespace brightcell
