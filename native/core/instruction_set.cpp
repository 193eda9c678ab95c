#include "core/instruction_set.h"

#include <atomic>
#include <cstdlib>
#include <stdexcept>

namespace brightcell {
namespace {

const Kernels* find(const std::string& name) {
  std::string names;
  for (const Kernels* set : availableKernels()) {
    if (name == set->name) return set;
    names += names.empty() ? set->name : std::string(", ") + set->name;
  }
  throw std::invalid_argument("The instruction set must be one that this processor has: " + names + ". Received " +
                              name + ".");
}

const Kernels* initial() {
  const char* forced = std::getenv("BRIGHTCELL_ISA");
  return forced != nullptr && *forced != '\0' ? find(forced) : availableKernels().back();
}

std::atomic<const Kernels*>& chosen() {
  static std::atomic<const Kernels*> set{initial()};
  return set;
}

}  // namespace

const Kernels& kernels() { return *chosen().load(std::memory_order_relaxed); }

std::vector<const Kernels*> availableKernels() {
#if defined(__aarch64__)
  std::vector<const Kernels*> sets{&neon::table()};  // every processor of this kind has it
#else
  std::vector<const Kernels*> sets{&plain::table()};
#endif
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) sets.push_back(&avx2::table());
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
    sets.push_back(&avx512::table());
    if (__builtin_cpu_supports("avx512bf16")) sets.push_back(&avx512bf16::table());
  }
#endif
  return sets;
}

void chooseKernels(const std::string& name) { chosen() = find(name); }

}  // namespace brightcell
