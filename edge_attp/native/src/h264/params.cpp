#include "h264/params.h"

#include <algorithm>
#include <cstring>

namespace attp {
namespace h264 {

const uint8_t kZigzag4x4[16] = {0, 1, 4, 8, 5, 2, 3, 6, 9, 12, 13, 10, 7, 11, 14, 15};
const uint8_t kZigzag8x8[64] = {0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
                                41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
                                30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

namespace {

// Tables 7-3 and 7-4.
constexpr uint8_t kDefault4x4Intra[16] = {6, 13, 13, 20, 20, 20, 28, 28, 28, 28, 32, 32, 32, 37, 37, 42};
constexpr uint8_t kDefault4x4Inter[16] = {10, 14, 14, 20, 20, 20, 24, 24, 24, 24, 27, 27, 27, 30, 30, 34};
constexpr uint8_t kDefault8x8Intra[64] = {6,  10, 10, 13, 11, 13, 16, 16, 16, 16, 18, 18, 18, 18, 18, 23,
                                          23, 23, 23, 23, 23, 25, 25, 25, 25, 25, 25, 25, 27, 27, 27, 27,
                                          27, 27, 27, 27, 29, 29, 29, 29, 29, 29, 29, 31, 31, 31, 31, 31,
                                          31, 33, 33, 33, 33, 33, 36, 36, 36, 36, 38, 38, 38, 40, 40, 42};
constexpr uint8_t kDefault8x8Inter[64] = {9,  13, 13, 15, 13, 15, 17, 17, 17, 17, 19, 19, 19, 19, 19, 21,
                                          21, 21, 21, 21, 21, 22, 22, 22, 22, 22, 22, 22, 24, 24, 24, 24,
                                          24, 24, 24, 24, 25, 25, 25, 25, 25, 25, 25, 27, 27, 27, 27, 27,
                                          27, 28, 28, 28, 28, 28, 30, 30, 30, 30, 32, 32, 32, 33, 33, 35};

enum class ListUse { kExplicit, kDefault, kFallback };

// Clause 7.3.2.1.1.1.
ListUse parse_scaling_list(BitReader* r, uint8_t* list, int size) {
    int last = 8, next = 8;
    for (int j = 0; j < size; j++) {
        if (next != 0) {
            next = (last + r->se("delta_scale", -128, 127) + 256) & 255;
            if (j == 0 && next == 0) return ListUse::kDefault;
        }
        list[j] = static_cast<uint8_t>(next == 0 ? last : next);
        last = list[j];
    }
    return ListUse::kExplicit;
}

// Fall-back rule sets A and B of Table 7-2: `base` is the default lists (A) or those of the sequence (B).
void parse_scaling_lists(BitReader* r, bool transform_8x8, int lists_8x8, const ScalingLists& base, ScalingLists* out) {
    for (int i = 0; i < 6; i++) {
        ListUse use = r->flag() ? parse_scaling_list(r, out->list4x4[i], 16) : ListUse::kFallback;
        if (use == ListUse::kDefault) std::memcpy(out->list4x4[i], i < 3 ? kDefault4x4Intra : kDefault4x4Inter, 16);
        if (use == ListUse::kFallback)
            std::memcpy(out->list4x4[i], i % 3 == 0 ? base.list4x4[i] : out->list4x4[i - 1], 16);
    }
    std::memcpy(out->list8x8, base.list8x8, sizeof out->list8x8);
    if (!transform_8x8) return;
    for (int i = 0; i < lists_8x8; i++) {
        uint8_t chroma[64];  // of 4:4:4 only: read and dropped
        uint8_t* list = i < 2 ? out->list8x8[i] : chroma;
        ListUse use = r->flag() ? parse_scaling_list(r, list, 64) : ListUse::kFallback;
        if (use == ListUse::kDefault) std::memcpy(list, i % 2 == 0 ? kDefault8x8Intra : kDefault8x8Inter, 64);
    }
}

ScalingLists flat_lists() {
    ScalingLists lists;
    std::memset(&lists, 16, sizeof lists);
    return lists;
}

ScalingLists default_lists() {
    ScalingLists lists;
    for (int i = 0; i < 6; i++) std::memcpy(lists.list4x4[i], i < 3 ? kDefault4x4Intra : kDefault4x4Inter, 16);
    std::memcpy(lists.list8x8[0], kDefault8x8Intra, 64);
    std::memcpy(lists.list8x8[1], kDefault8x8Inter, 64);
    return lists;
}

// Annex E.1.1, up to the timing: nothing behind it matters here. Many encoders get it wrong, so its faults are not ours.
void parse_vui(BitReader* r, Sps* sps) {
    skip_video_description(r);
    if (r->flag()) read_timing(r, &sps->timing);  // timing_info_present_flag
}

bool has_chroma_format(int profile_idc) {
    for (int p : {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
        if (profile_idc == p) return true;
    return false;
}

void parse_high_fields(BitReader* r, Sps* sps) {
    sps->chroma_format_idc = static_cast<int>(r->ue("chroma_format_idc", 3));
    if (sps->chroma_format_idc == 3) r->u(1);  // separate_colour_plane_flag
    sps->bit_depth_luma = 8 + static_cast<int>(r->ue("bit_depth_luma_minus8", 6));
    sps->bit_depth_chroma = 8 + static_cast<int>(r->ue("bit_depth_chroma_minus8", 6));
    sps->qpprime_y_zero_transform_bypass_flag = r->flag();
    sps->seq_scaling_matrix_present_flag = r->flag();
    if (sps->seq_scaling_matrix_present_flag)
        parse_scaling_lists(r, true, sps->chroma_format_idc == 3 ? 6 : 2, default_lists(), &sps->scaling);
}

void parse_pic_order_cnt(BitReader* r, Sps* sps) {
    sps->pic_order_cnt_type = static_cast<int>(r->ue("pic_order_cnt_type", 2));
    if (sps->pic_order_cnt_type == 0) {
        sps->log2_max_pic_order_cnt_lsb = 4 + static_cast<int>(r->ue("log2_max_pic_order_cnt_lsb_minus4", 12));
    } else if (sps->pic_order_cnt_type == 1) {
        sps->delta_pic_order_always_zero_flag = r->flag();
        sps->offset_for_non_ref_pic = r->se();
        sps->offset_for_top_to_bottom_field = r->se();
        uint32_t count = r->ue("num_ref_frames_in_pic_order_cnt_cycle", 255);
        for (uint32_t i = 0; i < count && !r->overrun(); i++) sps->offset_for_ref_frame.push_back(r->se());
    }
}

void parse_cropping(BitReader* r, Sps* sps) {
    // CropUnitX and CropUnitY (7-19 to 7-22).
    int unit_x = sps->chroma_format_idc == 1 || sps->chroma_format_idc == 2 ? 2 : 1;
    int unit_y = (sps->chroma_format_idc == 1 ? 2 : 1) * (sps->frame_mbs_only_flag ? 1 : 2);
    int width = sps->pic_width_in_mbs * 16, height = sps->height_in_mbs() * 16;
    sps->crop_left_px =
        unit_x * static_cast<int>(r->ue("frame_crop_left_offset", static_cast<uint32_t>((width - 1) / unit_x)));
    sps->crop_right_px =
        unit_x * static_cast<int>(
                     r->ue("frame_crop_right_offset", static_cast<uint32_t>((width - 1 - sps->crop_left_px) / unit_x)));
    sps->crop_top_px =
        unit_y * static_cast<int>(r->ue("frame_crop_top_offset", static_cast<uint32_t>((height - 1) / unit_y)));
    sps->crop_bottom_px =
        unit_y * static_cast<int>(r->ue("frame_crop_bottom_offset",
                                        static_cast<uint32_t>((height - 1 - sps->crop_top_px) / unit_y)));
}

void refuse_unsupported(const Sps& sps, Fault* fault) {
    if (sps.chroma_format_idc == 2) fault->unsupported("4:2:2 chroma (chroma_format_idc 2)");
    if (sps.chroma_format_idc == 3) fault->unsupported("4:4:4 chroma (chroma_format_idc 3)");
    if (sps.bit_depth_luma > 8 || sps.bit_depth_chroma > 8)
        fault->set(ATTP_UNSUPPORTED, "bit depth above 8", -1, "%d-bit video (bit depth above 8) is not supported",
                   std::max(sps.bit_depth_luma, sps.bit_depth_chroma));
    if (sps.qpprime_y_zero_transform_bypass_flag)
        fault->unsupported("lossless coding (qpprime_y_zero_transform_bypass_flag)");
    if (sps.mb_adaptive_frame_field_flag) fault->unsupported("interlaced video (MBAFF, mb_adaptive_frame_field_flag)");
}

// normAdjust4x4 and normAdjust8x8, clause 8.5.9.
int norm_adjust_4x4(int qp_rem, int x, int y) {
    static constexpr uint8_t v[6][3] = {{10, 16, 13}, {11, 18, 14}, {13, 20, 16},
                                        {14, 23, 18}, {16, 25, 20}, {18, 29, 23}};
    return v[qp_rem][x % 2 == 0 && y % 2 == 0 ? 0 : x % 2 == 1 && y % 2 == 1 ? 1 : 2];
}

int norm_adjust_8x8(int qp_rem, int x, int y) {
    static constexpr uint8_t v[6][6] = {{20, 18, 32, 19, 25, 24}, {22, 19, 35, 21, 28, 26}, {26, 23, 42, 24, 33, 31},
                                        {28, 25, 45, 26, 35, 33}, {32, 28, 51, 30, 40, 38}, {36, 32, 58, 34, 46, 43}};
    if (x % 4 == 0 && y % 4 == 0) return v[qp_rem][0];
    if (x % 2 == 1 && y % 2 == 1) return v[qp_rem][1];
    if (x % 4 == 2 && y % 4 == 2) return v[qp_rem][2];
    if ((x % 4 == 0 && y % 2 == 1) || (x % 2 == 1 && y % 4 == 0)) return v[qp_rem][3];
    if ((x % 4 == 0 && y % 4 == 2) || (x % 4 == 2 && y % 4 == 0)) return v[qp_rem][4];
    return v[qp_rem][5];
}

void make_level_scale(Pps* pps) {
    for (int list = 0; list < 6; list++)
        for (int k = 0; k < 16; k++) {
            int pos = kZigzag4x4[k];
            for (int qp = 0; qp < 52; qp++)
                pps->scale4x4[list][qp][pos] = pps->scaling.list4x4[list][k] * norm_adjust_4x4(qp % 6, pos % 4, pos / 4)
                                               << (qp / 6);
        }
    for (int list = 0; list < 2; list++)
        for (int k = 0; k < 64; k++) {
            int pos = kZigzag8x8[k];
            for (int qp = 0; qp < 52; qp++)
                pps->scale8x8[list][qp][pos] = pps->scaling.list8x8[list][k] * norm_adjust_8x8(qp % 6, pos % 8, pos / 8)
                                               << (qp / 6);
        }
}

// Table 8-15.
void make_chroma_qp(Pps* pps) {
    static constexpr uint8_t kQpc[22] = {29, 30, 31, 32, 32, 33, 34, 34, 35, 35, 36,
                                         36, 37, 37, 37, 38, 38, 38, 39, 39, 39, 39};
    for (int c = 0; c < 2; c++)
        for (int qp = 0; qp < 52; qp++) {
            int qpi = std::min(51, std::max(0, qp + pps->chroma_qp_index_offset[c]));
            pps->chroma_qp[c][qp] = qpi < 30 ? static_cast<uint8_t>(qpi) : kQpc[qpi - 30];
        }
}

void parse_slice_groups(BitReader* r, Pps* pps) {
    pps->slice_group_map_type = static_cast<int>(r->ue("slice_group_map_type", 6));
    int groups = pps->num_slice_groups;
    if (pps->slice_group_map_type == 0) {
        for (int i = 0; i < groups; i++) pps->run_length[i] = r->ue("run_length_minus1", 1u << 30) + 1;
    } else if (pps->slice_group_map_type == 2) {
        for (int i = 0; i < groups - 1; i++) {
            pps->top_left[i] = r->ue();
            pps->bottom_right[i] = r->ue();
        }
    } else if (pps->slice_group_map_type >= 3 && pps->slice_group_map_type <= 5) {
        pps->slice_group_change_direction_flag = r->flag();
        pps->slice_group_change_rate = r->ue("slice_group_change_rate_minus1", 1u << 30) + 1;
    } else if (pps->slice_group_map_type == 6) {
        uint32_t count = r->ue("pic_size_in_map_units_minus1", 1u << 20) + 1;
        int bits = groups > 4 ? 3 : groups > 2 ? 2 : 1;
        if (count * static_cast<uint64_t>(bits) > r->stop_bit()) {
            r->fail("pic_size_in_map_units_minus1", count - 1);
            return;
        }
        for (uint32_t i = 0; i < count; i++) pps->slice_group_id.push_back(static_cast<uint8_t>(r->u(bits)));
    }
}

// Baseline, Main and Extended profile end before these fields. Where no constraint_set flag
// confirms the profile, some encoders write them all the same.
bool may_have_high_fields(const Sps* sps) {
    if (sps == nullptr) return true;
    const bool is_older = sps->profile_idc == 66 || sps->profile_idc == 77 || sps->profile_idc == kExtendedProfile;
    return !is_older || (sps->constraint_flags & 7) == 0;
}

// From transform_8x8_mode_flag on. Some encoders leave bytes behind their trailing bits: what is no such fields is not read.
void parse_high_fields(BitReader* r, const Sps* sps, Pps* pps) {
    const bool transform_8x8_mode_flag = r->flag(), pic_scaling_matrix_present_flag = r->flag();
    ScalingLists scaling = pps->scaling;
    if (pic_scaling_matrix_present_flag) {
        bool fallback_b = sps != nullptr && sps->seq_scaling_matrix_present_flag;
        int lists_8x8 = sps != nullptr && sps->chroma_format_idc == 3 ? 6 : 2;
        ScalingLists base = fallback_b ? sps->scaling : default_lists();
        parse_scaling_lists(r, transform_8x8_mode_flag, lists_8x8, base, &scaling);
    }
    const int second_chroma_qp_index_offset = r->se("second_chroma_qp_index_offset", -12, 12);
    if (r->failed() || r->overrun() || !r->is_at_trailing_bits()) return;
    pps->transform_8x8_mode_flag = transform_8x8_mode_flag;
    pps->pic_scaling_matrix_present_flag = pic_scaling_matrix_present_flag;
    pps->scaling = scaling;
    pps->chroma_qp_index_offset[1] = second_chroma_qp_index_offset;
}

}  // namespace

bool parse_sps(BitReader* r, const Limits& limits, Sps* sps, Fault* fault) {
    sps->scaling = flat_lists();
    sps->profile_idc = static_cast<int>(r->u(8));
    r->copy_bits(0, r->position(), &sps->coding_bits);
    uint32_t flags = r->u(8);
    for (int i = 0; i < 6; i++) sps->constraint_flags |= static_cast<int>(flags >> (7 - i) & 1) << i;
    sps->level_idc = static_cast<int>(r->u(8));
    const size_t behind_level = r->position();
    sps->seq_parameter_set_id = static_cast<int>(r->ue("seq_parameter_set_id", kMaxSps - 1));
    if (has_chroma_format(sps->profile_idc)) parse_high_fields(r, sps);
    sps->log2_max_frame_num = 4 + static_cast<int>(r->ue("log2_max_frame_num_minus4", 12));
    parse_pic_order_cnt(r, sps);
    sps->max_num_ref_frames = static_cast<int>(r->ue("max_num_ref_frames", kMaxReferences));
    sps->gaps_in_frame_num_value_allowed_flag = r->flag();
    sps->pic_width_in_mbs = 1 + static_cast<int>(r->ue("pic_width_in_mbs_minus1", 65535));
    sps->pic_height_in_map_units = 1 + static_cast<int>(r->ue("pic_height_in_map_units_minus1", 65535));
    sps->frame_mbs_only_flag = r->flag();
    if (!sps->frame_mbs_only_flag) sps->mb_adaptive_frame_field_flag = r->flag();
    sps->direct_8x8_inference_flag = r->flag();
    if (r->flag()) parse_cropping(r, sps);
    const size_t vui = r->position();
    bool vui_parameters_present_flag = r->flag();
    fault->take("sequence parameter set", *r);
    if (!*fault) limits.check(sps->pic_width_in_mbs * int64_t{16}, sps->height_in_mbs() * int64_t{16}, fault);
    if (!*fault) refuse_unsupported(*sps, fault);
    if (*fault) return false;
    r->copy_bits(behind_level, vui, &sps->coding_bits);
    if (vui_parameters_present_flag) parse_vui(r, sps);
    return true;
}

bool parse_pps(BitReader* r, const std::array<std::shared_ptr<const Sps>, kMaxSps>& sequence_sets, Pps* pps,
               Fault* fault) {
    pps->pic_parameter_set_id = static_cast<int>(r->ue("pic_parameter_set_id", kMaxPps - 1));
    pps->seq_parameter_set_id = static_cast<int>(r->ue("seq_parameter_set_id", kMaxSps - 1));
    pps->entropy_coding_mode_flag = r->flag();
    pps->bottom_field_pic_order_in_frame_present_flag = r->flag();
    pps->num_slice_groups = 1 + static_cast<int>(r->ue("num_slice_groups_minus1", 7));
    if (pps->num_slice_groups > 1) parse_slice_groups(r, pps);
    for (int& n : pps->num_ref_idx_default_active)
        n = 1 + static_cast<int>(r->ue("num_ref_idx_default_active_minus1", 31));
    pps->weighted_pred_flag = r->flag();
    pps->weighted_bipred_idc = static_cast<int>(r->u(2));
    if (pps->weighted_bipred_idc == 3) r->fail("weighted_bipred_idc", 3);
    pps->pic_init_qp = 26 + r->se("pic_init_qp_minus26", -62, 25);
    r->se("pic_init_qs_minus26", -26, 25);
    pps->chroma_qp_index_offset[0] = r->se("chroma_qp_index_offset", -12, 12);
    pps->deblocking_filter_control_present_flag = r->flag();
    pps->constrained_intra_pred_flag = r->flag();
    pps->redundant_pic_cnt_present_flag = r->flag();
    pps->chroma_qp_index_offset[1] = pps->chroma_qp_index_offset[0];
    const Sps* sps = sequence_sets[pps->seq_parameter_set_id].get();
    pps->scaling = sps != nullptr ? sps->scaling : flat_lists();
    fault->take("picture parameter set", *r);
    if (*fault) return false;
    if (may_have_high_fields(sps) && r->more_rbsp_data()) parse_high_fields(r, sps, pps);
    make_level_scale(pps);
    make_chroma_qp(pps);
    return true;
}

}  // namespace h264
}  // namespace attp
