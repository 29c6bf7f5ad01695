// slice_data() and macroblock_layer() (clauses 7.3.4 and 7.3.5), written once for both entropy coders. `Syntax` is CabacSyntax or
// CavlcSyntax; what differs between them is settled at compile time.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "h264/cabac_syntax.h"
#include "h264/cavlc_syntax.h"
#include "h264/slice.h"

namespace attp {
namespace h264 {

template <typename Syntax, bool kResidual>
class SliceReader {
    static constexpr bool kCabac = std::is_same<Syntax, CabacSyntax>::value;

  public:
    SliceReader(const Slice& slice, const SliceMotion& slice_motion, PictureState* picture, Fault* fault)
        : slice_(slice),
          header_(slice.header),
          pps_(*slice.header.pps),
          slice_motion_(slice_motion),
          p_(*picture),
          fault_(*fault),
          is_b_(slice.header.slice_type == kB),
          is_i_(slice.header.slice_type == kI),
          has_chroma_(slice.header.sps->chroma_format_idc != 0) {}

    bool read() {
        stamp_ = ++p_.workspace->last_stamp;
        qp_ = header_.slice_qp;
        p_.motion.start_slice(&slice_motion_, p_.lists);
        bool ok = start() && read_macroblocks();
        if (!ok) drop_macroblock();
        for (int list = 0; list < 2; list++) {
            p_.used_references[list] |= p_.motion.used_references[list];
            p_.motion.used_references[list] = 0;
        }
        return ok;
    }

  private:
    // After a fault in the middle of a macroblock: it counts as missing.
    void drop_macroblock() {
        if (!is_inside_) return;
        cur_->slice = 0;
        if (kResidual) p_.residual.abandon_macroblock();
    }

    bool start() {
        BitReader reader(slice_.rbsp.data(), slice_.rbsp_bytes);
        reader.seek(slice_.data_bit);
        if constexpr (kCabac) {
            size_t byte = (slice_.data_bit + 7) / 8;  // cabac_alignment_one_bit
            if (byte >= slice_.rbsp_bytes) return fail("slice_data", "is empty");
            stop_bit_ = reader.stop_bit();
            syntax_.start_slice(slice_.rbsp.data() + byte, slice_.rbsp_bytes - byte,
                                is_i_ ? 0 : 1 + header_.cabac_init_idc, qp_);
            cabac_begin_bit_ = byte * 8;
        } else {
            syntax_.start_slice(reader);
        }
        return true;
    }

    size_t bit_position() const {
        if constexpr (kCabac)
            return cabac_begin_bit_ + syntax_.engine().position();
        else
            return syntax_.reader().position();
    }

    bool fail(const char* element, const char* why) {
        fault_.set(ATTP_CORRUPT, element, static_cast<int64_t>(bit_position()), "macroblock %d,%d: %s %s", mb_x_, mb_y_,
                   element, why);
        return false;
    }

    // ---- slice_data() ----

    bool read_macroblocks() {
        const int total = p_.width_mbs * p_.height_mbs;
        int mb = static_cast<int>(header_.first_mb_in_slice);
        int skip_run = -1;
        mb_x_ = mb % p_.width_mbs;
        mb_y_ = mb / p_.width_mbs;
        for (;;) {
            if (mb >= total) return fail("slice_data", "continues after the last macroblock");
            if (!start_macroblock(mb)) return false;
            bool is_last;
            if constexpr (kCabac) {
                if (!is_i_ && syntax_.mb_skip_flag(is_b_, *a_, *b_)) {
                    read_skip();
                } else if (!macroblock_layer()) {
                    return false;
                }
                is_last = syntax_.end_of_slice_flag();
                if (syntax_.engine().overrun()) return fail("slice_data", "ends too early");
            } else {
                if (!is_i_ && skip_run < 0) {
                    uint32_t run = syntax_.mb_skip_run();
                    if (run > static_cast<uint32_t>(total - mb))
                        return fail("mb_skip_run", "is longer than the picture");
                    skip_run = static_cast<int>(run);
                }
                if (skip_run > 0) {
                    skip_run--;
                    read_skip();
                    is_last = skip_run == 0 && !syntax_.reader().more_rbsp_data();
                } else {
                    skip_run = -1;
                    if (!macroblock_layer()) return false;
                    is_last = !syntax_.reader().more_rbsp_data();
                }
                if (syntax_.reader().overrun()) return fail("slice_data", "ends too early");
                if (syntax_.reader().failed()) return fail(syntax_.reader().fault(), "is out of range");
            }
            end_macroblock(mb);
            if (is_last) return check_end();
            mb = next_macroblock(mb);
        }
    }

