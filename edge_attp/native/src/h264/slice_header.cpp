#include "h264/slice_header.h"

#include <algorithm>

#include "h26x/sequence_sets.h"

namespace attp {
namespace h264 {
namespace {

// More than a conforming slice can need: each operation names a frame once.
constexpr size_t kMaxMarkingOperations = 2 * kMaxReferences + 3;

// Clause 7.3.3.1.
void parse_ref_pic_list_modification(BitReader* r, int list, SliceHeader* s) {
    if (!r->flag()) return;
    for (;;) {
        uint32_t idc = r->ue("modification_of_pic_nums_idc", 3);
        if (idc == 3 || r->failed() || r->overrun()) return;
        if (static_cast<int>(s->modification[list].size()) >= s->num_ref_idx_active[list]) {
            r->fail("modification_of_pic_nums_idc", idc);
            return;
        }
        s->modification[list].push_back({static_cast<uint8_t>(idc), r->ue()});
    }
}

// Clause 7.3.3.2.
void parse_pred_weight_table(BitReader* r, bool has_chroma, SliceHeader* s) {
    PredWeightTable& table = s->pred_weight_table;
    table.is_present = true;
    table.log2_denom[0] = static_cast<int>(r->ue("luma_log2_weight_denom", 7));
    if (has_chroma) table.log2_denom[1] = static_cast<int>(r->ue("chroma_log2_weight_denom", 7));
    int lists = s->slice_type == kB ? 2 : 1;
    for (int list = 0; list < lists; list++) {
        table.entries[list].assign(static_cast<size_t>(s->num_ref_idx_active[list]), default_weight(table.log2_denom));
        for (PredWeight& w : table.entries[list]) {
            if (r->flag()) {
                w.weight[0] = static_cast<int16_t>(r->se("luma_weight", -128, 127));
                w.offset[0] = static_cast<int16_t>(r->se("luma_offset", -128, 127));
            }
            if (!has_chroma || !r->flag()) continue;
            for (int c = 1; c < 3; c++) {
                w.weight[c] = static_cast<int16_t>(r->se("chroma_weight", -128, 127));
                w.offset[c] = static_cast<int16_t>(r->se("chroma_offset", -128, 127));
            }
        }
    }
}

// Clause 7.3.3.3.
void parse_dec_ref_pic_marking(BitReader* r, SliceHeader* s) {
    if (s->idr) {
        r->u(1);  // no_output_of_prior_pics_flag
        s->long_term_reference_flag = r->flag();
        return;
    }
    s->adaptive_ref_pic_marking_mode_flag = r->flag();
    if (!s->adaptive_ref_pic_marking_mode_flag) return;
    for (;;) {
        uint32_t op = r->ue("memory_management_control_operation", 6);
        if (op == 0 || r->failed() || r->overrun()) return;
        if (s->marking.size() == kMaxMarkingOperations) {
            r->fail("memory_management_control_operation", op);
            return;
        }
        MarkingOperation m = {};
        m.memory_management_control_operation = static_cast<uint8_t>(op);
        if (op == 1 || op == 3) m.difference_of_pic_nums_minus1 = r->ue();
        if (op == 2) m.long_term_pic_num = r->ue();
        if (op == 3 || op == 6) m.long_term_frame_idx = r->ue("long_term_frame_idx", kMaxReferences - 1);
        if (op == 4) m.max_long_term_frame_idx_plus1 = r->ue("max_long_term_frame_idx_plus1", kMaxReferences);
        s->marking.push_back(m);
    }
}

int ceil_log2(uint32_t v) {
    int bits = 0;
    while ((uint64_t{1} << bits) < v) bits++;
    return bits;
}

void parse_picture_order(BitReader* r, const Sps& sps, const Pps& pps, SliceHeader* s) {
    if (sps.pic_order_cnt_type == 0) {
        s->pic_order_cnt_lsb = static_cast<int32_t>(r->u(sps.log2_max_pic_order_cnt_lsb));
        if (pps.bottom_field_pic_order_in_frame_present_flag) s->delta_pic_order_cnt_bottom = r->se();
    } else if (sps.pic_order_cnt_type == 1 && !sps.delta_pic_order_always_zero_flag) {
        s->delta_pic_order_cnt[0] = r->se();
        if (pps.bottom_field_pic_order_in_frame_present_flag) s->delta_pic_order_cnt[1] = r->se();
    }
}

void parse_reference_lists(BitReader* r, const Sps& sps, const Pps& pps, SliceHeader* s) {
    if (s->slice_type == kI) return;
    if (s->slice_type == kB) s->direct_spatial_mv_pred_flag = r->flag();
    int lists = s->slice_type == kB ? 2 : 1;
    bool override_flag = r->flag();
    for (int list = 0; list < lists; list++)
        s->num_ref_idx_active[list] = override_flag
                                          ? 1 + static_cast<int>(r->ue("num_ref_idx_active_minus1", kMaxRefIdx - 1))
                                          : pps.num_ref_idx_default_active[list];
    for (int list = 0; list < lists; list++) parse_ref_pic_list_modification(r, list, s);
    if ((pps.weighted_pred_flag && s->slice_type == kP) || (pps.weighted_bipred_idc == 1 && s->slice_type == kB))
        parse_pred_weight_table(r, sps.chroma_format_idc != 0, s);
}

void parse_deblocking(BitReader* r) {
    if (r->ue("disable_deblocking_filter_idc", 2) == 1) return;
    r->se("slice_alpha_c0_offset_div2", -6, 6);
    r->se("slice_beta_offset_div2", -6, 6);
}

}  // namespace

bool parse_slice_header(BitReader* r, int nal_header, const SpsTable& sequence_sets, const PpsTable& picture_sets,
                        SliceHeader* s, Fault* fault) {
    s->nal_ref_idc = nal_header >> 5 & 3;
    s->idr = (nal_header & 31) == kNalIdr;
    s->first_mb_in_slice = r->ue();
    uint32_t slice_type = r->ue("slice_type", 9);
    s->slice_type = static_cast<SliceType>(slice_type % 5);
    uint32_t pps_id = r->ue("pic_parameter_set_id", kMaxPps - 1);
    fault->take("slice header", *r);
    if (*fault) return false;
    s->pps = picture_sets[pps_id];
    if (s->pps) s->sps = sequence_sets[s->pps->seq_parameter_set_id];
    if (!s->pps || !s->sps) {
        fault->set(ATTP_CORRUPT, "pic_parameter_set_id", static_cast<int64_t>(r->position()),
                   "slice header: parameter set %u (or its sequence parameter set) was never received", pps_id);
        return false;
    }
    const Sps& sps = *s->sps;
    const Pps& pps = *s->pps;
    if (s->slice_type == kSP || s->slice_type == kSI) {
        if (sps.profile_idc != kExtendedProfile)  // a damaged header
            fault->set(ATTP_CORRUPT, "slice_type", 0, "slice header: this profile has no slice_type %u", slice_type);
        else
            fault->unsupported(s->slice_type == kSP ? "SP slices (Extended profile)" : "SI slices (Extended profile)");
        return false;
    }
    s->frame_num = r->u(sps.log2_max_frame_num);
    if (!sps.frame_mbs_only_flag && r->flag()) fault->unsupported("interlaced video (PAFF, field_pic_flag)");
    if (*fault) return false;
    if (s->idr) s->idr_pic_id = r->ue("idr_pic_id", 65535);
    parse_picture_order(r, sps, pps, s);
    if (pps.redundant_pic_cnt_present_flag) s->redundant_pic_cnt = r->ue("redundant_pic_cnt", 127);
    parse_reference_lists(r, sps, pps, s);
    if (s->nal_ref_idc != 0) parse_dec_ref_pic_marking(r, s);
    if (pps.entropy_coding_mode_flag && s->slice_type != kI)
        s->cabac_init_idc = static_cast<int>(r->ue("cabac_init_idc", 2));
    s->slice_qp = pps.pic_init_qp + r->se("slice_qp_delta", -87, 77);
    if (s->slice_qp < 0 || s->slice_qp > 51) r->fail("slice_qp_delta", s->slice_qp - pps.pic_init_qp);
    if (pps.deblocking_filter_control_present_flag) parse_deblocking(r);
    if (pps.num_slice_groups > 1 && pps.slice_group_map_type >= 3 && pps.slice_group_map_type <= 5) {
        uint32_t map_units =
            static_cast<uint32_t>(sps.pic_width_in_mbs) * static_cast<uint32_t>(sps.pic_height_in_map_units);
        uint32_t cycles = (map_units + pps.slice_group_change_rate - 1) / pps.slice_group_change_rate;
        s->slice_group_change_cycle = r->u(ceil_log2(cycles + 1));
    }
    if (s->first_mb_in_slice >=
        static_cast<uint32_t>(sps.pic_width_in_mbs) * static_cast<uint32_t>(sps.height_in_mbs()))
        r->fail("first_mb_in_slice", s->first_mb_in_slice);
    fault->take("slice header", *r);
    return !*fault;
}

bool begins_new_picture(const SliceHeader& a, const SliceHeader& b) {
    if (a.frame_num != b.frame_num || !are_alike(a.sps, b.sps)) return true;
    // Slices of one picture may use several picture parameter sets, so a different one matters only where a picture can begin.
    if (a.pps->pic_parameter_set_id != b.pps->pic_parameter_set_id && b.first_mb_in_slice == 0) return true;
    if ((a.nal_ref_idc == 0) != (b.nal_ref_idc == 0) || a.idr != b.idr) return true;
    if (a.idr && a.idr_pic_id != b.idr_pic_id) return true;
    return a.pic_order_cnt_lsb != b.pic_order_cnt_lsb || a.delta_pic_order_cnt_bottom != b.delta_pic_order_cnt_bottom ||
           a.delta_pic_order_cnt[0] != b.delta_pic_order_cnt[0] || a.delta_pic_order_cnt[1] != b.delta_pic_order_cnt[1];
}

}  // namespace h264
}  // namespace attp
