// Time-stretch bright-field images of single cells, drawn with known truth. Lengths are micrometres unless a name
// says pixels; H rows are the slow direction, W columns are time, which is sampled more densely. Every cell is
// drawn from (seed, index) alone and every session from (seed, session) alone, so neither threads nor chunks
// show in the pixels.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "core/random.h"

namespace brightcell::simulate {

inline constexpr int typeCount = 4;
inline constexpr std::array<const char*, typeCount> typeNames = {"THP1", "MCF7", "MB231", "PBMC"};
enum CellType { THP1, MCF7, MB231, PBMC };

inline constexpr int truthCount = 7;
inline constexpr std::array<const char*, truthCount> truthNames = {"good",  "empty",     "cut",   "defocused",
                                                                   "ghost", "two-cells", "debris"};
enum Truth { good, empty, cut, defocused, ghost, twoCells, debris };

inline constexpr int minRows = 21, maxRows = 68, minColumns = 102, maxColumns = 440;

struct Options {
  uint64_t seed = 0;
  bool confounded = false;   // every session holds one type only, with settings that tell it
  double faults = 0.12;      // share of spoiled images, all kinds alike
  int sessions = 12;
  std::array<double, typeCount> weights = {1, 1, 1, 1};
};

// One run of the instrument: what all its images share.
struct Session {
  bool relief;                           // shading on a dark background; otherwise dark cells on a bright one
  double level;                          // background, gray levels of 255
  double contrast;                       // gray levels per unit of signal
  double rows, columns;                  // usual raw size in pixels
  double pitchY, pitchX;                 // micrometres a pixel
  double gradientX, gradientY, bowX, bowY, band, bandAt, bandWidth;  // illumination, fractions of the level
  double stripes, lines;                 // column and row patterns, gray levels
  double stripeLength;                   // pixels over which stripes keep together
  double shot, read, noiseMemory;        // gray levels; share of the noise of the pixel before
  double blur;                           // standard deviation of the optics
  double direction;                      // of the shading, radians; 0 lights the left side
  double shading, body, rim, halo, haloSide;  // weights of the parts of the signal
};

// Contour r(angle) about a centre, in polar samples; angle 0 points right, pi/2 down.
struct Contour {
  static constexpr int samples = 256;
  std::array<float, samples + 1> radius;
  double left, right, top, bottom;  // extents about the centre

  // Linear between samples; angle in [-pi, pi].
  float at(float angle) const {
    const float position = (angle + 3.14159265f) * static_cast<float>(samples / 6.283185307179586);
    const int index = std::clamp(static_cast<int>(position), 0, samples - 1);
    return radius[index] + (position - static_cast<float>(index)) * (radius[index + 1] - radius[index]);
  }
  float largest() const { return *std::max_element(radius.begin(), radius.end()); }
  void measure();
  void scale(double factor);
};

struct Granule {
  float x, y, sigma, weight;  // about the cell's centre; positive is denser
};

// One cell before optics.
struct CellShape {
  CellType type;
  double radius, aspect, nucleusRatio, roughness;
  Contour outline, nucleus;
  double nucleusX, nucleusY, nucleusDensity;
  double ringWidth, ringStrength, ringRagged;
  double texture, textureLength;
  uint64_t textureSeed;
  std::vector<Granule> granules;
};

// All that decides one image.
struct Scene {
  int64_t index;
  int session;
  CellType type;
  Truth truth;
  int rows, columns;           // raw size
  double height, width;        // field of view
  double x, y;                 // centre of the cell
  double blur;                 // standard deviation, focus included
  double gain;                 // of the contrast
  double outside;              // share of the cell's area beyond the frame
  std::vector<CellShape> cells;            // none, one or two
  std::vector<std::array<double, 2>> centres;
  double ghostX, ghostY, ghostWeight;      // displaced copy; weight 0 for none
  std::vector<CellShape> specks;
  std::vector<std::array<double, 2>> speckCentres;
};

// Settings of session `session` of `options.sessions`.
Session drawSession(const Options& options, int session);
// A healthy cell of the type, with its own draw of size, nucleus, granules and edge.
CellShape drawCell(CellType type, Random& random);
// What image `index` shows.
Scene drawScene(const Options& options, const std::vector<Session>& sessions, int64_t index);

// Buffers that one thread keeps from image to image.
struct RenderScratch {
  std::vector<float> phase, signal, work, kernel, frame, stripes;
};

// Writes the raw image, scene.rows x scene.columns uint8, to dst.
void renderScene(const Options& options, const Session& session, const Scene& scene, uint8_t* dst,
                 RenderScratch& scratch);

}  // namespace brightcell::simulate
