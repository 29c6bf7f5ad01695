// Macroblock syntax elements in CABAC: binarisation and ctxIdx (clauses 9.3.2 and 9.3.3.1), frame macroblocks.
#pragma once

#include <algorithm>
#include <cstdint>

#include "h264/cabac_init.h"
#include "h264/macroblock.h"
#include "h26x/cabac.h"

namespace attp {
namespace h264 {

// ctxBlockCat (Table 9-42).
enum BlockCat { kCatI16Dc = 0, kCatI16Ac = 1, kCatLuma4x4 = 2, kCatChromaDc = 3, kCatChromaAc = 4, kCatLuma8x8 = 5 };

class CabacSyntax {
  public:
    // `init`: 0 for I slices, 1 + cabac_init_idc otherwise (clause 9.3.1.1).
    void start_slice(const uint8_t* data, size_t bytes, int init, int slice_qp) {
        engine_.start(data, bytes);
        last_qp_delta_not_zero_ = 0;
        for (int i = 0; i < kUsedContexts; i++) {
            int m = kCabacInit[init][i][0], n = kCabacInit[init][i][1];
            int pre = std::min(126, std::max(1, ((m * slice_qp) >> 4) + n));
            context_[i] = static_cast<uint8_t>(pre <= 63 ? (63 - pre) << 1 : ((pre - 64) << 1 | 1));
        }
    }

    Cabac& engine() { return engine_; }
    const Cabac& engine() const { return engine_; }
    void reset_qp_delta() { last_qp_delta_not_zero_ = 0; }

    bool mb_skip_flag(bool b_slice, const MbInfo& a, const MbInfo& b) {
        return bin((b_slice ? 24 : 11) + a.is_coded + b.is_coded) != 0;
    }

    int mb_type_i(const MbInfo& a, const MbInfo& b) {
        Local e(this);
        return intra_type(&e, 3, a.is_not_nxn + b.is_not_nxn, true);
    }

    // 0 to 3 as in Table 7-13, 5 and more: intra.
    int mb_type_p() {
        Local e(this);
        if (e.bin(14)) return 5 + intra_type(&e, 17, 0, false);
        if (e.bin(15)) return 2 - e.bin(17);
        return 3 * e.bin(16);
    }

    // 0 to 22 as in Table 7-14, 23 and more: intra.
    int mb_type_b(const MbInfo& a, const MbInfo& b) {
        Local e(this);
        if (!e.bin(27 + a.is_not_direct + b.is_not_direct)) return kBDirect;
        if (!e.bin(27 + 3)) return 1 + e.bin(27 + 5);
        int bits = e.bin(27 + 4) << 3;
        bits |= e.bin(27 + 5) << 2;
        bits |= e.bin(27 + 5) << 1;
        bits |= e.bin(27 + 5);
        if (bits < 8) return bits + 3;
        if (bits == 13) return 23 + intra_type(&e, 32, 0, false);
        if (bits == 14) return 11;
        if (bits == 15) return kB8x8;
        bits = bits << 1 | e.bin(27 + 5);
        return bits - 4;
    }

    int sub_mb_type_p() {
        Local e(this);
        if (e.bin(21)) return 0;
        if (!e.bin(22)) return 1;
        return e.bin(23) ? 2 : 3;
    }

    int sub_mb_type_b() {
        Local e(this);
        if (!e.bin(36)) return 0;
        if (!e.bin(37)) return 1 + e.bin(39);
        int type = 3;
        if (e.bin(38)) {
            if (e.bin(39)) return 11 + e.bin(39);
            type += 4;
        }
        type += 2 * e.bin(39);
        return type + e.bin(39);
    }

    // -1: longer than any index.
    int ref_idx(int ctx_inc) {
        Local e(this);
        int value = 0;
        while (e.bin(54 + ctx_inc)) {
            if (++value >= 32) return -1;
            ctx_inc = (ctx_inc >> 2) + 4;
        }
        return value;
    }

    // `component`: 0 x, 1 y. `abs_sum`: absMvdComp of clause 9.3.3.1.1.7.
    int mvd(int component, int abs_sum) {
        Local e(this);
        const int base = component == 0 ? 40 : 47;
        int magnitude = e.bin(base + (abs_sum > 2) + (abs_sum > 32));
        if (magnitude == 0) return 0;
        int inc = 3;
        while (magnitude < 9 && e.bin(base + inc)) {
            inc += inc < 6;
            magnitude++;
        }
        if (magnitude == 9) magnitude += exp_golomb_suffix(&e.engine, 3);
        return e.engine.bypass_sign(magnitude);
    }

    int coded_block_pattern(const MbInfo& a, const MbInfo& b, bool has_chroma) {
        // Bits of the neighbours that count are those not set (clause 9.3.3.1.1.4).
        const int na = ~a.cbp, nb = ~b.cbp;
        Local e(this);
        int b0 = e.bin(73 + (na >> 1 & 1) + (nb >> 1 & 2));
        int b1 = e.bin(73 + (b0 ^ 1) + (nb >> 2 & 2));
        int b2 = e.bin(73 + (na >> 3 & 1) + 2 * (b0 ^ 1));
        int b3 = e.bin(73 + (b2 ^ 1) + 2 * (b1 ^ 1));
        int pattern = b0 | b1 << 1 | b2 << 2 | b3 << 3;
        if (!has_chroma) return pattern;
        const int ca = a.cbp >> 4, cb = b.cbp >> 4;
        if (e.bin(77 + (ca != 0) + 2 * (cb != 0))) pattern |= (1 + e.bin(77 + 4 + (ca == 2) + 2 * (cb == 2))) << 4;
        return pattern;
    }

