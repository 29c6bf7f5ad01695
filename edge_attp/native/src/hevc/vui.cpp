#include "hevc/vui.h"

#include <algorithm>

namespace attp {
namespace hevc {
namespace {

void skip(BitReader* r, int bits) {
    for (; bits > 32; bits -= 32) r->u(32);
    r->u(bits);
}

// Clause E.2.3.
void skip_sub_layer_hrd(BitReader* r, uint32_t cpb_count, bool has_sub_pictures) {
    for (uint32_t i = 0; i < cpb_count && !r->overrun(); i++) {
        r->ue();  // bit_rate_value_minus1
        r->ue();  // cpb_size_value_minus1
        if (has_sub_pictures) {
            r->ue();  // cpb_size_du_value_minus1
            r->ue();  // bit_rate_du_value_minus1
        }
        r->u(1);  // cbr_flag
    }
}

// Clause E.2.2, with commonInfPresentFlag.
void skip_hrd(BitReader* r, int max_sub_layers) {
    bool nal = r->flag(), vcl = r->flag();
    bool has_sub_pictures = false;
    if (nal || vcl) {
        has_sub_pictures = r->flag();
        if (has_sub_pictures) skip(r, 8 + 5 + 1 + 5);
        skip(r, 4 + 4);  // bit_rate_scale, cpb_size_scale
        if (has_sub_pictures) skip(r, 4);
        skip(r, 5 + 5 + 5);  // lengths of delays
    }
    for (int i = 0; i < max_sub_layers; i++) {
        bool fixed_general = r->flag();
        bool fixed_within_cvs = fixed_general || r->flag();
        bool low_delay = false;
        if (fixed_within_cvs)
            r->ue("elemental_duration_in_tc_minus1", 2047);
        else
            low_delay = r->flag();
        uint32_t cpb_count = 1;
        if (!low_delay) cpb_count += r->ue("cpb_cnt_minus1", 31);
        if (nal) skip_sub_layer_hrd(r, cpb_count, has_sub_pictures);
        if (vcl) skip_sub_layer_hrd(r, cpb_count, has_sub_pictures);
    }
}

}  // namespace

void parse_profile_tier_level(BitReader* r, int max_sub_layers, Sps* sps) {
    r->u(2);  // general_profile_space
    sps->general_tier_flag = r->flag();
    sps->general_profile_idc = static_cast<int>(r->u(5));
    skip(r, 32 + 4 + 43 + 1);  // compatibility and constraint flags
    sps->general_level_idc = static_cast<int>(r->u(8));
    bool has_profile[8] = {}, has_level[8] = {};
    for (int i = 0; i < max_sub_layers - 1; i++) {
        has_profile[i] = r->flag();
        has_level[i] = r->flag();
    }
    if (max_sub_layers > 1) skip(r, 2 * (9 - max_sub_layers));
    for (int i = 0; i < max_sub_layers - 1; i++) {
        if (has_profile[i]) skip(r, 88);
        if (has_level[i]) skip(r, 8);
    }
}

void parse_vui(BitReader* r, Sps* sps) {
    skip_video_description(r);
    skip(r, 3);  // neutral_chroma_indication_flag, field_seq_flag, frame_field_info_present_flag
    if (r->flag())
        for (int i = 0; i < 4; i++) r->ue();  // default display window
    if (r->flag()) {                          // vui_timing_info_present_flag
        read_timing(r, &sps->timing);
        if (r->flag()) r->ue();  // vui_num_ticks_poc_diff_one_minus1
        if (r->flag()) skip_hrd(r, sps->sps_max_sub_layers);
    }
    if (r->flag()) {  // bitstream_restriction_flag
        skip(r, 3);
        for (int i = 0; i < 5; i++) r->ue();
    }
}

int parse_vps_timing(BitReader* r, Timing* timing) {
    int id = static_cast<int>(r->u(4));
    skip(r, 2 + 6);  // base layer flags, vps_max_layers_minus1
    int max_sub_layers = 1 + static_cast<int>(r->u(3));
    skip(r, 1 + 16);  // vps_temporal_id_nesting_flag, reserved
    Sps unused;
    parse_profile_tier_level(r, std::min(7, max_sub_layers), &unused);
    bool has_all_sub_layers = r->flag();  // vps_sub_layer_ordering_info_present_flag
    for (int i = has_all_sub_layers ? 0 : max_sub_layers - 1; i < max_sub_layers; i++)
        for (int k = 0; k < 3; k++) r->ue();
    int layers = 1 + static_cast<int>(r->u(6));  // vps_max_layer_id
    int layer_sets = static_cast<int>(r->ue("vps_num_layer_sets_minus1", 1023));
    skip(r, layers * layer_sets);  // layer_id_included_flag
    if (r->flag() && !r->failed()) read_timing(r, timing);
    return id;
}

}  // namespace hevc
}  // namespace attp
