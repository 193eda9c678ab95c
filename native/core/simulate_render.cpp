// From a scene to a raw image. Each object is drawn on a stamp: a grid about it with the frame's column pitch and
// rows fine enough for the optics. A stamp holds the signal, in units of the contrast about the background: ring,
// halo and absorption, and in relief the slope of the optical thickness along the direction of the light. It is
// blurred, averaged to the frame's rows and added; then come illumination, stripes and noise.
#include <algorithm>
#include <cmath>

#include "core/simulate.h"
#include "core/simulate_blur.h"

namespace brightcell::simulate {
namespace {

constexpr float pi = 3.14159265f;
constexpr uint64_t noiseSalt = 0x6E6F697365ull, patternSalt = 0x7061747465726Eull;
constexpr double finestRow = 0.62;  // micrometres; coarser frames are drawn on finer rows and averaged
constexpr double haloReach = 3.4;

struct Grid {
  int split;                 // stamp rows a frame row
  int row, column;           // of the stamp's first sample, in split rows and columns of the frame
  int rows, columns;
  float pitchY, pitchX;
  int64_t size() const { return static_cast<int64_t>(rows) * columns; }
};

// Nearly normal, of deviation 1: four uniform numbers from one draw.
float quickNormal(Random& random) {
  const uint64_t bits = random.next();
  const uint64_t sum = (bits & 0xFFFF) + ((bits >> 16) & 0xFFFF) + ((bits >> 32) & 0xFFFF) + (bits >> 48);
  return (static_cast<float>(sum) - 131070.0f) * (1 / 37837.2f);
}

Grid layGrid(const Scene& scene, const CellShape& cell, double x, double y, double blur) {
  Grid grid{};
  const double pitchY = scene.height / scene.rows, pitchX = scene.width / scene.columns;
  grid.split = std::clamp(static_cast<int>(std::ceil(pitchY / finestRow)), 1, 4);
  grid.pitchY = static_cast<float>(pitchY / grid.split);
  grid.pitchX = static_cast<float>(pitchX);
  const double reach = haloReach + 3 * blur, pad = 3 * blur;
  const double left = std::max(x - cell.outline.left - reach, -pad), top = std::max(y - cell.outline.top - reach, -pad);
  const double right = std::min(x + cell.outline.right + reach, scene.width + pad);
  const double bottom = std::min(y + cell.outline.bottom + reach, scene.height + pad);
  grid.row = static_cast<int>(std::floor(top / grid.pitchY));
  grid.column = static_cast<int>(std::floor(left / grid.pitchX));
  grid.rows = std::max(0, static_cast<int>(std::ceil(bottom / grid.pitchY)) - grid.row);
  grid.columns = std::max(0, static_cast<int>(std::ceil(right / grid.pitchX)) - grid.column);
  return grid;
}

// Smooth noise of deviation near 1 about a cell, bilinear between hashed knots.
class Texture {
 public:
  Texture(const CellShape& cell) : scale_(static_cast<float>(1 / cell.textureLength)) {
    Random random(cell.textureSeed);
    for (float& knot : knots_) knot = 1.4f * quickNormal(random);
  }
  float at(float x, float y) const {
    const float u = std::clamp(x * scale_ + side / 2, 0.0f, side - 2.0f), v = std::clamp(y * scale_ + side / 2, 0.0f, side - 2.0f);
    const int i = static_cast<int>(u), j = static_cast<int>(v);
    const float* knot = &knots_[j * side + i];
    const float a = smooth(u - static_cast<float>(i)), b = smooth(v - static_cast<float>(j));
    const float upper = knot[0] + a * (knot[1] - knot[0]), lower = knot[side] + a * (knot[side + 1] - knot[side]);
    return upper + b * (lower - upper);
  }