    // The slice ends exactly at its rbsp_slice_trailing_bits().
    bool check_end() {
        if constexpr (kCabac) {
            // The last bit that the engine has read is the rbsp_stop_one_bit (clause 9.3.1.2). x264 sets one more bit behind it,
            // in the same byte.
            size_t end = cabac_begin_bit_ + syntax_.engine().position() - 1;
            bool is_set = end <= stop_bit_ && (slice_.rbsp[end / 8] >> (7 - end % 8) & 1) != 0;
            if (!is_set || end / 8 != stop_bit_ / 8)
                return fail("rbsp_slice_trailing_bits", "are not where the slice ends");
        } else if (syntax_.reader().position() != syntax_.reader().stop_bit()) {
            return fail("rbsp_slice_trailing_bits", "are not where the slice ends");
        }
        return true;
    }

    // Clause 8.2.2, NextMbAddress; moves mb_x_ and mb_y_ along.
    int next_macroblock(int mb) {
        int next = mb + 1;
        if (p_.slice_group != nullptr) {
            int total = p_.width_mbs * p_.height_mbs;
            while (next < total && p_.slice_group[next] != p_.slice_group[mb]) next++;
        }
        mb_x_ += next - mb;
        while (mb_x_ >= p_.width_mbs) {
            mb_x_ -= p_.width_mbs;
            mb_y_++;
        }
        return next;
    }

    bool start_macroblock(int mb) {
        if (p_.is_decoded(mb)) return fail("slice_data", "repeats a macroblock");
        cur_ = p_.workspace->mbs.data() + mb;
        const MbInfo* above = cur_ - p_.width_mbs;
        available_ = 0;
        if (mb_x_ > 0 && cur_[-1].slice == stamp_) available_ |= kHasA;
        if (mb_y_ > 0) {
            if (above->slice == stamp_) available_ |= kHasB;
            if (mb_x_ + 1 < p_.width_mbs && above[1].slice == stamp_) available_ |= kHasC;
            if (mb_x_ > 0 && above[-1].slice == stamp_) available_ |= kHasD;
        }
        a_ = available_ & kHasA ? cur_ - 1 : &kUnavailableForInter;
        b_ = available_ & kHasB ? above : &kUnavailableForInter;
        if (is_b_ && p_.wait_for_colocated != nullptr &&
            (mb_x_ == 0 || mb == static_cast<int>(header_.first_mb_in_slice)))
            p_.wait_for_colocated(p_.callback_data, mb_y_);
        p_.motion.start_macroblock(mb_x_, mb_y_, available_);
        if (kResidual) p_.residual.start_macroblock(mb_x_, mb_y_);
        is_inside_ = true;
        return true;
    }

    void end_macroblock(int mb) {
        is_inside_ = false;
        if (kResidual) p_.residual.end_macroblock();
        if (p_.slice_of_mb != nullptr) (*p_.slice_of_mb)[static_cast<size_t>(mb)] = p_.slice_number;
        if (mb != p_.next_in_order) return;
        p_.next_in_order++;
        if (mb_x_ + 1 == p_.width_mbs && p_.row_done != nullptr) p_.row_done(p_.callback_data, mb_y_ + 1);
    }

    // ---- macroblock_layer() ----

    void begin_info(bool is_coded) {
        MbInfo& m = *cur_;
        m.slice = stamp_;
        m.cbf = 0;
        m.cbp = 0;
        m.is_coded = is_coded;
        m.is_not_direct = is_coded;
        m.is_not_nxn = 1;
        m.has_chroma_mode = 0;
        m.transform_size_8x8_flag = 0;
        m.ref_idx_gt0[0] = m.ref_idx_gt0[1] = 0;
        if constexpr (kCabac) {
            std::memset(m.mvd_bottom, 0, sizeof m.mvd_bottom);
            std::memset(m.mvd_right, 0, sizeof m.mvd_right);
        } else {
            std::memset(m.total_coeff, 0, sizeof m.total_coeff);
        }
    }

