#include "hevc/coefficients.h"

#include <algorithm>

#include "hevc/scan.h"

namespace attp {
namespace hevc {
namespace {

// The scans of clauses 6.5.3 to 6.5.5, and what depends on the position in them.
struct ScanTables {
    Position place[3][16];      // inside a sub-block
    uint8_t index[3][16];       // the inverse, by y * 4 + x
    Position sub_block[4][64];  // diagonal, by log2 of the sub-blocks on a side
    uint8_t sub_block_index[4][64];
    Position sub_block_2x2[3][4];  // of 8x8 blocks, by scanIdx
    uint8_t sub_block_2x2_index[3][4];
    // sigCtx (clause 9.3.4.2.5) by scanIdx and position: of 4x4 blocks, and of others by the coded sub-blocks to the right and
    // below.
    uint8_t sig_ctx_4x4[3][16];
    uint8_t sig_ctx[3][4][16];
};

constexpr int pattern_ctx(int pattern, int x, int y) {
    switch (pattern) {
        case 0:
            return x + y == 0 ? 2 : x + y < 3 ? 1 : 0;
        case 1:
            return y == 0 ? 2 : y == 1 ? 1 : 0;
        case 2:
            return x == 0 ? 2 : x == 1 ? 1 : 0;
        default:
            return 2;
    }
}

constexpr void fill_scans(Position (*scans)[16], int size) {
    fill_diagonal_scan(scans[kScanDiagonal], size);
    for (int i = 0; i < size * size; i++) {
        const uint8_t major = static_cast<uint8_t>(i / size), minor = static_cast<uint8_t>(i % size);
        scans[kScanHorizontal][i] = {minor, major};
        scans[kScanVertical][i] = {major, minor};
    }
}

constexpr ScanTables make_scan_tables() {
    constexpr uint8_t kCtxIdxMap[16] = {0, 1, 4, 5, 2, 3, 4, 5, 6, 6, 8, 8, 7, 7, 8, 8};
    ScanTables t = {};
    fill_scans(t.place, 4);
    Position two[3][16] = {};
    fill_scans(two, 2);
    for (int scan = 0; scan < 3; scan++) {
        for (int i = 0; i < 16; i++) {
            const Position p = t.place[scan][i];
            t.index[scan][p.y * 4 + p.x] = static_cast<uint8_t>(i);
            t.sig_ctx_4x4[scan][i] = kCtxIdxMap[p.y * 4 + p.x];
            for (int pattern = 0; pattern < 4; pattern++)
                t.sig_ctx[scan][pattern][i] = static_cast<uint8_t>(pattern_ctx(pattern, p.x, p.y));
        }
        for (int i = 0; i < 4; i++) {
            t.sub_block_2x2[scan][i] = two[scan][i];
            t.sub_block_2x2_index[scan][two[scan][i].y * 2 + two[scan][i].x] = static_cast<uint8_t>(i);
        }
    }
    for (int log2_size = 0; log2_size < 4; log2_size++) {
        const int size = 1 << log2_size;
        fill_diagonal_scan(t.sub_block[log2_size], size);
        for (int i = 0; i < size * size; i++) {
            const Position p = t.sub_block[log2_size][i];
            t.sub_block_index[log2_size][p.y * size + p.x] = static_cast<uint8_t>(i);
        }
    }
    return t;
}

// A function, because GCC before 10 cannot compute the tables at compile time: code that ran at load time would run the AVX2
// core on every processor.
const ScanTables& scan_tables() {
    static const ScanTables tables = make_scan_tables();
    return tables;
}

// Keeps the caller's engine in registers.
#define ATTP_INLINE inline __attribute__((always_inline))

// Above this prefix coeff_abs_level_remaining exceeds 16 bits whatever follows.
constexpr int kMaxRemainingPrefix = 20;

ATTP_INLINE int last_prefix(Cabac::Run* run, CabacContext* contexts, int c_idx, int log2_size) {
    const int offset = c_idx == 0 ? 3 * (log2_size - 2) + ((log2_size - 1) >> 2) : 15;
    const int shift = c_idx == 0 ? (log2_size + 1) >> 2 : log2_size - 2;
    const int most = (log2_size << 1) - 1;
    int prefix = 0;
    while (prefix < most && run->decision(contexts + offset + (prefix >> shift))) prefix++;
    return prefix;
}

ATTP_INLINE int last_position(Cabac::Run* run, int prefix) {
    if (prefix <= 3) return prefix;
    const int bits = (prefix >> 1) - 1;
    return (1 << bits) * (2 + (prefix & 1)) + static_cast<int>(run->bypass_bits(bits));
}

// coeff_abs_level_remaining (clause 9.3.3.11); -1 if it is out of range.
ATTP_INLINE int remaining_level(Cabac::Run* run, int rice) {
    int prefix = 0;
    while (run->bypass())
        if (++prefix > kMaxRemainingPrefix) return -1;
    if (prefix <= 3) return (prefix << rice) + static_cast<int>(run->bypass_bits(rice));
    return (((1 << (prefix - 3)) + 2) << rice) + static_cast<int>(run->bypass_bits(prefix - 3 + rice));
}

int16_t clip16(int64_t v) { return static_cast<int16_t>(std::max<int64_t>(-32768, std::min<int64_t>(32767, v))); }

// One 4x4 sub-block's coefficients in scan order from the highest frequency down.
struct SubBlockLevels {
    int count = 0;
    uint8_t place[16];
    int level[16];
};

}  // namespace

template <bool kResidual>
CoefficientResult read_coefficients(Cabac* engine, Contexts* contexts, const CoefficientBlock& block, int16_t* out) {
    Cabac::Run run(engine);
    CabacContext* const c = contexts->data();
    const int log2_size = block.log2_size, c_idx = block.c_idx, scan_idx = block.scan_idx;
    const bool is_chroma = c_idx > 0;
    CoefficientResult result = {true, false, 0, 0};
    if (block.may_skip_transform) result.skips_transform = run.decision(c + kTransformSkipFlag + is_chroma) != 0;

    const int x_prefix = last_prefix(&run, c + kLastSigCoeffXPrefix, c_idx, log2_size);
    const int y_prefix = last_prefix(&run, c + kLastSigCoeffYPrefix, c_idx, log2_size);
    int last_x = last_position(&run, x_prefix);
    int last_y = last_position(&run, y_prefix);
    if (scan_idx == kScanVertical) std::swap(last_x, last_y);

    const ScanTables& scan = scan_tables();
    // Blocks with a horizontal or vertical scan have 4 sub-blocks at most.
    const int log2_sub_blocks = log2_size - 2;
    const bool is_8x8 = log2_size == 3;
    const Position* const sub_blocks = is_8x8 ? scan.sub_block_2x2[scan_idx] : scan.sub_block[log2_sub_blocks];
    const uint8_t* const sub_block_index =
        is_8x8 ? scan.sub_block_2x2_index[scan_idx] : scan.sub_block_index[log2_sub_blocks];
    const int last_sub_block = sub_block_index[((last_y >> 2) << log2_sub_blocks) + (last_x >> 2)];
    const int last_place = scan.index[scan_idx][(last_y & 3) * 4 + (last_x & 3)];
    const Position* const place = scan.place[scan_idx];

    CabacContext* const coded_flag = c + kCodedSubBlockFlag + (is_chroma ? 2 : 0);
    CabacContext* const sig_base = c + kSigCoeffFlag + (is_chroma ? 27 : 0);
    const int sig_offset = is_chroma ? (is_8x8 ? 9 : 12) : is_8x8 ? (scan_idx == kScanDiagonal ? 9 : 15) : 21;
    uint16_t coded_rows[9] = {};  // bit per sub-block, and an empty row below
    int greater1_ctx = 1;

    for (int i = last_sub_block; i >= 0; i--) {
        const int x_sub = sub_blocks[i].x, y_sub = sub_blocks[i].y;
        const int pattern = (coded_rows[y_sub] >> (x_sub + 1) & 1) | (coded_rows[y_sub + 1] >> x_sub & 1) << 1;
        const bool is_last = i == last_sub_block;
        bool infers_dc = false;
        if (!is_last && i > 0) {
            if (!run.decision(coded_flag + (pattern != 0))) continue;
            infers_dc = true;
        }
        coded_rows[y_sub] = static_cast<uint16_t>(coded_rows[y_sub] | 1u << x_sub);

        // sig_coeff_flag
        SubBlockLevels levels;
        int n = 15;
        if (is_last) {
            levels.place[levels.count++] = static_cast<uint8_t>(last_place);
            n = last_place - 1;
        }
        const uint8_t* const ctx = log2_size == 2 ? scan.sig_ctx_4x4[scan_idx] : scan.sig_ctx[scan_idx][pattern];
        CabacContext* const sig = log2_size == 2 ? sig_base : sig_base + sig_offset + (!is_chroma && i > 0 ? 3 : 0);
        for (; n > 0; n--) {
            levels.place[levels.count] = static_cast<uint8_t>(n);
            levels.count += run.decision(sig + ctx[n]);
        }
        if (n == 0) {
            bool is_sig = infers_dc && levels.count == 0;
            if (!is_sig) is_sig = run.decision(i == 0 ? sig_base : sig + ctx[0]) != 0;
            levels.place[levels.count] = 0;
            levels.count += is_sig;
        }
        if (levels.count == 0) continue;

        // coeff_abs_level_greater1_flag, coeff_abs_level_greater2_flag
        int ctx_set = i == 0 || is_chroma ? 0 : 2;
        if (!is_last && greater1_ctx == 0) ctx_set++;
        greater1_ctx = 1;
        CabacContext* const greater1 = c + kCoeffAbsLevelGreater1Flag + (is_chroma ? 16 : 0) + 4 * ctx_set;
        const int flags = std::min(8, levels.count);
        int first_greater1 = -1;
        uint32_t needs_more = 0;  // bit per coefficient that coeff_abs_level_remaining follows for
        for (int k = 0; k < flags; k++) {
            const int is_greater = run.decision(greater1 + greater1_ctx);
            levels.level[k] = 1 + is_greater;
            if (is_greater) {
                greater1_ctx = 0;
                if (first_greater1 < 0)
                    first_greater1 = k;
                else
                    needs_more |= 1u << k;
            } else if (greater1_ctx > 0 && greater1_ctx < 3) {
                greater1_ctx++;
            }
        }
        for (int k = flags; k < levels.count; k++) {
            levels.level[k] = 1;
            needs_more |= 1u << k;
        }
        if (first_greater1 >= 0 && run.decision(c + kCoeffAbsLevelGreater2Flag + (is_chroma ? 4 : 0) + ctx_set)) {
            levels.level[first_greater1] = 3;
            needs_more |= 1u << first_greater1;
        }

        // coeff_sign_flag, from the most significant bit down
        const bool hides_sign = block.may_hide_sign && levels.place[0] - levels.place[levels.count - 1] > 3;
        const int sign_count = levels.count - hides_sign;
        uint32_t signs = run.bypass_bits(sign_count) << (32 - sign_count);

        // coeff_abs_level_remaining
        for (int rice = 0; needs_more != 0; needs_more &= needs_more - 1) {
            const int k = __builtin_ctz(needs_more);
            const int rest = remaining_level(&run, rice);
            if (rest < 0) {
                result.ok = false;
                return result;
            }
            levels.level[k] += rest;
            if (levels.level[k] > 3 << rice && rice < 4) rice++;
        }
        if (!kResidual) continue;

        if (hides_sign) {
            int sum = 0;
            for (int k = 0; k < levels.count; k++) sum += levels.level[k];
            signs |= static_cast<uint32_t>(sum & 1) << (31 - sign_count);
        }
        for (int k = 0; k < levels.count; k++) {
            const Position p = place[levels.place[k]];
            const int x = x_sub * 4 + p.x, y = y_sub * 4 + p.y;
            const int at = (y << log2_size) + x;
            int64_t level = signs >> 31 ? -levels.level[k] : levels.level[k];
            signs <<= 1;
            if (block.shift > 0) {
                const int64_t scale = block.factor != nullptr ? int64_t{block.factor[at]} * block.scale : block.scale;
                level = (clip16(level) * scale + (int64_t{1} << (block.shift - 1))) >> block.shift;
            }
            out[at] = clip16(level);
        }
        result.width = std::max(result.width, x_sub * 4 + 4);
        result.height = std::max(result.height, y_sub * 4 + 4);
    }
    if (last_x == 0 && last_y == 0) result.width = result.height = 1;
    return result;
}

template CoefficientResult read_coefficients<true>(Cabac*, Contexts*, const CoefficientBlock&, int16_t*);
template CoefficientResult read_coefficients<false>(Cabac*, Contexts*, const CoefficientBlock&, int16_t*);

}  // namespace hevc
}  // namespace attp
