// How long each block of a network takes, where somebody watches (Network::watch). Nobody watching costs one look at a
// pointer a block.
#pragma once
#include <chrono>
#include <cstddef>
#include <vector>

namespace brightcell {

struct Profile {
  enum Phase { forward, backward, inference };
  struct Block {
    double seconds[3] = {0, 0, 0};  // by phase
  };
  std::vector<Block> blocks;
  double loading[3] = {0, 0, 0};  // images read and normalised, by phase
  double total[3] = {0, 0, 0};    // the whole step stands under forward, prediction under inference

  // Where to add the seconds of a block.
  double* at(Phase phase, size_t block) {
    if (blocks.size() <= block) blocks.resize(block + 1);
    return &blocks[block].seconds[phase];
  }
};

// Adds the seconds of its life to a place; with null it reads no clock.
class Stopwatch {
 public:
  explicit Stopwatch(double* place) : place_(place) {
    if (place_ != nullptr) start_ = Clock::now();
  }
  ~Stopwatch() {
    if (place_ != nullptr) *place_ += std::chrono::duration<double>(Clock::now() - start_).count();
  }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  using Clock = std::chrono::steady_clock;
  double* place_;
  Clock::time_point start_;
};

}  // namespace brightcell
