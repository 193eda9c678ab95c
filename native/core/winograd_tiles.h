// What the ways of Winograd's convolution have in common; T, D, F and the frequencies as in winograd_plan.h.
#pragma once
#include "core/winograd_plan.h"

namespace brightcell::winograd {

// The weights [F, kernel rows, kernel columns, C] for the result: to [36][panel of F][D][panel], whose frequencies are
// resultWeightStep apart. On all threads.
int64_t resultWeightStep(const Plan& plan);
void transformResultWeights(const Plan& plan, const float* weights, float* dst);

// A tile's rows, [6 frequencies in x][4] `step` floats apart, to its cells of the image's result, or to the image's map
// `wide` where the plan does not pool in tiles.
void writeResult(const Plan& plan, const TileAt& tile, const float* rows, int64_t step, const float* bias,
                 float* result, uint8_t* place, float* wide);

// The weights for the gradient of the source: to [36][panel of D][F][panel], whose
// frequencies are weightStep apart. On all threads.
int64_t sourceWeightStep(const Plan& plan);
void transformSourceWeights(const Plan& plan, const float* weights, float* dst);

// Sums of products [36][D][F], whose frequencies are sumStep apart, added to a gradient laid out like the weights. On
// all threads.
int64_t sumStep(const Plan& plan);
void addSumsToWeights(const Plan& plan, const float* sums, float* gradient);

// The gradient of a tile as frequencies in x of each of its rows, [6][4], `step` floats apart. diff and place are those
// of the tile's image, wide its gradient in the convolution's own map, which a plan that pools in tiles does not read.
void spreadGradient(const Plan& plan, const TileAt& tile, const float* diff, const uint8_t* place, const float* wide,
                    float* rows, int64_t step);

// The gradients of transformed sources, tiles [first, first + count) of a group, added to the padded images of the
// group, which are imageStep apart.
void addToSources(const Plan& plan, const float* transformed, int64_t first, int64_t count, float* padded,
                  int64_t imageStep);

}  // namespace brightcell::winograd