    void read_skip() {
        begin_info(false);
        if constexpr (kCabac) syntax_.reset_qp_delta();
        if (is_b_) {
            p_.motion.predict_direct(15);
        } else {
            Mv mv = p_.motion.predict_skip();
            p_.motion.set_ref_16x16(0, 0);
            p_.motion.set_mv_16x16(0, mv);
            blank_list_1();
        }
        p_.motion.store_inter(ATTP_MODE_SKIP);
        p_.counts.skip++;
    }

    bool macroblock_layer() {
        int type;
        if constexpr (kCabac) {
            type = is_i_ ? syntax_.mb_type_i(*a_, *b_) : is_b_ ? syntax_.mb_type_b(*a_, *b_) : syntax_.mb_type_p();
        } else {
            uint32_t value = syntax_.mb_type();
            if (value > 48) return fail("mb_type", "is out of range");
            type = static_cast<int>(value);
        }
        int inter_types = is_i_ ? 0 : is_b_ ? 23 : 5;
        if (type < inter_types) return read_inter(type);
        type -= inter_types;
        if (type > kIPcm) return fail("mb_type", "is out of range");
        return read_intra(type);
    }

    bool read_intra(int type) {
        if (!(available_ & kHasA)) a_ = &kUnavailableForIntra;
        if (!(available_ & kHasB)) b_ = &kUnavailableForIntra;
        begin_info(true);
        bool is_nxn = type == 0;
        cur_->is_not_nxn = !is_nxn;
        if (type == kIPcm) return read_pcm();
        p_.motion.store_intra(ATTP_MODE_INTRA);
        p_.counts.intra++;
        if (is_nxn) {
            if (pps_.transform_8x8_mode_flag) read_transform_size_8x8_flag();
            syntax_.intra_pred_modes(cur_->transform_size_8x8_flag ? 4 : 16);
        }
        if (has_chroma_) {
            int mode;
            if constexpr (kCabac)
                mode = syntax_.intra_chroma_pred_mode(*a_, *b_);
            else
                mode = syntax_.intra_chroma_pred_mode();
            cur_->has_chroma_mode = mode != 0;
        }
        if (is_nxn) {
            if (!read_coded_block_pattern(true)) return false;
        } else {
            cur_->cbp = static_cast<uint8_t>((type >= 13 ? 15 : 0) | ((type - 1) / 4 % 3) << 4);
            if (!has_chroma_ && cur_->cbp > 15)
                return fail("mb_type", "has chroma coefficients in a monochrome picture");
        }
        return read_qp_and_residual(!is_nxn, true);
    }

    bool read_pcm() {
        p_.motion.store_intra(ATTP_MODE_PCM);
        p_.counts.pcm++;
        cur_->cbf = kAllCoded;
        cur_->cbp = has_chroma_ ? 0x2f : 0x0f;
        const size_t pcm_bytes = has_chroma_ ? 384 : 256;
        size_t bit;
        if constexpr (kCabac) {
            syntax_.reset_qp_delta();
            bit = cabac_begin_bit_ + syntax_.engine().position();
        } else {
            std::memset(cur_->total_coeff, 16, sizeof cur_->total_coeff);
            bit = syntax_.reader().position();
        }
        size_t byte = (bit + 7) / 8;  // pcm_alignment_zero_bit
        if (byte + pcm_bytes > slice_.rbsp_bytes) return fail("pcm_sample_luma", "ends too early");
        if (kResidual) p_.residual.write_pcm(slice_.rbsp.data() + byte, has_chroma_);
        byte += pcm_bytes;
        if constexpr (kCabac) {
            syntax_.engine().start(slice_.rbsp.data() + byte, slice_.rbsp_bytes - byte);
            cabac_begin_bit_ = byte * 8;
        } else {
            syntax_.reader().seek(byte * 8);
        }
        return true;
    }

    bool read_inter(int type) {
        begin_info(true);
        p_.counts.inter++;
        bool allows_8x8 = true;
        if (is_b_ && type == kBDirect) {
            cur_->is_not_direct = 0;
            p_.motion.predict_direct(15);
            allows_8x8 = slice_motion_.direct_8x8_inference;
        } else {
            const InterType& t = is_b_ ? kBTypes[type] : kPTypes[type];
            bool ok =
                t.shape == Shape::k8x8 ? read_sub_mb_pred(!is_b_ && type == kP8x8Ref0, &allows_8x8) : read_mb_pred(t);
            if (!ok) return false;
            if (!is_b_) blank_list_1();
        }
        p_.motion.store_inter(ATTP_MODE_INTER);
        if (!read_coded_block_pattern(false)) return false;
        if ((cur_->cbp & 15) != 0 && pps_.transform_8x8_mode_flag && allows_8x8) read_transform_size_8x8_flag();
        return read_qp_and_residual(false, false);
    }

