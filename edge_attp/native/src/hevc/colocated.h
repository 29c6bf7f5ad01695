// The motion that a picture leaves to later ones for temporal vector prediction: one entry per 16x16 luma samples (clause 8.5.3.2.8).
#pragma once

#include <cstdint>
#include <vector>

#include "fields/planes.h"

namespace attp {
namespace hevc {

struct ColocatedBlock {
    Mv mv[2];
    int32_t poc[2];        // of the reference
    bool is_used[2];       // predFlagL0Col, predFlagL1Col; intra blocks use none
    bool is_long_term[2];  // LongTermRefPic() when its picture was the current one
};

class ColocatedMotion {
  public:
    ColocatedMotion(int width_px, int height_px)
        : width16((width_px + 15) / 16),
          height16((height_px + 15) / 16),
          blocks_(static_cast<size_t>(width16) * static_cast<size_t>(height16)) {}

    const ColocatedBlock& at(int x, int y) const { return blocks_[static_cast<size_t>((y >> 4) * width16 + (x >> 4))]; }
    // For each entry whose top left luma sample lies inside the rectangle.
    void store(int x, int y, int width, int height, const ColocatedBlock& block) {
        for (int j = (y + 15) >> 4; j << 4 < y + height; j++)
            for (int i = (x + 15) >> 4; i << 4 < x + width; i++) blocks_[static_cast<size_t>(j * width16 + i)] = block;
    }

    const int width16, height16;

  private:
    std::vector<ColocatedBlock> blocks_;
};

}  // namespace hevc
}  // namespace attp
