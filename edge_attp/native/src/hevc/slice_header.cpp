#include "hevc/slice_header.h"

#include <algorithm>

namespace attp {
namespace hevc {
namespace {

void parse_long_term(BitReader* r, const Sps& sps, SliceHeader* h) {
    const uint32_t in_sps = static_cast<uint32_t>(sps.lt_ref_pic_poc_lsb_sps.size());
    uint32_t from_sps = in_sps > 0 ? r->ue("num_long_term_sps", in_sps) : 0;
    uint32_t from_slice = r->ue("num_long_term_pics", kMaxDpbSize);
    if (from_sps + from_slice + h->short_term_set.size() > kMaxDpbSize) {
        r->fail("num_long_term_pics", from_slice);
        return;
    }
    for (uint32_t i = 0; i < from_sps + from_slice; i++) {
        LongTermEntry e = {};
        if (i < from_sps) {
            size_t index = r->u(index_bits(in_sps));  // lt_idx_sps
            if (index >= in_sps) {
                r->fail("lt_idx_sps", static_cast<int64_t>(index));
                return;
            }
            e.poc_lsb = sps.lt_ref_pic_poc_lsb_sps[index];
            e.used_by_curr_pic = sps.used_by_curr_pic_lt_sps_flag[index];
        } else {
            e.poc_lsb = r->u(sps.log2_max_pic_order_cnt_lsb);
            e.used_by_curr_pic = r->flag();
        }
        e.has_msb = r->flag();
        if (e.has_msb) e.msb_cycle = r->ue("delta_poc_msb_cycle_lt", 1u << 28);
        // Equation 7-52: cycles add up, but not from the entries of the SPS to those of the slice.
        if (i != 0 && i != from_sps) e.msb_cycle += h->long_term.back().msb_cycle;
        h->long_term.push_back(e);
    }
}

void parse_reference_sets(BitReader* r, const Sps& sps, SliceHeader* h) {
    h->slice_pic_order_cnt_lsb = r->u(sps.log2_max_pic_order_cnt_lsb);
    const size_t sets = sps.short_term_sets.size();
    if (!r->flag()) {  // short_term_ref_pic_set_sps_flag
        parse_short_term_set(r, sets, sps.short_term_sets, true, &h->short_term_set);
    } else if (sets == 0) {
        r->fail("short_term_ref_pic_set_sps_flag", 1);
    } else {
        size_t index = r->u(index_bits(static_cast<uint32_t>(sets)));
        if (index >= sets)
            r->fail("short_term_ref_pic_set_idx", static_cast<int64_t>(index));
        else
            h->short_term_set = sps.short_term_sets[index];
    }
    if (sps.long_term_ref_pics_present_flag) parse_long_term(r, sps, h);
    if (sps.sps_temporal_mvp_enabled_flag) h->slice_temporal_mvp_enabled_flag = r->flag();
}

int count_pic_total_curr(const SliceHeader& h) {
    int count = 0;
    for (const auto& e : h.short_term_set.negative) count += e.used_by_curr_pic;
    for (const auto& e : h.short_term_set.positive) count += e.used_by_curr_pic;
    for (const LongTermEntry& e : h.long_term) count += e.used_by_curr_pic;
    return count;
}

void parse_list_modification(BitReader* r, SliceHeader* h) {
    const int bits = index_bits(static_cast<uint32_t>(h->num_pic_total_curr));
    for (int list = 0; list < h->lists(); list++) {
        h->ref_pic_list_modification_flag[list] = r->flag();
        if (!h->ref_pic_list_modification_flag[list]) continue;
        for (int i = 0; i < h->num_ref_idx_active[list]; i++) {
            uint32_t entry = r->u(bits);
            if (entry >= static_cast<uint32_t>(h->num_pic_total_curr)) r->fail("list_entry", entry);
            h->list_entry[list].push_back(static_cast<uint8_t>(entry));
        }
    }
}

void parse_weights_of_list(BitReader* r, const Sps& sps, const int log2_denom[2], std::vector<PredWeight>* out) {
    std::vector<bool> has_luma, has_chroma;
    for (size_t i = 0; i < out->size(); i++) has_luma.push_back(r->flag());
    for (size_t i = 0; i < out->size(); i++) has_chroma.push_back(sps.has_chroma() && r->flag());
    for (size_t i = 0; i < out->size(); i++) {
        PredWeight& w = (*out)[i];
        w = default_weight(log2_denom);
        if (has_luma[i]) {
            w.weight[0] = static_cast<int16_t>(w.weight[0] + r->se("delta_luma_weight", -128, 127));
            w.offset[0] = static_cast<int16_t>(r->se("luma_offset", -128, 127) * (1 << (sps.bit_depth_luma - 8)));
        }
        for (int c = 1; c < 3 && has_chroma[i]; c++) {
            w.weight[c] = static_cast<int16_t>(w.weight[c] + r->se("delta_chroma_weight", -128, 127));
            // Equation 7-56.
            int offset = 128 + r->se("delta_chroma_offset", -512, 511) - ((128 * w.weight[c]) >> log2_denom[1]);
            offset = std::max(-128, std::min(127, offset));
            w.offset[c] = static_cast<int16_t>(offset * (1 << (sps.bit_depth_chroma - 8)));
        }
    }
}

void parse_pred_weight_table(BitReader* r, const Sps& sps, SliceHeader* h) {
    h->weights.is_present = true;
    h->weights.log2_denom[0] = static_cast<int>(r->ue("luma_log2_weight_denom", 7));
    if (sps.has_chroma())
        h->weights.log2_denom[1] =
            h->weights.log2_denom[0] +
            r->se("delta_chroma_log2_weight_denom", -h->weights.log2_denom[0], 7 - h->weights.log2_denom[0]);
    for (int list = 0; list < h->lists(); list++) {
        h->weights.entries[list].resize(static_cast<size_t>(h->num_ref_idx_active[list]));
        parse_weights_of_list(r, sps, h->weights.log2_denom, &h->weights.entries[list]);
    }
}

void parse_inter(BitReader* r, const Sps& sps, const Pps& pps, SliceHeader* h) {
    const bool overrides = r->flag();  // num_ref_idx_active_override_flag
    for (int list = 0; list < h->lists(); list++)
        h->num_ref_idx_active[list] = overrides
                                          ? 1 + static_cast<int>(r->ue("num_ref_idx_active_minus1", kMaxRefIdx - 2))
                                          : pps.num_ref_idx_default_active[list];
    if (h->num_pic_total_curr == 0) r->fail("NumPicTotalCurr", 0);
    if (pps.lists_modification_present_flag && h->num_pic_total_curr > 1) parse_list_modification(r, h);
    if (h->slice_type == kB) h->mvd_l1_zero_flag = r->flag();
    if (pps.cabac_init_present_flag) h->cabac_init_flag = r->flag();
    if (h->slice_temporal_mvp_enabled_flag) {
        if (h->slice_type == kB) h->collocated_from_l0_flag = r->flag();
        const int active = h->num_ref_idx_active[h->collocated_from_l0_flag ? 0 : 1];
        if (active > 1)
            h->collocated_ref_idx = static_cast<int>(r->ue("collocated_ref_idx", static_cast<uint32_t>(active - 1)));
    }
    if (h->slice_type == kP ? pps.weighted_pred_flag : pps.weighted_bipred_flag) parse_pred_weight_table(r, sps, h);
    h->max_num_merge_cand = 5 - static_cast<int>(r->ue("five_minus_max_num_merge_cand", 4));
}

void parse_deblocking(BitReader* r, const Pps& pps, const SliceHeader& h) {
    const bool overrides = pps.deblocking_filter_override_enabled_flag && r->flag();
    bool disabled = pps.pps_deblocking_filter_disabled_flag;
    if (overrides) {
        disabled = r->flag();
        if (!disabled) {
            r->se("slice_beta_offset_div2", -6, 6);
            r->se("slice_tc_offset_div2", -6, 6);
        }
    }
    if (pps.pps_loop_filter_across_slices_enabled_flag && (h.slice_sao_flag[0] || h.slice_sao_flag[1] || !disabled))
        r->u(1);  // slice_loop_filter_across_slices_enabled_flag
}

void parse_independent(BitReader* r, const Sps& sps, const Pps& pps, SliceHeader* h) {
    r->u(pps.num_extra_slice_header_bits);  // slice_reserved_flag
    h->slice_type = static_cast<SliceType>(r->ue("slice_type", 2));
    if (pps.output_flag_present_flag) r->u(1);  // pic_output_flag
    if (!is_idr(h->nal_unit_type)) parse_reference_sets(r, sps, h);
    if (is_irap(h->nal_unit_type) && h->slice_type != kI) r->fail("slice_type", h->slice_type);
    h->num_pic_total_curr = count_pic_total_curr(*h);
    if (sps.sample_adaptive_offset_enabled_flag) {
        h->slice_sao_flag[0] = r->flag();
        if (sps.has_chroma()) h->slice_sao_flag[1] = r->flag();
    }
    // With a set of references that could not be read, nothing behind it has a meaning.
    if (r->failed()) return;
    if (h->slice_type != kI) parse_inter(r, sps, pps, h);
    h->slice_qp = pps.init_qp + r->se("slice_qp_delta", -128, 127);
    if (h->slice_qp < -sps.qp_bd_offset_luma() || h->slice_qp > 51)
        r->fail("slice_qp_delta", h->slice_qp - pps.init_qp);
    if (pps.pps_slice_chroma_qp_offsets_present_flag)
        for (int c = 0; c < 2; c++) {
            h->chroma_qp_offset[c] = r->se("slice_chroma_qp_offset", -12, 12);
            int sum = pps.chroma_qp_offset[c] + h->chroma_qp_offset[c];
            if (sum < -12 || sum > 12) r->fail("slice_chroma_qp_offset", h->chroma_qp_offset[c]);
        }
    if (pps.chroma_qp_offset_list_enabled_flag) h->cu_chroma_qp_offset_enabled_flag = r->flag();
    parse_deblocking(r, pps, *h);
}

void parse_entry_points(BitReader* r, const Sps& sps, const Pps& pps, SliceHeader* h) {
    const uint32_t rows = static_cast<uint32_t>(sps.height_ctbs());
    const uint32_t columns = static_cast<uint32_t>(pps.num_tile_columns);
    const uint32_t tiles = columns * static_cast<uint32_t>(pps.num_tile_rows);
    uint32_t most = pps.entropy_coding_sync_enabled_flag ? columns * rows - 1 : tiles - 1;
    uint32_t count = r->ue("num_entry_point_offsets", most);
    if (count == 0) return;
    const int bits = 1 + static_cast<int>(r->ue("offset_len_minus1", 31));
    for (uint32_t i = 0; i < count && !r->overrun(); i++) {
        uint32_t minus1 = r->u(bits);
        h->entry_point_bytes.push_back(std::min(minus1, UINT32_MAX - 1) + 1);
    }
}

// byte_alignment(): a 1 bit, then zeros.
void parse_alignment(BitReader* r) {
    const int bits = 8 - static_cast<int>(r->position() & 7);
    if (r->u(bits) != 1u << (bits - 1)) r->fail("alignment_bit_equal_to_one", 0);
}

}  // namespace

bool parse_slice_header(BitReader* r, const NalHeader& nal, const SpsTable& sequence_sets, const PpsTable& picture_sets,
                        const SliceHeader* previous, SliceHeader* h, Fault* fault) {
    const bool is_first = r->flag();
    if (is_irap(nal.nal_unit_type)) r->u(1);  // no_output_of_prior_pics_flag
    const size_t pps_id = r->ue("slice_pic_parameter_set_id", kMaxPps - 1);
    const std::shared_ptr<const Pps>& pps = picture_sets[pps_id];
    if (!pps) {
        fault->set(ATTP_CORRUPT, "slice_pic_parameter_set_id", static_cast<int64_t>(r->position()),
                   "slice header: picture parameter set %zu was never received", pps_id);
        return false;
    }
    const std::shared_ptr<const Sps>& sps = sequence_sets[static_cast<size_t>(pps->pps_seq_parameter_set_id)];
    if (!sps) {
        fault->set(ATTP_CORRUPT, "pps_seq_parameter_set_id", -1,
                   "slice header: sequence parameter set %d was never received", pps->pps_seq_parameter_set_id);
        return false;
    }
    const uint32_t ctbs = static_cast<uint32_t>(sps->width_ctbs()) * static_cast<uint32_t>(sps->height_ctbs());
    bool is_dependent = false;
    uint32_t address = 0;
    if (!is_first) {
        is_dependent = pps->dependent_slice_segments_enabled_flag && r->flag();
        address = r->u(index_bits(ctbs));
        if (address == 0 || address >= ctbs) r->fail("slice_segment_address", address);
    }
    if (is_dependent) {
        if (previous == nullptr || previous->pps != pps) {
            fault->set(ATTP_CORRUPT, "dependent_slice_segment_flag", -1,
                       "slice header: a dependent slice segment has no slice segment before it");
            return false;
        }
        *h = *previous;
        h->entry_point_bytes.clear();
    }
    h->nal_unit_type = nal.nal_unit_type;
    h->temporal_id = nal.temporal_id;
    h->sps = sps;
    h->pps = pps;
    h->first_slice_segment_in_pic_flag = is_first;
    h->dependent_slice_segment_flag = is_dependent;
    h->slice_segment_address = address;
    if (!is_dependent) {
        h->slice_addr_rs = address;
        parse_independent(r, *sps, *pps, h);
    }
    if (pps->tiles_enabled_flag || pps->entropy_coding_sync_enabled_flag) parse_entry_points(r, *sps, *pps, h);
    if (pps->slice_segment_header_extension_present_flag) {
        uint32_t bytes = r->ue("slice_segment_header_extension_length", 256);
        r->skip(static_cast<int>(8 * bytes));
    }
    parse_alignment(r);
    fault->take("slice header", *r);
    return !*fault;
}

}  // namespace hevc
}  // namespace attp
