// Winograd's way for layers of many channels and filters (letters as in winograd_plan.h). Their weights and sums
// [36][D][F] take megabytes: read (and written) again for each few tiles, they set the pace, and so many sums cannot be
// kept that every thread has its own. So the images of a block are transformed first; then each task makes the products
// of one frequency, for some of the tiles or some of the sums; then these are turned back. There is one set of sums,
// whose parts stay in a core's cache while the tiles go by.
#pragma once
#include "core/convolution.h"

namespace brightcell {

void addWinogradWideForward(const ConvLayer& layer, Precision precision,
                            std::vector<ConvCandidate<ConvForward>>& candidates);
void addWinogradWideBackward(const ConvLayer& layer, bool diffSource, Precision precision,
                             std::vector<ConvCandidate<ConvBackward>>& candidates);

}  // namespace brightcell
