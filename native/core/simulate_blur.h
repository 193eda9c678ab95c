// Gaussian blur of a float image in place, with its own deviation each way, in pixels; outside is zero.
#pragma once
#include <vector>

namespace brightcell::simulate {

void blurImage(float* image, int rows, int columns, double sigmaRows, double sigmaColumns, std::vector<float>& work,
               std::vector<float>& kernel);

}  // namespace brightcell::simulate
