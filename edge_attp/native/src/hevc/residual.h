// From scaled coefficients to residual samples (clause 8.6), written into the picture's residual planes.
#pragma once

#include <cstdint>
#include <cstring>

#include "fields/planes.h"
#include "kernels/kernels.h"

namespace attp {
namespace hevc {

// One transform block. x, y: samples of its own plane.
struct TransformBlock {
    int c_idx;  // 0: Y, 1: Cb, 2: Cr
    int x, y;
    int log2_size;
};

class ResidualWriter {
  public:
    explicit ResidualWriter(const Kernels* kernels) : kernels_(kernels) {}

    void start_picture(ResidualPlanes* planes, int bit_depth_luma, int bit_depth_chroma) {
        planes_ = planes;
        bit_depth_[0] = bit_depth_luma;
        bit_depth_[1] = bit_depth_chroma;
    }

    // `x`, `y`, `size`: the coding tree block, in luma samples, as far as it lies inside the picture.
    void start_ctb(int x, int y, int size);
    // Clears what an earlier picture left here and this one did not overwrite.
    void end_ctb();
    // After a fault in the middle of a block: what was written is left to be cleared by others.
    void abandon_ctb();

    // Where the coefficients of the next block go, in raster order. All zero, and again after the block is written.
    int16_t* coefficients() { return coefficients_; }

    // Only the first `width` columns and `height` rows have coefficients.
    void transform(const TransformBlock& block, int width, int height) {
        const int bd_shift = 20 - bit_depth_[block.c_idx > 0];
        kernels_->hevc_idct[block.log2_size - 2](destination(block), stride(block), coefficients_, bd_shift, width,
                                                 height);
    }
    void transform_dst(const TransformBlock& block, int width, int height) {
        const int bd_shift = 20 - bit_depth_[block.c_idx > 0];
        kernels_->hevc_idst4x4(destination(block), stride(block), coefficients_, bd_shift, width, height);
    }
    // transform_skip_flag (equation 8-299, and the shift of clause 8.6.2 behind it).
    void skip_transform(const TransformBlock& block);
    // cu_transquant_bypass_flag: the coefficients are the samples.
    void bypass(const TransformBlock& block);
    // pcm_sample: samples of the plane's bit depth, row by row.
    void write_samples(const TransformBlock& block, const uint16_t* samples);

  private:
    static constexpr int kFirstChroma = 16;
    static constexpr int kMaxUnits = 4;  // 16x16 blocks on a side of a coding tree block

    ptrdiff_t stride(const TransformBlock& block) const { return block.c_idx ? planes_->stride_uv : planes_->stride_y; }
    // Where the block goes, noted as written.
    int16_t* destination(const TransformBlock& block) {
        note(block);
        return planes_->plane[block.c_idx] + block.y * stride(block) + block.x;
    }
    void note(const TransformBlock& block);
    template <typename Sample>
    void write_block(const TransformBlock& block, Sample&& sample);

    const Kernels* kernels_;
    ResidualPlanes* planes_ = nullptr;
    int bit_depth_[2] = {8, 8};
    int unit_x_ = 0, unit_y_ = 0;  // first 16x16 block of the coding tree block
    int units_wide_ = 0, units_high_ = 0;
    uint32_t written_[kMaxUnits][kMaxUnits] =
        {};  // per 16x16 block: bit per 4x4 block in raster order, 16 luma, 4 Cb, 4 Cr
    alignas(64) int16_t coefficients_[32 * 32] = {};
};

}  // namespace hevc
}  // namespace attp
