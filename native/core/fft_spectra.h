// Spectra of tiles and kernels, as convolution by Fourier transform keeps them (kernels/fft.h says how a tile is
// transformed). K is the depth and N the columns of a product of spectra.
#pragma once
#include <functional>

#include "core/convolution.h"
#include "core/instruction_set.h"
#include "kernels/fft.h"

namespace brightcell {

inline int64_t wholeVectors(int channels) { return roundUp(channels, kernels().lanes); }

// A domain cut into tiles of height x width.
struct Tiling {
  int height, width, rows, columns;
  Tiling(const Window& w, Shape domain)
      : height(fftSide + 1 - w.height),
        width(fftSide + 1 - w.width),
        rows((domain.height + height - 1) / height),
        columns((domain.width + width - 1) / width) {}
  int64_t count() const { return static_cast<int64_t>(rows) * columns; }
};

// Tiles after the transform of their rows: [group][tile][vector][row][re, im][lanes].
struct RowSpectra {
  float* data = nullptr;
  int rows;
  int64_t vectors, groupStep;
  RowSpectra(int rows, int channels, int64_t tiles)
      : rows(rows), vectors(wholeVectors(channels) / kernels().lanes), groupStep(tiles * tileStep() + 16) {}
  int64_t vectorStep() const { return 2 * rows * kernels().lanes; }
  int64_t tileStep() const { return vectors * vectorStep(); }
  int64_t size() const { return fftGroups * groupStep; }
  float* at(int64_t tile, int64_t vector) const { return data + tile * tileStep() + vector * vectorStep(); }
};

// The frequencies of one group: [tile][frequency][part][channel]; three parts for float32, one of pairs for bfloat16,
// two of what a product gives.
struct Spectra {
  float* data = nullptr;
  int64_t channels, frequencyStep, tileStep;
  Spectra(int channels, int parts)
      : channels(wholeVectors(channels)),
        frequencyStep(parts * this->channels),
        tileStep(fftGroupFrequencies * frequencyStep + 16) {}
  float* at(int64_t tile, int frequency) const { return data + tile * tileStep + frequency * frequencyStep; }
  uint32_t* pairs(int64_t tile, int frequency) const { return reinterpret_cast<uint32_t*>(at(tile, frequency)); }
};

inline int partsOf(Precision precision) { return precision == Precision::bfloat16 ? 1 : 3; }

// The conjugate spectrum of a kernel, divided by 256: [frequency][panel][K][part][panel's columns].
class KernelSpectrum {
 public:
  using Weight = std::function<float(int64_t k, int64_t n, int y, int x)>;

  KernelSpectrum(int depth, int columns, const Window& window, Precision precision);
  // On all threads.
  void prepare(const Weight& weight);
  // The first `tiles` spectra of `from` times this, at one frequency of a group.
  void multiply(const Spectra& from, int64_t tiles, int group, int frequency, const Spectra& to) const;

 private:
  int64_t frequencyStep() const { return 2 * depth_ * wholeVectors(columns_); }
  int widthOf(int64_t column) const;
  void prepareRow(const Weight& weight, int64_t k, float* to) const;
  void storeNumbers(const float* numbers, int64_t k, int64_t n, float* to) const;

  int depth_, columns_;
  Window window_;
  Precision precision_;
  Buffer<float> data_;
};

// What a spectrum is multiplied by where the way back does not divide.
constexpr float fftUnit = 1.0f / (fftSide * fftSide);

// Rows of all tiles of `images`: windows of height x width that start `top` and `left` of each tile's place.
void transformRows(const Features& src, Images images, const Tiling& tiling, int height, int width, int top, int left,
                   const RowSpectra& to);
// Columns of tiles [first, first + tiles) of a group, and the way back.
void transformColumns(const RowSpectra& from, int64_t first, int64_t tiles, int group, Precision precision,
                      const Spectra& to);
void inverseColumns(const Spectra& from, int64_t first, int64_t tiles, int group, const RowSpectra& to);

}  // namespace brightcell
