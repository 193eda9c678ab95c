// Local binary patterns, rotation-invariant and uniform (Ojala, Pietikäinen and Mäenpää 2002), of the stretched cell.
//
// Eight points on a circle of radius 1 and of radius 2 are compared with their centre: at least as bright is 1. A
// pattern with at most two changes around the circle counts as the number of its ones, 0 to 8; any other as 9. Points
// between pixels are interpolated with weights of whole 256ths, so that equal neighbours compare as equal.
#include <algorithm>
#include <array>

#include "core/features_families.h"

namespace brightcell {
namespace {

constexpr int bins = 10;

// A diagonal point is at (whole + part) both ways; its four pixels' weights, near to far.
struct Circle {
  int radius, whole;
  int near, side, far;  // near + 2 side + far = 256
};

constexpr Circle circles[2] = {
    {1, 0, 22, 53, 128},  // part 0.70711
    {2, 1, 88, 62, 44},   // part 0.41421
};

const std::array<uint8_t, 256>& patternTable() {
  static const std::array<uint8_t, 256> table = [] {
    std::array<uint8_t, 256> made{};
    for (int code = 0; code < 256; ++code) {
      int changes = 0, ones = 0;
      for (int bit = 0; bit < 8; ++bit) {
        const int here = code >> bit & 1, next = code >> ((bit + 1) % 8) & 1;
        changes += here != next;
        ones += here;
      }
      made[static_cast<size_t>(code)] = static_cast<uint8_t>(changes <= 2 ? ones : bins - 1);
    }
    return made;
  }();
  return table;
}

// Codes of a run: a bit for each point, around the circle.
void codeRun(const uint8_t* at, int stride, int length, const Circle& circle, uint8_t* codes) {
  constexpr int aroundX[8] = {1, 1, 0, -1, -1, -1, 0, 1}, aroundY[8] = {0, 1, 1, 1, 0, -1, -1, -1};
  std::fill(codes, codes + length, uint8_t{0});
  for (int point = 0; point < 8; ++point) {
    const int dx = aroundX[point], dy = aroundY[point];
    const auto bit = static_cast<uint8_t>(1 << point);
    if (dx == 0 || dy == 0) {
      const uint8_t* other = at + (dy * stride + dx) * circle.radius;
      for (int i = 0; i < length; ++i) codes[i] = static_cast<uint8_t>(codes[i] | (other[i] >= at[i] ? bit : 0));
      continue;
    }
    const uint8_t* near = at + (dy * stride + dx) * circle.whole;
    const uint8_t *sideX = near + dx, *sideY = near + dy * stride, *far = sideY + dx;
    const auto wNear = static_cast<uint16_t>(circle.near), wSide = static_cast<uint16_t>(circle.side), wFar = static_cast<uint16_t>(circle.far);
    for (int i = 0; i < length; ++i) {
      const auto value = static_cast<uint16_t>(near[i] * wNear + (sideX[i] + sideY[i]) * wSide + far[i] * wFar);
      codes[i] = static_cast<uint8_t>(codes[i] | (value >= static_cast<uint16_t>(at[i] << 8) ? bit : 0));
    }
  }
}

}  // namespace

const FeatureNames& patternNames() {
  static const FeatureNames names = [] {
    FeatureNames all;
    for (const Circle& circle : circles)
      for (int bin = 0; bin < bins; ++bin) all.push_back(nameOf({"pattern", std::to_string(circle.radius), "Bin", std::to_string(bin)}));
    return all;
  }();
  return names;
}

void measurePatterns(const Cell& cell, CellPixels& pixels, float* dst) {
  const auto& table = patternTable();
  pixels.bytes.resize(cell.mask.size());
  for (const Circle& circle : circles) {
    int counts[bins] = {};
    for (const Run& run : cell.runs) {
      codeRun(pixels.stretched.data() + run.place, cell.width, run.length, circle, pixels.bytes.data());
      for (int i = 0; i < run.length; ++i) ++counts[table[pixels.bytes[static_cast<size_t>(i)]]];
    }
    for (const int count : counts) *dst++ = static_cast<float>(count / cell.area);
  }
}

}  // namespace brightcell
