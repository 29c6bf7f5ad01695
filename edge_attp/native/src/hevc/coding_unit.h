// coding_unit() and prediction_unit() (clauses 7.3.8.5 to 7.3.8.7 and 7.3.8.9).
#pragma once

#include <algorithm>

#include "hevc/transform_tree.h"

namespace attp {
namespace hevc {

template <bool kResidual>
class CodingUnitReader {
  public:
    explicit CodingUnitReader(SliceContext* context) : s_(*context) {}

    bool read(int x, int y, int log2_size, int ct_depth) {
        cu_ = {};
        cu_.x = x;
        cu_.y = y;
        cu_.log2_size = log2_size;
        s_.picture.blocks.coding_units[log2_size - 3]++;
        // Only residual samples depend on quantization parameters.
        if (kResidual) s_.quantization.start_coding_unit();
        if (s_.pps.transquant_bypass_enabled_flag) cu_.transquant_bypass = s_.decision(kCuTransquantBypassFlag);
        const bool is_i = s_.header.slice_type == kI;
        const bool is_skipped = !is_i && read_skip_flag();
        cu_.is_intra = is_i || (!is_skipped && s_.decision(kPredModeFlag));
        s_.grid.fill(x, y, cu_.size(), {s_.stamp, static_cast<uint8_t>(ct_depth), is_skipped, cu_.is_intra, 0});
        bool ok = is_skipped ? read_skipped() : cu_.is_intra ? read_intra() : read_inter();
        if (kResidual) s_.quantization.end_coding_unit(x, y, cu_.size());
        return ok;
    }

  private:
    int area8() const { return 1 << (2 * (cu_.log2_size - 3)); }

    bool read_skip_flag() {
        const CuInfo& left = *s_.grid.at(cu_.x - 1, cu_.y);
        const CuInfo& above = *s_.grid.at(cu_.x, cu_.y - 1);
        const int ctx = (left.stamp == s_.stamp && left.is_skipped) + (above.stamp == s_.stamp && above.is_skipped);
        return s_.decision(kCuSkipFlag + ctx);
    }

    bool read_skipped() {
        s_.picture.counts.skip += area8();
        read_merged({cu_.x, cu_.y, cu_.size(), cu_.x, cu_.y, cu_.size(), cu_.size(), 0, kPart2Nx2N}, ATTP_MODE_SKIP);
        return true;
    }

    // ---- inter ----

    bool read_inter() {
        cu_.part_mode = read_inter_part_mode();
        s_.picture.counts.inter += area8();
        const int n = cu_.size(), half = n / 2, quarter = n / 4;
        bool is_merged = false;
        auto unit = [&](int part_idx, int x, int y, int width, int height) {
            is_merged =
                read_prediction_unit({cu_.x, cu_.y, n, cu_.x + x, cu_.y + y, width, height, part_idx, cu_.part_mode});
        };
        switch (cu_.part_mode) {
            case kPart2Nx2N:
                unit(0, 0, 0, n, n);
                break;
            case kPart2NxN:
                unit(0, 0, 0, n, half);
                unit(1, 0, half, n, half);
                break;
            case kPartNx2N:
                unit(0, 0, 0, half, n);
                unit(1, half, 0, half, n);
                break;
            case kPart2NxnU:
                unit(0, 0, 0, n, quarter);
                unit(1, 0, quarter, n, n - quarter);
                break;
            case kPart2NxnD:
                unit(0, 0, 0, n, n - quarter);
                unit(1, 0, n - quarter, n, quarter);
                break;
            case kPartnLx2N:
                unit(0, 0, 0, quarter, n);
                unit(1, quarter, 0, n - quarter, n);
                break;
            case kPartnRx2N:
                unit(0, 0, 0, n - quarter, n);
                unit(1, n - quarter, 0, quarter, n);
                break;
            case kPartNxN:
                for (int i = 0; i < 4; i++) unit(i, (i & 1) * half, (i >> 1) * half, half, half);
                break;
        }
        const bool infers_cbf = cu_.part_mode == kPart2Nx2N && is_merged;
        if (!infers_cbf && !s_.decision(kRqtRootCbf)) return true;
        return TransformTreeReader<kResidual>(&s_, cu_).read();
    }

