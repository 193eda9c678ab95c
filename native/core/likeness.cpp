// The rings about the cell's middle turn a rotation into a shift along the angle: their correlation over all angles, both
// ways round, gives the likeliest turns, and a pattern search over angle and shift on the portrait itself the exact one.
#include "core/likeness.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace brightcell {
namespace {

using std::numbers::pi;
constexpr int R = likenessRings, A = likenessAngles, M = likenessHarmonics;
constexpr int ringsPerBand = R / likenessBands;

struct Circle {
  std::array<double, A> cosine, sine;
  Circle() {
    for (int a = 0; a < A; ++a) {
      cosine[static_cast<size_t>(a)] = std::cos(2 * pi * a / A);
      sine[static_cast<size_t>(a)] = std::sin(2 * pi * a / A);
    }
  }
};
const Circle circle;

// A turn found by the rings.
struct Turn {
  double correlation;
  int angle;  // in steps of the circle
  bool mirrored;
};

double ringWeight(int ring) { return ring + 0.5; }  // its area

// The best turns, at most `count`, best first: for each of both ways round, peaks over the angle.
class Turns {
 public:
  Turns(const float* left, const float* right) {
    double own = 0, other = 0;
    for (int r = 0; r < R; ++r)
      for (int a = 0; a < A; ++a) {
        own += ringWeight(r) * left[r * A + a] * left[r * A + a];
        other += ringWeight(r) * right[r * A + a] * right[r * A + a];
      }
    const double norm = std::sqrt(own * other);
    if (norm > 0) {
      correlate(left, right, false, norm);
      correlate(left, right, true, norm);
    }
    std::stable_sort(found_.begin(), found_.end(), [](const Turn& a, const Turn& b) { return a.correlation > b.correlation; });
  }
  const std::vector<Turn>& found() const { return found_; }

 private:
  void correlate(const float* left, const float* right, bool mirrored, double norm) {
    std::array<double, A> sums{};
    std::array<float, 2 * A> around;
    for (int r = 0; r < R; ++r) {
      for (int a = 0; a < 2 * A; ++a) around[static_cast<size_t>(a)] = right[r * A + (mirrored ? (2 * A - a) % A : a % A)];
      const float weight = static_cast<float>(ringWeight(r));
      for (int turn = 0; turn < A; ++turn) {
        float sum = 0;
        for (int a = 0; a < A; ++a) sum += left[r * A + a] * around[static_cast<size_t>(turn + a)];
        sums[static_cast<size_t>(turn)] += weight * sum;
      }
    }
    for (int turn = 0; turn < A; ++turn) {
      const double own = sums[static_cast<size_t>(turn)];
      if (own >= sums[static_cast<size_t>((turn + 1) % A)] && own > sums[static_cast<size_t>((turn + A - 1) % A)])
        found_.push_back({own / norm, turn, mirrored});
    }
  }

