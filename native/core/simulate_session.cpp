// Sessions: what a run of the instrument gives to all its images. Without confounding the type of a cell has no
// part in it, so a background can never tell the type.
#include "core/simulate.h"

namespace brightcell::simulate {
namespace {

constexpr uint64_t sessionStream = 1ull << 62;

struct Range {
  double low, high;
};

// Where the settings of a session lie. Confounded sessions draw from narrower ranges, one set for each type.
struct Habits {
  bool relief;
  Range level, rows, aspect, fieldWidth, shot, stripes;
};

constexpr Habits brightHabits = {false, {150, 208}, {22, 66}, {4.86, 6.47}, {54, 72}, {1.6, 4.2}, {0.6, 3.0}};
constexpr Habits reliefHabits = {true, {42, 118}, {22, 66}, {4.86, 6.47}, {44, 58}, {1.6, 4.2}, {0.8, 4.0}};
// As in the published data: THP1 and PBMC on dark relief, MCF7 and MB231 on bright ground.
constexpr Habits ownHabits[typeCount] = {
    {true, {38, 62}, {48, 64}, {5.6, 6.4}, {40, 48}, {2.0, 3.0}, {2.4, 4.0}},
    {false, {176, 200}, {32, 44}, {4.9, 5.6}, {62, 76}, {2.0, 3.5}, {0.6, 1.6}},
    {false, {154, 176}, {40, 54}, {5.6, 6.4}, {56, 70}, {3.5, 5.0}, {1.4, 3.0}},
    {true, {86, 118}, {23, 34}, {4.9, 5.6}, {46, 56}, {3.0, 5.0}, {0.8, 1.8}},
};

double draw(Random& random, Range range) { return random.uniform(range.low, range.high); }

const Habits& habitsOf(const Options& options, int session) {
  if (options.confounded) return ownHabits[session % typeCount];
  return session % 2 == 0 ? brightHabits : reliefHabits;
}

void drawSampling(Session& session, const Habits& habits, Random& random) {
  session.rows = draw(random, habits.rows);
  session.columns = session.rows * draw(random, habits.aspect);
  session.pitchY = random.uniform(35, 40) / session.rows;
  session.pitchX = draw(random, habits.fieldWidth) / session.columns;
}

void drawIllumination(Session& session, Random& random) {
  session.gradientX = random.normal(0, 0.05);
  session.gradientY = random.normal(0, 0.035);
  session.bowX = random.uniform(-0.08, 0.01);
  session.bowY = random.uniform(-0.05, 0.02);
  session.band = random.uniform(0, session.relief ? 0.02 : 0.05);
  session.bandAt = random.uniform(0.15, 0.85);
  session.bandWidth = random.uniform(0.05, 0.3);
}

void drawNoise(Session& session, const Habits& habits, Random& random) {
  session.stripes = draw(random, habits.stripes);
  session.stripeLength = random.uniform(1.0, 6.0);
  session.lines = random.uniform(0.2, session.relief ? 2.0 : 1.0);
  session.shot = draw(random, habits.shot);
  session.read = random.uniform(0.8, 2.2);
  session.noiseMemory = random.uniform(0, 0.6);
}

void drawContrast(Session& session, Random& random) {
  session.blur = session.relief ? random.uniform(0.55, 0.85) : random.uniform(0.45, 0.7);
  session.direction = random.normal(0, 0.3);
  session.contrast = session.relief ? random.uniform(90, 140) : random.uniform(120, 165);
  session.shading = session.relief ? random.uniform(1.4, 2.5) : random.uniform(0.0, 0.2);
  session.body = session.relief ? random.uniform(0.2, 1.0) : random.uniform(0.25, 0.45);
  session.rim = random.uniform(0.6, session.relief ? 1.5 : 1.15);
  session.halo = random.uniform(0.3, 0.65);
  session.haloSide = random.uniform(-2.6, 2.6);
}

}  // namespace

Session drawSession(const Options& options, int index) {
  const Habits& habits = habitsOf(options, index);
  Random random(options.seed, sessionStream + static_cast<uint64_t>(index));
  Session session{};
  session.relief = habits.relief;
  session.level = draw(random, habits.level);
  drawSampling(session, habits, random);
  drawIllumination(session, random);
  drawNoise(session, habits, random);
  drawContrast(session, random);
  return session;
}

}  // namespace brightcell::simulate
