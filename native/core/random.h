// Counter-based random numbers: the same (seed, stream) gives the same numbers wherever and whenever they are
// drawn, so results depend neither on threads nor on the order of work.
#pragma once
#include <cmath>
#include <cstdint>

namespace brightcell {

// SplitMix64 over a key made of seed and stream.
class Random {
 public:
  explicit Random(uint64_t seed, uint64_t stream = 0) : state_(mix(seed + 0x9E3779B97F4A7C15ull) ^ mix(stream * 0xD1B54A32D192ED03ull + 0x8CB92BA72F3D8DD7ull)) {}

  uint64_t next() { return mix(state_ += 0x9E3779B97F4A7C15ull); }
  // Uniform in [0, 1).
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  // Standard normal (Box-Muller, one of the pair is dropped: simple and stateless).
  double normal() {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
    return radius * std::cos(6.283185307179586 * uniform());
  }
  double normal(double mean, double deviation) { return mean + deviation * normal(); }
  // Uniform integer in [0, count).
  uint64_t below(uint64_t count) { return static_cast<uint64_t>(uniform() * static_cast<double>(count)); }

 private:
  static uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }
  uint64_t state_;
};

}  // namespace brightcell
