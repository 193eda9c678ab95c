// Convolution by Winograd's F(4x4, 3x3): a fourth of the multiply-adds for a 3 x 3 kernel. Any kernel is a sum of 3 x 3
// blocks over shifted sources, and a stride s is a stride of 1 over s x s phase images: so an 11 x 11 kernel at stride 2
// over one map is a 3 x 3 kernel over 16 (4 phases, 4 blocks), and a 6 x 6 one at stride 2 over 32 maps is a 3 x 3 one
// over 128.
#pragma once
#include "core/convolution.h"

namespace brightcell {

void addWinogradForward(const ConvLayer& layer, Precision precision,
                        std::vector<ConvCandidate<ConvForward>>& candidates);
void addWinogradBackward(const ConvLayer& layer, bool diffSource, Precision precision,
                         std::vector<ConvCandidate<ConvBackward>>& candidates);

}  // namespace brightcell
