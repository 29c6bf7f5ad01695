#include "hevc/motion.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace attp {
namespace hevc {
namespace {

int clip3(int low, int high, int v) { return std::max(low, std::min(high, v)); }

// Equations 8-179 to 8-183: `mv` spans poc_difference `td`; what spans `tb`.
Mv scale(Mv mv, int32_t td_full, int32_t tb_full) {
    const int td = clip3(-128, 127, td_full), tb = clip3(-128, 127, tb_full);
    if (td == 0) return mv;  // no picture refers to itself, except in damaged streams
    const int tx = (16384 + (std::abs(td) >> 1)) / td;
    const int factor = clip3(-4096, 4095, (tb * tx + 32) >> 6);
    auto component = [factor](int v) {
        const int product = factor * v;
        const int rounded = (std::abs(product) + 127) >> 8;
        return static_cast<int16_t>(clip3(-32768, 32767, product < 0 ? -rounded : rounded));
    };
    return {component(mv.x), component(mv.y)};
}

}  // namespace

void MotionReader::start_picture(MotionPlanes* planes, ColocatedMotion* colocated, BlockGrid* grid, int lists,
                                 int width_px, int height_px) {
    planes_ = planes;
    colocated_ = colocated;
    grid_ = grid;
    lists_ = lists;
    width_px_ = width_px;
    height_px_ = height_px;
}

// The width is known at compile time: most blocks are so small that a loop over it would cost more than its stores.
template <int kWidth4>
void MotionReader::fill_rows(int x4, int y4, int height4, const Entry& entry) {
    for (int y = y4; y < y4 + height4; y++) {
        const ptrdiff_t at4 = static_cast<ptrdiff_t>(y) * planes_->stride4 + x4;
        const ptrdiff_t at_ref_idx = static_cast<ptrdiff_t>(y) * planes_->ref_idx_stride + x4;
        for (int list = 0; list < lists_; list++) {
            std::fill_n(planes_->mv[list] + at4, kWidth4, entry.mv[list]);
            std::fill_n(planes_->reference[list] + at4, kWidth4, entry.reference[list]);
            std::memset(planes_->ref_idx[list] + at_ref_idx, entry.ref_idx[list], kWidth4);
        }
        std::memset(planes_->mode + at4, entry.mode, kWidth4);
    }
}

void MotionReader::fill(int x, int y, int width, int height, const Entry& entry) {
    const int x4 = x >> 2, y4 = y >> 2, height4 = height >> 2;
    switch (width >> 2) {
        case 1:
            return fill_rows<1>(x4, y4, height4, entry);
        case 2:
            return fill_rows<2>(x4, y4, height4, entry);
        case 3:
            return fill_rows<3>(x4, y4, height4, entry);
        case 4:
            return fill_rows<4>(x4, y4, height4, entry);
        case 6:
            return fill_rows<6>(x4, y4, height4, entry);
        case 8:
            return fill_rows<8>(x4, y4, height4, entry);
        case 12:
            return fill_rows<12>(x4, y4, height4, entry);
        default:
            return fill_rows<16>(x4, y4, height4, entry);
    }
}

void MotionReader::store(const PredictionUnit& unit, const Motion& motion, uint8_t mode) {
    Entry entry = {{{0, 0}, {0, 0}}, {ATTP_REFERENCE_NONE, ATTP_REFERENCE_NONE}, {-1, -1}, mode};
    ColocatedBlock colocated = {};
    for (int list = 0; list < lists_; list++) {
        if (!motion.uses(list)) continue;
        const int ref_idx = motion.ref_idx[list];
        entry.mv[list] = motion.mv[list];
        entry.reference[list] = slice_->ref_decode_index[list][ref_idx];
        entry.ref_idx[list] = motion.ref_idx[list];
        used_references[list] |= 1u << ref_idx;
        colocated.mv[list] = motion.mv[list];
        colocated.poc[list] = slice_->ref_poc[list][ref_idx];
        colocated.is_used[list] = true;
        colocated.is_long_term[list] = slice_->ref_is_long_term[list][ref_idx];
    }
    fill(unit.x, unit.y, unit.width, unit.height, entry);
    if (colocated_ != nullptr) colocated_->store(unit.x, unit.y, unit.width, unit.height, colocated);
}

void MotionReader::store_intra(int x, int y, int size, uint8_t mode) {
    fill(x, y, size, size, {{{0, 0}, {0, 0}}, {ATTP_REFERENCE_NONE, ATTP_REFERENCE_NONE}, {-1, -1}, mode});
    if (colocated_ != nullptr) colocated_->store(x, y, size, size, {});
}

// Clause 6.4.2.
bool MotionReader::is_available(const PredictionUnit& unit, int x, int y) const {
    const bool is_same_cb =
        x >= unit.x_cb && x < unit.x_cb + unit.cb_size && y >= unit.y_cb && y < unit.y_cb + unit.cb_size;
    if (is_same_cb) {
        // The third unit of four lies below the second one, but is read after it.
        const bool is_third = unit.part_idx == 1 && x < unit.x && y >= unit.y + unit.height;
        return !is_third;
    }
    const CuInfo& cu = *grid_->at(x, y);
    return cu.stamp == stamp_ && !cu.is_intra;
}

Motion MotionReader::at(int x, int y) const {
    const int x4 = x >> 2, y4 = y >> 2;
    Motion m;
    for (int list = 0; list < 2; list++) {
        m.mv[list] = planes_->mv[list][y4 * planes_->stride4 + x4];
        m.ref_idx[list] = planes_->ref_idx[list][y4 * planes_->ref_idx_stride + x4];
    }
    return m;
}

bool MotionReader::is_merge_neighbour(const PredictionUnit& unit, int x, int y, Motion* out) const {
    const int level = slice_->log2_parallel_merge_level;
    if (unit.x >> level == x >> level && unit.y >> level == y >> level) return false;
    if (!is_available(unit, x, y)) return false;
    *out = at(x, y);
    return true;
}

// Clause 8.5.3.2.3. Stops when `wanted` candidates are found: what comes after them does not change them.
int MotionReader::merge_spatial(const PredictionUnit& u, int wanted, Motion* out) {
    Motion a1, b1, b0, a0, b2;
    int count = 0;
    const bool is_second = u.part_idx == 1;
    const bool is_right =
        is_second && (u.part_mode == kPartNx2N || u.part_mode == kPartnLx2N || u.part_mode == kPartnRx2N);
    const bool is_lower =
        is_second && (u.part_mode == kPart2NxN || u.part_mode == kPart2NxnU || u.part_mode == kPart2NxnD);
    const bool has_a1 = !is_right && is_merge_neighbour(u, u.x - 1, u.y + u.height - 1, &a1);
    if (has_a1) out[count++] = a1;
    if (count == wanted) return count;
    bool has_b1 = !is_lower && is_merge_neighbour(u, u.x + u.width - 1, u.y - 1, &b1);
    if (has_b1 && !(has_a1 && is_same_motion(a1, b1))) out[count++] = b1;
    if (count == wanted) return count;
    const bool has_b0 = is_merge_neighbour(u, u.x + u.width, u.y - 1, &b0);
    if (has_b0 && !(has_b1 && is_same_motion(b1, b0))) out[count++] = b0;
    if (count == wanted) return count;
    const bool has_a0 = is_merge_neighbour(u, u.x - 1, u.y + u.height, &a0);
    if (has_a0 && !(has_a1 && is_same_motion(a1, a0))) out[count++] = a0;
    if (count == wanted || count == 4) return count;
    const bool has_b2 = is_merge_neighbour(u, u.x - 1, u.y - 1, &b2);
    if (has_b2 && !(has_a1 && is_same_motion(a1, b2)) && !(has_b1 && is_same_motion(b1, b2))) out[count++] = b2;
    return count;
}

bool MotionReader::merge_temporal(const PredictionUnit& unit, Motion* out) {
    for (int list = 0; list < 2; list++)
        out->ref_idx[list] =
            static_cast<int8_t>(list < slice_->lists && temporal(unit, list, 0, &out->mv[list]) ? 0 : -1);
    return out->uses(0) || out->uses(1);
}

// Combined bi-predictive candidates (clause 8.5.3.2.4).
int MotionReader::merge_combined(int count, int wanted, Motion* candidates) const {
    static constexpr uint8_t kPairs[12][2] = {{0, 1}, {1, 0}, {0, 2}, {2, 0}, {1, 2}, {2, 1},
                                              {0, 3}, {3, 0}, {1, 3}, {3, 1}, {2, 3}, {3, 2}};
    const int original = count;
    for (int pair = 0; pair < original * (original - 1) && count < wanted; pair++) {
        const Motion& c0 = candidates[kPairs[pair][0]];
        const Motion& c1 = candidates[kPairs[pair][1]];
        if (!c0.uses(0) || !c1.uses(1)) continue;
        const bool is_same_block =
            slice_->ref_poc[0][c0.ref_idx[0]] == slice_->ref_poc[1][c1.ref_idx[1]] && c0.mv[0] == c1.mv[1];
        if (is_same_block) continue;
        candidates[count++] = {{c0.mv[0], c1.mv[1]}, {c0.ref_idx[0], c1.ref_idx[1]}};
    }
    return count;
}

void MotionReader::merge(const PredictionUnit& original, int merge_idx, Motion* out) {
    PredictionUnit unit = original;
    if (slice_->log2_parallel_merge_level > 2 && unit.cb_size == 8) {
        // All units of the coding block share one list (singleMCLFlag).
        unit.x = unit.x_cb;
        unit.y = unit.y_cb;
        unit.width = unit.height = unit.cb_size;
        unit.part_idx = 0;
        unit.part_mode = kPart2Nx2N;
    }
    const int wanted = merge_idx + 1;
    Motion candidates[6];
    int count = merge_spatial(unit, wanted, candidates);
    if (count < wanted && merge_temporal(unit, &candidates[count])) count++;
    if (count < wanted && slice_->lists == 2 && count > 1) count = merge_combined(count, wanted, candidates);
    if (count < wanted) {
        // Zero candidates (clause 8.5.3.2.5).
        const int refs =
            slice_->lists == 2 ? std::min(slice_->num_ref_idx[0], slice_->num_ref_idx[1]) : slice_->num_ref_idx[0];
        const int zero_idx = merge_idx - count;
        const int8_t ref_idx = static_cast<int8_t>(zero_idx < refs ? zero_idx : 0);
        candidates[merge_idx] = {{{0, 0}, {0, 0}}, {ref_idx, slice_->lists == 2 ? ref_idx : int8_t{-1}}};
    }
    *out = candidates[merge_idx];
    // 8x4 and 4x8 units are never bi-predicted.
    if (out->uses(0) && out->uses(1) && original.width + original.height == 12) out->ref_idx[1] = -1;
}

// Clause 8.5.3.2.9.
bool MotionReader::from_colocated(int x, int y, int list, int ref_idx, Mv* mv) const {
    const ColocatedBlock& col = slice_->colocated->at(x, y);
    if (!col.is_used[0] && !col.is_used[1]) return false;
    int list_col;
    if (!col.is_used[0])
        list_col = 1;
    else if (!col.is_used[1])
        list_col = 0;
    else
        list_col = slice_->has_no_backward_reference ? list : slice_->collocated_from_l0 ? 1 : 0;
    const bool is_long_term = slice_->ref_is_long_term[list][ref_idx];
    if (is_long_term != col.is_long_term[list_col]) return false;
    const int32_t td = slice_->colocated_poc - col.poc[list_col];
    const int32_t tb = slice_->poc - slice_->ref_poc[list][ref_idx];
    *mv = is_long_term || td == tb ? col.mv[list_col] : scale(col.mv[list_col], td, tb);
    return true;
}

// Clause 8.5.3.2.8: the block to the lower right, else the one in the middle.
bool MotionReader::temporal(const PredictionUnit& unit, int list, int ref_idx, Mv* mv) const {
    if (slice_->colocated == nullptr) return false;
    const int x = unit.x + unit.width, y = unit.y + unit.height;
    const bool is_in_row = unit.y_cb >> slice_->log2_ctb_size == y >> slice_->log2_ctb_size;
    if (is_in_row && y < height_px_ && x < width_px_ && from_colocated(x, y, list, ref_idx, mv)) return true;
    return from_colocated(unit.x + unit.width / 2, unit.y + unit.height / 2, list, ref_idx, mv);
}

// A neighbour's vector to the very picture that is wanted.
bool MotionReader::same_picture(const Motion& neighbour, int list, int ref_idx, Mv* mv) const {
    const int32_t wanted = slice_->ref_poc[list][ref_idx];
    for (int from : {list, 1 - list}) {
        if (!neighbour.uses(from) || slice_->ref_poc[from][neighbour.ref_idx[from]] != wanted) continue;
        *mv = neighbour.mv[from];
        return true;
    }
    return false;
}

// A neighbour's vector to another picture, scaled to the distance of the one that is wanted.
bool MotionReader::scaled(const Motion& neighbour, int list, int ref_idx, Mv* mv) const {
    const bool is_long_term = slice_->ref_is_long_term[list][ref_idx];
    for (int from : {list, 1 - list}) {
        if (!neighbour.uses(from)) continue;
        const int ref_from = neighbour.ref_idx[from];
        if (slice_->ref_is_long_term[from][ref_from] != is_long_term) continue;
        *mv = neighbour.mv[from];
        if (!is_long_term)
            *mv =
                scale(*mv, slice_->poc - slice_->ref_poc[from][ref_from], slice_->poc - slice_->ref_poc[list][ref_idx]);
        return true;
    }
    return false;
}

Mv MotionReader::predict(const PredictionUnit& u, int list, int ref_idx, int mvp_flag) {
    // Spatial candidates (clause 8.5.3.2.7).
    const int left[2][2] = {{u.x - 1, u.y + u.height}, {u.x - 1, u.y + u.height - 1}};
    const int above[3][2] = {{u.x + u.width, u.y - 1}, {u.x + u.width - 1, u.y - 1}, {u.x - 1, u.y - 1}};
    Motion a[2], b[3];
    bool has_neighbour_a[2], has_neighbour_b[3];
    for (int k = 0; k < 2; k++) {
        has_neighbour_a[k] = is_available(u, left[k][0], left[k][1]);
        if (has_neighbour_a[k]) a[k] = at(left[k][0], left[k][1]);
    }
    const bool is_scaled = has_neighbour_a[0] || has_neighbour_a[1];
    Mv mv_a = {0, 0}, mv_b = {0, 0};
    bool has_a = false, has_b = false;
    for (int k = 0; k < 2 && !has_a; k++) has_a = has_neighbour_a[k] && same_picture(a[k], list, ref_idx, &mv_a);
    for (int k = 0; k < 2 && !has_a; k++) has_a = has_neighbour_a[k] && scaled(a[k], list, ref_idx, &mv_a);
    for (int k = 0; k < 3; k++) {
        has_neighbour_b[k] = is_available(u, above[k][0], above[k][1]);
        if (has_neighbour_b[k]) b[k] = at(above[k][0], above[k][1]);
    }
    for (int k = 0; k < 3 && !has_b; k++) has_b = has_neighbour_b[k] && same_picture(b[k], list, ref_idx, &mv_b);
    if (!is_scaled) {
        if (has_b) {
            has_a = true;
            mv_a = mv_b;
        }
        has_b = false;
        for (int k = 0; k < 3 && !has_b; k++) has_b = has_neighbour_b[k] && scaled(b[k], list, ref_idx, &mv_b);
    }
    // The list (clause 8.5.3.2.6).
    Mv candidates[3];
    int count = 0;
    if (has_a) candidates[count++] = mv_a;
    if (has_b && !(has_a && mv_a == mv_b)) candidates[count++] = mv_b;
    if (count <= mvp_flag && count < 2 && temporal(u, list, ref_idx, &candidates[count])) count++;
    return mvp_flag < count ? candidates[mvp_flag] : Mv{0, 0};
}

}  // namespace hevc
}  // namespace attp
