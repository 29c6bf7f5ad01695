#include "regions/activity.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace attp {
namespace {

// Steady motion. Vectors of noise point elsewhere in each picture and cancel each other in the mean; those of a body add up, however
// slow it is.
constexpr float kMean_s = 0.12f;     // after which half of the mean is new
constexpr float kRest_s = 0.04f;     // the same where motion has ended, so that little trails behind a body
constexpr float kMostMotion = 4.0f;  // units a picture; what is faster counts as this
constexpr float kUnsteady = 0.6f;    // standard deviations over these tenths of a second, up to which motion is noise
constexpr float kSteadyScatter = 2.0f;  // times the median over the picture, as well
constexpr float kSteadyStill = 0.08f;   // units a picture, whatever the median
constexpr float kHalfMotion = 0.5f;     // units a picture that count half
constexpr float kSteadyWeight = 3.0f;
// What goes on in one picture: fast motion in whatever direction, change.
constexpr float kStill = 0.5f;       // units of motion that vectors scatter by where nothing moves
constexpr float kScatter = 2.0f;     // times the median distance of vectors from the camera's motion
constexpr float kFullMotion = 3.0f;  // units of motion a picture from which a cell counts whole
constexpr float kFloorRise = 0.03f;  // of a new picture in the least residual that is usual in a cell
constexpr float kFloorFall = 0.2f;
constexpr float kFlicker = 2.5f;      // times the usual, up to which change is noise
constexpr float kLeastChange = 0.4f;  // of a sample at 8 bits, whatever is usual
constexpr float kFullChange = 6.0f;
constexpr float kChangeWeight = 0.6f;  // of change without motion
constexpr float kIntraWeight = 0.3f;   // of blocks for which no reference would do
constexpr float kRise_s = 0.15f;       // half of the way up: what is elsewhere in each picture does not get there
constexpr float kFade_s = 0.15f;       // and down
constexpr size_t kMedianCells = 1024;
constexpr int kMostStep = 16;
constexpr float kEntering = 4.0f;  // pictures for which what a camera brings in at a border counts as new

float clamped(float value) { return std::min(std::max(value, 0.0f), 1.0f); }

}  // namespace

Activity::Activity(int width, int height, int cell_px, int short_side_px, float pictures_per_s)
    : width_(width),
      height_(height),
      cell_px_(cell_px),
      unit_px_(static_cast<float>(short_side_px) / 256.0f),
      pictures_per_s_(pictures_per_s),
      mean_share_(share_of_new(kMean_s)),
      rest_share_(share_of_new(kRest_s)),
      u_(static_cast<size_t>(width) * static_cast<size_t>(height), 0.0f),
      v_(u_),
      square_(u_),
      held_(u_),
      floor_(u_),
      now_(u_),
      smooth_(u_),
      spare_(u_) {}

void Activity::add_picture(const CellGrid& grid, const CameraMotion& camera, int step) {
    follow(camera, step);
    add_cells(grid, camera);
    support(&now_);
    const float rising = share_of_new(kRise_s), fading = share_of_new(kFade_s);
    for (size_t i = 0; i < now_.size(); i++) held_[i] += (now_[i] > held_[i] ? rising : fading) * (now_[i] - held_[i]);
    sum_up();
    smooth();
}

// Pictures come in decoding order, each once: on average one interval apart, whatever their steps in display order.
float Activity::share_of_new(float half_life_s) const {
    return 1.0f - std::pow(0.5f, 1.0f / (pictures_per_s_ * half_life_s));
}

// Of about a thousand cells, which tell as much as all.
float Activity::median_of(const std::vector<float>& map) {
    const size_t step = (map.size() / kMedianCells + 1) | 1;
    size_t count = 0;
    for (size_t i = step / 2; i < map.size(); i += step) spare_[count++] = map[i];
    const auto middle = spare_.begin() + static_cast<ptrdiff_t>(count / 2);
    std::nth_element(spare_.begin(), middle, spare_.begin() + static_cast<ptrdiff_t>(count));
    return *middle;
}

// What is known of cells moves with the camera, by whole cells.
void Activity::follow(const CameraMotion& camera, int step) {
    const int pictures = std::max(-kMostStep, std::min(step, kMostStep));
    shift_x_ += camera.tx * static_cast<float>(pictures);
    shift_y_ += camera.ty * static_cast<float>(pictures);
    const int dx = static_cast<int>(shift_x_ / static_cast<float>(cell_px_));
    const int dy = static_cast<int>(shift_y_ / static_cast<float>(cell_px_));
    if (dx == 0 && dy == 0) return;
    shift_x_ -= static_cast<float>(dx * cell_px_);
    shift_y_ -= static_cast<float>(dy * cell_px_);
    for (std::vector<float>* map : {&u_, &v_, &square_, &held_, &floor_}) shift(map, dx, dy);
}

void Activity::shift(std::vector<float>* map, int dx, int dy) {
    spare_.assign(spare_.size(), 0.0f);
    for (int y = std::max(0, dy); y < std::min(height_, height_ + dy); y++)
        for (int x = std::max(0, dx); x < std::min(width_, width_ + dx); x++)
            spare_[static_cast<size_t>(y) * static_cast<size_t>(width_) + static_cast<size_t>(x)] =
                (*map)[static_cast<size_t>(y - dy) * static_cast<size_t>(width_) + static_cast<size_t>(x - dx)];
    map->swap(spare_);
}

