#include "capi/regions.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "capi/picture_handle.h"
#include "regions/region_finder.h"

namespace attp {
namespace {

class FinderHandle final : public attp_finder {
  public:
    explicit FinderHandle(const RegionOptions& options) : finder_(options) {}

    attp_status add_picture(const attp_picture& picture, attp_finder_result* result) override {
        const Picture& own = *static_cast<const PictureHandle&>(picture).picture;
        if (!finder_.fits(own)) return ATTP_INVALID_ARGUMENT;
        return guarded([&] {
            finder_.add_picture(own);
            fill(result);
            return ATTP_OK;
        });
    }
    void get_grid(int32_t* width, int32_t* height, int32_t* cell_px) const override {
        *width = finder_.activity().width();
        *height = finder_.activity().height();
        *cell_px = finder_.cell_px();
    }
    void get_activity(float* activity) const override {
        const std::vector<float>& values = finder_.activity().values();
        std::memcpy(activity, values.data(), values.size() * sizeof(float));
    }

  private:
    void fill(attp_finder_result* result) const {
        *result = {};
        const float cells = static_cast<float>(finder_.activity().values().size());
        for (const Track& track : finder_.regions()) {
            attp_region& region = result->regions[result->count++];
            region.id = track.id;
            region.x_px = track.x_px;
            region.y_px = track.y_px;
            region.side_px = track.side_px;
            region.box_left_px = static_cast<int32_t>(track.box.left);
            region.box_top_px = static_cast<int32_t>(track.box.top);
            region.box_right_px = static_cast<int32_t>(track.box.right + 0.999f);
            region.box_bottom_px = static_cast<int32_t>(track.box.bottom + 0.999f);
            region.activity = track.weight / cells;
        }
        const CameraMotion& camera = finder_.camera();
        result->camera = {camera.tx, camera.ty, camera.zoom, camera.turn, camera.support};
    }

    RegionFinder finder_;
};

}  // namespace

attp_status open_finder(const attp_finder_options& o, attp_finder** finder) {
    return guarded([&] {
        *finder = new FinderHandle({o.width_px, o.height_px, o.bit_depth, o.max_regions, o.pictures_per_s});
        return ATTP_OK;
    });
}

}  // namespace attp
