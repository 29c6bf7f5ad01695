// Sequence and picture parameter sets (clauses 7.3.2.1 and 7.3.2.2), with what follows from them.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "h26x/fault.h"
#include "h26x/vui.h"

namespace attp {
namespace h264 {

constexpr int kMaxSps = 32;
constexpr int kMaxPps = 256;
constexpr int kMaxReferences = 16;
constexpr int kExtendedProfile = 88;

struct ScalingLists {
    // In the order of transmission (zig-zag), Table 7-2: Y, Cb, Cr intra, then inter; 8x8: Y intra, Y inter.
    uint8_t list4x4[6][16];
    uint8_t list8x8[2][64];
};

struct Sps {
    int profile_idc = 0;
    int constraint_flags = 0;
    int level_idc = 0;
    int seq_parameter_set_id = 0;
    int chroma_format_idc = 1;
    int bit_depth_luma = 8;
    int bit_depth_chroma = 8;
    bool qpprime_y_zero_transform_bypass_flag = false;
    bool seq_scaling_matrix_present_flag = false;
    ScalingLists scaling;
    int log2_max_frame_num = 4;
    int pic_order_cnt_type = 0;
    int log2_max_pic_order_cnt_lsb = 4;
    bool delta_pic_order_always_zero_flag = false;
    int32_t offset_for_non_ref_pic = 0;
    int32_t offset_for_top_to_bottom_field = 0;
    std::vector<int32_t> offset_for_ref_frame;
    int max_num_ref_frames = 0;
    bool gaps_in_frame_num_value_allowed_flag = false;
    int pic_width_in_mbs = 0;
    int pic_height_in_map_units = 0;
    bool frame_mbs_only_flag = true;
    bool mb_adaptive_frame_field_flag = false;
    bool direct_8x8_inference_flag = false;
    int crop_left_px = 0, crop_top_px = 0, crop_right_px = 0, crop_bottom_px = 0;
    Timing timing;
    std::vector<bool> coding_bits;  // as sent: all that decoding depends on

    int height_in_mbs() const { return pic_height_in_map_units * (frame_mbs_only_flag ? 1 : 2); }
    int width_px() const { return pic_width_in_mbs * 16 - crop_left_px - crop_right_px; }
    int height_px() const { return height_in_mbs() * 16 - crop_top_px - crop_bottom_px; }
};

struct Pps {
    int pic_parameter_set_id = 0;
    int seq_parameter_set_id = 0;
    bool entropy_coding_mode_flag = false;
    bool bottom_field_pic_order_in_frame_present_flag = false;
    int num_slice_groups = 1;
    int slice_group_map_type = 0;
    uint32_t run_length[8] = {};
    uint32_t top_left[8] = {};
    uint32_t bottom_right[8] = {};
    bool slice_group_change_direction_flag = false;
    uint32_t slice_group_change_rate = 1;
    std::vector<uint8_t> slice_group_id;
    int num_ref_idx_default_active[2] = {1, 1};
    bool weighted_pred_flag = false;
    int weighted_bipred_idc = 0;
    int pic_init_qp = 26;
    int chroma_qp_index_offset[2] = {0, 0};
    bool deblocking_filter_control_present_flag = false;
    bool constrained_intra_pred_flag = false;
    bool redundant_pic_cnt_present_flag = false;
    bool transform_8x8_mode_flag = false;
    bool pic_scaling_matrix_present_flag = false;
    ScalingLists scaling;

    // LevelScale4x4 and LevelScale8x8 (clause 8.5.9) times 2^(qP / 6), at raster positions, for every qP:
    // a scaled coefficient is (level * scale + 8) >> 4, or + 32 and >> 6 for 8x8.
    using Scale4x4 = std::array<std::array<int32_t, 16>, 52>;
    using Scale8x8 = std::array<std::array<int32_t, 64>, 52>;
    std::array<Scale4x4, 6> scale4x4;
    std::array<Scale8x8, 2> scale8x8;
    uint8_t chroma_qp[2][52];  // QPC by QPY, clause 8.5.8
};

// Raster position (x + y * size) of each coefficient of a zig-zag scan (clauses 8.5.6 and 8.5.7), frame macroblocks.
extern const uint8_t kZigzag4x4[16];
extern const uint8_t kZigzag8x8[64];

bool parse_sps(BitReader* r, const Limits& limits, Sps* sps, Fault* fault);
// Its sequence parameter set may not be known yet: then the scaling lists are flat unless the picture parameter set has its own.
bool parse_pps(BitReader* r, const std::array<std::shared_ptr<const Sps>, kMaxSps>& sequence_sets, Pps* pps,
               Fault* fault);

}  // namespace h264
}  // namespace attp