// Fills in what goes on in this picture, and updates what is steady.
void Activity::add_cells(const CellGrid& grid, const CameraMotion& camera) {
    const float side = static_cast<float>(cell_px_), usual_change = median_change(grid);
    size_t i = 0;
    for (int row = 0; row < height_; row++)
        for (int column = 0; column < width_; column++, i++) {
            const float x = side * (static_cast<float>(column) + 0.5f * static_cast<float>(1 - width_));
            const float y = side * (static_cast<float>(row) + 0.5f * static_cast<float>(1 - height_));
            const float u = camera.u(x, y), v = camera.v(x, y);
            const Cell& cell = grid.cells[i];
            const float change = change_of(cell, i, usual_change);
            if (has_entered(x, y, u, v)) {
                now_[i] = 0.0f;
                add_motion(i, cell.moving, 0.0f, 0.0f);
                continue;
            }
            const float du = (cell.u - u) / unit_px_, dv = (cell.v - v) / unit_px_;
            const float away = std::sqrt(du * du + dv * dv) - kScatter * camera.scatter_px / unit_px_;
            const float motion = cell.moving * clamped((away - kStill) / kFullMotion);
            now_[i] =
                std::min(motion + kChangeWeight * change + (change > 0.0f ? kIntraWeight * cell.intra : 0.0f), 1.0f);
            add_motion(i, cell.moving, du, dv);
        }
}

// Motion against the camera in units, of a share of the cell.
void Activity::add_motion(size_t i, float moving, float u, float v) {
    float squared = u * u + v * v;
    if (squared > kMostMotion * kMostMotion) {
        const float shorter = kMostMotion / std::sqrt(squared);
        u *= shorter;
        v *= shorter;
        squared = kMostMotion * kMostMotion;
    }
    const bool rests = 4.0f * squared < u_[i] * u_[i] + v_[i] * v_[i];
    const float share = moving * (rests ? rest_share_ : mean_share_);
    u_[i] += share * (u - u_[i]);
    v_[i] += share * (v - v_[i]);
    square_[i] += share * (squared - square_[i]);
}

// What was outside the picture a moment ago cannot be predicted, whether it moves or not.
bool Activity::has_entered(float x, float y, float u, float v) const {
    const float side = static_cast<float>(cell_px_);
    const float half_width = 0.5f * side * static_cast<float>(width_),
                half_height = 0.5f * side * static_cast<float>(height_);
    const auto enters = [side](float at, float speed, float half) {
        const float strip = kEntering * std::abs(speed);
        return strip > 0.5f * side && (speed > 0 ? at + half < strip + side : half - at < strip + side);
    };
    return enters(x, u, half_width) || enters(y, v, half_height);
}

float Activity::median_change(const CellGrid& grid) {
    for (size_t i = 0; i < now_.size(); i++) now_[i] = grid.cells[i].change;
    return median_of(now_);
}

// A cell changes where its residual is larger than it always is there, and in most of the picture: light that flickers is noise.
float Activity::change_of(const Cell& cell, size_t i, float usual) {
    floor_[i] += (cell.change < floor_[i] ? kFloorFall : kFloorRise) * (cell.change - floor_[i]);
    const float least = std::max(kFlicker * std::max(floor_[i], usual), kLeastChange);
    return clamped((cell.change - least) / kFullChange);
}

void Activity::sum_up() {
    for (size_t i = 0; i < now_.size(); i++) {
        const float steady = u_[i] * u_[i] + v_[i] * v_[i];
        now_[i] = std::sqrt(steady) - kUnsteady * std::sqrt(std::max(square_[i] - steady, 0.0f));
    }
    const float still = std::max(kSteadyScatter * median_of(now_), kSteadyStill);
    for (float& value : now_) {
        const float motion = std::max(value - still, 0.0f);
        value = kSteadyWeight * motion / (motion + kHalfMotion);
    }
    support(&now_);
    for (size_t i = 0; i < now_.size(); i++) now_[i] = std::min(now_[i] + held_[i], 1.0f);
}

// A cell counts no more than the second most active of its eight neighbours: single vectors that wander, drops of rain and sparks
// of noise go.
void Activity::support(std::vector<float>* map) {
    const std::vector<float>& in = *map;
    size_t i = 0;
    for (int y = 0; y < height_; y++)
        for (int x = 0; x < width_; x++, i++) {
            float first = 0.0f, second = 0.0f;
            if (in[i] > 0.0f)
                for (int dy = -1; dy <= 1; dy++)
                    for (int dx = -1; dx <= 1; dx++) {
                        const int nx = x + dx, ny = y + dy;
                        if ((dx == 0 && dy == 0) || nx < 0 || ny < 0 || nx >= width_ || ny >= height_) continue;
                        const float value =
                            in[static_cast<size_t>(ny) * static_cast<size_t>(width_) + static_cast<size_t>(nx)];
                        if (value > first) {
                            second = first;
                            first = value;
                        } else if (value > second) {
                            second = value;
                        }
                    }
            spare_[i] = std::min(in[i], second);
        }
    map->swap(spare_);
}

// (1 2 1) / 4 along both axes; outside the picture is nothing.
void Activity::smooth() {
    for (int y = 0; y < height_; y++) {
        const float* in = &now_[static_cast<size_t>(y) * static_cast<size_t>(width_)];
        float* out = &spare_[static_cast<size_t>(y) * static_cast<size_t>(width_)];
        for (int x = 0; x < width_; x++)
            out[x] = 0.25f * ((x > 0 ? in[x - 1] : 0.0f) + 2.0f * in[x] + (x + 1 < width_ ? in[x + 1] : 0.0f));
    }
    for (int y = 0; y < height_; y++) {
        const size_t row = static_cast<size_t>(y) * static_cast<size_t>(width_), w = static_cast<size_t>(width_);
        for (size_t x = 0; x < w; x++)
            smooth_[row + x] = 0.25f * ((y > 0 ? spare_[row + x - w] : 0.0f) + 2.0f * spare_[row + x] +
                                        (y + 1 < height_ ? spare_[row + x + w] : 0.0f));
    }
}

}  // namespace attp
