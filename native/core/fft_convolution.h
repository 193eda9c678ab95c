// Convolution by Fourier transform, for kernels of middle size at stride 1: tiles of 16 x 16 positions, of which a
// kernel of k leaves 17 - k a side; a multiplication of a spectrum's number does the work of k * k. For 6 x 6 that is
// 3.2 real multiply-adds an output and channel instead of 36.
#pragma once
#include "core/convolution.h"

namespace brightcell {

void addFftForward(const ConvLayer& layer, Precision precision, std::vector<ConvCandidate<ConvForward>>& candidates);
void addFftBackward(const ConvLayer& layer, bool diffSource, Precision precision,
                    std::vector<ConvCandidate<ConvBackward>>& candidates);

}  // namespace brightcell