    PartMode read_inter_part_mode() {
        if (s_.decision(kPartMode)) return kPart2Nx2N;
        if (cu_.log2_size == s_.sps.log2_min_cb_size) {
            if (s_.decision(kPartMode + 1)) return kPart2NxN;
            if (cu_.log2_size == 3) return kPartNx2N;
            return s_.decision(kPartMode + 2) ? kPartNx2N : kPartNxN;
        }
        const bool is_horizontal = s_.decision(kPartMode + 1);
        if (!s_.sps.amp_enabled_flag || s_.decision(kPartMode + 3)) return is_horizontal ? kPart2NxN : kPartNx2N;
        const bool is_second = Cabac::Run(&s_.engine).bypass() != 0;
        if (is_horizontal) return is_second ? kPart2NxnD : kPart2NxnU;
        return is_second ? kPartnRx2N : kPartnLx2N;
    }

    // Whether it was merged.
    bool read_prediction_unit(const PredictionUnit& unit) {
        if (s_.decision(kMergeFlag)) {
            read_merged(unit, ATTP_MODE_INTER);
            return true;
        }
        struct {
            Mv mvd;
            int mvp_flag;
        } sent[2] = {};
        Motion motion = {{{0, 0}, {0, 0}}, {-1, -1}};
        const int lists = read_inter_pred_idc(unit);
        for (int list = 0; list < 2; list++) {
            if ((lists >> list & 1) == 0) continue;
            motion.ref_idx[list] = static_cast<int8_t>(read_ref_idx(s_.header.num_ref_idx_active[list]));
            const bool is_zero = list == 1 && lists == 3 && s_.header.mvd_l1_zero_flag;
            if (!is_zero) sent[list].mvd = read_mvd();
            sent[list].mvp_flag = s_.decision(kMvpFlag);
        }
        for (int list = 0; list < 2; list++) {
            if ((lists >> list & 1) == 0) continue;
            const Mv mvp = s_.picture.motion.predict(unit, list, motion.ref_idx[list], sent[list].mvp_flag);
            motion.mv[list] = {static_cast<int16_t>(mvp.x + sent[list].mvd.x),
                               static_cast<int16_t>(mvp.y + sent[list].mvd.y)};
        }
        store(unit, motion, ATTP_MODE_INTER);
        return false;
    }

    void read_merged(const PredictionUnit& unit, uint8_t mode) {
        int merge_idx = 0;
        const int most = s_.header.max_num_merge_cand - 1;
        if (most > 0) {
            Cabac::Run run(&s_.engine);
            if (run.decision(&s_.contexts[kMergeIdx]))
                for (merge_idx = 1; merge_idx < most && run.bypass();) merge_idx++;
        }
        Motion motion;
        s_.picture.motion.merge(unit, merge_idx, &motion);
        s_.picture.blocks.merged++;
        store(unit, motion, mode);
    }

    void store(const PredictionUnit& unit, const Motion& motion, uint8_t mode) {
        s_.picture.blocks.prediction_units++;
        s_.picture.blocks.bi_predicted += motion.uses(0) && motion.uses(1);
        s_.picture.motion.store(unit, motion, mode);
    }

    // Bit per list.
    int read_inter_pred_idc(const PredictionUnit& unit) {
        if (s_.header.slice_type == kP) return 1;
        Cabac::Run run(&s_.engine);
        CabacContext* const c = &s_.contexts[kInterPredIdc];
        const int ct_depth = s_.sps.log2_ctb_size - cu_.log2_size;
        if (unit.width + unit.height != 12 && run.decision(c + ct_depth)) return 3;
        return run.decision(c + 4) ? 2 : 1;
    }

