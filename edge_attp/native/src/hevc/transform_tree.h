// transform_tree() and transform_unit() (clauses 7.3.8.8 and 7.3.8.10).
#pragma once

#include "hevc/slice_context.h"

namespace attp {
namespace hevc {

template <bool kResidual>
class TransformTreeReader {
  public:
    TransformTreeReader(SliceContext* context, const CodingUnit& cu) : s_(*context), cu_(cu) {
        const bool is_split_intra = cu.is_intra && cu.part_mode == kPartNxN;
        max_depth_ = cu.is_intra ? s_.sps.max_transform_hierarchy_depth_intra + is_split_intra
                                 : s_.sps.max_transform_hierarchy_depth_inter;
        splits_first_ = is_split_intra || (!cu.is_intra && cu.part_mode != kPart2Nx2N && max_depth_ == 0);
    }

    bool read() { return read_node({cu_.x, cu_.y, cu_.x, cu_.y, cu_.log2_size, 0, 0, {true, true}}); }

  private:
    struct Node {
        int x, y;
        int x_base, y_base;  // of the parent
        int log2_size;
        int depth;  // trafoDepth
        int blk_idx;
        bool cbf_chroma[2];  // of the parent; true at the root
    };

    bool read_node(const Node& node) {
        const bool may_split = node.log2_size > s_.sps.log2_min_tb_size;
        bool splits;
        if (node.depth == 0 && splits_first_)
            splits = true;
        else if (node.log2_size > s_.sps.log2_max_tb_size)
            splits = true;
        else if (may_split && node.depth < max_depth_)
            splits = s_.decision(kSplitTransformFlag + 5 - node.log2_size);
        else
            splits = false;
        bool cbf_chroma[2] = {false, false};
        if (s_.sps.has_chroma()) {
            for (int c = 0; c < 2; c++) {
                // 4x4 luma blocks share the chroma blocks of their parent.
                if (node.log2_size == 2)
                    cbf_chroma[c] = node.cbf_chroma[c];
                else if (node.cbf_chroma[c])
                    cbf_chroma[c] = s_.decision(kCbfChroma + node.depth);
            }
        }
        if (splits) {
            const int half = 1 << (node.log2_size - 1);
            for (int i = 0; i < 4; i++) {
                const Node child = {
                    node.x + (i & 1) * half, node.y + (i >> 1) * half, node.x, node.y,
                    node.log2_size - 1,      node.depth + 1,           i,      {cbf_chroma[0], cbf_chroma[1]}};
                if (!read_node(child)) return false;
            }
            return true;
        }
        bool cbf_luma = true;
        if (cu_.is_intra || node.depth != 0 || cbf_chroma[0] || cbf_chroma[1])
            cbf_luma = s_.decision(kCbfLuma + (node.depth == 0));
        if (!cbf_luma && !cbf_chroma[0] && !cbf_chroma[1]) return true;
        return read_unit(node, cbf_luma, cbf_chroma);
    }

    bool read_unit(const Node& node, bool cbf_luma, const bool cbf_chroma[2]) {
        if (s_.pps.cu_qp_delta_enabled_flag && !s_.quantization.is_cu_qp_delta_coded && !read_cu_qp_delta())
            return false;
        if ((cbf_chroma[0] || cbf_chroma[1]) && s_.header.cu_chroma_qp_offset_enabled_flag && !cu_.transquant_bypass &&
            !s_.quantization.is_cu_chroma_qp_offset_coded)
            read_cu_chroma_qp_offset();
        if (cbf_luma) {
            s_.picture.blocks.luma_transforms[node.log2_size - 2]++;
            if (!read_block({0, node.x, node.y, node.log2_size}, luma_scan(node))) return false;
        }
        if (!cbf_chroma[0] && !cbf_chroma[1]) return true;
        int x = node.x, y = node.y, log2_size = node.log2_size - 1;
        if (node.log2_size == 2) {
            if (node.blk_idx != 3) return true;
            x = node.x_base;
            y = node.y_base;
            log2_size = 2;
        }
        for (int c = 0; c < 2; c++)
            if (cbf_chroma[c] &&
                !read_block({1 + c, x >> 1, y >> 1, log2_size}, scan_of(cu_.intra_mode_chroma, log2_size == 2)))
                return false;
        return true;
    }

