// Scenes: which type, which session, which fault, and where everything lies. Types and faults are dealt from an
// additive low-discrepancy sequence of two dimensions, so that any run of indices holds them in the shares asked for.
#include <algorithm>
#include <cmath>

#include "core/simulate.h"

namespace brightcell::simulate {
namespace {

constexpr double pi = 3.141592653589793;
constexpr uint64_t offsetStream = (1ull << 62) - 1;
// Steps of the sequence: powers of the inverse of the real root of x^3 = x + 1.
constexpr double typeStep = 0.7548776662466927, faultStep = 0.5698402909980532;
// Room that a whole cell keeps to the frame's edge.
constexpr double marginRows = 2.0, marginMicrometres = 2.2;

double fraction(double value) { return value - std::floor(value); }

CellType pickType(const Options& options, double share) {
  double total = 0;
  for (const double weight : options.weights) total += weight;
  double left = share * total;
  int last = 0;
  for (int type = 0; type < typeCount; ++type) {
    if (options.weights[type] <= 0) continue;
    last = type;
    if (left < options.weights[type]) break;
    left -= options.weights[type];
  }
  return static_cast<CellType>(last);
}

Truth pickTruth(const Options& options, double share) {
  if (share >= options.faults) return good;
  return static_cast<Truth>(1 + std::min(truthCount - 2, static_cast<int>(share / options.faults * (truthCount - 1))));
}

int pickSession(const Options& options, CellType type, Random& random) {
  if (!options.confounded) return static_cast<int>(random.below(options.sessions));
  const int own = (options.sessions - type + typeCount - 1) / typeCount;
  return type + typeCount * static_cast<int>(random.below(own));
}

// The crop about a cell varies a little; the pixel pitch is the session's.
void drawFrame(Scene& scene, const Session& session, Random& random) {
  scene.rows = std::clamp(static_cast<int>(std::lround(session.rows * random.uniform(0.93, 1.07))), minRows, maxRows);
  scene.columns =
      std::clamp(static_cast<int>(std::lround(session.columns * random.uniform(0.93, 1.07))), minColumns, maxColumns);
  scene.height = scene.rows * session.pitchY;
  scene.width = scene.columns * session.pitchX;
}

double marginOf(const Session& session) { return std::max(marginMicrometres, marginRows * session.pitchY); }

void resize(CellShape& cell, double factor) {
  cell.radius *= factor;
  cell.outline.scale(factor);
  cell.nucleus.scale(factor);
  cell.nucleusX *= factor;
  cell.nucleusY *= factor;
  for (Granule& granule : cell.granules) granule.x *= static_cast<float>(factor), granule.y *= static_cast<float>(factor);
}

// A place about the middle that keeps `before` and `after` and the margin free on both sides.
double placeAlong(double length, double before, double after, double margin, double spread, Random& random) {
  const double low = before + margin, high = length - after - margin;
  if (low >= high) return (low + high) / 2;
  return std::clamp(length / 2 + spread * length * random.normal(), low, high);
}

void placeWhole(Scene& scene, const Session& session, CellShape& cell, Random& random) {
  const double margin = marginOf(session);
  const double fit = std::min((scene.height - 2 * margin) / (cell.outline.top + cell.outline.bottom),
                              (scene.width - 2 * margin) / (cell.outline.left + cell.outline.right));
  if (fit < 1) resize(cell, fit);
  scene.x = placeAlong(scene.width, cell.outline.left, cell.outline.right, margin, 0.07, random);
  scene.y = placeAlong(scene.height, cell.outline.top, cell.outline.bottom, margin, 0.07, random);
}

// Share of the cell's area outside the frame with its centre at (x, y), from equal-area samples.
double shareOutside(const Scene& scene, const CellShape& cell, double x, double y) {
  constexpr int angles = 64, rings = 12;
  double all = 0, outside = 0;
  for (int i = 0; i < angles; ++i) {
    const double angle = 2 * pi * (i + 0.5) / angles - pi, reach = cell.outline.at(static_cast<float>(angle));
    for (int j = 0; j < rings; ++j) {
      const double at = reach * std::sqrt((j + 0.5) / rings), px = x + at * std::cos(angle), py = y + at * std::sin(angle);
      all += reach * reach;
      if (px < 0 || py < 0 || px > scene.width || py > scene.height) outside += reach * reach;
    }
  }
  return outside / all;
}

// Moves the cell over one of the four edges until 25 to 70 % of it is lost.
void placeCut(Scene& scene, const CellShape& cell, Random& random) {
  const int side = static_cast<int>(random.below(4));
  const double wanted = random.uniform(0.28, 0.66), size = 1.5 * cell.radius * cell.aspect;
  double inner = -size, outer = size;
  for (int step = 0; step < 16; ++step) {
    const double beyond = (inner + outer) / 2;
    if (side == 0) scene.x = -beyond;
    if (side == 1) scene.x = scene.width + beyond;
    if (side == 2) scene.y = -beyond;
    if (side == 3) scene.y = scene.height + beyond;
    scene.outside = shareOutside(scene, cell, scene.x, scene.y);
    (scene.outside < wanted ? inner : outer) = beyond;
  }
}

bool fits(const Scene& scene, const Contour& outline, double x, double y, double margin) {
  return x - outline.left >= margin && x + outline.right <= scene.width - margin && y - outline.top >= margin &&
         y + outline.bottom <= scene.height - margin;
}

// Two cells of the type, touching or apart, both whole where the frame allows it.
void placeTwo(Scene& scene, const Session& session, CellShape first, CellShape second, Random& random) {
  const double margin = std::min(1.0, marginOf(session));
  const double room = scene.width - 2 * margin - (first.outline.left + first.outline.right + second.outline.left + second.outline.right);
  if (room < 0) {
    const double factor = (scene.width - 2 * margin) / (scene.width - 2 * margin - room);
    resize(first, factor);
    resize(second, factor);
  }
  double x = 0, y = 0, dx = 0, dy = 0;
  for (int attempt = 0; attempt < 24; ++attempt) {
    const double angle = attempt < 20 ? random.uniform(-pi, pi) : 0, gap = attempt < 20 ? random.uniform(0.96, 1.5) : 1.0;
    const double touching = first.outline.at(static_cast<float>(angle)) +
                            second.outline.at(static_cast<float>(angle > 0 ? angle - pi : angle + pi));
    dx = gap * touching * std::cos(angle);
    dy = gap * touching * std::sin(angle);
    x = scene.width / 2 - dx / 2 + 0.03 * scene.width * random.normal();
    y = scene.height / 2 - dy / 2 + 0.03 * scene.height * random.normal();
    if (fits(scene, first.outline, x, y, margin) && fits(scene, second.outline, x + dx, y + dy, margin)) break;
    x = scene.width / 2 - dx / 2;
    y = scene.height / 2 - dy / 2;
  }
  scene.x = x;
  scene.y = y;
  scene.cells = {std::move(first), std::move(second)};
  scene.centres = {{x, y}, {x + dx, y + dy}};
}

// A speck: a tiny, dense, jagged cell.
CellShape drawSpeck(double radius, Random& random) {
  CellShape speck = drawCell(MB231, random);
  speck.granules.clear();
  resize(speck, radius / speck.radius);
  speck.ringWidth = 0.8 * radius;
  speck.ringStrength = random.uniform(1.0, 1.6);
  speck.nucleusDensity = random.uniform(0.4, 0.9);
  return speck;
}

// Specks strewn over the frame or heaped up, where a cell should be.
void strewSpecks(Scene& scene, Random& random) {
  const bool heap = random.uniform() < 0.5;
  const int count = heap ? 7 + static_cast<int>(random.below(9)) : 3 + static_cast<int>(random.below(8));
  const double cx = scene.width * random.uniform(0.3, 0.7), cy = scene.height * random.uniform(0.35, 0.65);
  for (int i = 0; i < count; ++i) {
    scene.specks.push_back(drawSpeck(random.uniform(0.45, heap ? 1.9 : 1.7), random));
    const double x = heap ? cx + random.normal(0, 3.2) : random.uniform(0.06, 0.94) * scene.width;
    const double y = heap ? cy + random.normal(0, 4.2) : random.uniform(0.08, 0.92) * scene.height;
    scene.speckCentres.push_back({std::clamp(x, 1.0, scene.width - 1.0), std::clamp(y, 1.0, scene.height - 1.0)});
  }
}

// One to three clear specks beside a whole cell. The last attempt goes to the side with more room, where one fits.
void strewBeside(Scene& scene, const CellShape& cell, Random& random) {
  constexpr int attempts = 24;
  const int count = 1 + static_cast<int>(random.below(3));
  for (int i = 0; i < count; ++i) {
    const double radius = random.uniform(1.3, 2.4);
    for (int attempt = 1; attempt <= attempts; ++attempt) {
      const bool last = attempt == attempts;
      const double angle = last ? (scene.x < scene.width / 2 ? 0 : pi) : random.uniform(-pi, pi);
      const double gap = last ? 0.6 : random.uniform(0.6, 7.0);
      const double reach = cell.outline.at(static_cast<float>(angle)) + radius + gap;
      const double x = scene.x + reach * std::cos(angle), y = scene.y + reach * std::sin(angle);
      if (x < radius || y < radius || x > scene.width - radius || y > scene.height - radius) continue;
      scene.specks.push_back(drawSpeck(radius, random));
      scene.speckCentres.push_back({x, y});
      break;
    }
  }
}

// An echo of the pulse: the cell once more, fainter and shifted mostly in time.
void drawGhost(Scene& scene, const CellShape& cell, Random& random) {
  const double angle = random.normal(0, 0.35), reach = cell.radius * random.uniform(0.7, 1.7);
  scene.ghostX = reach * std::cos(angle) * (random.uniform() < 0.5 ? -1 : 1);
  scene.ghostY = reach * std::sin(angle);
  scene.ghostWeight = random.uniform(0.35, 0.65);
}

// Spoils the scene as its truth says; what is left of the one cell is added to it.
void addFault(Scene& scene, const Session& session, CellShape& cell, Random& random) {
  if (scene.truth == empty) return;
  if (scene.truth == twoCells) return placeTwo(scene, session, std::move(cell), drawCell(scene.type, random), random);
  if (scene.truth == debris && random.uniform() < 0.6) return strewSpecks(scene, random);
  if (scene.truth == debris) strewBeside(scene, cell, random);
  if (scene.truth == cut) placeCut(scene, cell, random);
  if (scene.truth == defocused) scene.blur = std::max(2.2, cell.radius * random.uniform(0.32, 0.55));
  if (scene.truth == ghost) drawGhost(scene, cell, random);
  scene.cells.push_back(std::move(cell));
  scene.centres.push_back({scene.x, scene.y});
}

}  // namespace

Scene drawScene(const Options& options, const std::vector<Session>& sessions, int64_t index) {
  Random offsets(options.seed, offsetStream), random(options.seed, static_cast<uint64_t>(index));
  Scene scene{};
  scene.index = index;
  scene.type = pickType(options, fraction(offsets.uniform() + static_cast<double>(index) * typeStep));
  scene.truth = pickTruth(options, fraction(offsets.uniform() + static_cast<double>(index) * faultStep));
  scene.session = pickSession(options, scene.type, random);
  const Session& session = sessions[scene.session];
  drawFrame(scene, session, random);
  scene.blur = session.blur * random.uniform(0.85, 1.25);
  scene.gain = std::exp(0.14 * std::clamp(random.normal(), -2.5, 2.5));
  CellShape cell = drawCell(scene.type, random);
  placeWhole(scene, session, cell, random);
  addFault(scene, session, cell, random);
  return scene;
}

}  // namespace brightcell::simulate
