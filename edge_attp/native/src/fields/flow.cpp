#include "fields/flow.h"

#include <vector>

namespace attp {
namespace {

// Flow per quarter sample of a vector, by reference.
class FlowScales {
  public:
    explicit FlowScales(const Picture& picture) : picture_(picture) {}

    // -1 / (4 d), or 0 where the distance is not known.
    float of(int32_t decode_index) {
        if (decode_index == last_index_) return last_scale_;
        last_index_ = decode_index;
        for (const Entry& e : known_)
            if (e.decode_index == decode_index) return last_scale_ = e.scale;
        last_scale_ = compute(decode_index);
        known_.push_back({decode_index, last_scale_});
        return last_scale_;
    }

  private:
    struct Entry {
        int32_t decode_index;
        float scale;
    };
    float compute(int32_t decode_index) const {
        int32_t poc = 0;
        if (decode_index < 0 || !picture_.reference_poc(decode_index, &poc)) return 0.0f;
        int64_t difference = int64_t{picture_.info.poc} - poc;
        if (difference == 0) return 0.0f;
        return -0.25f * static_cast<float>(picture_.info.poc_step) / static_cast<float>(difference);
    }

    const Picture& picture_;
    std::vector<Entry> known_;
    int32_t last_index_ = ATTP_REFERENCE_NONE;
    float last_scale_ = 0.0f;
};

}  // namespace

void compute_flow(const Picture& picture, float* flow) {
    const MotionPlanes& m = *picture.motion;
    const int width = picture.info.width4, height = picture.info.height4;
    float* flow_x = flow;
    float* flow_y = flow + static_cast<size_t>(width) * static_cast<size_t>(height);
    FlowScales scales[2] = {FlowScales(picture), FlowScales(picture)};
    for (int y = 0; y < height; y++) {
        int64_t row = static_cast<int64_t>(y + picture.crop_top_px / 4) * m.stride4 + picture.crop_left_px / 4;
        for (int x = 0; x < width; x++, flow_x++, flow_y++) {
            float sum_x = 0.0f, sum_y = 0.0f;
            int used = 0;
            for (int list = 0; list < 2; list++) {
                int32_t reference = m.reference[list][row + x];
                if (reference < 0) continue;
                float scale = scales[list].of(reference);
                Mv mv = m.mv[list][row + x];
                sum_x += scale * static_cast<float>(mv.x);
                sum_y += scale * static_cast<float>(mv.y);
                used++;
            }
            float mean = used == 2 ? 0.5f : 1.0f;
            *flow_x = sum_x * mean;
            *flow_y = sum_y * mean;
        }
    }
}

}  // namespace attp