 private:
  static constexpr int side = 40;
  static float smooth(float t) { return t * t * (3 - 2 * t); }
  float scale_;
  std::array<float, side * side> knots_;
};

// Strength of the ring along the contour: ragged, so that it looks broken where the membrane is rough.
Contour raggedRing(const CellShape& cell) {
  constexpr int knots = 36;
  Random random(cell.textureSeed, 1);
  std::array<float, knots + 1> knot;
  for (float& value : knot) value = std::clamp(1 + static_cast<float>(cell.ringRagged) * quickNormal(random), 0.1f, 2.2f);
  knot[knots] = knot[0];
  Contour ring{};
  for (int i = 0; i <= Contour::samples; ++i) {
    const float at = static_cast<float>(i) * knots / Contour::samples;
    const int low = std::min(static_cast<int>(at), knots - 1);
    const float share = at - static_cast<float>(low), ease = share * share * (3 - 2 * share);
    ring.radius[i] = static_cast<float>(cell.ringStrength) * (knot[low] + ease * (knot[low + 1] - knot[low]));
  }
  return ring;
}

// exp(-x^2), cut to 0 where it is below 1e-4.
float bell(float x) {
  const float square = x * x;
  return square < 9.2f ? std::exp(-square) : 0.0f;
}

// The angle of (x, y) in [-pi, pi], within 2e-4: enough to look a contour up.
float angleOf(float y, float x) {
  const float ax = std::fabs(x), ay = std::fabs(y), ratio = std::min(ax, ay) / (std::max(ax, ay) + 1e-12f), square = ratio * ratio;
  float angle = ((-0.0464964749f * square + 0.15931422f) * square - 0.327622764f) * square * ratio + ratio;
  if (ay > ax) angle = pi / 2 - angle;
  if (x < 0) angle = pi - angle;
  return y < 0 ? -angle : angle;
}

// Writes optical thickness (8 micrometres of cell are 1) and direct signal of the cell's body, ring and halo.
void drawBody(const Session& session, const CellShape& cell, const Grid& grid, double x, double y, float* phase, float* signal) {
  const Texture texture(cell);
  const Contour ring = raggedRing(cell);
  const float thickness = static_cast<float>(cell.radius / 8), ringWidth = static_cast<float>(cell.ringWidth);
  const float rim = static_cast<float>(session.rim), halo = static_cast<float>(session.halo), body = static_cast<float>(session.body);
  const float lightX = std::cos(static_cast<float>(session.haloSide)), lightY = std::sin(static_cast<float>(session.haloSide));
  const float sign = session.relief ? 1.0f : -1.0f, haloSign = session.relief ? -0.35f : 0.5f;
  const float ringShare = session.relief ? 0.55f : 1.15f;
  const float reach = cell.outline.largest() + static_cast<float>(haloReach);
  for (int row = 0; row < grid.rows; ++row) {
    const float dy = (static_cast<float>(grid.row + row) + 0.5f) * grid.pitchY - static_cast<float>(y);
    float* phaseRow = phase + static_cast<int64_t>(row) * grid.columns;
    float* signalRow = signal + static_cast<int64_t>(row) * grid.columns;
    for (int column = 0; column < grid.columns; ++column) {
      const float dx = (static_cast<float>(grid.column + column) + 0.5f) * grid.pitchX - static_cast<float>(x);
      phaseRow[column] = signalRow[column] = 0;
      const float square = dx * dx + dy * dy;
      if (square > reach * reach) continue;
      const float distance = std::sqrt(square) + 1e-6f, angle = angleOf(dy, dx);
      const float radius = cell.outline.at(angle), beyond = distance - radius;
      if (beyond > static_cast<float>(haloReach)) continue;
      const float side = 1 + 0.4f * (dx * lightX + dy * lightY) / distance;
      const float ringAt = ring.at(angle) * bell((beyond + 0.45f * ringWidth) / ringWidth);
      float direct = sign * ringShare * rim * ringAt * (2 - side) + haloSign * halo * side * side * bell((beyond - 1.2f) / 0.8f);
      if (beyond < 0) {
        const float share = distance / radius, dome = thickness * std::sqrt(1 - share * share);
        const float nx = dx - static_cast<float>(cell.nucleusX), ny = dy - static_cast<float>(cell.nucleusY);
        const float nucleusRadius = cell.nucleus.at(angleOf(ny, nx)), inside = 1 - (nx * nx + ny * ny) / (nucleusRadius * nucleusRadius);
        const float nucleus = inside > 0 ? static_cast<float>(cell.nucleusDensity) * std::min(1.0f, 2.2f * inside) : 0;
        const float grain = static_cast<float>(cell.texture) * texture.at(dx, dy) * std::min(1.0f, 4 * (1 - share));
        phaseRow[column] = dome + 0.6f * nucleus + 0.8f * grain;
        direct += sign * body * (0.4f * dome + 0.8f * nucleus + 1.3f * grain);
      }
      signalRow[column] = direct;
    }
  }
}

void drawGranules(const Session& session, const CellShape& cell, const Grid& grid, double x, double y, float* phase, float* signal) {
  const float sign = session.relief ? 0.45f : -0.75f;
  for (const Granule& granule : cell.granules) {
    const float cx = (static_cast<float>(x) + granule.x) / grid.pitchX - static_cast<float>(grid.column) - 0.5f;
    const float cy = (static_cast<float>(y) + granule.y) / grid.pitchY - static_cast<float>(grid.row) - 0.5f;
    const float rx = 2.5f * granule.sigma / grid.pitchX, ry = 2.5f * granule.sigma / grid.pitchY;
    const int left = std::max(0, static_cast<int>(cx - rx)), right = std::min(grid.columns - 1, static_cast<int>(cx + rx) + 1);
    const int top = std::max(0, static_cast<int>(cy - ry)), bottom = std::min(grid.rows - 1, static_cast<int>(cy + ry) + 1);
    const float toUnit = 0.70710678f / granule.sigma;
    for (int row = top; row <= bottom; ++row) {
      const float rowBell = granule.weight * bell((static_cast<float>(row) - cy) * grid.pitchY * toUnit);
      for (int column = left; column <= right; ++column) {
        const float height = rowBell * bell((static_cast<float>(column) - cx) * grid.pitchX * toUnit);
        phase[static_cast<int64_t>(row) * grid.columns + column] += 0.35f * height;
        signal[static_cast<int64_t>(row) * grid.columns + column] += sign * height;
      }
    }
  }
}

// Adds the slope of the phase along the light to the signal: left lit, right in shade at direction 0.
void addShading(const Session& session, const Grid& grid, const float* phase, float* signal) {
  const float strength = 2.4f * static_cast<float>(session.shading), direction = static_cast<float>(session.direction);
  const float across = strength * std::cos(direction) / (2 * grid.pitchX), down = strength * std::sin(direction) / (2 * grid.pitchY);
  for (int row = 1; row + 1 < grid.rows; ++row) {
    const float* at = phase + static_cast<int64_t>(row) * grid.columns;
    float* dst = signal + static_cast<int64_t>(row) * grid.columns;
    for (int column = 1; column + 1 < grid.columns; ++column)
      dst[column] += across * (at[column + 1] - at[column - 1]) + down * (at[column + grid.columns] - at[column - grid.columns]);
  }
}

// Adds the stamp to the frame's signal, shifted, averaging split rows.
void addStamp(const Scene& scene, const Grid& grid, int shiftRows, int shiftColumns, float weight, const float* signal, float* frame) {
  const float share = weight / static_cast<float>(grid.split);
  const int firstColumn = std::max(0, -(grid.column + shiftColumns));
  const int lastColumn = std::min(grid.columns, scene.columns - grid.column - shiftColumns);
  for (int row = 0; row < grid.rows; ++row) {
    const int at = grid.row + shiftRows + row;
    if (at < 0 || at >= scene.rows * grid.split) continue;
    float* dst = frame + static_cast<int64_t>(at / grid.split) * scene.columns + grid.column + shiftColumns;
    const float* src = signal + static_cast<int64_t>(row) * grid.columns;
    for (int column = firstColumn; column < lastColumn; ++column) dst[column] += share * src[column];
  }
}

void drawObject(const Session& session, const Scene& scene, const CellShape& cell, double x, double y, RenderScratch& scratch) {
  const Grid grid = layGrid(scene, cell, x, y, scene.blur);
  if (grid.size() == 0) return;
  scratch.phase.resize(grid.size());
  scratch.signal.resize(grid.size());
  drawBody(session, cell, grid, x, y, scratch.phase.data(), scratch.signal.data());
  drawGranules(session, cell, grid, x, y, scratch.phase.data(), scratch.signal.data());
  if (session.shading > 0) addShading(session, grid, scratch.phase.data(), scratch.signal.data());
  blurImage(scratch.signal.data(), grid.rows, grid.columns, scene.blur / grid.pitchY, scene.blur / grid.pitchX, scratch.work, scratch.kernel);
  addStamp(scene, grid, 0, 0, 1, scratch.signal.data(), scratch.frame.data());
  if (scene.ghostWeight <= 0) return;
  const int down = static_cast<int>(std::lround(scene.ghostY / grid.pitchY)), across = static_cast<int>(std::lround(scene.ghostX / grid.pitchX));
  addStamp(scene, grid, down, across, static_cast<float>(scene.ghostWeight), scratch.signal.data(), scratch.frame.data());
}

// A chain of normal numbers that keep together over `length` samples.
void drawPattern(Random& random, double amplitude, double length, float* dst, int count) {
  const float keep = static_cast<float>(std::exp(-1 / length)), fresh = static_cast<float>(amplitude) * std::sqrt(1 - keep * keep);
  float value = static_cast<float>(amplitude) * quickNormal(random);
  for (int i = 0; i < count; ++i) dst[i] = value = keep * value + fresh * quickNormal(random);
}

// Background without noise for one row and column: a sum of a part by row, a part by column, and stripes that fade
// from one pattern to another down the image.
struct Background {
  std::vector<float>& store;
  int rows, columns;
  float* byRow() { return store.data(); }
  float* byColumn() { return store.data() + rows; }
  float* upper() { return store.data() + rows + columns; }
  float* lower() { return store.data() + rows + 2 * columns; }