    bool read_cu_qp_delta() {
        Cabac::Run run(&s_.engine);
        CabacContext* const c = &s_.contexts[kCuQpDeltaAbs];
        int abs = 0;
        while (abs < 5 && run.decision(c + (abs > 0))) abs++;
        if (abs == 5) {
            // 0-th order Exp-Golomb code.
            int k = 0;
            while (run.bypass()) {
                abs += 1 << k;
                if (++k > 7) break;
            }
            abs += static_cast<int>(run.bypass_bits(k));
        }
        const bool is_negative = abs > 0 && run.bypass();
        if (s_.quantization.set_cu_qp_delta(is_negative ? -abs : abs)) return true;
        return s_.fail("cu_qp_delta_abs", "is out of range");
    }

    void read_cu_chroma_qp_offset() {
        int idx = -1;
        if (s_.decision(kCuChromaQpOffsetFlag)) {
            idx = 0;
            while (idx < s_.pps.chroma_qp_offset_list_len - 1 && s_.decision(kCuChromaQpOffsetIdx)) idx++;
        }
        s_.quantization.set_cu_chroma_qp_offset(idx);
    }

    // scanIdx (clause 7.4.9.11) of blocks small enough that the intra mode chooses it.
    ScanIdx scan_of(int intra_mode, bool is_small) const {
        if (!cu_.is_intra || !is_small) return kScanDiagonal;
        if (intra_mode >= 6 && intra_mode <= 14) return kScanVertical;
        if (intra_mode >= 22 && intra_mode <= 30) return kScanHorizontal;
        return kScanDiagonal;
    }
    ScanIdx luma_scan(const Node& node) const {
        const int part = cu_.part_mode == kPartNxN ? part_at(node) : 0;
        return scan_of(cu_.intra_mode[part], node.log2_size <= 3);
    }
    int part_at(const Node& node) const {
        const int half = cu_.size() >> 1;
        return (node.y - cu_.y >= half ? 2 : 0) + (node.x - cu_.x >= half);
    }

    bool read_block(const TransformBlock& block, ScanIdx scan_idx) {
        CoefficientBlock c;
        c.log2_size = block.log2_size;
        c.c_idx = block.c_idx;
        c.scan_idx = scan_idx;
        c.may_skip_transform = s_.pps.transform_skip_enabled_flag && !cu_.transquant_bypass && block.log2_size == 2;
        c.may_hide_sign = s_.pps.sign_data_hiding_enabled_flag && !cu_.transquant_bypass;
        if (kResidual) {
            if (cu_.transquant_bypass)
                c.shift = 0;
            else
                s_.quantization.set_scaling(&c, cu_.is_intra);
        }
        ResidualWriter& writer = s_.picture.residual;
        const CoefficientResult result =
            read_coefficients<kResidual>(&s_.engine, &s_.contexts, c, kResidual ? writer.coefficients() : nullptr);
        if (!result.ok) return s_.fail("coeff_abs_level_remaining", "is out of range");
        if (!kResidual) return true;
        if (cu_.transquant_bypass)
            writer.bypass(block);
        else if (result.skips_transform)
            writer.skip_transform(block);
        else if (cu_.is_intra && block.c_idx == 0 && block.log2_size == 2)
            writer.transform_dst(block, result.width, result.height);
        else
            writer.transform(block, result.width, result.height);
        return true;
    }

    SliceContext& s_;
    const CodingUnit& cu_;
    int max_depth_;      // MaxTrafoDepth
    bool splits_first_;  // IntraSplitFlag or interSplitFlag
};

}  // namespace hevc
}  // namespace attp
