// Weights of a convolution as whole numbers, for sources of unsigned bytes: words of four signed bytes that follow each
// other in a row of the window, and a scale a filter. F filters, C channels, planes of the source stand one behind the other.
#pragma once
#include <vector>

#include "core/buffer.h"
#include "core/convolution.h"

namespace brightcell {

// The words of a panel of filters, see ByteTile: those of all its filters, then those that one vector of filters has for
// itself. Offsets are into a source whose rows and planes are so many bytes apart.
struct BytePanel {
  std::vector<int32_t> offsets;
  int shared = 0, coarse = 0, own[2] = {};
  std::vector<uint32_t> words;  // [shared][Kernels::panel], [own][Kernels::lanes]
};

struct ByteWeights {
  // From weights [F, kernel rows, kernel columns, C]. On all threads.
  void round(const ConvLayer& layer, const float* weights, int64_t rowStep, int64_t planeStep);

  std::vector<BytePanel> panels;
  std::vector<float> scales;    // [F]
  std::vector<int32_t> wholes;  // [F, C, kernel rows, kernel columns]: what the words of a tap come to
};

}  // namespace brightcell
