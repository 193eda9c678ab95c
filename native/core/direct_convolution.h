// The plain way, for any convolution: windows are read where they stand, as rows of a matrix product. And a backward
// that does work only where the gradient is not zero: after a max pool of 2 x 2 at least three quarters are zero, and
// a ReLU leaves an eighth to a fourth.
#pragma once
#include "core/convolution.h"

namespace brightcell {

void addDirectForward(const ConvLayer& layer, std::vector<ConvCandidate<ConvForward>>& candidates);
void addDirectBackward(const ConvLayer& layer, bool diffSource, std::vector<ConvCandidate<ConvBackward>>& candidates);

}  // namespace brightcell
