// The motion of the camera: the similarity that most of the picture follows.
#pragma once

#include "regions/cells.h"

namespace attp {

// Flow at (x, y), in luma pixels from the middle of the picture: u = tx + zoom x - turn y, v = ty + turn x + zoom y, in
// luma pixels per picture interval.
struct CameraMotion {
    float tx = 0.0f, ty = 0.0f;
    float zoom = 0.0f, turn = 0.0f;
    float scatter_px = 0.0f;  // median distance of the picture's vectors from it
    float support = 0.0f;     // share of the picture's weight that follows it, 0 to 1

    float u(float x, float y) const { return tx + zoom * x - turn * y; }
    float v(float x, float y) const { return ty + turn * x + zoom * y; }
};

// Robust: iteratively reweighted least squares with Tukey's biweight, begun from a camera that stands still, from the one before, and
// from the median of all vectors; the best supported one wins, and among equals the first of these. Cells with coded residual, where
// there is something to see, weigh more. A grid without motion gives no motion.
CameraMotion estimate_camera(const CellGrid& grid, const CameraMotion& before);

}  // namespace attp
