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
    void end_macroblock() { planes_->keep_only(mb_, written_); }

    int16_t* coefficients4x4(int raster_block) { return luma_ + raster_block * 16; }
    int16_t* coefficients8x8(int block8) { return luma_ + block8 * 64; }
    int16_t* chroma_coefficients(int component, int block) { return chroma_ + (component - 1) * 64 + block * 16; }

    // Luma blocks: bit y * 4 + x of `coded` says that the block has coefficients.
    void transform_luma_4x4(unsigned coded) {
        written_ |= coded;
        for (; coded != 0; coded &= coded - 1) {
            const int block = __builtin_ctz(coded);
            kernels_->idct4x4(luma_block(block), planes_->stride_y, coefficients4x4(block));
        }
    }
    // `levels`: how many the block has.
    void transform_luma_8x8(int block8, int levels) {
        const int block = (block8 >> 1) * 8 + (block8 & 1) * 2;
        written_ |= 0x33u << block;
        int16_t* coefficients = coefficients8x8(block8);
        if (levels == 1 && coefficients[0] != 0)
            fill_dc<8>(luma_block(block), planes_->stride_y, coefficients);
        else
            kernels_->idct8x8(luma_block(block), planes_->stride_y, coefficients);
    }
    // Bit per block in raster order, Cb in bits 0-3, Cr in bits 4-7. Without AC coefficients all samples of a block are equal.
    void transform_chroma(unsigned coded, bool has_ac) {
        written_ |= coded << kFirstChroma;
        for (; coded != 0; coded &= coded - 1) {
            const int block = __builtin_ctz(coded);
            int16_t* coefficients = chroma_ + block * 16;
            if (has_ac)
                kernels_->idct4x4(chroma_block(block), planes_->stride_uv, coefficients);
            else
                fill_dc<4>(chroma_block(block), planes_->stride_uv, coefficients);
        }
    }

    // Intra_16x16 DC (clause 8.5.10): levels in raster order -> DC coefficients of the 16 blocks. Returns which are not zero.
    unsigned place_luma_dc(const int* level, int32_t scale);
    // Chroma DC of 4:2:0 (clause 8.5.11): levels in raster order. Returns which are not zero.
    unsigned place_chroma_dc(int component, const int* level, int32_t scale);

    void write_pcm(const uint8_t* samples, bool has_chroma);

  private:
    static constexpr int kFirstChroma = 16;

    int16_t* luma_block(int block) {
        return origin_[0] + (block >> 2) * 4 * static_cast<ptrdiff_t>(planes_->stride_y) + (block & 3) * 4;
    }
    int16_t* chroma_block(int block) {
        return origin_[1 + (block >> 2)] + (block >> 1 & 1) * 4 * static_cast<ptrdiff_t>(planes_->stride_uv) +
               (block & 1) * 4;
    }

    // What the transforms make of a lone DC coefficient.
    template <int kSize>
    static void fill_dc(int16_t* dst, ptrdiff_t stride, int16_t* coefficients) {
        const int16_t rounded = static_cast<int16_t>(coefficients[0] + 32);
        const uint16_t sample = static_cast<uint16_t>(rounded >> 6);
        coefficients[0] = 0;
        const uint64_t four = sample * uint64_t{0x0001000100010001};
        for (int y = 0; y < kSize; y++)
            for (int x = 0; x < kSize; x += 4) std::memcpy(dst + y * stride + x, &four, 8);
    }
    const Kernels* kernels_;
    ResidualPlanes* planes_ = nullptr;
    int mb_ = 0;
    int16_t* origin_[3] = {};
    uint32_t written_ = 0;  // bit per 4x4 block in raster order: 16 luma, 4 Cb, 4 Cr
    // Zero between macroblocks: the transforms clear what they read.
    alignas(32) int16_t luma_[256] = {};
    alignas(32) int16_t chroma_[128] = {};
};

}  // namespace h264
}  // namespace attp
