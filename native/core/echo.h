// A ghost is the cell once more, fainter and shifted along the scan axis: an echo, found in the autocorrelation.
#pragma once
#include <vector>

#include "core/foreground.h"

namespace brightcell {

struct Echo {
  double strength;    // height of the highest peak away from no shift, over that of no shift
  double prominence;  // the same, over the root mean square at all shifts looked at
};

Echo findEcho(const Foreground& found, std::vector<float>& buffer);

}  // namespace brightcell
