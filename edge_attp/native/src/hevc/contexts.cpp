#include "hevc/contexts.h"

#include <algorithm>

namespace attp {
namespace hevc {
namespace {

// initValue of Tables 9-5 to 9-37 by initType. 154 where a slice of that type has no such element: it is never read.
// clang-format off
constexpr uint8_t kInitValue[3][kContextCount] = {
    {
        153,                  // sao_merge_left_flag, sao_merge_up_flag
        200,                  // sao_type_idx
        139, 141, 157,        // split_cu_flag
        154,                  // cu_transquant_bypass_flag
        154, 154, 154,        // cu_skip_flag
        154,                  // pred_mode_flag
        184, 154, 154, 154,   // part_mode
        184,                  // prev_intra_luma_pred_flag
        63,                   // intra_chroma_pred_mode
        154,                  // rqt_root_cbf
        154,                  // merge_flag
        154,                  // merge_idx
        154, 154, 154, 154, 154,  // inter_pred_idc
        154, 154,             // ref_idx
        154,                  // mvp_flag
        153, 138, 138,        // split_transform_flag
        111, 141,             // cbf_luma
        94, 138, 182, 154,    // cbf_cb, cbf_cr
        154,                  // abs_mvd_greater0_flag
        154,                  // abs_mvd_greater1_flag
        154, 154,             // cu_qp_delta_abs
        139, 139,             // transform_skip_flag
        110, 110, 124, 125, 140, 153, 125, 127, 140, 109, 111, 143, 127, 111, 79, 108, 123, 63,  // last_sig_coeff_x_prefix
        110, 110, 124, 125, 140, 153, 125, 127, 140, 109, 111, 143, 127, 111, 79, 108, 123, 63,  // last_sig_coeff_y_prefix
        91, 171, 134, 141,    // coded_sub_block_flag
        111, 111, 125, 110, 110, 94, 124, 108, 124, 107, 125, 141, 179, 153, 125, 107, 125, 141, 179, 153, 125,
        107, 125, 141, 179, 153, 125, 140, 139, 182, 182, 152, 136, 152, 136, 153, 136, 139, 111, 136, 139, 111,  // sig_coeff_flag
        140, 92, 137, 138, 140, 152, 138, 139, 153, 74, 149, 92, 139, 107, 122, 152, 140, 179, 166, 182, 140, 227, 122, 197,  // coeff_abs_level_greater1_flag
        138, 153, 136, 167, 152, 152,  // coeff_abs_level_greater2_flag
        154,                  // cu_chroma_qp_offset_flag
        154,                  // cu_chroma_qp_offset_idx
    },
    {
        153, 185,
        107, 139, 126,
        154,
        197, 185, 201,
        149,
        154, 139, 154, 154,
        154,
        152,
        79,
        110,
        122,
        95, 79, 63, 31, 31,
        153, 153,
        168,
        124, 138, 94,
        153, 111,
        149, 107, 167, 154,
        140,
        198,
        154, 154,
        139, 139,
        125, 110, 94, 110, 95, 79, 125, 111, 110, 78, 110, 111, 111, 95, 94, 108, 123, 108,
        125, 110, 94, 110, 95, 79, 125, 111, 110, 78, 110, 111, 111, 95, 94, 108, 123, 108,
        121, 140, 61, 154,
        155, 154, 139, 153, 139, 123, 123, 63, 153, 166, 183, 140, 136, 153, 154, 166, 183, 140, 136, 153, 154,
        166, 183, 140, 136, 153, 154, 170, 153, 123, 123, 107, 121, 107, 121, 167, 151, 183, 140, 151, 183, 140,
        154, 196, 196, 167, 154, 152, 167, 182, 182, 134, 149, 136, 153, 121, 136, 137, 169, 194, 166, 167, 154, 167, 137, 182,
        107, 167, 91, 122, 107, 167,
        154,
        154,
    },
    {
        153, 160,
        107, 139, 126,
        154,
        197, 185, 201,
        134,
        154, 139, 154, 154,
        183,
        152,
        79,
        154,
        137,
        95, 79, 63, 31, 31,
        153, 153,
        168,
        224, 167, 122,
        153, 111,
        149, 92, 167, 154,
        169,
        198,
        154, 154,
        139, 139,
        125, 110, 124, 110, 95, 94, 125, 111, 111, 79, 125, 126, 111, 111, 79, 108, 123, 93,
        125, 110, 124, 110, 95, 94, 125, 111, 111, 79, 125, 126, 111, 111, 79, 108, 123, 93,
        121, 140, 61, 154,
        170, 154, 139, 153, 139, 123, 123, 63, 124, 166, 183, 140, 136, 153, 154, 166, 183, 140, 136, 153, 154,
        166, 183, 140, 136, 153, 154, 170, 153, 138, 138, 122, 121, 122, 121, 167, 151, 183, 140, 151, 183, 140,
        154, 196, 167, 167, 154, 152, 167, 182, 182, 134, 149, 136, 153, 121, 136, 122, 169, 208, 166, 167, 154, 152, 167, 182,
        107, 167, 91, 107, 107, 167,
        154,
        154,
    },
};
// clang-format on

}  // namespace

void init_contexts(int init_type, int slice_qp, Contexts* contexts) {
    const int qp = std::max(0, std::min(51, slice_qp));
    for (size_t i = 0; i < contexts->size(); i++) {
        // Equations 9-4 to 9-6.
        const int init_value = kInitValue[init_type][i];
        const int m = (init_value >> 4) * 5 - 45, n = ((init_value & 15) << 3) - 16;
        const int pre_ctx_state = std::max(1, std::min(126, ((m * qp) >> 4) + n));
        const int mps = pre_ctx_state > 63;
        const int state = mps ? pre_ctx_state - 64 : 63 - pre_ctx_state;
        (*contexts)[i] = static_cast<CabacContext>(state << 1 | mps);
    }
}

}  // namespace hevc
}  // namespace attp
