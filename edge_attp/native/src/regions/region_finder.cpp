#include "regions/region_finder.h"

#include <algorithm>

#include "regions/components.h"

namespace attp {
namespace {

constexpr float kLow = 0.1f, kHigh = 0.25f;  // of activity: see find_components()
constexpr float kOdd = 0.65f;                // of the usual support
constexpr float kAdapt = 0.1f;
constexpr int kMostOdd = 4;  // in a row; then this is how it is now

int cells(int length_px, int cell_px) { return ((length_px + 3) / 4 * 4 + cell_px - 1) / cell_px; }

}  // namespace

RegionFinder::RegionFinder(const RegionOptions& o)
    : options_(o),
      cell_px_(cell_side_px(o.width_px, o.height_px)),
      activity_(cells(o.width_px, cell_px_), cells(o.height_px, cell_px_), cell_px_, std::min(o.width_px, o.height_px),
                o.pictures_per_s),
      tracks_(o.width_px, o.height_px, o.most, o.pictures_per_s) {}

bool RegionFinder::fits(const Picture& picture) const {
    return picture.info.width_px == options_.width_px && picture.info.height_px == options_.height_px;
}

void RegionFinder::add_picture(const Picture& picture) {
    const int step = display_step(picture);
    if (picture.info.kind == 'I') return;
    const CellInput input = {picture.motion.get(), picture.residual.get(), picture.window(), options_.bit_depth};
    fill_cells(input, picture.flow_scales(), cell_px_, &grid_);
    camera_ = estimate_camera(grid_, camera_);
    if (!is_credible()) return;
    activity_.add_picture(grid_, camera_, step);
    tracks_.follow(find_components(activity_.values(), activity_.width(), activity_.height(), kLow, kHigh), cell_px_);
}

// A picture whose vectors disagree much more than usual was predicted badly: a jolt, a splice. It says little about what moves.
bool RegionFinder::is_credible() {
    const bool is_odd = camera_.support < kOdd * usual_support_;
    odd_pictures_ = is_odd ? odd_pictures_ + 1 : 0;
    usual_support_ += kAdapt * (camera_.support - usual_support_);
    return !is_odd || odd_pictures_ > kMostOdd;
}

// How many pictures later than the one before it this one is shown; negative for a B picture that was sent after its successor.
int RegionFinder::display_step(const Picture& picture) {
    constexpr int64_t kMost = 1000;  // in either direction, whatever a stream says
    const int64_t later = static_cast<int64_t>(picture.info.poc) - poc_;
    poc_ = picture.info.poc;
    const bool is_new = !has_picture_ || picture.info.is_random_access || picture.is_shown_as_decoded;
    has_picture_ = true;
    const int64_t step = is_new ? 1 : later / std::max(picture.info.poc_step, 1);
    return static_cast<int>(std::max(-kMost, std::min(step, kMost)));
}

}  // namespace attp
