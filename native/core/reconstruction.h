// The decoder's loss: how far what it makes stands from what the network was given.
#pragma once
#include "core/block.h"

namespace brightcell {

// Sum over the images of the mean over channels and positions of (result - target)^2; writes its gradient times
// `scale` to diff. target and diff: [N, H, W, C].
double reconstructionLoss(const Features& result, const float* target, int64_t count, double scale, float* diff);

}  // namespace brightcell
