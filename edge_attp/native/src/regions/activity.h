// How much goes on in each cell: what moves against the camera's motion, and what changes more than the picture's noise. It rises within
// a few tenths of a second and fades within about half of one.
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
    // 0 (nothing) to 1 in each cell, smoothed over its neighbours.
    const std::vector<float>& values() const { return smooth_; }

  private:
    void follow(const CameraMotion& camera, int step);
    void shift(std::vector<float>* map, int dx, int dy);
    void add_cells(const CellGrid& grid, const CameraMotion& camera);
    void add_motion(size_t i, float moving, float u, float v);
    float median_change(const CellGrid& grid);
    float change_of(const Cell& cell, size_t i, float usual);
    bool has_entered(float x, float y, float u, float v) const;
    void sum_up();
    void support(std::vector<float>* map);
    void smooth();
    float median_of(const std::vector<float>& map);
    float share_of_new(float half_life_s) const;

    const int width_, height_, cell_px_;
    const float unit_px_;  // of motion
    const float pictures_per_s_;
    const float mean_share_, rest_share_;    // of a new picture in the mean motion
    float shift_x_ = 0.0f, shift_y_ = 0.0f;  // of the camera, not followed yet, in luma pixels
    // Of each cell: mean motion of the last tenths of a second against the camera, in units, and of its square; what went on in these;
    // the least residual that is usual.
    std::vector<float> u_, v_, square_, held_, floor_;
    std::vector<float> now_, smooth_, spare_;
};

}  // namespace attp
