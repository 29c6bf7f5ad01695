#include "h264/motion.h"

#include <algorithm>
#include <cstring>

namespace attp {
namespace h264 {

constexpr int MotionReader::kBlock8[4];

namespace {

int clip3(int low, int high, int v) { return std::min(high, std::max(low, v)); }

// Minimum and maximum without branches: neighbouring vectors are in no predictable order.
int min_of(int a, int b) { return b ^ ((a ^ b) & -(a < b)); }
int max_of(int a, int b) { return a ^ ((a ^ b) & -(a < b)); }
int median3(int a, int b, int c) { return max_of(min_of(a, b), min_of(max_of(a, b), c)); }

Mv scale_mv(Mv mv, int factor) {
    return {static_cast<int16_t>((factor * mv.x + 128) >> 8), static_cast<int16_t>((factor * mv.y + 128) >> 8)};
}

// The vector and picture that the co-located block uses: list 0, else list 1 (clause 8.4.1.2.1).
struct Colocated {
    int ref_idx;        // -1: intra
    int32_t reference;  // decode_index
    Mv mv;
};

Colocated colocated_block(const MotionPlanes& col, int at8, int at4) {
    const int list = col.ref_idx[0][at8] >= 0 ? 0 : 1;
    const int ref_idx = col.ref_idx[list][at8];
    if (ref_idx < 0) return {-1, ATTP_REFERENCE_NONE, {0, 0}};
    return {ref_idx, col.reference[list][at4], col.mv[list][at4]};
}

// colZeroFlag (clause 8.4.1.2.2) but for what is the same in the whole slice.
bool is_col_zero(const MotionPlanes& col, int at8, int at4) {
    const int list = col.ref_idx[0][at8] >= 0 ? 0 : 1;
    if (col.ref_idx[list][at8] != 0) return false;
    const Mv mv = col.mv[list][at4];
    return static_cast<unsigned>(mv.x + 1) <= 2 && static_cast<unsigned>(mv.y + 1) <= 2;
}

}  // namespace

int32_t dist_scale_factor(int32_t poc, int32_t poc0, int32_t poc1) {
    int tb = static_cast<int>(std::min<int64_t>(127, std::max<int64_t>(-128, int64_t{poc} - poc0)));
    int td = static_cast<int>(std::min<int64_t>(127, std::max<int64_t>(-128, int64_t{poc1} - poc0)));
    if (td == 0) return 256;
    int tx = (16384 + std::abs(td / 2)) / td;
    return clip3(-1024, 1023, (tb * tx + 32) >> 6);
}

void prepare_slice_motion(const SliceHeader& header, const ReferenceLists& lists, int32_t poc,
                          const MotionPlanes* colocated, SliceMotion* out) {
    for (int x = 0; x < 2; x++) {
        for (int32_t& index : out->decode_index[x]) index = ATTP_REFERENCE_MISSING;
        out->decode_index[x][0] = ATTP_REFERENCE_NONE;
        for (size_t i = 0; i < lists.list[x].size(); i++) out->decode_index[x][1 + i] = lists.list[x][i].decode_index;
    }
    out->references = static_cast<int>(lists.list[0].size());
    out->spatial_direct = header.direct_spatial_mv_pred_flag;
    out->direct_8x8_inference = header.sps->direct_8x8_inference_flag;
    out->colocated = colocated;
    if (header.slice_type != kB) return;
    const Reference& ref1 = lists.list[1][0];
    out->colocated_is_short_term = !ref1.is_missing && !ref1.is_long_term;
    for (size_t i = 0; i < lists.list[0].size(); i++) {
        const Reference& ref0 = lists.list[0][i];
        out->copies_vector[i] = ref0.is_long_term || ref1.poc == ref0.poc;
        out->dist_scale_factor[i] = dist_scale_factor(poc, ref0.poc, ref1.poc);
    }
}

void MotionReader::start_macroblock(int mb_x, int mb_y, unsigned available) {
    mb_x_ = mb_x;
    mb_y_ = mb_y;
    int stride8 = planes_->ref_idx_stride;
    for (int list = 0; list < lists_; list++) {
        origin_[list] = planes_->mv[list] + mb_y * 4 * planes_->stride4 + mb_x * 4;
        const int8_t* p = planes_->ref_idx[list] + mb_y * 2 * stride8 + mb_x * 2;
        int8_t* r = ref_[list];
        std::memcpy(r, p - stride8 - 1, 4);
        r[4] = p[-1];
        r[8] = p[stride8 - 1];
        r[7] = r[11] = kUnavailable;
        if (available == (kHasA | kHasB | kHasC | kHasD)) continue;
        if (!(available & kHasD)) r[0] = kUnavailable;
        if (!(available & kHasB)) r[1] = r[2] = kUnavailable;
        if (!(available & kHasC)) r[3] = kUnavailable;
        if (!(available & kHasA)) r[4] = r[8] = kUnavailable;
    }
}

// Clause 6.4.11.7: C, or D where C is not available (yet).
MotionReader::Neighbour MotionReader::neighbour_c(int list, int x, int y, int width) const {
    int cx = x + width, cy = y - 1;
    bool later = cy >= 0 && (cx >= 4 || kBlockRaster[cy * 4 + cx] > kBlockRaster[y * 4 + x]);
    if (!later && ref_at(list, cx, cy) != kUnavailable) return neighbour(list, cx, cy);
    return neighbour(list, x - 1, y - 1);
}

// Clause 8.4.1.3.1.
Mv MotionReader::median(const Neighbour& a, const Neighbour& b, const Neighbour& c, int ref) {
    int same = (a.ref == ref) + (b.ref == ref) + (c.ref == ref);
    if (same == 1) return a.ref == ref ? a.mv : b.ref == ref ? b.mv : c.mv;
    if (b.ref == kUnavailable && c.ref == kUnavailable && a.ref != kUnavailable) return a.mv;
    return {static_cast<int16_t>(median3(a.mv.x, b.mv.x, c.mv.x)),
            static_cast<int16_t>(median3(a.mv.y, b.mv.y, c.mv.y))};
}

Mv MotionReader::predict(int list, int x, int y, int width, int ref) const {
    return median(neighbour(list, x - 1, y), neighbour(list, x, y - 1), neighbour_c(list, x, y, width), ref);
}

Mv MotionReader::predict_16x8(int list, int part, int ref) const {
    Neighbour n = part == 0 ? neighbour(list, 0, -1) : neighbour(list, -1, 2);
    return n.ref == ref ? n.mv : predict(list, 0, part * 2, 4, ref);
}

Mv MotionReader::predict_8x16(int list, int part, int ref) const {
    Neighbour n = part == 0 ? neighbour(list, -1, 0) : neighbour_c(list, 2, 0, 2);
    return n.ref == ref ? n.mv : predict(list, part * 2, 0, 2, ref);
}

// Clause 8.4.1.1.
Mv MotionReader::predict_skip() const {
    Neighbour a = outer_a(0), b = outer_b(0);
    if (a.ref == kUnavailable || b.ref == kUnavailable) return {0, 0};
    if ((a.ref == 0 && a.mv == Mv{0, 0}) || (b.ref == 0 && b.mv == Mv{0, 0})) return {0, 0};
    return median(a, b, outer_c(0), 0);
}

void MotionReader::fill_block8(int list, int block8, Mv mv) {
    set_mv(list, (block8 & 1) * 2, (block8 >> 1) * 2, 2, 2, mv);
}

// The blocks of direct prediction in `mask`: 8x8 with direct_8x8_inference, where the corner of the macroblock stands for its 8x8
// block, else 4x4.
template <typename Action>
void MotionReader::for_direct_blocks(int mask, Action&& action) const {
    const int stride4 = planes_->stride4, stride8 = planes_->ref_idx_stride;
    const int origin4 = mb_y_ * 4 * stride4 + mb_x_ * 4, origin8 = mb_y_ * 2 * stride8 + mb_x_ * 2;
    for (int block8 = 0; block8 < 4; block8++) {
        if (!(mask >> block8 & 1)) continue;
        const int right = block8 & 1, below = block8 >> 1;
        const int at8 = origin8 + below * stride8 + right;
        if (slice_->direct_8x8_inference) {
            action(DirectBlock{block8, right * 2, below * 2, 2, at8, origin4 + below * 3 * stride4 + right * 3});
            continue;
        }
        for (int i = 0; i < 4; i++) {
            const int x = right * 2 + (i & 1), y = below * 2 + (i >> 1);
            action(DirectBlock{block8, x, y, 1, at8, origin4 + y * stride4 + x});
        }
    }
}

void MotionReader::predict_direct(int mask) {
    if (slice_->spatial_direct)
        predict_direct_spatial(mask);
    else
        predict_direct_temporal(mask);
}

// Clause 8.4.1.2.2.
void MotionReader::predict_direct_spatial(int mask) {
    int ref[2];
    Mv mv[2] = {{0, 0}, {0, 0}};
    for (int list = 0; list < 2; list++) {
        const int8_t* r = ref_[list];
        // MinPositive of the three is the smallest as unsigned: not used (-1) and not available (-2) become large.
        int c = r[3] != kUnavailable ? r[3] : r[0];
        unsigned smallest =
            std::min(static_cast<unsigned>(r[4]), std::min(static_cast<unsigned>(r[1]), static_cast<unsigned>(c)));
        ref[list] = static_cast<int>(smallest);
        if (ref[list] < 0)
            ref[list] = -1;
        else
            mv[list] = predict_16x16(list, ref[list]);
    }
    if (ref[0] < 0 && ref[1] < 0) {
        ref[0] = ref[1] = 0;
        mv[0] = mv[1] = {0, 0};
    }
    bool zero_matters[2];
    for (int list = 0; list < 2; list++) zero_matters[list] = ref[list] == 0 && !(mv[list] == Mv{0, 0});
    bool test_col =
        slice_->colocated_is_short_term && slice_->colocated != nullptr && (zero_matters[0] || zero_matters[1]);

    for (int list = 0; list < 2; list++) {
        if (mask == 15) {
            set_ref_16x16(list, ref[list]);
            set_mv_16x16(list, mv[list]);
            continue;
        }
        for (int block8 = 0; block8 < 4; block8++) {
            if (!(mask >> block8 & 1)) continue;
            set_ref(list, block8, ref[list]);
            fill_block8(list, block8, mv[list]);
        }
    }
    if (!test_col) return;
    for_direct_blocks(mask, [&](const DirectBlock& b) {
        if (!is_col_zero(*slice_->colocated, b.colocated8, b.colocated4)) return;
        for (int list = 0; list < 2; list++)
            if (zero_matters[list]) set_mv(list, b.x, b.y, b.size, b.size, {0, 0});
    });
}

// Clause 8.4.1.2.3.
void MotionReader::predict_direct_temporal(int mask) {
    for_direct_blocks(mask, [&](const DirectBlock& b) {
        Colocated col = {-1, ATTP_REFERENCE_NONE, {0, 0}};
        if (slice_->colocated != nullptr) col = colocated_block(*slice_->colocated, b.colocated8, b.colocated4);
        int ref0 = 0;
        if (col.ref_idx >= 0) {
            // MapColToList0: the lowest index that refers to the same frame.
            while (ref0 < slice_->references && slice_->decode_index[0][1 + ref0] != col.reference) ref0++;
            if (ref0 == slice_->references) ref0 = 0;
        }
        Mv mv0 = col.mv, mv1 = {0, 0};
        if (!slice_->copies_vector[ref0]) {
            mv0 = scale_mv(col.mv, slice_->dist_scale_factor[ref0]);
            mv1 = {static_cast<int16_t>(mv0.x - col.mv.x), static_cast<int16_t>(mv0.y - col.mv.y)};
        }
        set_ref(0, b.block8, ref0);
        set_ref(1, b.block8, 0);
        set_mv(0, b.x, b.y, b.size, b.size, mv0);
        set_mv(1, b.x, b.y, b.size, b.size, mv1);
    });
}

namespace {

// Two entries, twice.
void fill_pairs(int32_t* row, int32_t left, int32_t right) {
    const uint64_t l = static_cast<uint32_t>(left) * 0x100000001u, r = static_cast<uint32_t>(right) * 0x100000001u;
    std::memcpy(row, &l, 8);
    std::memcpy(row + 2, &r, 8);
}

unsigned bit_of(int ref) { return (1u << (ref & 31)) & ~static_cast<unsigned>(ref >> 31); }

}  // namespace

void MotionReader::store_mode(uint8_t mode) {
    const uint32_t four = mode * 0x01010101u;
    uint8_t* m = planes_->mode + mb_y_ * 4 * planes_->stride4 + mb_x_ * 4;
    for (int j = 0; j < 4; j++, m += planes_->stride4) std::memcpy(m, &four, 4);
}

void MotionReader::store_inter(uint8_t mode) {
    const int stride4 = planes_->stride4, stride8 = planes_->ref_idx_stride;
    for (int list = 0; list < lists_; list++) {
        int8_t* p = planes_->ref_idx[list] + mb_y_ * 2 * stride8 + mb_x_ * 2;
        const int8_t* r = ref_[list];
        std::memcpy(p, r + 5, 2);
        std::memcpy(p + stride8, r + 9, 2);
        used_references[list] |= bit_of(r[5]) | bit_of(r[6]) | bit_of(r[9]) | bit_of(r[10]);
        const int32_t* index = slice_->decode_index[list] + 1;
        int32_t* out = planes_->reference[list] + mb_y_ * 4 * stride4 + mb_x_ * 4;
        fill_pairs(out, index[r[5]], index[r[6]]);
        fill_pairs(out + stride4, index[r[5]], index[r[6]]);
        fill_pairs(out + 2 * stride4, index[r[9]], index[r[10]]);
        fill_pairs(out + 3 * stride4, index[r[9]], index[r[10]]);
    }
    store_mode(mode);
}

void MotionReader::store_intra(uint8_t mode) {
    int stride4 = planes_->stride4, stride8 = planes_->ref_idx_stride;
    for (int list = 0; list < lists_; list++) {
        int8_t* p = planes_->ref_idx[list] + mb_y_ * 2 * stride8 + mb_x_ * 2;
        p[0] = p[1] = p[stride8] = p[stride8 + 1] = -1;
        set_mv(list, 0, 0, 4, 4, {0, 0});
        int32_t* out = planes_->reference[list] + mb_y_ * 4 * stride4 + mb_x_ * 4;
        for (int j = 0; j < 4; j++, out += stride4)
            for (int i = 0; i < 4; i++) out[i] = ATTP_REFERENCE_NONE;
    }
    store_mode(mode);
}

}  // namespace h264
}  // namespace attp
