// Sequence and picture parameter sets (clauses 7.3.2.2 and 7.3.2.3), with what follows from them. The video parameter set says nothing
// that reading the base layer needs.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "h26x/fault.h"
#include "h26x/vui.h"
#include "hevc/scaling_list.h"

namespace attp {
namespace hevc {

constexpr int kMaxSps = 16;
constexpr int kMaxPps = 64;
constexpr int kMaxDpbSize = 16;
constexpr int kMaxRefIdx = 16;
constexpr int kMaxVps = 16;

// st_ref_pic_set() (clauses 7.3.7 and 7.4.8): pictures before the current one in output order, nearest first, then those after it.
struct ShortTermSet {
    struct Entry {
        int32_t delta_poc;
        bool used_by_curr_pic;
    };
    std::vector<Entry> negative, positive;

    size_t size() const { return negative.size() + positive.size(); }
};

struct Sps {
    int sps_video_parameter_set_id = 0;
    int sps_max_sub_layers = 1;
    int general_profile_idc = 0;
    bool general_tier_flag = false;
    int general_level_idc = 0;
    int sps_seq_parameter_set_id = 0;
    int chroma_format_idc = 1;
    int pic_width_in_luma_samples = 0;
    int pic_height_in_luma_samples = 0;
    int crop_left_px = 0, crop_top_px = 0, crop_right_px = 0, crop_bottom_px = 0;
    int bit_depth_luma = 8;
    int bit_depth_chroma = 8;
    int log2_max_pic_order_cnt_lsb = 4;
    int sps_max_dec_pic_buffering = 1;  // of the highest sub-layer
    int log2_min_cb_size = 3;           // MinCbLog2SizeY
    int log2_ctb_size = 4;              // CtbLog2SizeY
    int log2_min_tb_size = 2;           // MinTbLog2SizeY
    int log2_max_tb_size = 5;           // MaxTbLog2SizeY
    int max_transform_hierarchy_depth_inter = 0;
    int max_transform_hierarchy_depth_intra = 0;
    bool scaling_list_enabled_flag = false;
    ScalingFactors scaling;
    bool amp_enabled_flag = false;
    bool sample_adaptive_offset_enabled_flag = false;
    bool pcm_enabled_flag = false;
    int pcm_bit_depth_luma = 8;
    int pcm_bit_depth_chroma = 8;
    int log2_min_pcm_cb_size = 3;
    int log2_max_pcm_cb_size = 3;
    std::vector<ShortTermSet> short_term_sets;
    bool long_term_ref_pics_present_flag = false;
    std::vector<uint32_t> lt_ref_pic_poc_lsb_sps;
    std::vector<bool> used_by_curr_pic_lt_sps_flag;
    bool sps_temporal_mvp_enabled_flag = false;
    Timing timing;

    bool has_chroma() const { return chroma_format_idc != 0; }
    int width_px() const { return pic_width_in_luma_samples - crop_left_px - crop_right_px; }
    int height_px() const { return pic_height_in_luma_samples - crop_top_px - crop_bottom_px; }
    int width_ctbs() const { return (pic_width_in_luma_samples + (1 << log2_ctb_size) - 1) >> log2_ctb_size; }
    int height_ctbs() const { return (pic_height_in_luma_samples + (1 << log2_ctb_size) - 1) >> log2_ctb_size; }
    int qp_bd_offset_luma() const { return 6 * (bit_depth_luma - 8); }
    int qp_bd_offset_chroma() const { return 6 * (bit_depth_chroma - 8); }
};

struct Pps {
    int pps_pic_parameter_set_id = 0;
    int pps_seq_parameter_set_id = 0;
    bool dependent_slice_segments_enabled_flag = false;
    bool output_flag_present_flag = false;
    int num_extra_slice_header_bits = 0;
    bool sign_data_hiding_enabled_flag = false;
    bool cabac_init_present_flag = false;
    int num_ref_idx_default_active[2] = {1, 1};
    int init_qp = 26;
    bool constrained_intra_pred_flag = false;
    bool transform_skip_enabled_flag = false;
    bool cu_qp_delta_enabled_flag = false;
    int diff_cu_qp_delta_depth = 0;
    int chroma_qp_offset[2] = {0, 0};  // pps_cb_qp_offset, pps_cr_qp_offset
    bool pps_slice_chroma_qp_offsets_present_flag = false;
    bool weighted_pred_flag = false;
    bool weighted_bipred_flag = false;
    bool transquant_bypass_enabled_flag = false;
    bool tiles_enabled_flag = false;
    bool entropy_coding_sync_enabled_flag = false;
    int num_tile_columns = 1;
    int num_tile_rows = 1;
    bool uniform_spacing_flag = true;
    std::vector<int> column_width;  // all but the last, where not uniform
    std::vector<int> row_height;
    bool pps_loop_filter_across_slices_enabled_flag = false;
    bool deblocking_filter_override_enabled_flag = false;
    bool pps_deblocking_filter_disabled_flag = false;
    bool pps_scaling_list_data_present_flag = false;
    ScalingFactors scaling;
    bool lists_modification_present_flag = false;
    int log2_parallel_merge_level = 2;
    bool slice_segment_header_extension_present_flag = false;
    // pps_range_extension()
    bool chroma_qp_offset_list_enabled_flag = false;
    int diff_cu_chroma_qp_offset_depth = 0;
    int chroma_qp_offset_list_len = 0;
    int8_t chroma_qp_offset_list[6][2] = {};
    // Why pictures that refer to this set cannot be read; refused when one does.
    Fault refusal;
};

// How a picture parameter set divides the pictures of a sequence parameter set (clause 6.5.1).
struct Layout {
    std::vector<uint32_t> rs_to_ts;       // CtbAddrRsToTs
    std::vector<uint32_t> ts_to_rs;       // CtbAddrTsToRs
    std::vector<uint16_t> tile_id;        // TileId, by address in tile scan
    std::vector<uint16_t> column_of_ctb;  // first CTB column of the tile, by CTB column
};

bool parse_sps(BitReader* r, const Limits& limits, Sps* sps, Fault* fault);
bool parse_pps(BitReader* r, Pps* pps, Fault* fault);
// False: the two sets contradict each other.
bool make_layout(const Sps& sps, const Pps& pps, Layout* layout, Fault* fault);

// `index` is the set's own index; `earlier` are those sent before it in the sequence parameter set.
void parse_short_term_set(BitReader* r, size_t index, const std::vector<ShortTermSet>& earlier, bool is_in_slice_header,
                          ShortTermSet* out);

// Bits of an index to one of `count` things: Ceil(Log2(count)).
inline int index_bits(uint32_t count) { return count <= 1 ? 0 : 32 - __builtin_clz(count - 1); }

}  // namespace hevc
}  // namespace attp