  void draw(const Options& options, const Session& session, const Scene& scene, Random& random) {
    store.resize(rows + 3 * static_cast<size_t>(columns));
    const double level = session.level * (1 + 0.03 * std::clamp(random.normal(), -2.5, 2.5));
    const double tilt = session.gradientX + random.normal(0, 0.012), rise = session.gradientY + random.normal(0, 0.008);
    drawPattern(random, session.lines, 1.2, byRow(), rows);
    for (int y = 0; y < rows; ++y) {
      const double v = 2 * (y + 0.5) / rows - 1, from = ((v + 1) / 2 - session.bandAt) / session.bandWidth;
      byRow()[y] += static_cast<float>(level * (1 + rise * v + session.bowY * v * v + session.band * std::exp(-from * from)));
    }
    Random pattern(options.seed ^ patternSalt, static_cast<uint64_t>(scene.session));
    drawPattern(pattern, 0.6 * session.stripes, session.stripeLength, byColumn(), columns);
    for (int x = 0; x < columns; ++x) {
      const double u = 2 * (x + 0.5) / columns - 1;
      byColumn()[x] += static_cast<float>(level * (tilt * u + session.bowX * u * u));
    }
    drawPattern(random, 0.8 * session.stripes, session.stripeLength, upper(), columns);
    drawPattern(random, 0.8 * session.stripes, session.stripeLength, lower(), columns);
  }
};

// Signals past 0.8 grow ever slower, so that specks heaped on each other do not go beyond what light can do.
float soften(float signal) {
  const float over = std::fabs(signal) - 0.8f;
  return over <= 0 ? signal : std::copysign(0.8f + over / (1 + over), signal);
}

void expose(const Options& options, const Session& session, const Scene& scene, uint8_t* dst, RenderScratch& scratch) {
  Random random(options.seed ^ noiseSalt, static_cast<uint64_t>(scene.index));
  Background ground{scratch.stripes, scene.rows, scene.columns};
  ground.draw(options, session, scene, random);
  const float *byColumn = ground.byColumn(), *upper = ground.upper(), *lower = ground.lower();
  const float contrast = static_cast<float>(session.contrast * scene.gain), shot = static_cast<float>(session.shot / std::sqrt(128.0));
  const float read = static_cast<float>(session.read), keep = static_cast<float>(session.noiseMemory), fresh = std::sqrt(1 - keep * keep);
  float noise = 0;
  for (int y = 0; y < scene.rows; ++y) {
    const float down = (static_cast<float>(y) + 0.5f) / static_cast<float>(scene.rows), level = ground.byRow()[y];
    const float* signal = scratch.frame.data() + static_cast<int64_t>(y) * scene.columns;
    for (int x = 0; x < scene.columns; ++x) {
      const float light = level + byColumn[x] + upper[x] + down * (lower[x] - upper[x]) + contrast * soften(signal[x]);
      noise = keep * noise + fresh * quickNormal(random);
      const float value = light + noise * (read + shot * std::sqrt(std::max(light, 0.0f))) + 0.5f;
      dst[static_cast<int64_t>(y) * scene.columns + x] = static_cast<uint8_t>(std::clamp(value, 0.0f, 255.0f));
    }
  }
}

}  // namespace

void renderScene(const Options& options, const Session& session, const Scene& scene, uint8_t* dst, RenderScratch& scratch) {
  scratch.frame.assign(static_cast<size_t>(scene.rows) * scene.columns, 0.0f);
  for (size_t i = 0; i < scene.cells.size(); ++i)
    drawObject(session, scene, scene.cells[i], scene.centres[i][0], scene.centres[i][1], scratch);
  for (size_t i = 0; i < scene.specks.size(); ++i)
    drawObject(session, scene, scene.specks[i], scene.speckCentres[i][0], scene.speckCentres[i][1], scratch);
  expose(options, session, scene, dst, scratch);
}

}  // namespace brightcell::simulate