    int read_ref_idx(int active) {
        Cabac::Run run(&s_.engine);
        CabacContext* const c = &s_.contexts[kRefIdx];
        int ref_idx = 0;
        while (ref_idx < active - 1 && (ref_idx < 2 ? run.decision(c + ref_idx) : run.bypass())) ref_idx++;
        return ref_idx;
    }

    // mvd_coding() (clause 7.3.8.9). Values wrap like int16, as the sum with the prediction does.
    Mv read_mvd() {
        Cabac::Run run(&s_.engine);
        CabacContext* const greater0 = &s_.contexts[kAbsMvdGreater0Flag];
        CabacContext* const greater1 = &s_.contexts[kAbsMvdGreater1Flag];
        bool is_greater0[2], is_greater1[2] = {false, false};
        for (bool& g : is_greater0) g = run.decision(greater0) != 0;
        for (int i = 0; i < 2; i++)
            if (is_greater0[i]) is_greater1[i] = run.decision(greater1) != 0;
        int component[2] = {0, 0};
        for (int i = 0; i < 2; i++) {
            if (!is_greater0[i]) continue;
            int abs = 1;
            if (is_greater1[i]) {
                // abs_mvd_minus2: first order Exp-Golomb code, 2^15 - 1 at most.
                int k = 1;
                abs = 2;
                while (k < 16 && run.bypass()) abs += 1 << k++;
                abs += static_cast<int>(run.bypass_bits(k));
            }
            component[i] = run.bypass_sign(abs);
        }
        return {static_cast<int16_t>(component[0]), static_cast<int16_t>(component[1])};
    }

    // ---- intra ----

    bool read_intra() {
        if (cu_.log2_size == s_.sps.log2_min_cb_size && !s_.decision(kPartMode)) cu_.part_mode = kPartNxN;
        const bool may_be_pcm = cu_.part_mode == kPart2Nx2N && s_.sps.pcm_enabled_flag &&
                                cu_.log2_size >= s_.sps.log2_min_pcm_cb_size &&
                                cu_.log2_size <= s_.sps.log2_max_pcm_cb_size;
        if (may_be_pcm && s_.engine.terminate()) return read_pcm();
        s_.picture.counts.intra += area8();
        s_.picture.motion.store_intra(cu_.x, cu_.y, cu_.size(), ATTP_MODE_INTRA);
        read_intra_modes();
        return TransformTreeReader<kResidual>(&s_, cu_).read();
    }

    void read_intra_modes() {
        Cabac::Run run(&s_.engine);
        const int parts = cu_.part_mode == kPartNxN ? 4 : 1;
        const int part_size = cu_.size() >> (parts == 4);
        bool is_most_probable[4];
        for (int i = 0; i < parts; i++) is_most_probable[i] = run.decision(&s_.contexts[kPrevIntraLumaPredFlag]) != 0;
        for (int i = 0; i < parts; i++) {
            const int x = cu_.x + (i & 1) * part_size, y = cu_.y + (i >> 1) * part_size;
            int candidates[3];
            most_probable_modes(x, y, candidates);
            int mode;
            if (is_most_probable[i]) {
                mode = candidates[run.bypass() ? 1 + run.bypass() : 0];  // mpm_idx
            } else {
                mode = static_cast<int>(run.bypass_bits(5));  // rem_intra_luma_pred_mode
                std::sort(candidates, candidates + 3);
                for (int candidate : candidates) mode += mode >= candidate;
            }
            cu_.intra_mode[i] = mode;
            s_.grid.fill_intra_mode(x, y, part_size, mode);
        }
        if (!s_.sps.has_chroma()) return;
        // Table 8-2 and 8-3.
        static constexpr uint8_t kChromaModes[4] = {0, 26, 10, 1};
        cu_.intra_mode_chroma = cu_.intra_mode[0];
        if (!run.decision(&s_.contexts[kIntraChromaPredMode])) return;
        const int mode = kChromaModes[run.bypass_bits(2)];
        cu_.intra_mode_chroma = mode == cu_.intra_mode[0] ? 34 : mode;
    }

