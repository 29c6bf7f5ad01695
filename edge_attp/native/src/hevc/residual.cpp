#include "hevc/residual.h"

#include <algorithm>

namespace attp {
namespace hevc {

void ResidualWriter::start_ctb(int x, int y, int size) {
    unit_x_ = x >> 4;
    unit_y_ = y >> 4;
    units_wide_ = std::min(size >> 4, planes_->width_mbs - unit_x_);
    units_high_ = std::min(size >> 4, planes_->height_mbs - unit_y_);
}

void ResidualWriter::end_ctb() {
    for (int j = 0; j < units_high_; j++)
        for (int i = 0; i < units_wide_; i++) {
            const int mb = (unit_y_ + j) * planes_->width_mbs + unit_x_ + i;
            planes_->keep_only(mb, written_[j][i]);
            written_[j][i] = 0;
        }
}

void ResidualWriter::abandon_ctb() {
    std::memset(coefficients_, 0, sizeof coefficients_);
    for (int j = 0; j < units_high_; j++)
        for (int i = 0; i < units_wide_; i++) {
            const int mb = (unit_y_ + j) * planes_->width_mbs + unit_x_ + i;
            planes_->dirty[static_cast<size_t>(mb)] |= written_[j][i];
            written_[j][i] = 0;
        }
}

void ResidualWriter::note(const TransformBlock& block) {
    const int size4 = 1 << (block.log2_size - 2);
    const int log2_unit4 = block.c_idx ? 1 : 2;  // 4x4 blocks on a side of a 16x16 block
    const int x4 = (block.x >> 2) - (unit_x_ << log2_unit4), y4 = (block.y >> 2) - (unit_y_ << log2_unit4);
    const int first_bit = block.c_idx ? kFirstChroma + 4 * (block.c_idx - 1) : 0;
    const int unit4 = 1 << log2_unit4;
    if (size4 >= unit4) {
        const uint32_t all = ((1u << (unit4 * unit4)) - 1) << first_bit;
        for (int j = y4 >> log2_unit4; j < (y4 + size4) >> log2_unit4; j++)
            for (int i = x4 >> log2_unit4; i < (x4 + size4) >> log2_unit4; i++) written_[j][i] |= all;
        return;
    }
    const int shift = first_bit + (y4 & (unit4 - 1)) * unit4 + (x4 & (unit4 - 1));
    const uint32_t bits = size4 == 1 ? 1u : 0x33u;
    written_[y4 >> log2_unit4][x4 >> log2_unit4] |= bits << shift;
}

template <typename Sample>
void ResidualWriter::write_block(const TransformBlock& block, Sample&& sample) {
    int16_t* out = destination(block);
    const int size = 1 << block.log2_size;
    for (int y = 0; y < size; y++, out += stride(block))
        for (int x = 0; x < size; x++) out[x] = static_cast<int16_t>(sample(y * size + x));
}

void ResidualWriter::skip_transform(const TransformBlock& block) {
    const int bd_shift = 20 - bit_depth_[block.c_idx > 0];
    write_block(block, [&](int i) { return (coefficients_[i] * 128 + (1 << (bd_shift - 1))) >> bd_shift; });
    std::memset(coefficients_, 0, sizeof(int16_t) << (2 * block.log2_size));
}

void ResidualWriter::bypass(const TransformBlock& block) {
    write_block(block, [&](int i) { return coefficients_[i]; });
    std::memset(coefficients_, 0, sizeof(int16_t) << (2 * block.log2_size));
}

void ResidualWriter::write_samples(const TransformBlock& block, const uint16_t* samples) {
    write_block(block, [&](int i) { return samples[i]; });
}

}  // namespace hevc
}  // namespace attp
