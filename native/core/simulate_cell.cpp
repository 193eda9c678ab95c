// Cells before optics: a closed contour (an ellipse with Fourier waves), a nucleus of the same kind inside it, and
// granules. The types differ in the means of these and overlap in every one of them.
#include <algorithm>
#include <cmath>

#include "core/simulate.h"

namespace brightcell::simulate {
namespace {

constexpr double pi = 3.141592653589793;

struct Spread {
  double mean, deviation;
};

struct TypeHabits {
  Spread radius, aspect, nucleusRatio, nucleusDensity;
  double lobes;              // size of the nucleus' waves of orders 2 and 3
  double waves, roughness;   // contour waves of low and of high order, fractions of the radius
  double blebShare;          // share of cells with a bump on the membrane
  Spread granules, granuleSigma;
  double darkGranules;       // share of the granules that are denser than what is around them
  Spread ringWidth, ringStrength;
  double ringRagged, texture;
};

constexpr TypeHabits habitsOf[typeCount] = {
    // THP1: monocytes, medium and round; a large indented nucleus; a fine grain.
    {{7.0, 0.55}, {1.08, 0.04}, {0.67, 0.045}, {0.44, 0.08}, 0.14, 0.012, 0.006, 0.08,
     {15, 4}, {0.50, 0.08}, 0.55, {0.76, 0.10}, {0.88, 0.12}, 0.18, 0.10},
    // MCF7: epithelial, larger; a small round nucleus; a broad and ragged edge.
    {{8.4, 0.65}, {1.10, 0.05}, {0.53, 0.045}, {0.36, 0.07}, 0.04, 0.016, 0.015, 0.25,
     {8, 3}, {0.62, 0.10}, 0.40, {1.12, 0.12}, {1.06, 0.13}, 0.42, 0.09},
    // MB231: mesenchymal, larger still, drawn out and irregular; many coarse granules.
    {{8.9, 0.80}, {1.36, 0.11}, {0.51, 0.05}, {0.33, 0.07}, 0.09, 0.036, 0.007, 0.18,
     {24, 5}, {0.72, 0.12}, 0.65, {0.82, 0.11}, {0.92, 0.12}, 0.22, 0.16},
    // PBMC: mostly lymphocytes, small and smooth; the nucleus nearly fills them.
    {{5.5, 0.50}, {1.06, 0.03}, {0.81, 0.04}, {0.50, 0.08}, 0.05, 0.009, 0.004, 0.04,
     {4, 2}, {0.44, 0.07}, 0.50, {0.70, 0.09}, {0.84, 0.11}, 0.12, 0.05},
};
// Among the PBMC some are monocytes: close to THP1 in all but the finest.
constexpr double monocyteShare = 0.10;
constexpr TypeHabits monocyteHabits = {{6.3, 0.45}, {1.07, 0.03}, {0.71, 0.045}, {0.46, 0.08}, 0.13, 0.011, 0.005, 0.05,
                                       {8, 3}, {0.46, 0.07}, 0.50, {0.72, 0.09}, {0.85, 0.11}, 0.14, 0.07};

double drawSpread(Random& random, Spread spread) {
  // Cut at 2.5 deviations, so that no cell is absurd.
  return spread.mean + spread.deviation * std::clamp(random.normal(), -2.5, 2.5);
}

// Cosine and sine at the angles of a contour's samples.
struct Circle {
  std::array<double, Contour::samples> cosine, sine;
  Circle() {
    for (int i = 0; i < Contour::samples; ++i) {
      cosine[i] = std::cos(2 * pi * i / Contour::samples);
      sine[i] = std::sin(2 * pi * i / Contour::samples);
    }
  }
};

const Circle& circle() {
  static const Circle made;
  return made;
}

// Fills `outline` with an ellipse of the same area as a circle of `radius`, turned by `turn`.
void drawEllipse(Contour& outline, double radius, double aspect, double turn) {
  const double longAxis = radius * std::sqrt(aspect), shortAxis = radius / std::sqrt(aspect);
  const Circle& unit = circle();
  const double cosine = std::cos(turn), sine = std::sin(turn);
  for (int i = 0; i <= Contour::samples; ++i) {
    const int at = i % Contour::samples;  // the sign that half a turn changes makes no difference to an ellipse
    const double across = shortAxis * (unit.cosine[at] * cosine + unit.sine[at] * sine);
    const double along = longAxis * (unit.sine[at] * cosine - unit.cosine[at] * sine);
    outline.radius[i] = static_cast<float>(longAxis * shortAxis / std::sqrt(across * across + along * along));
  }
}

// Multiplies the contour by 1 + waves of the orders [first, last], each of a normal amplitude that falls with the
// order's distance from the first.
void addWaves(Contour& outline, int first, int last, double amplitude, Random& random) {
  const Circle& unit = circle();
  std::array<double, Contour::samples + 1> factor{};
  for (int order = first; order <= last; ++order) {
    const double size = amplitude * random.normal() / std::sqrt(1.0 + (order - first));
    const double phase = random.uniform(0, 2 * pi), even = size * std::cos(phase), odd = size * std::sin(phase);
    for (int i = 0; i <= Contour::samples; ++i) {
      const int at = order * i % Contour::samples;
      factor[i] += even * unit.cosine[at] - odd * unit.sine[at];
    }
  }
  for (int i = 0; i <= Contour::samples; ++i)
    outline.radius[i] *= static_cast<float>(1 + std::clamp(factor[i], -0.35, 0.35));
}

// A bump on the membrane.
void addBleb(Contour& outline, Random& random) {
  const double at = random.uniform(0, Contour::samples), width = random.uniform(5, 13);
  const double height = random.uniform(0.06, 0.16);
  for (int i = 0; i <= Contour::samples; ++i) {
    double distance = std::fabs(i - at);
    distance = std::min(distance, Contour::samples - distance) / width;
    outline.radius[i] *= static_cast<float>(1 + height * std::exp(-distance * distance));
  }
}

void drawNucleus(CellShape& cell, const TypeHabits& habits, Random& random) {
  cell.nucleusRatio = std::clamp(drawSpread(random, habits.nucleusRatio), 0.3, 0.92);
  cell.nucleusDensity = std::max(0.08, drawSpread(random, habits.nucleusDensity));
  const double turn = random.uniform(0, 2 * pi);
  drawEllipse(cell.nucleus, cell.radius * cell.nucleusRatio, random.uniform(1.0, 1.25), turn);
  addWaves(cell.nucleus, 2, 3, habits.lobes, random);
  const double room = 0.75 * cell.radius * (1 - cell.nucleusRatio), reach = room * std::sqrt(random.uniform());
  const double towards = random.uniform(0, 2 * pi);
  cell.nucleusX = reach * std::cos(towards);
  cell.nucleusY = reach * std::sin(towards);
  cell.nucleus.measure();
}

void drawGranules(CellShape& cell, const TypeHabits& habits, Random& random) {
  const int count = std::max(0, static_cast<int>(std::lround(drawSpread(random, habits.granules))));
  cell.granules.reserve(count);
  for (int i = 0; i < count; ++i) {
    const double angle = random.uniform(-pi, pi);
    const double reach = 0.86 * std::sqrt(random.uniform()) * cell.outline.at(static_cast<float>(angle));
    const double sigma = std::max(0.25, drawSpread(random, habits.granuleSigma));
    const bool dark = random.uniform() < habits.darkGranules;
    const double weight = random.uniform(0.3, 0.7) * (dark ? 1 : -1);
    cell.granules.push_back({static_cast<float>(reach * std::cos(angle)), static_cast<float>(reach * std::sin(angle)),
                             static_cast<float>(sigma), static_cast<float>(weight)});
  }
}

}  // namespace

void Contour::measure() {
  left = right = top = bottom = 0;
  for (int i = 0; i < samples; ++i) {
    const double x = -radius[i] * circle().cosine[i], y = -radius[i] * circle().sine[i];
    left = std::max(left, -x);
    right = std::max(right, x);
    top = std::max(top, -y);
    bottom = std::max(bottom, y);
  }
}

void Contour::scale(double factor) {
  for (float& value : radius) value *= static_cast<float>(factor);
  measure();
}

CellShape drawCell(CellType type, Random& random) {
  const bool monocyte = type == PBMC && random.uniform() < monocyteShare;
  const TypeHabits& habits = monocyte ? monocyteHabits : habitsOf[type];
  CellShape cell{};
  cell.type = type;
  cell.radius = drawSpread(random, habits.radius);
  cell.aspect = std::max(1.0, drawSpread(random, habits.aspect));
  cell.roughness = habits.roughness * random.uniform(0.6, 1.4);
  drawEllipse(cell.outline, cell.radius, cell.aspect, random.uniform(0, 2 * pi));
  addWaves(cell.outline, 2, 6, habits.waves, random);
  addWaves(cell.outline, 9, 22, cell.roughness, random);
  if (random.uniform() < habits.blebShare) addBleb(cell.outline, random);
  cell.outline.measure();
  drawNucleus(cell, habits, random);
  drawGranules(cell, habits, random);
  cell.ringWidth = drawSpread(random, habits.ringWidth);
  cell.ringStrength = drawSpread(random, habits.ringStrength);
  cell.ringRagged = habits.ringRagged * random.uniform(0.6, 1.4);
  cell.texture = habits.texture * random.uniform(0.6, 1.4);
  cell.textureLength = random.uniform(0.9, 1.6);
  cell.textureSeed = random.next();
  return cell;
}

}  // namespace brightcell::simulate