    void read_transform_size_8x8_flag() {
        if constexpr (kCabac)
            cur_->transform_size_8x8_flag = syntax_.transform_size_8x8_flag(*a_, *b_);
        else
            cur_->transform_size_8x8_flag = syntax_.transform_size_8x8_flag();
    }

    bool read_coded_block_pattern(bool intra) {
        int cbp;
        if constexpr (kCabac) {
            cbp = syntax_.coded_block_pattern(*a_, *b_, has_chroma_);
        } else {
            cbp = syntax_.coded_block_pattern(intra, has_chroma_);
            if (cbp < 0) return fail("coded_block_pattern", "is out of range");
        }
        cur_->cbp = static_cast<uint8_t>(cbp);
        return true;
    }

    bool read_qp_and_residual(bool is_16x16, bool is_intra) {
        if (cur_->cbp == 0 && !is_16x16) {
            if constexpr (kCabac) syntax_.reset_qp_delta();
            return true;
        }
        int delta = syntax_.mb_qp_delta();
        if (delta < -26 || delta > 25) return fail("mb_qp_delta", "is out of range");
        qp_ = (qp_ + delta + 52) % 52;
        return read_residual(is_16x16, is_intra);
    }

    // ---- mb_pred() and sub_mb_pred() ----

    void set_refs(int list, int mask, int ref) {
        for (int i = 0; i < 4; i++)
            if (mask >> i & 1) p_.motion.set_ref(list, i, ref);
    }

    void blank_list_1() {
        if (p_.lists < 2) return;
        p_.motion.set_ref_16x16(1, -1);
        p_.motion.set_mv_16x16(1, {0, 0});
    }

    // ref_idx of the partition whose first 8x8 block is `block8` and which covers `mask`.
    bool read_ref(int list, int block8, int mask) {
        int active = header_.num_ref_idx_active[list];
        int ref = 0;
        if (active > 1) {
            if constexpr (kCabac) {
                int a =
                    (block8 & 1 ? cur_->ref_idx_gt0[list] >> (block8 - 1) : a_->ref_idx_gt0[list] >> (block8 + 1)) & 1;
                int b =
                    (block8 & 2 ? cur_->ref_idx_gt0[list] >> (block8 - 2) : b_->ref_idx_gt0[list] >> (block8 + 2)) & 1;
                ref = syntax_.ref_idx(a + 2 * b);
            } else {
                ref = syntax_.ref_idx(active);
            }
            if (ref < 0 || ref >= active) return fail("ref_idx", "is out of range");
            if (ref > 0) cur_->ref_idx_gt0[list] |= static_cast<uint8_t>(mask);
        }
        set_refs(list, mask, ref);
        return true;
    }

    Mv read_mvd(int list, int x, int y, int width, int height) {
        Mv mvd;
        if constexpr (kCabac) {
            uint8_t (*cell)[2] = mvd_[list] + (y + 1) * 5 + x + 1;
            const uint8_t* left = cell[-1];
            const uint8_t* above = cell[-5];
            int dx = syntax_.mvd(0, left[0] + above[0]);
            int dy = syntax_.mvd(1, left[1] + above[1]);
            uint8_t ax = cap(dx), ay = cap(dy);
            for (int j = 0; j < height; j++)
                for (int i = 0; i < width; i++) {
                    cell[j * 5 + i][0] = ax;
                    cell[j * 5 + i][1] = ay;
                }
            mvd = {static_cast<int16_t>(dx), static_cast<int16_t>(dy)};
        } else {
            int dx = syntax_.mvd();
            int dy = syntax_.mvd();
            mvd = {static_cast<int16_t>(dx), static_cast<int16_t>(dy)};
        }
        return mvd;
    }

    static Mv add(Mv a, Mv b) { return {static_cast<int16_t>(a.x + b.x), static_cast<int16_t>(a.y + b.y)}; }

