#include "core/fft_spectra.h"

#include <algorithm>
#include <cstring>

#include "core/parallel.h"

namespace brightcell {
namespace {

uint32_t pairOf(float re, float im) {
  const auto rounded = [](float x) {
    uint32_t bits;
    std::memcpy(&bits, &x, 4);
    return bits + 0x7fff + ((bits >> 16) & 1);
  };
  return rounded(re) >> 16 | (rounded(im) & 0xffff0000u);
}

}  // namespace

KernelSpectrum::KernelSpectrum(int depth, int columns, const Window& window, Precision precision)
    : depth_(depth), columns_(columns), window_(window), precision_(precision) {}

void KernelSpectrum::prepare(const Weight& weight) {
  float* to = data_.reserve(fftFrequencies * frequencyStep());
  parallelFor(depth_, [&](std::ptrdiff_t k, int) { prepareRow(weight, k, to); });
}

void KernelSpectrum::multiply(const Spectra& from, int64_t tiles, int group, int frequency, const Spectra& to) const {
  const float* b = data_.data() + (fftFirst(group) + frequency) * frequencyStep();
  for (int64_t n = 0; n < wholeVectors(columns_); n += kernels().panel) {
    const int width = widthOf(n);
    float* c = to.at(0, frequency) + n;
    if (precision_ == Precision::bfloat16)
      kernels().fft->multiplyPairs({from.pairs(0, frequency), from.tileStep, 1,
                                    reinterpret_cast<const uint32_t*>(b), 2 * width, width, c, to.tileStep,
                                    to.channels, static_cast<int>(tiles), width, depth_, false, false});
    else
      kernels().fft->multiply({from.at(0, frequency), from.tileStep, 1, from.channels, b, 2 * width, width, c,
                               to.tileStep, to.channels, static_cast<int>(tiles), width, depth_, false, false});
    b += 2 * depth_ * width;
  }
}

int KernelSpectrum::widthOf(int64_t column) const {
  return static_cast<int>(std::min<int64_t>(kernels().panel, wholeVectors(columns_) - column));
}

void KernelSpectrum::prepareRow(const Weight& weight, int64_t k, float* to) const {
  const int lanes = kernels().lanes;
  const FftKernels& fft = *kernels().fft;
  std::vector<float> taps(window_.area() * lanes), rows(fftGroups * 2 * window_.height * lanes),
      numbers(3 * fftGroupFrequencies * lanes);
  const int64_t groupStep = 2 * window_.height * lanes;
  const FftSource source{taps.data(), window_.width * lanes, lanes, 0, window_.height, 0, window_.width, nullptr,
                         nullptr};
  for (int64_t n = 0; n < columns_; n += lanes) {
    for (int tap = 0; tap < window_.area(); ++tap)
      for (int64_t i = 0; i < lanes; ++i)
        taps[tap * lanes + i] =
            n + i < columns_ ? weight(k, n + i, tap / window_.width, tap % window_.width) : 0.0f;
    fft.rows(source, window_.height, rows.data(), groupStep);
    for (int group = 0; group < fftGroups; ++group) {
      fft.columns(rows.data() + group * groupStep, window_.height, group == 0, numbers.data(), 3 * lanes, lanes);
      for (int f = 0; f < fftCount(group); ++f)
        storeNumbers(numbers.data() + 3 * f * lanes, k, n, to + (fftFirst(group) + f) * frequencyStep());
    }
  }
}

void KernelSpectrum::storeNumbers(const float* numbers, int64_t k, int64_t n, float* to) const {
  const int lanes = kernels().lanes;
  const int64_t panel = n / kernels().panel * kernels().panel;
  const int width = widthOf(panel);
  float* at = to + 2 * (panel * depth_ + k * width) + n - panel;
  for (int i = 0; i < lanes; ++i) {
    const float re = numbers[i] * fftUnit, im = -numbers[lanes + i] * fftUnit;
    if (precision_ == Precision::bfloat16) {
      const uint32_t straight = pairOf(re, -im), crossed = pairOf(im, re);
      std::memcpy(at + i, &straight, 4);
      std::memcpy(at + width + i, &crossed, 4);
    } else {
      at[i] = re;
      at[width + i] = im;
    }
  }
}

namespace {

// A tile of an image whose first position would stand at (y, x); what is outside the image is zero.
FftSource tileOf(const Features& src, int64_t image, int y, int x, int height, int width) {
  const Shape& s = src.shape;
  const int64_t row = static_cast<int64_t>(s.width) * s.channels;
  return {src.data + image * s.size() + y * row + static_cast<int64_t>(x) * s.channels,
          row,
          s.channels,
          std::max(0, -y),
          std::min(height, s.height - y),
          std::max(0, -x),
          std::min(width, s.width - x),
          src.scale,
          src.shift};
}

}  // namespace

void transformRows(const Features& src, Images images, const Tiling& tiling, int height, int width, int top, int left,
                   const RowSpectra& to) {
  const int lanes = kernels().lanes;
  int64_t tile = 0;
  for (int64_t image = images.first; image < images.last; ++image)
    for (int y = 0; y < tiling.rows; ++y)
      for (int x = 0; x < tiling.columns; ++x, ++tile) {
        FftSource s = tileOf(src, image, y * tiling.height - top, x * tiling.width - left, height, width);
        for (int64_t v = 0; v < to.vectors; ++v) {
          kernels().fft->rows(s, to.rows, to.at(tile, v), to.groupStep);
          s.src += lanes;
          if (s.scale) s.scale += lanes, s.shift += lanes;
        }
      }
}

void transformColumns(const RowSpectra& from, int64_t first, int64_t tiles, int group, Precision precision,
                      const Spectra& to) {
  const FftKernels& fft = *kernels().fft;
  const int lanes = kernels().lanes;
  for (int64_t t = 0; t < tiles; ++t)
    for (int64_t v = 0; v < from.vectors; ++v) {
      const float* src = from.at(first + t, v) + group * from.groupStep;
      if (precision == Precision::bfloat16)
        fft.columnPairs(src, from.rows, group == 0, to.pairs(t, 0) + v * lanes, to.frequencyStep);
      else fft.columns(src, from.rows, group == 0, to.at(t, 0) + v * lanes, to.frequencyStep, to.channels);
    }
}

void inverseColumns(const Spectra& from, int64_t first, int64_t tiles, int group, const RowSpectra& to) {
  for (int64_t t = 0; t < tiles; ++t)
    for (int64_t v = 0; v < to.vectors; ++v)
      kernels().fft->inverseColumns(from.at(t, 0) + v * kernels().lanes, from.frequencyStep, from.channels,
                                    group == 0, to.rows, to.at(first + t, v) + group * to.groupStep);
}

}  // namespace brightcell