  std::vector<Turn> found_;
};

struct Pose {
  double angle;  // radians
  bool mirrored;
  double x, y;   // of the right cell's middle, in pixels
  double scale = 1;  // how much larger the right one shows the cell
};

// How far a search goes at first along each.
struct Steps {
  double angle, shift, scale;
};

struct Fit {
  double correlation, residual;
};

// Portrait::at inside the frame.
inline float between(const Portrait& image, double u, double v) {
  const int left = std::min(static_cast<int>(u), image.width - 2), top = std::min(static_cast<int>(v), image.height - 2);
  const float a = static_cast<float>(u - left), b = static_cast<float>(v - top);
  const float* upper = image.pixels.data() + top * image.width + left;
  const float* lower = upper + image.width;
  const float above = upper[0] + a * (upper[1] - upper[0]), below = lower[0] + a * (lower[1] - lower[0]);
  return above + b * (below - above);
}

// Correlation over the disc about the left cell's middle, at every `step`-th pixel, where the right frame has it too.
Fit measure(const Portrait& left, const Portrait& right, const Pose& pose, double radius, int step) {
  const double c = pose.scale * std::cos(pose.angle), s = pose.scale * std::sin(pose.angle), flip = pose.mirrored ? -1 : 1;
  const int top = std::max(0, static_cast<int>(std::ceil(left.y - radius)));
  const int bottom = std::min(left.height - 1, static_cast<int>(left.y + radius));
  const int first = std::max(0, static_cast<int>(std::ceil(left.x - radius)));
  const int last = std::min(left.width - 1, static_cast<int>(left.x + radius));
  double n = 0, all = 0, a = 0, b = 0, aa = 0, bb = 0, ab = 0;
  for (int y = top; y <= bottom; y += step) {
    for (int x = first; x <= last; x += step) {
      const double dx = x - left.x, dy = y - left.y;
      if (dx * dx + dy * dy > radius * radius) continue;
      all += 1;
      // A point of the left image at angle phi stands in the right one at flip * (phi + turn).
      const double u = pose.x + c * dx - s * dy, v = pose.y + flip * (s * dx + c * dy);
      if (u < 0 || v < 0 || u > right.width - 1 || v > right.height - 1) continue;
      const double p = left.pixels[static_cast<size_t>(y * left.width + x)], q = between(right, u, v);
      n += 1;
      a += p;
      b += q;
      aa += p * p;
      bb += q * q;
      ab += p * q;
    }
  }
  if (n < 0.6 * all || n < 9) return {-1, 0};
  const double varianceA = aa - a * a / n, varianceB = bb - b * b / n, covariance = ab - a * b / n;
  // Beneath the rounding of the sums there is nothing to compare.
  if (varianceA <= 1e-9 * aa || varianceB <= 1e-9 * bb) return {0, 0};
  const double correlation = covariance / std::sqrt(varianceA * varianceB);
  return {correlation, (1 - correlation * correlation) * std::max(varianceA, varianceB) / n};
}

// Sums over one circle.
struct CircleSums {
  double n = 0, a = 0, b = 0, aa = 0, bb = 0, ab = 0;
};

// The correlation of what is not the same all around: every circle's mean is taken off. Round smooth cells, which
// correlate well with each other, have little of it in common.
double measureDetail(const Portrait& left, const Portrait& right, const Pose& pose, double radius) {
  const double c = pose.scale * std::cos(pose.angle), s = pose.scale * std::sin(pose.angle), flip = pose.mirrored ? -1 : 1;
  std::vector<CircleSums> circles(static_cast<size_t>(radius) + 1);
  for (int y = 0; y < left.height; ++y) {
    for (int x = 0; x < left.width; ++x) {
      const double dx = x - left.x, dy = y - left.y, distance = std::sqrt(dx * dx + dy * dy);
      if (distance > radius) continue;
      const double u = pose.x + c * dx - s * dy, v = pose.y + flip * (s * dx + c * dy);
      if (u < 0 || v < 0 || u > right.width - 1 || v > right.height - 1) continue;
      const double p = left.pixels[static_cast<size_t>(y * left.width + x)], q = between(right, u, v);
      CircleSums& sum = circles[static_cast<size_t>(distance)];
      sum.n += 1;
      sum.a += p;
      sum.b += q;
      sum.aa += p * p;
      sum.bb += q * q;
      sum.ab += p * q;
    }
  }
  double aa = 0, bb = 0, ab = 0;
  for (const CircleSums& sum : circles) {
    if (sum.n == 0) continue;
    aa += sum.aa - sum.a * sum.a / sum.n;
    bb += sum.bb - sum.b * sum.b / sum.n;
    ab += sum.ab - sum.a * sum.b / sum.n;
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : 0;
}

// Steps are halved until they are fine; none of scale leaves it alone.
Pose refine(const Portrait& left, const Portrait& right, Pose pose, int step, Steps steps, int rounds, double& best) {
  const double radius = left.radius;
  best = measure(left, right, pose, radius, step).correlation;
  const int ways = steps.scale > 0 ? 8 : 6;
  for (int round = 0; round < rounds; ++round, steps = {steps.angle / 2, steps.shift / 2, steps.scale / 2}) {
    for (int again = 0; again < 3; ++again) {
      bool better = false;
      for (int way = 0; way < ways; ++way) {
        Pose next = pose;
        const double sign = way % 2 == 0 ? 1 : -1;
        if (way < 2) next.angle += sign * steps.angle;
        else if (way < 4) next.x += sign * steps.shift;
        else if (way < 6) next.y += sign * steps.shift;
        else next.scale *= 1 + sign * steps.scale;
        const double correlation = measure(left, right, next, radius, step).correlation;
        if (correlation <= best) continue;
        best = correlation;
        pose = next;
        better = true;
      }
      if (!better) break;
    }
  }
  return pose;
}

constexpr size_t turnsTried = 4;
constexpr double turnMargin = 0.08;
// A copy is beyond this after the coarse search, after one that may enlarge or reduce it, and after the finer one.
constexpr double worthScaling = 0.8, worthFine = 0.92, worthFinest = 0.96;
// A copy of the same size is beyond this after the coarse search, but for noise; else other sizes are tried.
constexpr double sameSize = 0.995;
// A size of its own must leave no more than this share of what is missing from 1.
constexpr double worthASize = 0.5;

}  // namespace

void Likeness::read(const ImageView& image, PortraitScratch& scratch) {
  makePortrait(image, portrait, scratch);
  polar.resize(static_cast<size_t>(R) * A);
  const double reach = 0.5 * std::min(portrait.height, portrait.width);
  for (int r = 0; r < R; ++r) {
    const double distance = (r + 0.5) / R * reach;
    for (int a = 0; a < A; ++a) {
      const auto i = static_cast<size_t>(a);
      polar[static_cast<size_t>(r * A + a)] =
          portrait.at(portrait.x + distance * circle.cosine[i], portrait.y + distance * circle.sine[i]);
    }
  }
}

void describeLikeness(const Likeness& image, float* dst) {
  std::array<double, likenessLength> energies{};
  double total = 0;
  for (int r = 0; r < R; ++r) {
    const float* ring = image.polar.data() + r * A;
    const size_t band = static_cast<size_t>(r / ringsPerBand) * M;
    for (int m = 0; m < M; ++m) {
      double real = 0, imaginary = 0;
      for (int a = 0; a < A; ++a) {
        const auto i = static_cast<size_t>(m * a % A);
        real += ring[a] * circle.cosine[i];
        imaginary += ring[a] * circle.sine[i];
      }
      if (m == 0) energies[band] += ringWeight(r) * real / A;
      else energies[band + static_cast<size_t>(m)] += ringWeight(r) * (real * real + imaginary * imaginary) / (A * A);
    }
    for (int a = 0; a < A; ++a) total += ringWeight(r) * ring[a] * ring[a] / A;
  }
  const double norm = total > 0 ? 1 / std::sqrt(total) : 0;
  for (int i = 0; i < likenessLength; ++i) {
    const double energy = energies[static_cast<size_t>(i)];
    dst[i] = static_cast<float>(norm * (i % M == 0 ? energy / std::sqrt(2.0 * R) : std::sqrt(energy)));
  }
}

Alignment alignLikeness(const Likeness& left, const Likeness& right, double gate) {
  const Turns turns(left.polar.data(), right.polar.data());
  Alignment result;
  if (turns.found().empty()) return result;
  result.correlation = turns.found()[0].correlation;
  if (result.correlation < gate) return result;
  const Portrait &a = left.portrait, &b = right.portrait;
  if (std::min({a.height, a.width, b.height, b.width}) < 2) return result;
  Pose best{};
  double height = -2;
  for (size_t i = 0; i < std::min(turnsTried, turns.found().size()); ++i) {
    const Turn& turn = turns.found()[i];
    if (turn.correlation < result.correlation - turnMargin) break;
    double correlation;
    const Pose pose = refine(a, b, {2 * pi * turn.angle / A, turn.mirrored, b.x, b.y}, 3, {pi / A, 1.5, 0}, 2, correlation);
    if (correlation <= height) continue;
    height = correlation;
    best = pose;
  }
  if (height > worthScaling && height < sameSize) {
    double scaled;
    const Pose other = refine(a, b, best, 3, {pi / (2 * A), 0.75, 0.08}, 2, scaled);
    if (1 - scaled < worthASize * (1 - height)) {
      best = other;
      height = scaled;
    }
  }
  const bool sized = best.scale != 1;
  result.correlation = height;
  if (height < worthFine) return result;
  best = refine(a, b, best, 2, {pi / (2 * A), 0.75, sized ? 0.03 : 0}, 2, height);
  result.correlation = height;
  if (height < worthFinest) return result;
  best = refine(a, b, best, 1, {pi / (8 * A), 0.19, sized ? 0.01 : 0}, sized ? 3 : 2, height);
  const Fit fit = measure(a, b, best, a.radius, 1);
  const double noise = a.noise * a.noise + b.noise * b.noise;
  result.correlation = fit.correlation;
  result.detail = measureDetail(a, b, best, a.radius);
  result.residual = fit.residual > 0 ? std::sqrt(fit.residual / std::max(noise, 1e-12)) : 0;
  result.degrees = std::remainder(best.angle * 180 / pi, 360.0);
  result.mirrored = best.mirrored;
  const double dx = a.x - 0.5 * (a.width - 1), dy = a.y - 0.5 * (a.height - 1);
  const double c = best.scale * std::cos(best.angle), s = best.scale * std::sin(best.angle), flip = best.mirrored ? -1 : 1;
  result.scale = best.scale;
  result.shiftX = (best.x - 0.5 * (b.width - 1) - (c * dx - s * dy)) / b.width;
  result.shiftY = (best.y - 0.5 * (b.height - 1) - flip * (s * dx + c * dy)) / b.height;
  return result;
}

}  // namespace brightcell
