#include "h264/picture.h"

#include <algorithm>

#include "h264/slice_groups.h"

namespace attp {
namespace h264 {

namespace {

// What the rows of a picture wait for while they are read.
struct RowCallbacks {
    H264Picture* picture;
    H264Picture* colocated;
};

bool has_slice_type(const std::vector<std::unique_ptr<Slice>>& slices, SliceType type) {
    return std::any_of(slices.begin(), slices.end(),
                       [type](const std::unique_ptr<Slice>& s) { return s->header.slice_type == type; });
}

}  // namespace

void H264Picture::allocate(bool with_residual) {
    if (with_residual) residual = memory_->residual->get(memory_->width_mbs, memory_->height_mbs);
    motion = memory_->motion->get(memory_->width_mbs * 4, memory_->height_mbs * 4, 1);
}

bool H264Picture::has_slice_at(uint32_t first_mb_in_slice) const {
    return std::any_of(slices.begin(), slices.end(), [first_mb_in_slice](const std::unique_ptr<Slice>& s) {
        return s->header.first_mb_in_slice == first_mb_in_slice;
    });
}

void H264Picture::read() {
    auto workspace = memory_->workspaces->get(memory_->width_mbs, memory_->height_mbs);
    PictureState state(workspace.get(), kernels_);
    state.width_mbs = memory_->width_mbs;
    state.height_mbs = memory_->height_mbs;
    state.lists = has_slice_type(slices, kB) ? 2 : has_slice_type(slices, kP) ? 1 : 0;
    workspace->reserve_stamps(slices.size());
    state.first_stamp = workspace->last_stamp + 1;
    motion->use_lists(state.lists);
    state.motion.start_picture(motion.get());
    if (residual) state.residual.start_picture(residual.get());
    if (slices.size() > 1) {
        slice_of_mb_.assign(static_cast<size_t>(state.width_mbs) * static_cast<size_t>(state.height_mbs), 0);
        state.slice_of_mb = &slice_of_mb_;
    }
    for (size_t i = 0; i < slices.size(); i++) read_slice(i, &state);
    fill_missing(&state);
    set_mode_counts(state.counts);
}

void H264Picture::read_slice(size_t number, PictureState* state) {
    Slice& slice = *slices[number];
    slice.make_rbsp();
    const std::vector<uint8_t> slice_group = make_slice_group_map(slice.header);
    state->slice_group = slice_group.empty() ? nullptr : slice_group.data();
    state->slice_number = static_cast<uint16_t>(number);
    state->used_references[0] = state->used_references[1] = 0;
    const MotionPlanes* colocated = motion_of(slice.colocated);
    RowCallbacks callbacks = {this, slice.colocated};
    state->callback_data = &callbacks;
    state->row_done = [](void* data, int rows) { static_cast<RowCallbacks*>(data)->picture->set_rows_done(rows); };
    state->wait_for_colocated = nullptr;
    if (colocated != nullptr)
        state->wait_for_colocated = [](void* data, int row) {
            static_cast<RowCallbacks*>(data)->colocated->wait_for_rows(row + 1);
        };
    SliceMotion slice_motion;
    prepare_slice_motion(slice.header, slice.references, info.poc, colocated, &slice_motion);
    Fault fault;
    bool cabac = slice.header.pps->entropy_coding_mode_flag;
    bool ok = cabac ? (residual ? read_cabac_slice<true> : read_cabac_slice<false>)(slice, slice_motion, state, &fault)
                    : (residual ? read_cavlc_slice<true> : read_cavlc_slice<false>)(slice, slice_motion, state, &fault);
    if (!ok)
        damage("slice %d, bit %lld: %s", static_cast<int>(number), static_cast<long long>(fault.bit_position),
               fault.message);
    note_used(slice.references, state->used_references);
    if (colocated != nullptr) used_.push_back(slice.references.list[1][0]);
    slice.free_rbsp();
}

// Macroblocks that no slice contained.
void H264Picture::fill_missing(PictureState* state) {
    const ModeCounts& read = state->counts;
    if (read.intra + read.inter + read.skip + read.pcm == state->width_mbs * state->height_mbs && !info.is_damaged)
        return;
    int missing = 0;
    for (int mb = 0; mb < state->width_mbs * state->height_mbs; mb++) {
        if (state->is_decoded(mb)) continue;
        missing++;
        int x = mb % state->width_mbs, y = mb / state->width_mbs;
        state->motion.start_slice(nullptr, state->lists);
        state->motion.start_macroblock(x, y, 0);
        state->motion.store_intra(ATTP_MODE_MISSING);
        if (!residual) continue;
        state->residual.start_macroblock(x, y);
        state->residual.end_macroblock();
    }
    if (missing == 0) return;
    const char* reason = lost_slice.empty() ? "no slice contained them" : lost_slice.c_str();
    damage("%d of %d macroblocks are missing: %s", missing, state->width_mbs * state->height_mbs, reason);
}

void H264Picture::finish() {
    for (auto& slice : slices) {
        slice->free_payload();
        slice->colocated = nullptr;
    }
}

size_t H264Picture::slice_at(int x4, int y4) const {
    if (slice_of_mb_.empty()) return 0;
    return slice_of_mb_[static_cast<size_t>((y4 >> 2) * memory_->width_mbs + (x4 >> 2))];
}

namespace {

// log2_denom of implicit mode, luma and chroma.
constexpr int kImplicitDenom[2] = {5, 5};

// Clause 8.4.2.3.1, implicit mode.
BlockWeights implicit_weights(const Slice& slice, int32_t poc, const int refs[2]) {
    BlockWeights w = {{kImplicitDenom[0], kImplicitDenom[1]}, {}};
    for (PredWeight& p : w.list) p = default_weight(kImplicitDenom);
    if (refs[0] < 0 || refs[1] < 0) return w;
    const Reference& r0 = slice.references.list[0][static_cast<size_t>(refs[0])];
    const Reference& r1 = slice.references.list[1][static_cast<size_t>(refs[1])];
    int w1 = 32;
    if (!r0.is_long_term && !r1.is_long_term && r0.poc != r1.poc) {
        int scale = dist_scale_factor(poc, r0.poc, r1.poc) >> 2;
        if (scale >= -64 && scale <= 128) w1 = scale;
    }
    for (int c = 0; c < 3; c++) {
        w.list[0].weight[c] = static_cast<int16_t>(64 - w1);
        w.list[1].weight[c] = static_cast<int16_t>(w1);
    }
    return w;
}

}  // namespace

void H264Picture::fill_weights(attp_weights* out) const {
    int denom[2] = {0, 0};
    for (const auto& slice : slices) {
        const SliceHeader& h = slice->header;
        const int* sent = h.has_implicit_weights() ? kImplicitDenom : h.pred_weight_table.log2_denom;
        for (int c = 0; c < 2; c++) denom[c] = std::max(denom[c], sent[c]);
    }
    auto weights_of = [this](int x4, int y4, const int refs[2]) {
        const Slice& slice = *slices[slice_at(x4, y4)];
        return slice.header.has_implicit_weights() ? implicit_weights(slice, info.poc, refs)
                                                   : explicit_weights(slice.header.pred_weight_table, refs);
    };
    fill_block_weights(*motion, window(), denom, weights_of, out);
}

}  // namespace h264
}  // namespace attp
