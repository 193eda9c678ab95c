// Classifying one image after another on one thread. This file counts every use of operator new of the program.
#include <cstdlib>
#include <cstring>
#include <new>

#include "core/instruction_set.h"
#include "core/parallel.h"
#include "test/check.h"
#include "test/random_network.h"

namespace {
thread_local long allocations = 0;
}

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size > 0 ? size : 1);
}
void* operator new(std::size_t size) {
  if (void* memory = operator new(size, std::nothrow)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace brightcell::test {
namespace {

FACT("one image on one thread has the bits that a batch gives it, without allocation after the first") {
  for (const Kernels* set : availableKernels()) {
    chooseKernels(set->name);
    for (uint64_t seed = 1; seed <= 6; ++seed) {
      const Case c = randomCase(seed, {LayerKind::conv, LayerKind::maxPool, LayerKind::activation,
                                       LayerKind::batchNorm, LayerKind::dense, LayerKind::activation});
      Network network(c.input, c.layers, seed, {InitialiserKind::glorotUniform});
      scatter(network, seed);
      const ImageSource all = sourceOf(c);
      const int classes = network.classes();
      std::vector<float> expected(all.count * classes), received(classes);
      network.predict(all, expected.data());
      const WorkAlone alone;
      int64_t index = 0;
      ImageSource one{1, all.scratchFloats, {}};
      one.load = [&](int64_t, float* dst, float* scratch) { all.load(index, dst, scratch); };
      for (; index < all.count; ++index) {
        const long before = allocations;
        network.predict(one, received.data());
        const long made = allocations - before;
        check(index == 0 || made == 0, "image " + std::to_string(index) + " allocated memory");
        check(std::memcmp(received.data(), expected.data() + index * classes, classes * sizeof(float)) == 0,
              "image " + std::to_string(index) + " differs on " + set->name);
      }
    }
  }
}

}  // namespace
}  // namespace brightcell::test
