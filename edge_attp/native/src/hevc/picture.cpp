#include "hevc/picture.h"

#include <algorithm>

namespace attp {
namespace hevc {

namespace {

// What the rows of a picture wait for while they are read.
struct RowCallbacks {
    HevcPicture* picture;
    HevcPicture* colocated;
};

int lists_of(const std::vector<std::unique_ptr<Slice>>& slices) {
    int lists = 0;
    for (const auto& slice : slices) lists = std::max(lists, slice->header.lists());
    return lists;
}

void prepare_slice_motion(const SliceHeader& h, const ReferenceLists& references, int32_t poc, SliceMotion* out) {
    out->lists = h.lists();
    out->poc = poc;
    out->collocated_from_l0 = h.collocated_from_l0_flag;
    out->has_no_backward_reference = true;
    out->max_num_merge_cand = h.max_num_merge_cand;
    out->log2_parallel_merge_level = h.pps->log2_parallel_merge_level;
    out->log2_ctb_size = h.sps->log2_ctb_size;
    for (int list = 0; list < h.lists(); list++) {
        out->num_ref_idx[list] = h.num_ref_idx_active[list];
        for (size_t i = 0; i < references.list[list].size(); i++) {
            const Reference& r = references.list[list][i];
            out->ref_poc[list][i] = r.poc;
            out->ref_decode_index[list][i] = r.is_missing ? ATTP_REFERENCE_MISSING : r.decode_index;
            out->ref_is_long_term[list][i] = r.is_long_term;
            if (r.poc > poc) out->has_no_backward_reference = false;
        }
    }
}

}  // namespace

void Slice::make_rbsp_and_entry_points() {
    std::vector<size_t> removed;
    make_rbsp(&removed);
    entry_points.clear();
    // Offsets count payload bytes from the end of the header, including emulation prevention bytes, which the RBSP lacks.
    size_t removed_before = 0;
    const size_t data_byte = data_bit / 8;
    while (removed_before < removed.size() && removed[removed_before] < data_byte + removed_before + 1)
        removed_before++;
    size_t at = data_byte + removed_before;
    for (uint32_t bytes : header.entry_point_bytes) {
        at += bytes;
        while (removed_before < removed.size() && removed[removed_before] < at) removed_before++;
        entry_points.push_back(at - removed_before);
    }
}

void HevcPicture::allocate(bool with_residual) {
    const int width_mbs = (memory_->width_px + 15) / 16, height_mbs = (memory_->height_px + 15) / 16;
    if (with_residual) residual = memory_->residual->get(width_mbs, height_mbs);
    if (sps_->sps_temporal_mvp_enabled_flag)
        colocated_motion_ = memory_->colocated->get(memory_->width_px, memory_->height_px);
    motion = memory_->motion->get(memory_->width_px / 4, memory_->height_px / 4, 0);
}

bool HevcPicture::has_slice_at(uint32_t slice_segment_address) const {
    return std::any_of(slices.begin(), slices.end(), [slice_segment_address](const std::unique_ptr<Slice>& s) {
        return s->header.slice_segment_address == slice_segment_address;
    });
}

void HevcPicture::read() {
    auto grid = memory_->grids->get(memory_->width_px, memory_->height_px);
    // A new stamp for every slice, and for every tile in it.
    grid->reserve_stamps(slices.size() + layout_->ts_to_rs.size());
    PictureState state(*sps_, *layout_, grid.get(), kernels_);
    const int lists = lists_of(slices);
    motion->use_lists(lists);
    state.motion.start_picture(motion.get(), colocated_motion_.get(), grid.get(), lists, memory_->width_px,
                               memory_->height_px);
    if (residual) state.residual.start_picture(residual.get(), sps_->bit_depth_luma, sps_->bit_depth_chroma);
    if (slices.size() > 1) {
        slice_of_ctb_.assign(layout_->ts_to_rs.size(), 0);
        state.slice_of_ctb = &slice_of_ctb_;
    }
    for (size_t i = 0; i < slices.size(); i++) read_slice(i, &state);
    fill_missing(&state);
    set_mode_counts(state.counts);
    block_counts_ = state.blocks;
}

// nullptr if it has none of this picture's size.
const ColocatedMotion* HevcPicture::colocated_motion_of(HevcPicture* colocated) const {
    if (colocated == nullptr) return nullptr;
    colocated->wait_for_rows(0);
    const ColocatedMotion* c = colocated->colocated_motion_.get();
    const bool fits =
        c != nullptr && c->width16 == (memory_->width_px + 15) / 16 && c->height16 == (memory_->height_px + 15) / 16;
    return fits ? c : nullptr;
}

void HevcPicture::read_slice(size_t number, PictureState* state) {
    Slice& slice = *slices[number];
    const SliceHeader& h = slice.header;
    slice.make_rbsp_and_entry_points();
    state->slice_number = static_cast<uint16_t>(number);
    state->motion.used_references[0] = state->motion.used_references[1] = 0;
    RowCallbacks callbacks = {this, slice.colocated};
    state->callback_data = &callbacks;
    state->row_done = [](void* data, int rows) { static_cast<RowCallbacks*>(data)->picture->set_rows_done(rows); };
    state->wait_for_colocated = [](void* data, int row) {
        static_cast<RowCallbacks*>(data)->colocated->wait_for_rows(row + 1);
    };
    SliceMotion slice_motion;
    prepare_slice_motion(h, slice.references, info.poc, &slice_motion);
    if (h.slice_temporal_mvp_enabled_flag && h.lists() > 0) {
        const Reference& r =
            slice.references.list[h.collocated_from_l0_flag ? 0 : 1][static_cast<size_t>(h.collocated_ref_idx)];
        slice_motion.colocated = colocated_motion_of(slice.colocated);
        slice_motion.colocated_poc = r.poc;
        used_.push_back(r);
    }
    Fault fault;
    const bool ok = (residual ? hevc::read_slice<true> : hevc::read_slice<false>)(slice, slice_motion, state, &fault);
    if (!ok)
        damage("slice %d, bit %lld: %s", static_cast<int>(number), static_cast<long long>(fault.bit_position),
               fault.message);
    note_used(slice.references, state->motion.used_references);
    slice.free_rbsp();
}

// Coding tree blocks that no slice contained.
void HevcPicture::fill_missing(PictureState* state) {
    const int ctbs = static_cast<int>(state->is_ctb_read.size()), width_ctbs = sps_->width_ctbs();
    const int log2_ctb = sps_->log2_ctb_size, min_cb = 1 << sps_->log2_min_cb_size;
    int missing = 0;
    for (int rs = 0; rs < ctbs; rs++) {
        if (state->is_ctb_read[static_cast<size_t>(rs)]) continue;
        missing++;
        const int x = (rs % width_ctbs) << log2_ctb, y = (rs / width_ctbs) << log2_ctb;
        for (int j = y; j < std::min(y + (1 << log2_ctb), memory_->height_px); j += min_cb)
            for (int i = x; i < std::min(x + (1 << log2_ctb), memory_->width_px); i += min_cb)
                state->motion.store_intra(i, j, min_cb, ATTP_MODE_MISSING);
        if (!residual) continue;
        state->residual.start_ctb(x, y, 1 << log2_ctb);
        state->residual.end_ctb();
    }
    if (missing == 0) return;
    const char* reason = lost_slice.empty() ? "no slice contained them" : lost_slice.c_str();
    damage("%d of %d coding tree blocks are missing: %s", missing, ctbs, reason);
}

void HevcPicture::finish() {
    for (auto& slice : slices) {
        slice->free_payload();
        slice->colocated = nullptr;
    }
}

// What later pictures need of this one lies in colocated_motion_.
void HevcPicture::free_planes() {
    residual.reset();
    motion.reset();
}

size_t HevcPicture::slice_at(int x4, int y4) const {
    if (slice_of_ctb_.empty()) return 0;
    const int shift = sps_->log2_ctb_size - 2;
    return slice_of_ctb_[static_cast<size_t>((y4 >> shift) * sps_->width_ctbs() + (x4 >> shift))];
}

void HevcPicture::fill_weights(attp_weights* out) const {
    int denom[2] = {0, 0};
    for (const auto& slice : slices)
        for (int c = 0; c < 2; c++) denom[c] = std::max(denom[c], slice->header.weights.log2_denom[c]);
    auto weights_of = [this](int x4, int y4, const int refs[2]) {
        return explicit_weights(slices[slice_at(x4, y4)]->header.weights, refs);
    };
    fill_block_weights(*motion, window(), denom, weights_of, out);
}

void HevcPicture::fill_block_counts(attp_block_counts* counts) const { *counts = block_counts_; }

}  // namespace hevc
}  // namespace attp
