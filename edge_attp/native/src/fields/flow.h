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

// Looks up scales; neighbouring blocks mostly need the same one.
class ScaleCache {
  public:
    explicit ScaleCache(const std::vector<FlowScale>& scales) : scales_(scales) {}

    float of(int32_t decode_index) {
        if (decode_index == last_.decode_index) return last_.scale;
        last_ = {decode_index, 0.0f};
        for (const FlowScale& s : scales_)
            if (s.decode_index == decode_index) last_ = s;
        return last_.scale;
    }

  private:
    const std::vector<FlowScale>& scales_;
    FlowScale last_ = {ATTP_REFERENCE_NONE, 0.0f};
};

// The flow of the block at this position of the planes: the mean over the lists that it uses. False, and 0, if it uses none.
inline bool block_flow(const MotionPlanes& motion, int64_t at, ScaleCache cache[2], float* x, float* y) {
    float sum_x = 0.0f, sum_y = 0.0f;
    int used = 0;
    for (int list = 0; list < 2; list++) {
        const int32_t reference = motion.reference[list][at];
        if (reference == ATTP_REFERENCE_NONE) continue;
        used++;
        const float scale = cache[list].of(reference);
        const Mv mv = motion.mv[list][at];
        sum_x += scale * static_cast<float>(mv.x);
        sum_y += scale * static_cast<float>(mv.y);
    }
    const float mean = used == 2 ? 0.5f : 1.0f;
    *x = sum_x * mean;
    *y = sum_y * mean;
    return used > 0;
}

// In 4x4 blocks of the coded picture.
struct BlockWindow {
    int x4, y4, width4, height4;
};

// flow: 2 x height4 x width4, x plane then y plane. Blocks without motion, and references that `scales` does not list, count as 0.
void compute_flow(const MotionPlanes& motion, const BlockWindow& window, const std::vector<FlowScale>& scales,
                  float* flow);

}  // namespace attp