    // The same for a whole macroblock, straight from and to the neighbour information.
    Mv read_mvd_16x16(int list) {
        if constexpr (kCabac) {
            const uint8_t* left = a_->mvd_right[list][0];
            const uint8_t* above = b_->mvd_bottom[list][0];
            int dx = syntax_.mvd(0, left[0] + above[0]);
            int dy = syntax_.mvd(1, left[1] + above[1]);
            const uint8_t size[2] = {cap(dx), cap(dy)};
            for (int i = 0; i < 4; i++) {
                std::memcpy(cur_->mvd_bottom[list][i], size, 2);
                std::memcpy(cur_->mvd_right[list][i], size, 2);
            }
            return {static_cast<int16_t>(dx), static_cast<int16_t>(dy)};
        } else {
            return read_mvd(list, 0, 0, 4, 4);
        }
    }

    // Larger sizes select the same context (clause 9.3.3.1.1.7).
    static uint8_t cap(int mvd) { return static_cast<uint8_t>(std::min(std::abs(mvd), 64)); }

    void load_mvd() {
        std::memset(mvd_, 0, sizeof mvd_);
        for (int list = 0; list < (is_b_ ? 2 : 1); list++) {
            std::memcpy(mvd_[list] + 1, b_->mvd_bottom[list], 8);
            for (int y = 0; y < 4; y++) std::memcpy(mvd_[list] + (y + 1) * 5, a_->mvd_right[list][y], 2);
        }
    }

    void save_mvd() {
        for (int list = 0; list < (is_b_ ? 2 : 1); list++) {
            std::memcpy(cur_->mvd_bottom[list], mvd_[list] + 4 * 5 + 1, 8);
            for (int y = 0; y < 4; y++) std::memcpy(cur_->mvd_right[list][y], mvd_[list] + (y + 1) * 5 + 4, 2);
        }
    }

    bool read_mb_pred(const InterType& t) {
        switch (t.shape) {
            case Shape::k16x16:
                return read_16x16(t.lists[0]);
            case Shape::k16x8:
                return read_halves<Shape::k16x8>(t.lists);
            default:
                return read_halves<Shape::k8x16>(t.lists);
        }
    }

    bool read_16x16(unsigned used) {
        const int lists = is_b_ ? 2 : 1;
        for (int list = 0; list < lists; list++) {
            if (!(used >> list & 1))
                p_.motion.set_ref_16x16(list, -1);
            else if (!read_ref(list, 0, 15))
                return false;
        }
        for (int list = 0; list < lists; list++) {
            Mv mv = {0, 0};
            if (used >> list & 1) {
                Mv predicted = p_.motion.predict_16x16(list, p_.motion.ref(list, 0));
                mv = add(predicted, read_mvd_16x16(list));
            }
            p_.motion.set_mv_16x16(list, mv);
        }
        return true;
    }

    // 16x8 and 8x16 partitions.
    template <Shape kShape>
    bool read_halves(const uint8_t used[2]) {
        constexpr bool kIsWide = kShape == Shape::k16x8;
        constexpr int kWidth = kIsWide ? 4 : 2, kHeight = kIsWide ? 2 : 4;
        constexpr int kSecond = kIsWide ? 2 : 1;  // first 8x8 block of the second partition
        const int lists = is_b_ ? 2 : 1;
        if constexpr (kCabac) load_mvd();
        for (int list = 0; list < lists; list++)
            for (int part = 0; part < 2; part++) {
                const int block8 = part * kSecond, mask = (kIsWide ? 3 : 5) << block8;
                if (!(used[part] >> list & 1))
                    set_refs(list, mask, -1);
                else if (!read_ref(list, block8, mask))
                    return false;
            }
        for (int list = 0; list < lists; list++)
            for (int part = 0; part < 2; part++) {
                const int x = kIsWide ? 0 : part * 2, y = kIsWide ? part * 2 : 0;
                Mv mv = {0, 0};
                if (used[part] >> list & 1) {
                    const int ref = p_.motion.ref(list, part * kSecond);
                    Mv predicted =
                        kIsWide ? p_.motion.predict_16x8(list, part, ref) : p_.motion.predict_8x16(list, part, ref);
                    mv = add(predicted, read_mvd(list, x, y, kWidth, kHeight));
                }
                p_.motion.set_mv(list, x, y, kWidth, kHeight, mv);
            }
        if constexpr (kCabac) save_mvd();
        return true;
    }

    bool read_sub_mb_types(int type[4]) {
        for (int i = 0; i < 4; i++) {
            if constexpr (kCabac) {
                type[i] = is_b_ ? syntax_.sub_mb_type_b() : syntax_.sub_mb_type_p();
            } else {
                uint32_t value = syntax_.sub_mb_type();
                if (value >= (is_b_ ? 13u : 4u)) return fail("sub_mb_type", "is out of range");
                type[i] = static_cast<int>(value);
            }
        }
        return true;
    }

