#include "hevc/params.h"

#include <algorithm>

#include "hevc/vui.h"

namespace attp {
namespace hevc {
namespace {

// inter RPS (equations 7-61 and 7-62): the reference set shifted by deltaRps, with the picture that it belonged to.
void predict_short_term_set(BitReader* r, const ShortTermSet& ref, int32_t delta_rps, ShortTermSet* out) {
    struct Candidate {
        int32_t delta_poc;
        bool used, kept;
    };
    auto read = [r](int32_t delta_poc) {
        Candidate c = {delta_poc, r->flag(), true};
        if (!c.used) c.kept = r->flag();  // use_delta_flag
        return c;
    };
    std::vector<Candidate> candidates;
    for (const auto& e : ref.negative) candidates.push_back(read(e.delta_poc + delta_rps));
    for (const auto& e : ref.positive) candidates.push_back(read(e.delta_poc + delta_rps));
    candidates.push_back(read(delta_rps));
    for (const Candidate& c : candidates) {
        if (!c.kept || c.delta_poc == 0) continue;
        (c.delta_poc < 0 ? out->negative : out->positive).push_back({c.delta_poc, c.used});
    }
    auto is_nearer = [](const ShortTermSet::Entry& a, const ShortTermSet::Entry& b) {
        return std::abs(a.delta_poc) < std::abs(b.delta_poc);
    };
    std::stable_sort(out->negative.begin(), out->negative.end(), is_nearer);
    std::stable_sort(out->positive.begin(), out->positive.end(), is_nearer);
}

void parse_entries(BitReader* r, uint32_t count, int sign, std::vector<ShortTermSet::Entry>* out) {
    int32_t delta_poc = 0;
    for (uint32_t i = 0; i < count; i++) {
        delta_poc += sign * (1 + static_cast<int32_t>(r->ue("delta_poc_minus1", (1 << 15) - 1)));
        bool used = r->flag();
        out->push_back({delta_poc, used});
    }
}

void parse_conformance_window(BitReader* r, Sps* sps) {
    const int unit = sps->chroma_format_idc == 1 ? 2 : 1;
    auto offset = [&](const char* element, int left) {
        return unit * static_cast<int>(r->ue(element, static_cast<uint32_t>(std::max(0, (left - 1) / unit))));
    };
    sps->crop_left_px = offset("conf_win_left_offset", sps->pic_width_in_luma_samples);
    sps->crop_right_px = offset("conf_win_right_offset", sps->pic_width_in_luma_samples - sps->crop_left_px);
    sps->crop_top_px = offset("conf_win_top_offset", sps->pic_height_in_luma_samples);
    sps->crop_bottom_px = offset("conf_win_bottom_offset", sps->pic_height_in_luma_samples - sps->crop_top_px);
}

void parse_block_sizes(BitReader* r, Sps* sps) {
    sps->log2_min_cb_size = 3 + static_cast<int>(r->ue("log2_min_luma_coding_block_size_minus3", 3));
    sps->log2_ctb_size = sps->log2_min_cb_size + static_cast<int>(r->ue("log2_diff_max_min_luma_coding_block_size", 3));
    if (sps->log2_ctb_size < 4 || sps->log2_ctb_size > 6) r->fail("CtbLog2SizeY", sps->log2_ctb_size);
    sps->log2_min_tb_size = 2 + static_cast<int>(r->ue("log2_min_luma_transform_block_size_minus2", 3));
    if (sps->log2_min_tb_size >= sps->log2_min_cb_size) r->fail("MinTbLog2SizeY", sps->log2_min_tb_size);
    sps->log2_max_tb_size =
        sps->log2_min_tb_size + static_cast<int>(r->ue("log2_diff_max_min_luma_transform_block_size", 3));
    if (sps->log2_max_tb_size > std::min(sps->log2_ctb_size, 5)) r->fail("MaxTbLog2SizeY", sps->log2_max_tb_size);
    const uint32_t deepest = static_cast<uint32_t>(std::max(0, sps->log2_ctb_size - sps->log2_min_tb_size));
    sps->max_transform_hierarchy_depth_inter = static_cast<int>(r->ue("max_transform_hierarchy_depth_inter", deepest));
    sps->max_transform_hierarchy_depth_intra = static_cast<int>(r->ue("max_transform_hierarchy_depth_intra", deepest));
    const int mask = (1 << sps->log2_min_cb_size) - 1;
    if (sps->pic_width_in_luma_samples & mask) r->fail("pic_width_in_luma_samples", sps->pic_width_in_luma_samples);
    if (sps->pic_height_in_luma_samples & mask) r->fail("pic_height_in_luma_samples", sps->pic_height_in_luma_samples);
}

void parse_pcm(BitReader* r, Sps* sps) {
    sps->pcm_bit_depth_luma = 1 + static_cast<int>(r->u(4));
    sps->pcm_bit_depth_chroma = 1 + static_cast<int>(r->u(4));
    if (sps->pcm_bit_depth_luma > sps->bit_depth_luma)
        r->fail("pcm_sample_bit_depth_luma_minus1", sps->pcm_bit_depth_luma - 1);
    if (sps->pcm_bit_depth_chroma > sps->bit_depth_chroma)
        r->fail("pcm_sample_bit_depth_chroma_minus1", sps->pcm_bit_depth_chroma - 1);
    sps->log2_min_pcm_cb_size = 3 + static_cast<int>(r->ue("log2_min_pcm_luma_coding_block_size_minus3", 2));
    sps->log2_max_pcm_cb_size =
        sps->log2_min_pcm_cb_size + static_cast<int>(r->ue("log2_diff_max_min_pcm_luma_coding_block_size", 2));
    if (sps->log2_max_pcm_cb_size > std::min(sps->log2_ctb_size, 5))
        r->fail("log2_diff_max_min_pcm_luma_coding_block_size", sps->log2_max_pcm_cb_size - sps->log2_min_pcm_cb_size);
    r->u(1);  // pcm_loop_filter_disabled_flag
}

void parse_long_term_sps(BitReader* r, Sps* sps) {
    uint32_t count = r->ue("num_long_term_ref_pics_sps", 32);
    for (uint32_t i = 0; i < count; i++) {
        sps->lt_ref_pic_poc_lsb_sps.push_back(r->u(sps->log2_max_pic_order_cnt_lsb));
        sps->used_by_curr_pic_lt_sps_flag.push_back(r->flag());
    }
}

// A tool of version 2 or later that changes what has to be read.
void refuse_if(bool used, const char* what, Fault* fault) {
    if (used) fault->unsupported(what);
}

void parse_sps_extension(BitReader* r, Fault* fault) {
    bool range = r->flag(), multilayer = r->flag(), three_d = r->flag(), scc = r->flag();
    r->u(4);  // sps_extension_4bits
    if (range) {
        refuse_if(r->flag(), "a range extension (transform_skip_rotation_enabled_flag)", fault);
        refuse_if(r->flag(), "a range extension (transform_skip_context_enabled_flag)", fault);
        refuse_if(r->flag(), "a range extension (implicit_rdpcm_enabled_flag)", fault);
        refuse_if(r->flag(), "a range extension (explicit_rdpcm_enabled_flag)", fault);
        refuse_if(r->flag(), "a range extension (extended_precision_processing_flag)", fault);
        r->u(1);  // intra_smoothing_disabled_flag: no intra prediction happens here
        refuse_if(r->flag(), "a range extension (high_precision_offsets_enabled_flag)", fault);
        refuse_if(r->flag(), "a range extension (persistent_rice_adaptation_enabled_flag)", fault);
        refuse_if(r->flag(), "a range extension (cabac_bypass_alignment_enabled_flag)", fault);
    }
    if (multilayer) r->u(1);  // inter_view_mv_vert_constraint_flag
    refuse_if(three_d, "3D-HEVC (sps_3d_extension_flag)", fault);
    refuse_if(scc, "screen content coding (sps_scc_extension_flag)", fault);
}

void refuse_format(const Sps& sps, Fault* fault) {
    refuse_if(sps.chroma_format_idc == 2, "4:2:2 chroma (chroma_format_idc 2)", fault);
    refuse_if(sps.chroma_format_idc == 3, "4:4:4 chroma (chroma_format_idc 3)", fault);
    const int depth = std::max(sps.bit_depth_luma, sps.bit_depth_chroma);
    if (depth > 10)
        fault->set(ATTP_UNSUPPORTED, "bit depth above 10", -1, "%d-bit video (bit depth above 10) is not supported",
                   depth);
}

void parse_tiles(BitReader* r, Pps* pps) {
    // Table A.8 allows 20 columns and 22 rows.
    pps->num_tile_columns = 1 + static_cast<int>(r->ue("num_tile_columns_minus1", 19));
    pps->num_tile_rows = 1 + static_cast<int>(r->ue("num_tile_rows_minus1", 21));
    pps->uniform_spacing_flag = r->flag();
    if (!pps->uniform_spacing_flag) {
        for (int i = 0; i < pps->num_tile_columns - 1; i++)
            pps->column_width.push_back(1 + static_cast<int>(r->ue("column_width_minus1", 1 << 14)));
        for (int i = 0; i < pps->num_tile_rows - 1; i++)
            pps->row_height.push_back(1 + static_cast<int>(r->ue("row_height_minus1", 1 << 14)));
    }
    r->u(1);  // loop_filter_across_tiles_enabled_flag
}

void parse_deblocking_control(BitReader* r, Pps* pps) {
    pps->deblocking_filter_override_enabled_flag = r->flag();
    pps->pps_deblocking_filter_disabled_flag = r->flag();
    if (pps->pps_deblocking_filter_disabled_flag) return;
    r->se("pps_beta_offset_div2", -6, 6);
    r->se("pps_tc_offset_div2", -6, 6);
}

void parse_pps_range_extension(BitReader* r, Pps* pps) {
    if (pps->transform_skip_enabled_flag)
        refuse_if(r->ue("log2_max_transform_skip_block_size_minus2", 3) > 0,
                  "a range extension (log2_max_transform_skip_block_size_minus2)", &pps->refusal);
    refuse_if(r->flag(), "a range extension (cross_component_prediction_enabled_flag)", &pps->refusal);
    pps->chroma_qp_offset_list_enabled_flag = r->flag();
    if (pps->chroma_qp_offset_list_enabled_flag) {
        pps->diff_cu_chroma_qp_offset_depth = static_cast<int>(r->ue("diff_cu_chroma_qp_offset_depth", 3));
        pps->chroma_qp_offset_list_len = 1 + static_cast<int>(r->ue("chroma_qp_offset_list_len_minus1", 5));
        for (int i = 0; i < pps->chroma_qp_offset_list_len; i++)
            for (int8_t& offset : pps->chroma_qp_offset_list[i])
                offset = static_cast<int8_t>(r->se("cb_qp_offset_list", -12, 12));
    }
    r->ue("log2_sao_offset_scale_luma", 2);
    r->ue("log2_sao_offset_scale_chroma", 2);
}

void parse_pps_extension(BitReader* r, Pps* pps) {
    bool range = r->flag(), multilayer = r->flag(), three_d = r->flag(), scc = r->flag();
    r->u(4);  // pps_extension_4bits
    if (range) parse_pps_range_extension(r, pps);
    refuse_if(multilayer, "multi-layer coding in the base layer (pps_multilayer_extension_flag)", &pps->refusal);
    refuse_if(three_d, "3D-HEVC (pps_3d_extension_flag)", &pps->refusal);
    refuse_if(scc, "screen content coding (pps_scc_extension_flag)", &pps->refusal);
}

// colBd and rowBd (equations 6-3 to 6-6). Empty: the sizes do not add up.
std::vector<int> tile_bounds(bool uniform, int count, const std::vector<int>& sizes, int size_ctbs) {
    std::vector<int> bounds = {0};
    for (int i = 0; i < count; i++) {
        int end = uniform         ? (i + 1) * size_ctbs / count
                  : i + 1 < count ? bounds.back() + sizes[static_cast<size_t>(i)]
                                  : size_ctbs;
        if (end <= bounds.back() || end > size_ctbs) return {};
        bounds.push_back(end);
    }
    return bounds;
}

}  // namespace

void parse_short_term_set(BitReader* r, size_t index, const std::vector<ShortTermSet>& earlier, bool is_in_slice_header,
                          ShortTermSet* out) {
    if (index != 0 && r->flag()) {  // inter_ref_pic_set_prediction_flag
        size_t delta_idx = 1;
        if (is_in_slice_header) delta_idx += r->ue("delta_idx_minus1", static_cast<uint32_t>(index - 1));
        bool is_negative = r->flag();  // delta_rps_sign
        int32_t delta_rps = 1 + static_cast<int32_t>(r->ue("abs_delta_rps_minus1", (1 << 15) - 1));
        predict_short_term_set(r, earlier[index - delta_idx], is_negative ? -delta_rps : delta_rps, out);
    } else {
        uint32_t negative = r->ue("num_negative_pics", kMaxDpbSize);
        uint32_t positive = r->ue("num_positive_pics", kMaxDpbSize - negative);
        parse_entries(r, negative, -1, &out->negative);
        parse_entries(r, positive, 1, &out->positive);
    }
    if (out->size() > kMaxDpbSize) r->fail("NumDeltaPocs", static_cast<int64_t>(out->size()));
}

bool parse_sps(BitReader* r, const Limits& limits, Sps* sps, Fault* fault) {
    sps->sps_video_parameter_set_id = static_cast<int>(r->u(4));
    sps->sps_max_sub_layers = 1 + static_cast<int>(r->u(3));
    if (sps->sps_max_sub_layers > 7) r->fail("sps_max_sub_layers_minus1", 7);
    r->u(1);  // sps_temporal_id_nesting_flag
    parse_profile_tier_level(r, std::min(7, sps->sps_max_sub_layers), sps);
    const size_t behind_level = r->position();
    sps->sps_seq_parameter_set_id = static_cast<int>(r->ue("sps_seq_parameter_set_id", kMaxSps - 1));
    sps->chroma_format_idc = static_cast<int>(r->ue("chroma_format_idc", 3));
    if (sps->chroma_format_idc == 3) r->u(1);  // separate_colour_plane_flag
    sps->pic_width_in_luma_samples = static_cast<int>(r->ue("pic_width_in_luma_samples", 1 << 16));
    sps->pic_height_in_luma_samples = static_cast<int>(r->ue("pic_height_in_luma_samples", 1 << 16));
    if (sps->pic_width_in_luma_samples == 0) r->fail("pic_width_in_luma_samples", 0);
    if (sps->pic_height_in_luma_samples == 0) r->fail("pic_height_in_luma_samples", 0);
    if (r->flag()) parse_conformance_window(r, sps);
    sps->bit_depth_luma = 8 + static_cast<int>(r->ue("bit_depth_luma_minus8", 8));
    sps->bit_depth_chroma = 8 + static_cast<int>(r->ue("bit_depth_chroma_minus8", 8));
    sps->log2_max_pic_order_cnt_lsb = 4 + static_cast<int>(r->ue("log2_max_pic_order_cnt_lsb_minus4", 12));
    bool has_all_sub_layers = r->flag();  // sps_sub_layer_ordering_info_present_flag
    for (int i = has_all_sub_layers ? 0 : sps->sps_max_sub_layers - 1; i < sps->sps_max_sub_layers; i++) {
        sps->sps_max_dec_pic_buffering =
            1 + static_cast<int>(r->ue("sps_max_dec_pic_buffering_minus1", kMaxDpbSize - 1));
        r->ue("sps_max_num_reorder_pics", kMaxDpbSize - 1);
        r->ue();  // sps_max_latency_increase_plus1
    }
    parse_block_sizes(r, sps);
    sps->scaling.set_default();
    sps->scaling_list_enabled_flag = r->flag();
    if (sps->scaling_list_enabled_flag && r->flag()) sps->scaling.parse(r);
    sps->amp_enabled_flag = r->flag();
    sps->sample_adaptive_offset_enabled_flag = r->flag();
    sps->pcm_enabled_flag = r->flag();
    if (sps->pcm_enabled_flag) parse_pcm(r, sps);
    uint32_t sets = r->ue("num_short_term_ref_pic_sets", 64);
    for (uint32_t i = 0; i < sets && !r->failed() && !r->overrun(); i++) {
        ShortTermSet set;
        parse_short_term_set(r, i, sps->short_term_sets, false, &set);
        sps->short_term_sets.push_back(std::move(set));
    }
    sps->long_term_ref_pics_present_flag = r->flag();
    if (sps->long_term_ref_pics_present_flag) parse_long_term_sps(r, sps);
    sps->sps_temporal_mvp_enabled_flag = r->flag();
    r->u(1);  // strong_intra_smoothing_enabled_flag
    const size_t vui = r->position();
    bool vui_parameters_present_flag = r->flag();
    // A refused tool is reported by name even if the fields after it could not be read because of it.
    fault->take("sequence parameter set", *r);
    if (!*fault) limits.check(sps->pic_width_in_luma_samples, sps->pic_height_in_luma_samples, fault);
    if (!*fault) refuse_format(*sps, fault);
    if (*fault) return false;
    r->copy_bits(behind_level, vui, &sps->coding_bits);
    if (vui_parameters_present_flag) parse_vui(r, sps);
    // Some encoders get the VUI wrong; then nothing after it can be trusted either.
    const bool is_vui_sound = !r->failed() && !r->overrun();
    if (!is_vui_sound) return true;
    r->copy_bits(r->position(), r->stop_bit(), &sps->coding_bits);
    if (r->flag()) parse_sps_extension(r, fault);
    return !*fault;
}

bool parse_pps(BitReader* r, Pps* pps, Fault* fault) {
    pps->pps_pic_parameter_set_id = static_cast<int>(r->ue("pps_pic_parameter_set_id", kMaxPps - 1));
    pps->pps_seq_parameter_set_id = static_cast<int>(r->ue("pps_seq_parameter_set_id", kMaxSps - 1));
    pps->dependent_slice_segments_enabled_flag = r->flag();
    pps->output_flag_present_flag = r->flag();
    pps->num_extra_slice_header_bits = static_cast<int>(r->u(3));
    pps->sign_data_hiding_enabled_flag = r->flag();
    pps->cabac_init_present_flag = r->flag();
    for (int& n : pps->num_ref_idx_default_active)
        n = 1 + static_cast<int>(r->ue("num_ref_idx_default_active_minus1", kMaxRefIdx - 2));
    pps->init_qp = 26 + r->se("init_qp_minus26", -26 - 12, 25);
    pps->constrained_intra_pred_flag = r->flag();
    pps->transform_skip_enabled_flag = r->flag();
    pps->cu_qp_delta_enabled_flag = r->flag();
    if (pps->cu_qp_delta_enabled_flag)
        pps->diff_cu_qp_delta_depth = static_cast<int>(r->ue("diff_cu_qp_delta_depth", 3));
    pps->chroma_qp_offset[0] = r->se("pps_cb_qp_offset", -12, 12);
    pps->chroma_qp_offset[1] = r->se("pps_cr_qp_offset", -12, 12);
    pps->pps_slice_chroma_qp_offsets_present_flag = r->flag();
    pps->weighted_pred_flag = r->flag();
    pps->weighted_bipred_flag = r->flag();
    pps->transquant_bypass_enabled_flag = r->flag();
    pps->tiles_enabled_flag = r->flag();
    pps->entropy_coding_sync_enabled_flag = r->flag();
    if (pps->tiles_enabled_flag) parse_tiles(r, pps);
    pps->pps_loop_filter_across_slices_enabled_flag = r->flag();
    if (r->flag()) parse_deblocking_control(r, pps);
    pps->pps_scaling_list_data_present_flag = r->flag();
    if (pps->pps_scaling_list_data_present_flag) pps->scaling.parse(r);
    pps->lists_modification_present_flag = r->flag();
    pps->log2_parallel_merge_level = 2 + static_cast<int>(r->ue("log2_parallel_merge_level_minus2", 4));
    pps->slice_segment_header_extension_present_flag = r->flag();
    if (r->flag()) parse_pps_extension(r, pps);
    fault->take("picture parameter set", *r);
    return !*fault;
}

bool make_layout(const Sps& sps, const Pps& pps, Layout* layout, Fault* fault) {
    if (pps.diff_cu_qp_delta_depth > sps.log2_ctb_size - sps.log2_min_cb_size ||
        pps.diff_cu_chroma_qp_offset_depth > sps.log2_ctb_size - sps.log2_min_cb_size) {
        fault->set(ATTP_CORRUPT, "diff_cu_qp_delta_depth", -1,
                   "the picture parameter set asks for quantization groups smaller than coding blocks");
        return false;
    }
    if (pps.log2_parallel_merge_level > sps.log2_ctb_size) {
        fault->set(ATTP_CORRUPT, "log2_parallel_merge_level_minus2", -1,
                   "the parallel merge level of the picture parameter set exceeds the coding tree block size");
        return false;
    }
    const int width = sps.width_ctbs(), height = sps.height_ctbs();
    const std::vector<int> columns =
        tile_bounds(pps.uniform_spacing_flag, pps.num_tile_columns, pps.column_width, width);
    const std::vector<int> rows = tile_bounds(pps.uniform_spacing_flag, pps.num_tile_rows, pps.row_height, height);
    if (columns.empty() || rows.empty()) {
        fault->set(ATTP_CORRUPT, "column_width_minus1", -1,
                   "the tiles of the picture parameter set do not fit a picture of %dx%d",
                   sps.pic_width_in_luma_samples, sps.pic_height_in_luma_samples);
        return false;
    }
    layout->rs_to_ts.resize(static_cast<size_t>(width) * static_cast<size_t>(height));
    layout->column_of_ctb.resize(static_cast<size_t>(width));
    layout->ts_to_rs.clear();
    layout->tile_id.clear();
    uint16_t tile = 0;
    for (size_t row = 0; row + 1 < rows.size(); row++)
        for (size_t column = 0; column + 1 < columns.size(); column++, tile++)
            for (int y = rows[row]; y < rows[row + 1]; y++)
                for (int x = columns[column]; x < columns[column + 1]; x++) {
                    const uint32_t rs = static_cast<uint32_t>(y * width + x);
                    layout->rs_to_ts[rs] = static_cast<uint32_t>(layout->ts_to_rs.size());
                    layout->column_of_ctb[static_cast<size_t>(x)] = static_cast<uint16_t>(columns[column]);
                    layout->ts_to_rs.push_back(rs);
                    layout->tile_id.push_back(tile);
                }
    return true;
}

}  // namespace hevc
}  // namespace attp
