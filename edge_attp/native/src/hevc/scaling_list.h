// Scaling lists (clauses 7.3.4 and 7.4.5) and the scaling factors made of them.
#pragma once

#include <cstdint>

#include "bits/bit_reader.h"

namespace attp {
namespace hevc {

// ScalingFactor of equations 7-42 to 7-49: index sizeId (0: 4x4 to 3: 32x32), matrixId (intra Y, Cb, Cr, inter Y, Cb, Cr), then raster
// position. Of 32x32 there are only luma blocks.
class ScalingFactors {
  public:
    // Table 7-5 and Table 7-6.
    void set_default();
    // scaling_list_data(). False: a value is out of range, which the reader holds.
    void parse(BitReader* r);

    const uint8_t* of(int size_id, int matrix_id) const {
        switch (size_id) {
            case 0:
                return factor4_[matrix_id];
            case 1:
                return factor8_[matrix_id];
            case 2:
                return factor16_[matrix_id];
            default:
                return factor32_[matrix_id / 3];
        }
    }

  private:
    struct List {
        uint8_t coefficient[64];  // in scan order
        uint8_t dc;
    };
    static List default_list(int size_id, int matrix_id);
    void expand(int size_id, int matrix_id, const List& list);

    uint8_t factor4_[6][16];
    uint8_t factor8_[6][64];
    uint8_t factor16_[6][256];
    uint8_t factor32_[2][1024];
};

}  // namespace hevc
}  // namespace attp
