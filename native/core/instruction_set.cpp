#include "core/instruction_set.h"

#include <atomic>
#include <cstdlib>
#include <stdexcept>

#include "kernels/distances.h"

namespace brightcell {
namespace {

std::vector<const Kernels*> everySet();

#if defined(__x86_64__)
// avx512 where bytes are multiplied; all but distances is the same.
const Kernels& avx512vnni() {
  static const Kernels set = [] {
    Kernels same = avx512::table();
    same.name = "avx512vnni";
    same.distance = &avx512::quadDistanceKernels;
    return same;
  }();
  return set;
}
#endif

const Kernels* find(const std::string& name) {
  std::string names;
  for (const Kernels* set : everySet()) {
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
  std::vector<const Kernels*> sets = everySet();
#if defined(__x86_64__)
  // Where bfloat16 is multiplied it is no set of its own, and nobody need test it beside its neighbours.
  if (sets.back()->bfloat16) std::erase(sets, &avx512vnni());
#endif
  return sets;
}

void chooseKernels(const std::string& name) { chosen() = find(name); }

namespace {

std::vector<const Kernels*> everySet() {
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
    if (__builtin_cpu_supports("avx512vnni")) sets.push_back(&avx512vnni());
    if (__builtin_cpu_supports("avx512bf16")) sets.push_back(&avx512bf16::table());
  }
#endif
  return sets;
}

}  // namespace

}  // namespace brightcell
