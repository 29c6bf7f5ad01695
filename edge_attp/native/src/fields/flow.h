// Apparent motion from vectors.
#pragma once

#include <vector>

#include "fields/planes.h"

namespace attp {

// The flow of one quarter sample of a vector to this reference: -1 / (4 d) luma pixels per picture interval, where d is the number
// of pictures from the reference to this picture in display order.
struct FlowScale {
    int32_t decode_index;
    float scale;
};

// In 4x4 blocks of the coded picture.
struct BlockWindow {
    int x4, y4, width4, height4;
};

// flow: 2 x height4 x width4, x plane then y plane. It is the mean over the lists that a block uses; blocks without motion and
// references that `scales` does not list count as 0.
void compute_flow(const MotionPlanes& motion, const BlockWindow& window, const std::vector<FlowScale>& scales,
                  float* flow);

}  // namespace attp
