#include "fields/flow.h"

namespace attp {
namespace {

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

}  // namespace

void compute_flow(const MotionPlanes& m, const BlockWindow& window, const std::vector<FlowScale>& scales, float* flow) {
    float* flow_x = flow;
    float* flow_y = flow + static_cast<size_t>(window.width4) * static_cast<size_t>(window.height4);
    ScaleCache cache[2] = {ScaleCache(scales), ScaleCache(scales)};
    for (int y = 0; y < window.height4; y++) {
        int64_t row = static_cast<int64_t>(y + window.y4) * m.stride4 + window.x4;
        for (int x = 0; x < window.width4; x++, flow_x++, flow_y++) {
            float sum_x = 0.0f, sum_y = 0.0f;
            int used = 0;
            for (int list = 0; list < 2; list++) {
                int32_t reference = m.reference[list][row + x];
                if (reference == ATTP_REFERENCE_NONE) continue;
                used++;
                float scale = cache[list].of(reference);
                Mv mv = m.mv[list][row + x];
                sum_x += scale * static_cast<float>(mv.x);
                sum_y += scale * static_cast<float>(mv.y);
            }
            float mean = used == 2 ? 0.5f : 1.0f;
            *flow_x = sum_x * mean;
            *flow_y = sum_y * mean;
        }
    }
}

}  // namespace attp
