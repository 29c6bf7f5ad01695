// How much goes on in each cell: what moves against the camera's motion, and what changes more than the picture's noise. It rises within
// a few tenths of a second and fades within about one.
#pragma once

#include <vector>

#include "regions/camera_motion.h"
#include "regions/cells.h"

namespace attp {

class Activity {
  public:
    // short_side_px: of the picture; motion counts in 256ths of it.
    Activity(int width, int height, int cell_px, int short_side_px, float pictures_per_s);

    // A P or B picture that is shown `step` pictures after the one before (negative: earlier).
    void add_picture(const CellGrid& grid, const CameraMotion& camera, int step);

    int width() const { return width_; }
    int height() const { return height_; }
    // 0 (nothing) to about 1 in each cell, smoothed over its neighbours.
    const std::vector<float>& values() const { return smooth_; }

  private:
    float noise_floor(const CellGrid& grid);
    float raw(const Cell& cell, float x, float y, const CameraMotion& camera, float floor) const;
    bool has_entered(float x, float y, float u, float v) const;
    void support();
    void follow(const CameraMotion& camera, int step);
    void fade();
    void smooth();

    const int width_, height_, cell_px_;
    const float unit_px_;  // of motion
    const float pictures_per_s_;
    float floor_ = 0.0f;  // mean |residual| of what only flickers, slowly adapted
    bool has_floor_ = false;
    float shift_x_ = 0.0f, shift_y_ = 0.0f;  // of the camera, not followed yet, in luma pixels
    std::vector<float> now_, supported_, held_, smooth_, rows_;
};

}  // namespace attp
