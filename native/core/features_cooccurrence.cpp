// Haralick's thirteen texture features (Haralick, Shanmugam and Dinstein 1973) of the stretched cell in 16 levels.
//
// Pairs of pixels at a distance of 1 and of 3 (the larger of the two coordinates' differences), in four directions,
// are counted both ways round where both pixels belong to the cell. A feature is the mean over the directions; for
// distance 1 also their range, which is 0 for a texture without direction.
#include <algorithm>
#include <array>
#include <cmath>

#include "core/features_families.h"

namespace brightcell {
namespace {

constexpr int levels = 16, directions = 4, numbers = 13;
constexpr int row = levels + 1;  // one more level for what is not the cell, never read
constexpr int distances[2] = {1, 3};
using Haralick = std::array<double, numbers>;

// Counts the pairs of every direction at once, one way round.
void countPairs(const Cell& cell, const std::vector<uint8_t>& plane, int distance, uint32_t* matrices) {
  const int offsets[directions] = {distance, distance * (1 - cell.width), -distance * cell.width, -distance * (1 + cell.width)};
  for (const Run& run : cell.runs)
    for (int i = run.place; i < run.place + run.length; ++i) {
      const uint8_t* at = plane.data() + i;
      uint32_t* counts = matrices + *at * row;
      for (int d = 0; d < directions; ++d) ++counts[d * row * row + at[offsets[d]]];
    }
}

double logarithm(double value) { return value > 0 ? std::log2(value) : 0; }

// Mean and variance of a distribution over 0, 1, 2 ..., and its entropy in bits.
struct Distribution {
  double mean = 0, variance = 0, entropy = 0;
};

template <size_t count>
Distribution describe(const std::array<double, count>& shares) {
  Distribution result;
  double square = 0;
  for (size_t k = 0; k < count; ++k) {
    const double value = static_cast<double>(k);
    result.mean += value * shares[k];
    square += value * value * shares[k];
    result.entropy -= shares[k] * logarithm(shares[k]);
  }
  result.variance = std::max(0.0, square - result.mean * result.mean);
  return result;
}

// Of a matrix of counts; false where it has none.
bool describeMatrix(const uint32_t* counts, Haralick& result) {
  double total = 0;
  for (int i = 0; i < levels; ++i)
    for (int j = 0; j < levels; ++j) total += 2.0 * counts[i * row + j];
  if (total == 0) return false;
  std::array<double, levels> single{};
  std::array<double, 2 * levels - 1> sum{};
  std::array<double, levels> difference{};
  double square = 0, product = 0, similarity = 0, entropy = 0, contrast = 0;
  for (int i = 0; i < levels; ++i)
    for (int j = 0; j < levels; ++j) {
      const uint32_t both = counts[i * row + j] + counts[j * row + i];
      if (both == 0) continue;
      const double share = both / total;
      const int apart = std::abs(i - j);
      single[static_cast<size_t>(i)] += share;
      sum[static_cast<size_t>(i + j)] += share;
      difference[static_cast<size_t>(apart)] += share;
      square += share * share;
      product += share * i * j;
      contrast += share * apart * apart;
      similarity += share / (1 + apart * apart);
      entropy -= share * std::log2(share);
    }
  const Distribution one = describe(single), plus = describe(sum), minus = describe(difference);
  // The matrix is symmetric: both margins are the same, and the two entropies of their product are one.
  const double independent = 2 * one.entropy, shared = std::max(0.0, independent - entropy);
  const double correlation = one.variance > 1e-12 ? (product - one.mean * one.mean) / one.variance : 1;
  result = {square,      contrast,      correlation,    one.variance,   similarity,
            plus.mean,   plus.variance, plus.entropy,   entropy,        minus.variance,
            minus.entropy, one.entropy > 1e-12 ? -shared / one.entropy : 0, std::sqrt(1 - std::exp2(-2 * shared))};
  return true;
}

void summarise(const uint32_t* matrices, Haralick& mean, Haralick& range) {
  Haralick least, most, one;
  mean = range = least = most = one = Haralick{};
  int known = 0;
  for (int d = 0; d < directions; ++d) {
    if (!describeMatrix(matrices + d * row * row, one)) continue;
    for (size_t k = 0; k < numbers; ++k) {
      mean[k] += one[k];
      least[k] = known > 0 ? std::min(least[k], one[k]) : one[k];
      most[k] = known > 0 ? std::max(most[k], one[k]) : one[k];
    }
    ++known;
  }
  for (size_t k = 0; k < numbers && known > 0; ++k) {
    mean[k] /= known;
    range[k] = most[k] - least[k];
  }
}

constexpr const char* parts[numbers] = {"Energy",     "Contrast",   "Correlation",        "Variance",          "Similarity",
                                        "SumMean",    "SumVariance", "SumEntropy",        "Entropy",           "DifferenceVariance",
                                        "DifferenceEntropy", "Information1", "Information2"};

}  // namespace

const FeatureNames& cooccurrenceNames() {
  static const FeatureNames names = [] {
    FeatureNames all;
    for (const char* part : parts) all.push_back(nameOf({"texture1", part}));
    for (const char* part : parts) all.push_back(nameOf({"texture1", part, "Range"}));
    for (const char* part : parts) all.push_back(nameOf({"texture3", part}));
    return all;
  }();
  return names;
}

void measureCooccurrence(const Cell& cell, CellPixels& pixels, float* dst) {
  pixels.bytes.resize(cell.mask.size());
  for (size_t i = 0; i < cell.mask.size(); ++i)
    pixels.bytes[i] = cell.mask[i] ? static_cast<uint8_t>(pixels.stretched[i] >> 4) : static_cast<uint8_t>(levels);
  Haralick mean, range;
  for (const int distance : distances) {
    pixels.matrices.assign(static_cast<size_t>(directions * row * row), 0u);
    countPairs(cell, pixels.bytes, distance, pixels.matrices.data());
    summarise(pixels.matrices.data(), mean, range);
    for (const double number : mean) *dst++ = static_cast<float>(number);
    if (distance != 1) continue;
    for (const double number : range) *dst++ = static_cast<float>(number);
  }
}

}  // namespace brightcell
