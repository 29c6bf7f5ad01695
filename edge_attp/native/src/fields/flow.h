// Apparent motion from vectors: the one place that knows what a vector means in time.
#pragma once

#include "h26x/picture.h"

namespace attp {

// See attp_picture_flow().
void compute_flow(const Picture& picture, float* flow);

}  // namespace attp