    bool transform_size_8x8_flag(const MbInfo& a, const MbInfo& b) {
        return bin(399 + a.transform_size_8x8_flag + b.transform_size_8x8_flag) != 0;
    }

    int mb_qp_delta() {
        Local e(this);
        int inc = last_qp_delta_not_zero_;
        int value = 0;
        while (e.bin(60 + inc)) {
            inc = 2 + (inc >> 1);
            if (++value > 104) break;
        }
        last_qp_delta_not_zero_ = value != 0;
        return value & 1 ? (value + 1) >> 1 : -(value >> 1);
    }

    int intra_chroma_pred_mode(const MbInfo& a, const MbInfo& b) {
        Local e(this);
        if (!e.bin(64 + a.has_chroma_mode + b.has_chroma_mode)) return 0;
        if (!e.bin(64 + 3)) return 1;
        return e.bin(64 + 3) ? 3 : 2;
    }

    // prev_intra_pred_mode_flag and rem_intra_pred_mode of all blocks: read, not used (no picture is predicted here).
    void intra_pred_modes(int count) {
        Local e(this);
        for (int i = 0; i < count; i++) {
            if (e.bin(68)) continue;
            e.bin(69);
            e.bin(69);
            e.bin(69);
        }
    }

    bool coded_block_flag(BlockCat cat, int ctx_inc) { return bin(85 + 4 * cat + ctx_inc) != 0; }

    // Reads the levels of a block whose coded_block_flag is 1. For each: store(k, level), k the index in the scan.
    // Returns the number of levels.
    template <BlockCat kCat, typename Store>
    int residual_block(Store&& store) {
        static constexpr int kSig[6] = {105 + 0, 105 + 15, 105 + 29, 105 + 44, 105 + 47, 402};
        static constexpr int kLast[6] = {166 + 0, 166 + 15, 166 + 29, 166 + 44, 166 + 47, 417};
        static constexpr int kAbs[6] = {227 + 0, 227 + 10, 227 + 20, 227 + 30, 227 + 39, 426};
        constexpr int kCoefficients = kCat == kCatLuma8x8                         ? 64
                                      : kCat == kCatChromaDc                      ? 4
                                      : kCat == kCatI16Ac || kCat == kCatChromaAc ? 15
                                                                                  : 16;
        Local e(this);
        Cabac::Run& engine = e.engine;
        uint8_t index[kCoefficients];
        CabacContext* sig = context_ + kSig[kCat];
        CabacContext* last = context_ + kLast[kCat];
        int count = 0;
        int i = 0;
        for (; i < kCoefficients - 1; i++) {
            int sig_inc = kCat == kCatLuma8x8 ? kSig8x8[i] : i;
            if (!engine.decision(sig + sig_inc)) continue;
            index[count++] = static_cast<uint8_t>(i);
            int last_inc = kCat == kCatLuma8x8 ? kLast8x8[i] : i;
            if (engine.decision(last + last_inc)) break;
        }
        if (i == kCoefficients - 1) index[count++] = kCoefficients - 1;

        CabacContext* abs = context_ + kAbs[kCat];
        constexpr int kMaxGt1 = kCat == kCatChromaDc ? 3 : 4;
        int eq1 = 1, gt1 = 0;  // eq1: numDecodAbsLevelEq1 + 1, or 0 once a level above 1 was seen
        for (int n = count - 1; n >= 0; n--) {
            int magnitude = 1;
            if (engine.decision(abs + eq1)) {
                CabacContext* more = abs + 5 + gt1;
                magnitude = 2;
                while (magnitude < 15 && engine.decision(more)) magnitude++;
                if (magnitude == 15) magnitude += exp_golomb_suffix(&engine, 0);
                eq1 = 0;
                gt1 = std::min(kMaxGt1, gt1 + 1);
            } else if (eq1 != 0) {
                eq1 = std::min(4, eq1 + 1);
            }
            store(index[n], engine.bypass_sign(magnitude));
        }
        return count;
    }

    bool end_of_slice_flag() { return engine_.terminate() != 0; }

  private:
    static constexpr int kUsedContexts = 460;
    static const uint8_t kSig8x8[63];   // Table 9-43, frame coded
    static const uint8_t kLast8x8[63];  // Table 9-43

    // Several bins in a row.
    struct Local {
        explicit Local(CabacSyntax* owner) : engine(&owner->engine_), context(owner->context_) {}
        int bin(int ctx_idx) { return engine.decision(context + ctx_idx); }
        Cabac::Run engine;
        CabacContext* const context;
    };

    int bin(int ctx_idx) { return engine_.decision(&context_[ctx_idx]); }

    // The suffix of UEGk (clause 9.3.2.3).
    static int exp_golomb_suffix(Cabac::Run* engine, int k) {
        int value = 0;
        while (k < 24 && engine->bypass()) value += 1 << k++;
        while (k-- > 0) value += engine->bypass() << k;
        return value;
    }

    // Tables 9-36 and 9-37, the part for I macroblocks.
    static int intra_type(Local* e, int base, int inc, bool i_slice) {
        if (!e->bin(base + inc)) return 0;
        if (e->engine.terminate()) return kIPcm;
        int c = i_slice ? base + 3 : base + 1;
        int type = 1 + 12 * e->bin(c);
        if (e->bin(c + 1)) type += 4 + 4 * e->bin(c + 1 + i_slice);
        type += 2 * e->bin(c + 2 + i_slice);
        return type + e->bin(c + 2 + 2 * i_slice);
    }

    CabacContext context_[kUsedContexts];
    Cabac engine_;
    int last_qp_delta_not_zero_ = 0;
};

}  // namespace h264
}  // namespace attp
