// A ghost is the cell once more, fainter and shifted along the scan axis: an echo, found in the autocorrelation.
#pragma once
#include <vector>

#include "core/foreground.h"

namespace brightcell {

struct Echo {
  double strength;  // height of the echo's peak above what surrounds it, over the autocorrelation at no shift
  double shift;     // columns, working pixels
};

Echo findEcho(const Foreground& found, std::vector<float>& buffer);

}  // namespace brightcell
