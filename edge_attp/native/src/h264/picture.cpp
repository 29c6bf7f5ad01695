#include "h264/picture.h"

#include <algorithm>
#include <cstring>

#include "bits/nal.h"
#include "h264/slice_groups.h"

namespace attp {
namespace h264 {

namespace {

constexpr int kAllRows = 1 << 30;

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
    motion = memory_->motion->get(memory_->width_mbs * 4, memory_->height_mbs * 4);
    if (with_residual) residual = memory_->residual->get(memory_->width_mbs, memory_->height_mbs);
}

bool H264Picture::has_slice_at(uint32_t first_mb_in_slice) const {
    return std::any_of(slices.begin(), slices.end(), [first_mb_in_slice](const std::unique_ptr<Slice>& s) {
        return s->header.first_mb_in_slice == first_mb_in_slice;
    });
}

void H264Picture::set_rows_done(int rows) {
    {
        std::lock_guard<std::mutex> lock(rows_mutex_);
        rows_done_.store(rows, std::memory_order_release);
    }
    rows_changed_.notify_all();
}

void H264Picture::wait_for_rows(int rows) {
    if (rows_done_.load(std::memory_order_acquire) >= rows) return;
    std::unique_lock<std::mutex> lock(rows_mutex_);
    rows_changed_.wait(lock, [this, rows] { return rows_done_.load(std::memory_order_acquire) >= rows; });
}

void H264Picture::parse() {
    parse_if_nobody_does();
    wait_for_rows(kAllRows);
}

void H264Picture::parse_if_nobody_does() {
    if (is_claimed_.exchange(true)) return;
    try {
        if (!is_allocated()) allocate(wants_residual);
        auto workspace = memory_->workspaces->get(memory_->width_mbs, memory_->height_mbs);
        read_slices(workspace.get());
    } catch (const std::bad_alloc&) {
        damage("out of memory while the picture was read");
        motion.reset();
        residual.reset();
    }
    finish();
    set_rows_done(kAllRows);
}

H264Picture* H264Picture::colocated_of(const Slice& slice) {
    H264Picture* col = slice.references.colocated.get();
    // A change of size without an IDR picture leaves no co-located block.
    if (col == nullptr || !col->is_allocated()) return nullptr;
    return col->motion->width4 == motion->width4 && col->motion->height4 == motion->height4 ? col : nullptr;
}

void H264Picture::read_slices(Workspace* workspace) {
    PictureState state(workspace, kernels_);
    state.width_mbs = memory_->width_mbs;
    state.height_mbs = memory_->height_mbs;
    state.lists = has_slice_type(slices, kB) ? 2 : has_slice_type(slices, kP) ? 1 : 0;
    workspace->reserve_stamps(slices.size());
    state.first_stamp = workspace->last_stamp + 1;
    for (int list = 0; list < 2; list++) {
        if (list < state.lists)
            motion->is_blank[list] = false;
        else
            motion->blank_list(list);
    }
    state.motion.start_picture(motion.get());
    if (residual) state.residual.start_picture(residual.get());
    if (slices.size() > 1) {
        slice_of_mb_.assign(static_cast<size_t>(state.width_mbs) * static_cast<size_t>(state.height_mbs), 0);
        state.slice_of_mb = &slice_of_mb_;
    }
    RowCallbacks callbacks = {this, nullptr};
    state.callback_data = &callbacks;
    state.row_done = [](void* data, int rows) { static_cast<RowCallbacks*>(data)->picture->set_rows_done(rows); };

    std::vector<uint8_t> slice_group;
    SliceMotion slice_motion;
    for (size_t i = 0; i < slices.size(); i++) {
        Slice& slice = *slices[i];
        slice.rbsp_bytes = unescape(slice.payload.data(), slice.payload.size(), &slice.rbsp);
        slice_group = make_slice_group_map(slice.header);
        state.slice_group = slice_group.empty() ? nullptr : slice_group.data();
        state.slice_number = static_cast<uint16_t>(i);
        state.used_references[0] = state.used_references[1] = 0;
        if (slice.references.colocated) slice.references.colocated->parse_if_nobody_does();
        H264Picture* col = colocated_of(slice);
        callbacks.colocated = col;
        state.wait_for_colocated = nullptr;
        if (col != nullptr)
            state.wait_for_colocated = [](void* data, int row) {
                static_cast<RowCallbacks*>(data)->colocated->wait_for_rows(row + 1);
            };
        prepare_slice_motion(slice.header, slice.references, info.poc, col != nullptr ? col->motion.get() : nullptr,
                             &slice_motion);
        Fault fault;
        bool cabac = slice.header.pps->entropy_coding_mode_flag;
        bool ok =
            cabac ? (residual ? read_cabac_slice<true> : read_cabac_slice<false>)(slice, slice_motion, &state, &fault)
                  : (residual ? read_cavlc_slice<true> : read_cavlc_slice<false>)(slice, slice_motion, &state, &fault);
        if (!ok)
            damage("slice %d, bit %lld: %s", static_cast<int>(i), static_cast<long long>(fault.bit_position),
                   fault.message);
        for (int list = 0; list < 2; list++)
            for (size_t ref = 0; ref < slice.references.list[list].size(); ref++)
                if (state.used_references[list] >> ref & 1) used_.push_back(slice.references.list[list][ref]);
        if (col != nullptr) used_.push_back(slice.references.list[1][0]);
        std::vector<uint8_t>().swap(slice.rbsp);
    }
    fill_missing(&state);
    info.count_intra = state.counts.intra;
    info.count_inter = state.counts.inter;
    info.count_skip = state.counts.skip;
    info.count_pcm = state.counts.pcm;
}

// Macroblocks that no slice brought.
void H264Picture::fill_missing(PictureState* state) {
    const MacroblockCounts& read = state->counts;
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
    const char* reason = lost_slice.empty() ? "no slice brought them" : lost_slice.c_str();
    damage("%d of %d macroblocks are missing: %s", missing, state->width_mbs * state->height_mbs, reason);
}

// Frees what only parsing needed.
void H264Picture::finish() {
    parsed = true;
    for (auto& slice : slices) {
        std::vector<uint8_t>().swap(slice->payload);
        slice->references.colocated.reset();
    }
    colocated_depth = 0;
}

void H264Picture::resolve_inherited_damage() {
    for (const Reference& r : used_) {
        if (r.is_missing || !r.health)
            damage("refers to a picture that was never received");
        else if (r.health->damaged && !ignores_inherited_damage)
            damage("refers to picture %d, which is damaged", r.decode_index);
    }
    used_.clear();
    health->damaged = info.is_damaged != 0;
}

std::vector<ReferencePoc> H264Picture::reference_pocs() const {
    std::vector<ReferencePoc> pocs;
    for (const auto& slice : slices)
        for (const auto& list : slice->references.list)
            for (const Reference& r : list) {
                auto same = [&r](const ReferencePoc& p) { return p.decode_index == r.decode_index; };
                if (!r.is_missing && std::none_of(pocs.begin(), pocs.end(), same))
                    pocs.push_back({r.decode_index, r.poc});
            }
    return pocs;
}

size_t H264Picture::slice_at(int x4, int y4) const {
    if (slice_of_mb_.empty()) return 0;
    return slice_of_mb_[static_cast<size_t>((y4 >> 2) * memory_->width_mbs + (x4 >> 2))];
}

namespace {

// Weights of one block as its slice gives them (clause 8.4.2.3), before denominators are made equal.
struct BlockWeights {
    int log2_denom[2];  // luma, chroma
    PredWeight list[2];
};

PredWeight default_weight(const int log2_denom[2]) {
    PredWeight w = {};
    for (int c = 0; c < 3; c++) w.weight[c] = static_cast<int16_t>(1 << log2_denom[c > 0]);
    return w;
}

// Clause 8.4.2.3.1, implicit mode.
void implicit_weights(const Slice& slice, int32_t poc, int ref0, int ref1, BlockWeights* out) {
    const Reference& r0 = slice.references.list[0][static_cast<size_t>(ref0)];
    const Reference& r1 = slice.references.list[1][static_cast<size_t>(ref1)];
    int w1 = 32;
    if (!r0.is_long_term && !r1.is_long_term && r0.poc != r1.poc) {
        int scale = dist_scale_factor(poc, r0.poc, r1.poc) >> 2;
        if (scale >= -64 && scale <= 128) w1 = scale;
    }
    for (int c = 0; c < 3; c++) {
        out->list[0].weight[c] = static_cast<int16_t>(64 - w1);
        out->list[1].weight[c] = static_cast<int16_t>(w1);
    }
}

BlockWeights block_weights(const Slice& slice, int32_t poc, int ref0, int ref1) {
    const SliceHeader& h = slice.header;
    bool implicit = h.has_implicit_weights();
    BlockWeights w = {};
    for (int c = 0; c < 2; c++) w.log2_denom[c] = implicit ? 5 : h.log2_weight_denom[c];
    for (PredWeight& p : w.list) p = default_weight(w.log2_denom);
    if (implicit && ref0 >= 0 && ref1 >= 0) implicit_weights(slice, poc, ref0, ref1, &w);
    const int refs[2] = {ref0, ref1};
    for (int list = 0; list < 2 && h.has_pred_weight_table; list++)
        if (refs[list] >= 0) w.list[list] = h.pred_weight[list][static_cast<size_t>(refs[list])];
    return w;
}

}  // namespace

void H264Picture::fill_weights(attp_weights* out) const {
    int denom[2] = {0, 0};
    for (const auto& slice : slices) {
        bool implicit = slice->header.has_implicit_weights();
        for (int c = 0; c < 2; c++) denom[c] = std::max(denom[c], implicit ? 5 : slice->header.log2_weight_denom[c]);
    }
    out->log2_denom = denom[0];
    out->chroma_log2_denom = denom[1];
    int16_t* weight[3] = {out->weight, out->cb_weight, out->cr_weight};
    int16_t* offset[3] = {out->offset, out->cb_offset, out->cr_offset};
    const size_t list_size = static_cast<size_t>(info.width4) * static_cast<size_t>(info.height4);
    for (int y = 0; y < info.height4; y++)
        for (int x = 0; x < info.width4; x++) {
            int x4 = x + crop_left_px / 4, y4 = y + crop_top_px / 4;
            int at8 = (y4 >> 1) * motion->stride8 + (x4 >> 1);
            const int refs[2] = {motion->ref_idx[0][at8], motion->ref_idx[1][at8]};
            BlockWeights w = {};
            if (!slices.empty() && (refs[0] >= 0 || refs[1] >= 0))
                w = block_weights(*slices[slice_at(x4, y4)], info.poc, refs[0], refs[1]);
            for (int list = 0; list < 2; list++)
                for (int c = 0; c < 3; c++) {
                    size_t at = static_cast<size_t>(list) * list_size + static_cast<size_t>(y * info.width4 + x);
                    int shift = denom[c > 0] - w.log2_denom[c > 0];
                    bool used = refs[list] >= 0;
                    if (weight[c] != nullptr)
                        weight[c][at] = static_cast<int16_t>(used ? w.list[list].weight[c] * (1 << shift) : 0);
                    if (offset[c] != nullptr) offset[c][at] = used ? w.list[list].offset[c] : int16_t{0};
                }
        }
}

}  // namespace h264
}  // namespace attp
