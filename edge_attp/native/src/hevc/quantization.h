// Quantization parameters (clause 8.6.1) and the scaling that follows from them (clause 8.6.3).
#pragma once

#include <algorithm>
#include <cstdint>

#include "hevc/block_grid.h"
#include "hevc/coefficients.h"
#include "hevc/slice_header.h"

namespace attp {
namespace hevc {

class Quantization {
  public:
    Quantization(const SliceHeader& header, BlockGrid* grid)
        : header_(header), sps_(*header.sps), pps_(*header.pps), grid_(grid) {
        const int log2_group = sps_.log2_ctb_size - pps_.diff_cu_qp_delta_depth;
        log2_min_group_size_ = log2_group;
        log2_min_chroma_group_size_ = sps_.log2_ctb_size - pps_.diff_cu_chroma_qp_offset_depth;
        start_section(header.slice_qp);
    }

    // The first quantization group of a slice, a tile, or a row of coding tree blocks with entropy_coding_sync_enabled_flag follows;
    // or of a dependent slice segment, with QpY of the last coding unit before it.
    void start_section(int previous_qp_y) { last_qp_y_ = predicted_qp_y_ = qp_y_ = previous_qp_y; }
    int last_qp_y() const { return last_qp_y_; }

    // A node of the coding quadtree.
    void start_node(int x, int y, int log2_size) {
        if (pps_.cu_qp_delta_enabled_flag && log2_size >= log2_min_group_size_) {
            is_cu_qp_delta_coded = false;
            cu_qp_delta_val_ = 0;
            predict(x, y);
        }
        if (header_.cu_chroma_qp_offset_enabled_flag && log2_size >= log2_min_chroma_group_size_)
            is_cu_chroma_qp_offset_coded = false;
    }
    void start_coding_unit() {
        if (pps_.cu_qp_delta_enabled_flag) qp_y_ = delta_qp_y();
    }
    void end_coding_unit(int x, int y, int size) {
        last_qp_y_ = qp_y_;
        if (pps_.cu_qp_delta_enabled_flag) grid_->fill_qp(x, y, size, qp_y_);
    }

    // False: out of range.
    bool set_cu_qp_delta(int value) {
        const int half = sps_.qp_bd_offset_luma() / 2;
        if (value < -(26 + half) || value > 25 + half) return false;
        is_cu_qp_delta_coded = true;
        cu_qp_delta_val_ = value;
        qp_y_ = delta_qp_y();
        return true;
    }
    // idx -1: no offset.
    void set_cu_chroma_qp_offset(int idx) {
        is_cu_chroma_qp_offset_coded = true;
        for (int c = 0; c < 2; c++) cu_chroma_qp_offset_[c] = idx < 0 ? 0 : pps_.chroma_qp_offset_list[idx][c];
    }

    // Fills in the scaling of a block.
    void set_scaling(CoefficientBlock* block, bool is_intra) const {
        static constexpr uint8_t kLevelScale[6] = {40, 45, 51, 57, 64, 72};
        const int qp_of_block = qp(block->c_idx);
        block->scale = kLevelScale[qp_of_block % 6] << (qp_of_block / 6);
        block->shift = (block->c_idx ? sps_.bit_depth_chroma : sps_.bit_depth_luma) + block->log2_size - 5;
        block->factor = nullptr;
        if (sps_.scaling_list_enabled_flag) {
            const ScalingFactors& factors = pps_.pps_scaling_list_data_present_flag ? pps_.scaling : sps_.scaling;
            block->factor = factors.of(block->log2_size - 2, (is_intra ? 0 : 3) + block->c_idx);
        } else {
            block->scale *= 16;
        }
    }

    bool is_cu_qp_delta_coded = false;
    bool is_cu_chroma_qp_offset_coded = false;

  private:
    // qPY_PRED: neighbours count if they lie in the same coding tree block.
    void predict(int x, int y) {
        const int mask = (1 << sps_.log2_ctb_size) - 1;
        const int left = x & mask ? grid_->at(x - 1, y)->qp_y : last_qp_y_;
        const int above = y & mask ? grid_->at(x, y - 1)->qp_y : last_qp_y_;
        predicted_qp_y_ = (left + above + 1) >> 1;
    }
    // Equation 8-283.
    int delta_qp_y() const {
        const int offset = sps_.qp_bd_offset_luma();
        return (predicted_qp_y_ + cu_qp_delta_val_ + 52 + 2 * offset) % (52 + offset) - offset;
    }
    // Qp'Y, Qp'Cb or Qp'Cr (equations 8-284 to 8-288).
    int qp(int c_idx) const {
        static constexpr uint8_t kQpc[14] = {29, 30, 31, 32, 33, 33, 34, 34, 35, 35, 36, 36, 37, 37};
        if (c_idx == 0) return qp_y_ + sps_.qp_bd_offset_luma();
        const int c = c_idx - 1;
        const int offset = pps_.chroma_qp_offset[c] + header_.chroma_qp_offset[c] + cu_chroma_qp_offset_[c];
        const int qpi = std::max(-sps_.qp_bd_offset_chroma(), std::min(57, qp_y_ + offset));
        const int qpc = qpi < 30 ? qpi : qpi >= 43 ? qpi - 6 : kQpc[qpi - 30];
        return qpc + sps_.qp_bd_offset_chroma();
    }

    const SliceHeader& header_;
    const Sps& sps_;
    const Pps& pps_;
    BlockGrid* const grid_;
    int log2_min_group_size_;         // Log2MinCuQpDeltaSize
    int log2_min_chroma_group_size_;  // Log2MinCuChromaQpOffsetSize
    int last_qp_y_ = 0;               // qPY_PREV
    int predicted_qp_y_ = 0;
    int cu_qp_delta_val_ = 0;
    int cu_chroma_qp_offset_[2] = {0, 0};
    int qp_y_ = 0;
};

}  // namespace hevc
}  // namespace attp
