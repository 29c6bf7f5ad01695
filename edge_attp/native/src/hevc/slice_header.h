// Slice segment header syntax (clause 7.3.6), as sent: nothing derived from other pictures.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "h26x/weights.h"
#include "hevc/nal_unit.h"
#include "hevc/params.h"

namespace attp {
namespace hevc {

enum SliceType { kB = 0, kP = 1, kI = 2 };

struct LongTermEntry {
    uint32_t poc_lsb;  // PocLsbLt
    bool used_by_curr_pic;
    bool has_msb;        // delta_poc_msb_present_flag
    uint32_t msb_cycle;  // DeltaPocMsbCycleLt
};

struct SliceHeader {
    int nal_unit_type = 0;
    int temporal_id = 0;
    std::shared_ptr<const Sps> sps;
    std::shared_ptr<const Pps> pps;

    bool first_slice_segment_in_pic_flag = false;
    bool dependent_slice_segment_flag = false;
    uint32_t slice_segment_address = 0;
    uint32_t slice_addr_rs = 0;  // SliceAddrRs: where the slice began that this segment belongs to
    SliceType slice_type = kI;
    uint32_t slice_pic_order_cnt_lsb = 0;
    ShortTermSet short_term_set;
    std::vector<LongTermEntry> long_term;
    bool slice_temporal_mvp_enabled_flag = false;
    bool slice_sao_flag[2] = {false, false};  // luma, chroma
    int num_ref_idx_active[2] = {0, 0};
    bool ref_pic_list_modification_flag[2] = {false, false};
    std::vector<uint8_t> list_entry[2];
    int num_pic_total_curr = 0;  // NumPicTotalCurr
    bool mvd_l1_zero_flag = false;
    bool cabac_init_flag = false;
    bool collocated_from_l0_flag = true;
    int collocated_ref_idx = 0;
    PredWeightTable weights;
    int max_num_merge_cand = 5;
    int slice_qp = 26;
    int chroma_qp_offset[2] = {0, 0};  // slice_cb_qp_offset, slice_cr_qp_offset
    bool cu_chroma_qp_offset_enabled_flag = false;
    std::vector<uint32_t> entry_point_bytes;  // sizes of all sub-streams but the last, emulation prevention included

    int lists() const { return slice_type == kB ? 2 : slice_type == kP ? 1 : 0; }
};

using SpsTable = std::array<std::shared_ptr<const Sps>, kMaxSps>;
using PpsTable = std::array<std::shared_ptr<const Pps>, kMaxPps>;

// Reads up to slice_segment_data(), which begins at the reader's position. `previous` is the header of the slice segment before this
// one in the same picture, or nullptr: a dependent slice segment takes its fields from there.
bool parse_slice_header(BitReader* r, const NalHeader& nal, const SpsTable& sequence_sets, const PpsTable& picture_sets,
                        const SliceHeader* previous, SliceHeader* out, Fault* fault);

}  // namespace hevc
}  // namespace attp
