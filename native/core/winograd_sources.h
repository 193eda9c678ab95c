// Turns padded images into transformed tiles: [36][T][D] where the channels stand in the vectors, or [36][D][T] where
// tiles do, for sources of few channels. The latter's rows are transformed once an image, for all tiles that read them.
#pragma once
#include "core/winograd_plan.h"

namespace brightcell::winograd {

class Sources {
 public:
  explicit Sources(const Plan& plan);

  int64_t scratchFloats() const;
  int64_t paddedStep() const { return roundUp(p_.source.size(), 16) + residues_ * sampleRow_ + skew; }

  // Pads the images of a group into the scratch.
  void read(const Features& src, Images images, float* scratch) const;
  // Tiles [first, first + count) of the group; in vectors across tiles they are whole rows of tiles.
  void transform(const float* scratch, int64_t first, int64_t count, float* dst) const;

 private:
  int64_t rowStep() const;
  int64_t columnIndex(int x) const;
  void transformRows(const float* padded, float* rows) const;
  void spread(const float* row, float* samples) const;
  void spreadByHalves(const float* row, float* samples) const;
  void transformColumns(const float* rows, int64_t tileRow, float* dst) const;

  const Plan& p_;
  std::vector<int> columns_;  // where parts of the kernel begin, each once
  int residues_ = 0;          // samples from one tile of a row to the next
  bool byHalves_ = false;
  int64_t sampleRow_ = 0;
};

}  // namespace brightcell::winograd
