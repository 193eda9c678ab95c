// Convolutions with few filters, stride 1 and no pool. Filters would leave most of a vector empty, so vectors run along
// the windows (forward) and along the channels (backward); and the source, which is many times as large as the result,
// is read once, row by row, without a padded copy of it.
#pragma once
#include "core/convolution.h"

namespace brightcell {

void addFewForward(const ConvLayer& layer, std::vector<ConvCandidate<ConvForward>>& candidates);
void addFewBackward(const ConvLayer& layer, bool diffSource, std::vector<ConvCandidate<ConvBackward>>& candidates);

}  // namespace brightcell
