// residual_coding() (clauses 7.3.8.11 and 9.3.4.2): the coefficient levels of one transform block, scaled as they are read.
#pragma once

#include <cstdint>

#include "hevc/contexts.h"

namespace attp {
namespace hevc {

enum ScanIdx { kScanDiagonal = 0, kScanHorizontal = 1, kScanVertical = 2 };

struct CoefficientBlock {
    int log2_size;
    int c_idx;
    ScanIdx scan_idx;
    bool may_skip_transform;  // transform_skip_flag is there
    bool may_hide_sign;       // sign_data_hiding_enabled_flag, and no cu_transquant_bypass_flag
    // Scaling (clause 8.6.3): (level * factor * scale + rounding) >> shift. Nothing is scaled with a shift of 0.
    const uint8_t* factor;  // m by raster position; nullptr: scale holds its 16 already
    int32_t scale;          // levelScale[qP % 6] << (qP / 6)
    int shift;              // bdShift
};

struct CoefficientResult {
    bool ok;               // false: a level is out of range
    bool skips_transform;  // transform_skip_flag
    int width, height;     // what of the block may hold coefficients
};

// With kResidual, writes scaled coefficients to `out` in raster order, which was all zero.
template <bool kResidual>
CoefficientResult read_coefficients(Cabac* engine, Contexts* contexts, const CoefficientBlock& block, int16_t* out);

}  // namespace hevc
}  // namespace attp
