// Where something goes on: connected cells that are active, as squares around them.
#pragma once

#include <vector>

namespace attp {

// In cells, from the left and top border of the grid.
struct Component {
    float weight = 0.0f;  // sum of the activity
    int left = 0, top = 0, right = 0,
        bottom = 0;  // of what is not much weaker than its peak; right and bottom are outside

    int width() const { return right - left; }
    int height() const { return bottom - top; }
};

// Eight-connected sets of cells above `low` that hold one above `high`. Those that are closer to each other than a share of their size
// are one: people who meet belong together. Heaviest first.
std::vector<Component> find_components(const std::vector<float>& activity, int width, int height, float low,
                                       float high);

}  // namespace attp
