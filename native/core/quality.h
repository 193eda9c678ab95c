// Quality of a raw image in numbers, for screening. Names, units and meaning: docs/screening.md.
#pragma once
#include "core/prepare.h"

namespace brightcell {

inline constexpr int qualityCount = 24;
// In the order in which measureQuality gives them.
extern const char* const qualityNames[qualityCount];

// Measures a gray image of H x W pixels with values from 0 to `range` (255 or 65535).
void measureQuality(const float* gray, int height, int width, float range, float* quality, PrepareScratch& scratch);

}  // namespace brightcell
