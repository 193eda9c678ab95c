// A first layer straight from stored bytes. Normalising is gain * (pixel - level), so with weights w the layer is
//   gain * (sum of w * pixel - level * sum of w) + bias,
// where sums are over the taps inside the image: what is outside is zero after normalising. Pixels and rounded weights
// are whole numbers, and so is their sum, exactly.
#pragma once
#include "core/convolution.h"

namespace brightcell {

// The name of the way, the only one that reads Features::stored.
inline constexpr char bytesWay[] = "bytes";

void addByteForward(const ConvLayer& layer, Precision precision, std::vector<ConvCandidate<ConvForward>>& candidates);

}  // namespace brightcell
