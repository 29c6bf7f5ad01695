// From coefficient levels to residual samples (clause 8.5), written into the picture's residual planes.
#pragma once

#include <cstdint>
#include <cstring>

#include "fields/planes.h"
#include "h264/macroblock.h"
#include "h264/params.h"
#include "kernels/kernels.h"

namespace attp {
namespace h264 {

class ResidualWriter {
  public:
    explicit ResidualWriter(const Kernels* kernels) : kernels_(kernels) {}

    void start_picture(ResidualPlanes* planes) { planes_ = planes; }

    // After a fault in the middle of a macroblock: what was written is left to be cleared.
    void abandon_macroblock() {
        planes_->dirty[static_cast<size_t>(mb_)] |= written_;
        std::memset(luma_, 0, sizeof luma_);
        std::memset(chroma_, 0, sizeof chroma_);
    }

    void start_macroblock(int mb_x, int mb_y) {
        mb_ = mb_y * planes_->width_mbs + mb_x;
        origin_[0] = planes_->plane[0] + static_cast<ptrdiff_t>(mb_y) * 16 * planes_->stride_y + mb_x * 16;
        for (int c = 1; c < 3; c++)
            origin_[c] = planes_->plane[c] + static_cast<ptrdiff_t>(mb_y) * 8 * planes_->stride_uv + mb_x * 8;
        written_ = 0;
    }

    // Clears what an earlier picture left here and this one did not overwrite.
    void end_macroblock() {
        uint8_t& dirty = planes_->dirty[static_cast<size_t>(mb_)];
        if (dirty != written_) clear(dirty & ~written_);
        dirty = written_;
    }

    int16_t* coefficients4x4(int raster_block) { return luma_ + raster_block * 16; }
    int16_t* coefficients8x8(int block8) { return luma_ + block8 * 64; }
    int16_t* chroma_coefficients(int component, int block) { return chroma_[component - 1] + block * 16; }

    // Four 4x4 blocks of one 8x8: bit i of `coded` says that block i (in raster order of the 8x8) has coefficients.
    void transform_4x4(int block8, unsigned coded) {
        written_ |= 1u << block8;
        int x4 = (block8 & 1) * 2, y4 = (block8 >> 1) * 2;
        for (int i = 0; i < 4; i++) {
            int x = x4 + (i & 1), y = y4 + (i >> 1);
            block4x4(luma(x * 4, y * 4), planes_->stride_y, coefficients4x4(y * 4 + x), coded >> i & 1);
        }
    }
    void transform_8x8(int block8) {
        written_ |= 1u << block8;
        kernels_->idct8x8(luma((block8 & 1) * 8, (block8 >> 1) * 8), planes_->stride_y, coefficients8x8(block8));
    }
    // `coded`: bit per block in raster order, Cb in bits 0-3, Cr in bits 4-7.
    void transform_chroma(unsigned coded) {
        written_ |= 1u << 4;
        for (int c = 1; c < 3; c++)
            for (int i = 0; i < 4; i++)
                block4x4(origin_[c] + (i >> 1) * 4 * planes_->stride_uv + (i & 1) * 4, planes_->stride_uv,
                         chroma_coefficients(c, i), coded >> ((c - 1) * 4 + i) & 1);
    }

    // Intra_16x16 DC (clause 8.5.10): levels in raster order -> DC coefficients of the 16 blocks. Returns which are not zero.
    unsigned place_luma_dc(const int* level, int32_t scale);
    // Chroma DC of 4:2:0 (clause 8.5.11): levels in raster order. Returns which are not zero.
    unsigned place_chroma_dc(int component, const int* level, int32_t scale);

    void write_pcm(const uint8_t* samples, bool has_chroma);

  private:
    int16_t* luma(int x, int y) { return origin_[0] + y * static_cast<ptrdiff_t>(planes_->stride_y) + x; }

    void block4x4(int16_t* dst, ptrdiff_t stride, int16_t* coefficients, bool coded) {
        if (coded) {
            kernels_->idct4x4(dst, stride, coefficients);
        } else {
            for (int y = 0; y < 4; y++) std::memset(dst + y * stride, 0, 4 * sizeof(int16_t));
        }
    }
    void clear(unsigned parts);

    const Kernels* kernels_;
    ResidualPlanes* planes_ = nullptr;
    int mb_ = 0;
    int16_t* origin_[3] = {};
    uint8_t written_ = 0;  // bits 0-3: luma 8x8 blocks, bit 4: both chroma planes
    // Zero between macroblocks: the transforms clear what they read.
    alignas(32) int16_t luma_[256] = {};
    alignas(32) int16_t chroma_[2][64] = {};
};

}  // namespace h264
}  // namespace attp
