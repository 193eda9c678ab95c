// The direct way in bfloat16: windows of an image rounded once, of which two numbers that follow each other in a window
// are a word. For the gradient of the weights a word is of two positions that follow each other in a row, for that of
// the source of two filters.
#pragma once
#include "core/convolution.h"

namespace brightcell {

void addPairForward(const ConvLayer& layer, Precision precision, std::vector<ConvCandidate<ConvForward>>& candidates);
void addPairBackward(const ConvLayer& layer, bool diffSource, Precision precision,
                     std::vector<ConvCandidate<ConvBackward>>& candidates);

}  // namespace brightcell