    bool read_sub_mb_pred(bool all_ref_0, bool* allows_8x8) {
        int type[4];
        if (!read_sub_mb_types(type)) return false;
        const SubType* types = is_b_ ? kBSubTypes : kPSubTypes;
        int direct_mask = 0;
        for (int i = 0; i < 4; i++) {
            if (is_b_ && type[i] == kBDirect) {
                direct_mask |= 1 << i;
                if (!slice_motion_.direct_8x8_inference) *allows_8x8 = false;
            } else if (types[type[i]].width4 < 2 || types[type[i]].height4 < 2) {
                *allows_8x8 = false;
            }
        }
        if (direct_mask != 0) p_.motion.predict_direct(direct_mask);
        if constexpr (kCabac) load_mvd();
        const int lists = is_b_ ? 2 : 1;
        for (int list = 0; list < lists; list++)
            for (int i = 0; i < 4; i++) {
                if (direct_mask >> i & 1) continue;
                if (!(types[type[i]].lists >> list & 1)) {
                    p_.motion.set_ref(list, i, -1);
                } else if (all_ref_0) {
                    p_.motion.set_ref(list, i, 0);
                } else if (!read_ref(list, i, 1 << i)) {
                    return false;
                }
            }
        for (int list = 0; list < lists; list++)
            for (int i = 0; i < 4; i++)
                if (!(direct_mask >> i & 1)) read_sub_mvs(list, i, types[type[i]]);
        if constexpr (kCabac) save_mvd();
        return true;
    }

    void read_sub_mvs(int list, int block8, const SubType& t) {
        int x8 = (block8 & 1) * 2, y8 = (block8 >> 1) * 2;
        if (!(t.lists >> list & 1)) {
            p_.motion.set_mv(list, x8, y8, 2, 2, {0, 0});
            return;
        }
        int ref = p_.motion.ref(list, block8);
        for (int y = y8; y < y8 + 2; y += t.height4)
            for (int x = x8; x < x8 + 2; x += t.width4) {
                Mv predicted = p_.motion.predict(list, x, y, t.width4, ref);
                p_.motion.set_mv(list, x, y, t.width4, t.height4,
                                 add(predicted, read_mvd(list, x, y, t.width4, t.height4)));
            }
    }

    // ---- residual() ----

    bool read_residual(bool is_16x16, bool is_intra) {
        int cbp = cur_->cbp;
        unsigned luma_dc = 0;
        if (is_16x16 && !read_luma_dc(&luma_dc)) return false;
        if (is_16x16) {
            for (int block8 = 0; block8 < 4; block8++)
                if (!read_luma_ac(block8, cbp >> block8 & 1, luma_dc)) return false;
        } else {
            for (unsigned left = cbp & 15u; left != 0; left &= left - 1) {
                int block8 = __builtin_ctz(left);
                if (!(cur_->transform_size_8x8_flag ? read_luma_8x8(block8, is_intra)
                                                    : read_luma_4x4(block8, is_intra)))
                    return false;
            }
        }
        return cbp < 16 || read_chroma(cbp >> 4 == 2, is_intra);
    }

    // Scales a level of a 4x4 block; `first` is 1 for AC blocks.
    struct Store4x4 {
        int16_t* coefficients;
        const int32_t* scale;
        int first;
        void operator()(int k, int level) const {
            if (!kResidual) return;
            int at = kZigzag4x4[k + first];
            uint32_t scaled = static_cast<uint32_t>(level) * static_cast<uint32_t>(scale[at]) + 8;
            coefficients[at] = static_cast<int16_t>(static_cast<int32_t>(scaled) >> 4);
        }
    };
    struct Store8x8 {
        int16_t* coefficients;
        const int32_t* scale;
        int first, step;  // CAVLC sends every fourth coefficient in turn
        void operator()(int k, int level) const {
            if (!kResidual) return;
            int at = kZigzag8x8[k * step + first];
            uint32_t scaled = static_cast<uint32_t>(level) * static_cast<uint32_t>(scale[at]) + 32;
            coefficients[at] = static_cast<int16_t>(static_cast<int32_t>(scaled) >> 6);
        }
    };

