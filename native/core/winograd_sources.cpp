#include "core/winograd_sources.h"

#include <algorithm>

#include "core/instruction_set.h"

namespace brightcell::winograd {

Sources::Sources(const Plan& plan) : p_(plan) {
  if (!p_.acrossTiles) return;
  for (const Part& part : p_.parts)
    if (std::find(columns_.begin(), columns_.end(), part.x) == columns_.end()) columns_.push_back(part.x);
  residues_ = side * p_.layer.window.strideX;
  byHalves_ = p_.channels == 1 && (residues_ & (residues_ - 1)) == 0;
  sampleRow_ = roundUp(std::max<int64_t>(p_.gridX + points, p_.source.width / residues_ + 1), kernels().lanes);
}

int64_t Sources::scratchFloats() const {
  const int64_t padded = p_.group * paddedStep();
  return p_.acrossTiles ? padded + p_.source.height * rowStep() + 2 * residues_ * sampleRow_ : padded;
}

void Sources::read(const Features& src, Images images, float* scratch) const {
  for (int64_t i = 0; i < images.count(); ++i) {
    float* padded = scratch + i * paddedStep();
    padImage(src, images.first + i, p_.source, padded);
    std::fill(padded + p_.source.size(), padded + paddedStep(), 0.0f);
    if (p_.acrossTiles) transformRows(scratch, scratch + paddedStep());
  }
}

void Sources::transform(const float* scratch, int64_t first, int64_t count, float* dst) const {
  const Window& w = p_.layer.window;
  if (p_.acrossTiles) {
    for (int64_t t = 0; t < count; t += p_.gridX)
      transformColumns(scratch + paddedStep(), (first + t) / p_.gridX, dst + t);
    return;
  }
  for (int64_t t = 0; t < count; ++t) {
    const TileAt tile = p_.tileAt(first + t);
    const float* corner = scratch + tile.image * paddedStep() + p_.sourceOffset(tile);
    float* into = dst + t * p_.depth;
    for (const Part& part : p_.parts) {
      kernels().winogradSource(corner + p_.source.at(part.y, part.x), w.strideY * p_.source.rowStep(),
                               w.strideX * p_.source.step, p_.channels, into, p_.sourceStep());
      into += p_.channels;
    }
  }
}

// [row][C][column of parts][fx][tiles of the row]
int64_t Sources::rowStep() const {
  return p_.channels * static_cast<int64_t>(columns_.size()) * points * p_.gridX + skew;
}

int64_t Sources::columnIndex(int x) const {
  return std::find(columns_.begin(), columns_.end(), x) - columns_.begin();
}

void Sources::transformRows(const float* padded, float* rows) const {
  float* samples = rows + p_.source.height * rowStep();
  for (int y = 0; y < p_.source.height; ++y)
    for (int64_t c = 0; c < p_.channels; ++c) {
      spread(padded + y * p_.source.rowStep() + c, samples);
      for (size_t i = 0; i < columns_.size(); ++i) {
        const float* at[points];
        for (int j = 0; j < points; ++j) {
          const int x = p_.layer.window.strideX * j + columns_[i];
          at[j] = samples + x % residues_ * sampleRow_ + x / residues_;
        }
        kernels().winogradRow(at, p_.gridX, rows + y * rowStep() + (c * columns_.size() + i) * points * p_.gridX,
                              p_.gridX);
      }
    }
}

// Sample x of the row goes to [x mod (4 strides)][x div (4 strides)]: what one tap of all tiles reads is a run.
void Sources::spread(const float* row, float* samples) const {
  if (byHalves_) return spreadByHalves(row, samples);
  for (int r = 0; r < residues_; ++r) {
    float* to = samples + r * sampleRow_;
    const float* from = row + r * p_.channels;
    const int64_t step = static_cast<int64_t>(residues_) * p_.channels;
    for (int x = r; x < p_.source.width; x += residues_, from += step) *to++ = *from;
    std::fill(to, samples + (r + 1) * sampleRow_, 0.0f);
  }
}

// Even from odd, as often as it takes; what stands behind the row is read along.
void Sources::spreadByHalves(const float* row, float* samples) const {
  const int64_t all = residues_ * sampleRow_;
  const float* from = row;
  float *to = samples, *other = samples + all;
  for (int m = 4; m <= residues_; m *= 2) std::swap(to, other);  // so that the last step ends in `samples`
  for (int m = 1; m < residues_; m *= 2) {
    const int64_t length = all / m, half = length / 2;
    for (int r = 0; r < m; ++r)
      kernels().splitPairs(from + r * length, half, to + r * half, to + (r + m) * half);
    from = to;
    std::swap(to, other);
  }
}

void Sources::transformColumns(const float* rows, int64_t tileRow, float* dst) const {
  const int stride = p_.layer.window.strideY;
  int64_t d = 0;
  for (const Part& part : p_.parts)
    for (int64_t c = 0; c < p_.channels; ++c, ++d)
      kernels().winogradColumns(
          rows + (stride * side * tileRow + part.y) * rowStep() +
              (c * columns_.size() + columnIndex(part.x)) * points * p_.gridX,
          stride * rowStep(), p_.gridX, p_.gridX, dst + d * p_.batch, p_.sourceStep());
}

}  // namespace brightcell::winograd