    // candModeList (clause 8.4.2).
    void most_probable_modes(int x, int y, int candidates[3]) {
        const int a = neighbour_mode(x - 1, y);
        const bool is_above_in_ctb = (y & ((1 << s_.sps.log2_ctb_size) - 1)) != 0;
        const int b = is_above_in_ctb ? neighbour_mode(x, y - 1) : kDc;
        if (a != b) {
            candidates[0] = a;
            candidates[1] = b;
            candidates[2] = a != kPlanar && b != kPlanar ? kPlanar : a != kDc && b != kDc ? kDc : kVertical;
        } else if (a < 2) {
            candidates[0] = kPlanar;
            candidates[1] = kDc;
            candidates[2] = kVertical;
        } else {
            candidates[0] = a;
            candidates[1] = 2 + (a + 29) % 32;
            candidates[2] = 2 + (a - 2 + 1) % 32;
        }
    }
    int neighbour_mode(int x, int y) {
        if (x >= cu_.x && y >= cu_.y) return s_.grid.intra_mode(x, y);  // another part of this coding unit
        const CuInfo& cu = *s_.grid.at(x, y);
        return cu.stamp == s_.stamp && cu.is_intra ? s_.grid.intra_mode(x, y) : kDc;
    }

    // pcm_sample() (clause 7.3.8.7), which the engine starts anew behind.
    bool read_pcm() {
        s_.picture.counts.pcm += area8();
        s_.picture.motion.store_intra(cu_.x, cu_.y, cu_.size(), ATTP_MODE_PCM);
        s_.grid.fill_intra_mode(cu_.x, cu_.y, cu_.size(), kDc);
        const SliceData& data = s_.slice;
        BitReader reader(data.rbsp.data(), data.rbsp_bytes);
        reader.seek((s_.bit_position() + 7) / 8 * 8);  // pcm_alignment_zero_bit
        const size_t samples = size_t{1} << (2 * cu_.log2_size);
        const size_t bits = samples * static_cast<size_t>(s_.sps.pcm_bit_depth_luma) +
                            (s_.sps.has_chroma() ? samples / 2 * static_cast<size_t>(s_.sps.pcm_bit_depth_chroma) : 0);
        if (reader.position() + bits > data.rbsp_bytes * 8)
            return s_.fail("pcm_sample", "continues after the end of the slice");
        if (kResidual) {
            read_pcm_block(&reader, {0, cu_.x, cu_.y, cu_.log2_size});
            for (int c = 1; c < 3 && s_.sps.has_chroma(); c++)
                read_pcm_block(&reader, {c, cu_.x >> 1, cu_.y >> 1, cu_.log2_size - 1});
        } else {
            reader.seek(reader.position() + bits);
        }
        s_.start_engine((reader.position() + 7) / 8);
        return true;
    }
    void read_pcm_block(BitReader* reader, const TransformBlock& block) {
        const int bits = block.c_idx ? s_.sps.pcm_bit_depth_chroma : s_.sps.pcm_bit_depth_luma;
        const int depth = block.c_idx ? s_.sps.bit_depth_chroma : s_.sps.bit_depth_luma;
        uint16_t samples[32 * 32];
        for (int i = 0; i < 1 << (2 * block.log2_size); i++)
            samples[i] = static_cast<uint16_t>(reader->u(bits) << (depth - bits));
        s_.picture.residual.write_samples(block, samples);
    }

    static constexpr int kPlanar = 0, kDc = 1, kVertical = 26;

    SliceContext& s_;
    CodingUnit cu_ = {};
};

}  // namespace hevc
}  // namespace attp