    // coded_block_flag of the blocks left and above, for luma blocks in raster order.
    int luma_cbf_inc(int block) const {
        int left = (block & 3 ? cur_->cbf >> (block - 1) : a_->cbf >> (block + 3)) & 1;
        int above = (block >= 4 ? cur_->cbf >> (block - 4) : b_->cbf >> (block + 12)) & 1;
        return left + 2 * above;
    }
    int luma_n_c(int block) const {
        int left = block & 3 ? cur_->total_coeff[block - 1] : available_ & kHasA ? a_->total_coeff[block + 3] : -1;
        int above = block >= 4 ? cur_->total_coeff[block - 4] : available_ & kHasB ? b_->total_coeff[block + 12] : -1;
        return CavlcSyntax::n_c(left, above);
    }

    // One 4x4 luma block of any kind. *coded says whether it has levels.
    template <BlockCat kCat>
    bool read_block_4x4(int block, const Store4x4& store, bool* coded) {
        constexpr int kCoefficients = kCat == kCatI16Ac ? 15 : 16;
        if constexpr (kCabac) {
            *coded = syntax_.coded_block_flag(kCat, luma_cbf_inc(block));
            if (!*coded) return true;
            cur_->cbf |= 1u << block;
            syntax_.template residual_block<kCat>(store);
        } else {
            int total = syntax_.template residual_block<kCoefficients>(luma_n_c(block), store);
            if (total < 0) return fail("residual_block", "is not a valid block");
            cur_->total_coeff[block] = static_cast<uint8_t>(total);
            *coded = total > 0;
        }
        return true;
    }

    bool read_luma_dc(unsigned* coded_dc) {
        int level[16] = {};
        auto store = [&level](int k, int value) {
            if (kResidual) level[kZigzag4x4[k]] = value;
        };
        bool coded;
        if constexpr (kCabac) {
            int inc = static_cast<int>((a_->cbf >> kCbfDcY & 1) + 2 * (b_->cbf >> kCbfDcY & 1));
            coded = syntax_.coded_block_flag(kCatI16Dc, inc);
            if (coded) {
                cur_->cbf |= 1u << kCbfDcY;
                syntax_.template residual_block<kCatI16Dc>(store);
            }
        } else {
            int total = syntax_.template residual_block<16>(luma_n_c(0), store);
            if (total < 0) return fail("residual_block", "is not a valid block");
            coded = total > 0;
        }
        if (kResidual && coded)
            *coded_dc = p_.residual.place_luma_dc(level, pps_.scale4x4[0][static_cast<size_t>(qp_)][0]);
        return true;
    }

    bool read_luma_ac(int block8, bool coded8, unsigned dc) {
        const int32_t* scale = pps_.scale4x4[0][static_cast<size_t>(qp_)].data();
        unsigned coded_mask = 0;
        for (int i = 0; i < 4; i++) {
            int block = kBlockRaster[block8 * 4 + i];
            bool coded = false;
            if (coded8 &&
                !read_block_4x4<kCatI16Ac>(block, Store4x4{p_.residual.coefficients4x4(block), scale, 1}, &coded))
                return false;
            coded_mask |= static_cast<unsigned>(coded || (dc >> block & 1)) << block;
        }
        if (kResidual) p_.residual.transform_luma_4x4(coded_mask);
        return true;
    }

    bool read_luma_4x4(int block8, bool is_intra) {
        const int32_t* scale = pps_.scale4x4[is_intra ? 0 : 3][static_cast<size_t>(qp_)].data();
        unsigned coded_mask = 0;
        for (int i = 0; i < 4; i++) {
            int block = kBlockRaster[block8 * 4 + i];
            bool coded;
            if (!read_block_4x4<kCatLuma4x4>(block, Store4x4{p_.residual.coefficients4x4(block), scale, 0}, &coded))
                return false;
            coded_mask |= static_cast<unsigned>(coded) << block;
        }
        if (kResidual) p_.residual.transform_luma_4x4(coded_mask);
        return true;
    }

    bool read_luma_8x8(int block8, bool is_intra) {
        const int32_t* scale = pps_.scale8x8[is_intra ? 0 : 1][static_cast<size_t>(qp_)].data();
        int16_t* coefficients = p_.residual.coefficients8x8(block8);
        int first_block = kBlockRaster[block8 * 4];
        int levels = 0;
        if constexpr (kCabac) {
            cur_->cbf |= 0x33u << first_block;
            levels = syntax_.template residual_block<kCatLuma8x8>(Store8x8{coefficients, scale, 0, 1});
        } else {
            for (int i = 0; i < 4; i++) {
                int block = kBlockRaster[block8 * 4 + i];
                int total = syntax_.template residual_block<16>(luma_n_c(block), Store8x8{coefficients, scale, i, 4});
                if (total < 0) return fail("residual_block", "is not a valid block");
                cur_->total_coeff[block] = static_cast<uint8_t>(total);
                levels += total;
            }
            if (levels == 0) return true;
        }
        if (kResidual) p_.residual.transform_luma_8x8(block8, levels);
        return true;
    }

