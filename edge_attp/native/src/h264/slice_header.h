// Slice header syntax (clause 7.3.3), as sent: nothing derived from other pictures.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "h264/params.h"
#include "h26x/weights.h"

namespace attp {
namespace h264 {

enum NalType {
    kNalSlice = 1,
    kNalPartitionA = 2,
    kNalPartitionB = 3,
    kNalPartitionC = 4,
    kNalIdr = 5,
    kNalSei = 6,
    kNalSps = 7,
    kNalPps = 8,
    kNalAud = 9,
    kNalEndOfSequence = 10,
    kNalEndOfStream = 11,
    kNalLastOfTable = 20,  // the last type of Table 7-1 that single-view and scalable streams have
};

enum SliceType { kP = 0, kB = 1, kI = 2, kSP = 3, kSI = 4 };

constexpr int kMaxRefIdx = 32;

struct ListModification {
    uint8_t modification_of_pic_nums_idc;
    uint32_t value;  // abs_diff_pic_num_minus1 or long_term_pic_num
};

struct MarkingOperation {
    uint8_t memory_management_control_operation;
    uint32_t difference_of_pic_nums_minus1;
    uint32_t long_term_pic_num;
    uint32_t long_term_frame_idx;
    uint32_t max_long_term_frame_idx_plus1;
};

struct SliceHeader {
    int nal_ref_idc = 0;
    bool idr = false;
    std::shared_ptr<const Sps> sps;
    std::shared_ptr<const Pps> pps;

    uint32_t first_mb_in_slice = 0;
    SliceType slice_type = kI;
    uint32_t frame_num = 0;
    uint32_t idr_pic_id = 0;
    int32_t pic_order_cnt_lsb = 0;
    int32_t delta_pic_order_cnt_bottom = 0;
    int32_t delta_pic_order_cnt[2] = {0, 0};
    uint32_t redundant_pic_cnt = 0;
    bool direct_spatial_mv_pred_flag = false;
    int num_ref_idx_active[2] = {0, 0};
    std::vector<ListModification> modification[2];
    PredWeightTable pred_weight_table;
    bool long_term_reference_flag = false;
    bool adaptive_ref_pic_marking_mode_flag = false;
    std::vector<MarkingOperation> marking;
    int cabac_init_idc = 0;
    int slice_qp = 26;
    uint32_t slice_group_change_cycle = 0;

    // Weighted prediction in implicit mode (clause 8.4.2.3).
    bool has_implicit_weights() const { return slice_type == kB && pps->weighted_bipred_idc == 2; }

    bool has_operation_5() const {
        for (const MarkingOperation& m : marking)
            if (m.memory_management_control_operation == 5) return true;
        return false;
    }
};

using SpsTable = std::array<std::shared_ptr<const Sps>, kMaxSps>;
using PpsTable = std::array<std::shared_ptr<const Pps>, kMaxPps>;

// Reads up to slice_data(). `nal_header` is the NAL unit's first byte.
bool parse_slice_header(BitReader* r, int nal_header, const SpsTable& sequence_sets, const PpsTable& picture_sets,
                        SliceHeader* out, Fault* fault);

// first_mb_in_slice, slice_type and so on differ in a way that says: a new primary coded picture begins (clause 7.4.1.2.4).
bool begins_new_picture(const SliceHeader& previous, const SliceHeader& next);

}  // namespace h264
}  // namespace attp
