// Regions that stay: components of one picture after the other become square windows with a number, which move seldom.
#pragma once

#include <cstdint>
#include <vector>

#include "regions/components.h"

namespace attp {

// In luma pixels of the picture.
struct Box {
    float left = 0.0f, top = 0.0f, right = 0.0f, bottom = 0.0f;
};

struct Track {
    int32_t id = 0;
    Box box;                              // around what is active
    int x_px = 0, y_px = 0, side_px = 0;  // of the window
    float weight = 0.0f;                  // activity, in cells
    float dx = 0.0f, dy = 0.0f;           // of the middle of the box, luma pixels a picture
    int pictures = 0;                     // in which it was seen
    int missing = 0;                      // since it was seen
    int loose = 0;                        // pictures for which the window has been too large
    bool is_shown = false;
};

class Tracks {
  public:
    // most: windows to show at once.
    Tracks(int width_px, int height_px, int most, float pictures_per_s);

    // The components of the next picture, heaviest first.
    void follow(const std::vector<Component>& components, int cell_px);

    // The windows to look at, heaviest first.
    const std::vector<Track>& shown() const { return shown_; }

  private:
    Box box_of(const Component& component, int cell_px) const;
    void match(const std::vector<Box>& boxes, const std::vector<Component>& components);
    void see(Track* track, const Box& box, float weight);
    void place_window(Track* track) const;
    void forget();
    void choose();
    int pictures_in(float seconds) const;

    const int width_px_, height_px_, most_;
    const float pictures_per_s_;
    int32_t next_id_ = 0;
    std::vector<Track> tracks_, shown_;
};

}  // namespace attp
