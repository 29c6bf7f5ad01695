#include "regions/activity.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace attp {
namespace {

constexpr float kStill = 0.5f;        // units of motion that vectors scatter by where nothing moves
constexpr float kScatter = 2.0f;      // times the median distance of vectors from the camera's motion
constexpr float kFullMotion = 3.0f;   // units of motion a picture from which a cell counts whole
constexpr float kFloorShare = 0.05f;  // of a new picture in the noise floor
constexpr float kFlicker = 2.5f;      // times the floor, up to which change is noise
constexpr float kLeastChange = 0.4f;  // of a sample at 8 bits, whatever the floor
constexpr float kFullChange = 6.0f;
constexpr float kChangeWeight = 0.6f;  // of change without motion
constexpr float kIntraWeight = 0.5f;   // of blocks for which no reference would do
constexpr float kRise_s = 0.15f;       // half of the way up: what is elsewhere in each picture does not get there
constexpr float kFade_s = 0.2f;        // and down
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
      now_(static_cast<size_t>(width) * static_cast<size_t>(height), 0.0f),
      supported_(now_),
      held_(now_),
      smooth_(now_),
      rows_(now_) {}

void Activity::add_picture(const CellGrid& grid, const CameraMotion& camera, int step) {
    const float floor = noise_floor(grid);
    const float side = static_cast<float>(cell_px_);
    const float left = 0.5f * side * static_cast<float>(1 - width_),
                top = 0.5f * side * static_cast<float>(1 - height_);
    size_t i = 0;
    for (int y = 0; y < height_; y++)
        for (int x = 0; x < width_; x++, i++)
            now_[i] = raw(grid.cells[i], left + side * static_cast<float>(x), top + side * static_cast<float>(y),
                          camera, floor);
    support();
    follow(camera, step);
    fade();
    smooth();
}

// The median change over the cells, so that light which changes everywhere is noise; slowly adapted, as one picture in which
// little is coded says little about the next.
float Activity::noise_floor(const CellGrid& grid) {
    for (size_t i = 0; i < now_.size(); i++) now_[i] = grid.cells[i].change;
    const auto middle = now_.begin() + static_cast<ptrdiff_t>(now_.size() / 2);
    std::nth_element(now_.begin(), middle, now_.end());
    const float median = *middle;
    floor_ = has_floor_ ? floor_ + kFloorShare * (median - floor_) : median;
    has_floor_ = true;
    return std::max(floor_, median);
}

float Activity::raw(const Cell& cell, float x, float y, const CameraMotion& camera, float floor) const {
    const float u = camera.u(x, y), v = camera.v(x, y);
    if (has_entered(x, y, u, v)) return 0.0f;
    const float away = std::hypot(cell.u - u, cell.v - v) - kScatter * camera.scatter_px;
    const float motion = cell.moving * clamped((away / unit_px_ - kStill) / kFullMotion);
    const float change = clamped((cell.change - std::max(kFlicker * floor, kLeastChange)) / kFullChange);
    return std::min(motion + kChangeWeight * change + kIntraWeight * cell.intra * (change > 0.0f), 1.0f);
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

// A cell counts no more than the second most active of its eight neighbours: single vectors that wander, drops of rain and sparks
// of noise go.
void Activity::support() {
    size_t i = 0;
    for (int y = 0; y < height_; y++)
        for (int x = 0; x < width_; x++, i++) {
            float first = 0.0f, second = 0.0f;
            if (now_[i] > 0.0f)
                for (int dy = -1; dy <= 1; dy++)
                    for (int dx = -1; dx <= 1; dx++) {
                        const int nx = x + dx, ny = y + dy;
                        if ((dx == 0 && dy == 0) || nx < 0 || ny < 0 || nx >= width_ || ny >= height_) continue;
                        const float value =
                            now_[static_cast<size_t>(ny) * static_cast<size_t>(width_) + static_cast<size_t>(nx)];
                        if (value > first) {
                            second = first;
                            first = value;
                        } else if (value > second) {
                            second = value;
                        }
                    }
            supported_[i] = std::min(now_[i], second);
        }
}

// What is held moves with the camera, by whole cells.
void Activity::follow(const CameraMotion& camera, int step) {
    const int pictures = std::max(-kMostStep, std::min(step, kMostStep));
    shift_x_ += camera.tx * static_cast<float>(pictures);
    shift_y_ += camera.ty * static_cast<float>(pictures);
    const int dx = static_cast<int>(shift_x_ / static_cast<float>(cell_px_));
    const int dy = static_cast<int>(shift_y_ / static_cast<float>(cell_px_));
    if (dx == 0 && dy == 0) return;
    shift_x_ -= static_cast<float>(dx * cell_px_);
    shift_y_ -= static_cast<float>(dy * cell_px_);
    rows_.assign(rows_.size(), 0.0f);
    for (int y = std::max(0, dy); y < std::min(height_, height_ + dy); y++)
        for (int x = std::max(0, dx); x < std::min(width_, width_ + dx); x++)
            rows_[static_cast<size_t>(y) * static_cast<size_t>(width_) + static_cast<size_t>(x)] =
                held_[static_cast<size_t>(y - dy) * static_cast<size_t>(width_) + static_cast<size_t>(x - dx)];
    held_.swap(rows_);
}

// Pictures come in decoding order, each once: on average one interval apart, whatever their steps in display order.
void Activity::fade() {
    const float interval_s = 1.0f / pictures_per_s_;
    const float keep_rising = std::pow(0.5f, interval_s / kRise_s), keep_fading = std::pow(0.5f, interval_s / kFade_s);
    for (size_t i = 0; i < held_.size(); i++) {
        const float keep = supported_[i] > held_[i] ? keep_rising : keep_fading;
        held_[i] = keep * held_[i] + (1.0f - keep) * supported_[i];
    }
}

// (1 2 1) / 4 along both axes; outside the picture is nothing.
void Activity::smooth() {
    for (int y = 0; y < height_; y++) {
        const float* in = &held_[static_cast<size_t>(y) * static_cast<size_t>(width_)];
        float* out = &rows_[static_cast<size_t>(y) * static_cast<size_t>(width_)];
        for (int x = 0; x < width_; x++)
            out[x] = 0.25f * ((x > 0 ? in[x - 1] : 0.0f) + 2.0f * in[x] + (x + 1 < width_ ? in[x + 1] : 0.0f));
    }
    for (int y = 0; y < height_; y++) {
        const size_t row = static_cast<size_t>(y) * static_cast<size_t>(width_), w = static_cast<size_t>(width_);
        for (size_t x = 0; x < w; x++)
            smooth_[row + x] = 0.25f * ((y > 0 ? rows_[row + x - w] : 0.0f) + 2.0f * rows_[row + x] +
                                        (y + 1 < height_ ? rows_[row + x + w] : 0.0f));
    }
}

}  // namespace attp
