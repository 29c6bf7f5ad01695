// Macroblock syntax elements in CAVLC: Exp-Golomb codes and the residual blocks of clause 9.2.
#pragma once

#include <algorithm>
#include <cstdint>

#include "h264/cavlc_tables.h"
#include "h264/macroblock.h"

namespace attp {
namespace h264 {

class CavlcSyntax {
  public:
    void start_slice(const BitReader& reader) { reader_ = reader; }
    BitReader& reader() { return reader_; }
    const BitReader& reader() const { return reader_; }

    uint32_t mb_skip_run() { return reader_.ue(); }
    uint32_t mb_type() { return reader_.ue(); }
    uint32_t sub_mb_type() { return reader_.ue(); }
    bool transform_size_8x8_flag() { return reader_.flag(); }

    // te(v), clause 9.1.1; -1: longer than any index.
    int ref_idx(int num_ref_idx_active) {
        if (num_ref_idx_active == 2) return reader_.flag() ? 0 : 1;
        uint32_t value = reader_.ue();
        return value < 32 ? static_cast<int>(value) : -1;
    }
    int mvd() { return reader_.se(); }

    // -1: no such codeNum.
    int coded_block_pattern(bool intra, bool has_chroma) {
        uint32_t code = reader_.ue();
        if (code >= (has_chroma ? 48u : 16u)) return -1;
        return has_chroma ? kCodedBlockPattern[!intra][code] : kCodedBlockPatternMonochrome[!intra][code];
    }
    int mb_qp_delta() { return reader_.se(); }
    int intra_chroma_pred_mode() { return static_cast<int>(reader_.ue("intra_chroma_pred_mode", 3)); }
    void intra_pred_modes(int count) {
        for (int i = 0; i < count; i++) reader_.skip(reader_.flag() ? 0 : 3);
    }

    // nC of coeff_token (clause 9.2.1), from the neighbours' TotalCoeff; -1 where there is none.
    static int n_c(int n_a, int n_b) {
        if (n_a >= 0 && n_b >= 0) return (n_a + n_b + 1) >> 1;
        return n_a >= 0 ? n_a : std::max(n_b, 0);
    }

    // For each level: store(k, level), k the index in the scan. Returns TotalCoeff, -1 if it is not a valid block.
    template <int kCoefficients, typename Store>
    int residual_block(int n_c, Store&& store) {
        constexpr bool kChromaDc = kCoefficients == 4;
        int column = kChromaDc ? 3 : n_c < 2 ? 0 : n_c < 4 ? 1 : 2;
        int token = !kChromaDc && n_c >= 8 ? coeff_token_6_bits() : kCavlcTables.coeff_token[column].read(&reader_);
        int total = token >> 2;
        if (total <= 0) return total;
        if (total > kCoefficients) return -1;
        int level[16];
        if (!read_levels(total, token & 3, level)) return -1;
        int zeros_left = 0;
        if (total < kCoefficients) {
            const VlcTable* tables = kChromaDc ? kCavlcTables.total_zeros_chroma_dc : kCavlcTables.total_zeros_4x4;
            zeros_left = tables[total - 1].read(&reader_);
            if (zeros_left < 0 || total + zeros_left > kCoefficients) return -1;
        }
        int k = total + zeros_left - 1;
        for (int i = 0; i < total; i++) {
            store(k, level[i]);
            int run = 0;
            if (zeros_left > 0 && i + 1 < total) {
                run = kCavlcTables.run_before[std::min(zeros_left, 7) - 1].read(&reader_);
                if (run < 0 || run > zeros_left) return -1;
                zeros_left -= run;
            }
            k -= 1 + run;
        }
        return total;
    }

  private:
    // The column 8 <= nC of Table 9-5: fixed length.
    int coeff_token_6_bits() {
        uint32_t code = reader_.u(6);
        if (code == 3) return 0;
        return static_cast<int>(((code >> 2) + 1) << 2 | (code & 3));
    }

    // Clause 9.2.2.
    bool read_levels(int total, int trailing_ones, int* level) {
        for (int i = 0; i < trailing_ones; i++) level[i] = reader_.flag() ? -1 : 1;
        int suffix_length = total > 10 && trailing_ones < 3 ? 1 : 0;
        for (int i = trailing_ones; i < total; i++) {
            uint32_t window = static_cast<uint32_t>(reader_.peek(32));
            if (window < 16) return false;  // level_prefix above 27 does not occur
            int prefix = __builtin_clz(window);
            reader_.skip(prefix + 1);
            int code = std::min(15, prefix) << suffix_length;
            int suffix_size = prefix >= 15 ? prefix - 3 : prefix == 14 && suffix_length == 0 ? 4 : suffix_length;
            if (suffix_size > 0) code += static_cast<int>(reader_.u(suffix_size));
            if (prefix >= 15 && suffix_length == 0) code += 15;
            if (prefix >= 16) code += (1 << (prefix - 3)) - 4096;
            if (i == trailing_ones && trailing_ones < 3) code += 2;
            level[i] = code & 1 ? (-code - 1) >> 1 : (code + 2) >> 1;
            if (suffix_length == 0) suffix_length = 1;
            if (suffix_length < 6 && std::abs(level[i]) > 3 << (suffix_length - 1)) suffix_length++;
        }
        return true;
    }

    BitReader reader_;
};

}  // namespace h264
}  // namespace attp
