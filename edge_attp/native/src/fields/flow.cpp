#include "fields/flow.h"

namespace attp {

void compute_flow(const MotionPlanes& m, const BlockWindow& window, const std::vector<FlowScale>& scales, float* flow) {
    float* flow_x = flow;
    float* flow_y = flow + static_cast<size_t>(window.width4) * static_cast<size_t>(window.height4);
    ScaleCache cache[2] = {ScaleCache(scales), ScaleCache(scales)};
    for (int y = 0; y < window.height4; y++) {
        const int64_t row = static_cast<int64_t>(y + window.y4) * m.stride4 + window.x4;
        for (int x = 0; x < window.width4; x++) block_flow(m, row + x, cache, flow_x++, flow_y++);
    }
}

}  // namespace attp
