// From the pictures of a stream to the regions that are worth looking at.
#pragma once

#include <cstdint>
#include <vector>

#include "h26x/picture.h"
#include "regions/activity.h"
#include "regions/camera_motion.h"
#include "regions/cells.h"
#include "regions/tracks.h"

namespace attp {

struct RegionOptions {
    int width_px, height_px;
    int bit_depth;
    int most;  // regions at once
    float pictures_per_s;
};

class RegionFinder {
  public:
    explicit RegionFinder(const RegionOptions& options);

    // Whether the picture has the size that the finder was made for.
    bool fits(const Picture& picture) const;
    // The next parsed picture in decoding order; an intra picture changes nothing.
    void add_picture(const Picture& picture);

    const std::vector<Track>& regions() const { return tracks_.shown(); }
    const CameraMotion& camera() const { return camera_; }
    const Activity& activity() const { return activity_; }
    int cell_px() const { return cell_px_; }

  private:
    int display_step(const Picture& picture);
    bool is_credible();

    const RegionOptions options_;
    const int cell_px_;
    CellGrid grid_;
    CameraMotion camera_;
    Activity activity_;
    Tracks tracks_;
    float usual_support_ = 0.0f;
    int odd_pictures_ = 0;
    bool has_picture_ = false;
    int32_t poc_ = 0;  // of the picture before
};

}  // namespace attp
