// Shapes of foreground parts: how long, how convex, how cut off. Lengths are in raw pixels, so that a working image
// that was reduced more along one side gives the same shape.
#pragma once
#include "core/foreground.h"

namespace brightcell {

struct PixelPitch {
  double x, y;  // raw pixels a working pixel
};

struct ObjectShape {
  double aspect;      // spread along the columns over spread along the rows
  double ellipseFit;  // area over the area of the ellipse of the same second moments; 1 for an ellipse
  double waist;       // narrowest place between two wider ones along the major axis: 0 convex, 1 parted
};

// Of one object, or, as if they were one, of all parts of `labels` of at least `smallest` pixels.
ObjectShape measureShape(const int32_t* labels, int width, const Component& object, PixelPitch pitch);
Component joinComponents(const std::vector<Component>& parts, int64_t smallest);

// Distance from the centre to the furthest pixel of the parts of at least 6 pixels, over that of the ellipse with
// the second moments of `whole`: 1 for an ellipse, more where something sticks out.
double measureReach(const int32_t* labels, int width, const Component& whole, const std::vector<Component>& parts);

// Area over the area of the convex hull, of the object with this label or, at label 0, of all parts whose number
// of pixels is at least `smallest`.
double measureSolidity(const int32_t* labels, int height, int width, const std::vector<Component>& parts, int label,
                       int64_t smallest, std::vector<float>& points);

// Share of the object's outline that the image's border makes: 0 for a whole cell, about 0.3 for half a disc.
double borderContact(const Foreground& found, const Component& object);

}  // namespace brightcell