    bool read_chroma(bool has_ac, bool is_intra) {
        unsigned coded = 0;
        const int32_t* scale[2];
        for (int c = 0; c < 2; c++) {
            size_t qp = pps_.chroma_qp[c][qp_];
            scale[c] = pps_.scale4x4[static_cast<size_t>((is_intra ? 0 : 3) + 1 + c)][qp].data();
            if (!read_chroma_dc(c, scale[c][0], &coded)) return false;
        }
        for (int c = 0; c < 2 && has_ac; c++)
            for (int i = 0; i < 4; i++)
                if (!read_chroma_ac(c, i, scale[c], &coded)) return false;
        if (kResidual) p_.residual.transform_chroma(coded, has_ac);
        return true;
    }

    bool read_chroma_dc(int c, int32_t scale, unsigned* coded) {
        int level[4] = {};
        auto store = [&level](int k, int value) { level[k] = value; };
        bool any;
        if constexpr (kCabac) {
            unsigned bit = kCbfDcCb + static_cast<unsigned>(c);
            any = syntax_.coded_block_flag(kCatChromaDc,
                                           static_cast<int>((a_->cbf >> bit & 1) + 2 * (b_->cbf >> bit & 1)));
            if (any) {
                cur_->cbf |= 1u << bit;
                syntax_.template residual_block<kCatChromaDc>(store);
            }
        } else {
            int total = syntax_.template residual_block<4>(-1, store);
            if (total < 0) return fail("residual_block", "is not a valid chroma DC block");
            any = total > 0;
        }
        if (kResidual && any) *coded |= p_.residual.place_chroma_dc(c + 1, level, scale) << (4 * c);
        return true;
    }

    bool read_chroma_ac(int c, int i, const int32_t* scale, unsigned* coded) {
        Store4x4 store{p_.residual.chroma_coefficients(c + 1, i), scale, 1};
        int base = 16 + 4 * c;
        bool any;
        if constexpr (kCabac) {
            int left = (i & 1 ? cur_->cbf >> (base + i - 1) : a_->cbf >> (base + i + 1)) & 1;
            int above = (i & 2 ? cur_->cbf >> (base + i - 2) : b_->cbf >> (base + i + 2)) & 1;
            any = syntax_.coded_block_flag(kCatChromaAc, left + 2 * above);
            if (any) {
                cur_->cbf |= 1u << (base + i);
                syntax_.template residual_block<kCatChromaAc>(store);
            }
        } else {
            int left = i & 1                ? cur_->total_coeff[base + i - 1]
                       : available_ & kHasA ? a_->total_coeff[base + i + 1]
                                            : -1;
            int above = i & 2                ? cur_->total_coeff[base + i - 2]
                        : available_ & kHasB ? b_->total_coeff[base + i + 2]
                                             : -1;
            int total = syntax_.template residual_block<15>(CavlcSyntax::n_c(left, above), store);
            if (total < 0) return fail("residual_block", "is not a valid block");
            cur_->total_coeff[base + i] = static_cast<uint8_t>(total);
            any = total > 0;
        }
        *coded |= static_cast<unsigned>(any) << (4 * c + i);
        return true;
    }

    const Slice& slice_;
    const SliceHeader& header_;
    const Pps& pps_;
    const SliceMotion& slice_motion_;
    PictureState& p_;
    Fault& fault_;
    const bool is_b_, is_i_, has_chroma_;

    Syntax syntax_;
    size_t cabac_begin_bit_ = 0, stop_bit_ = 0;
    uint32_t stamp_ = 0;
    int qp_ = 0;

    // The current macroblock.
    int mb_x_ = 0, mb_y_ = 0;
    bool is_inside_ = false;
    MbInfo* cur_ = nullptr;
    const MbInfo* a_ = nullptr;
    const MbInfo* b_ = nullptr;
    unsigned available_ = 0;
    uint8_t mvd_[2][25][2];  // |mvd| with one row above and one column left
};

}  // namespace h264
}  // namespace attp
