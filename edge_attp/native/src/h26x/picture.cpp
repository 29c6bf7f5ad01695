#include "h26x/picture.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <new>

namespace attp {

// Frees unread pictures that only this one needed, and those that only they needed. Not recursive, because a chain of co-located
// pictures may be as long as the stream.
Picture::~Picture() {
    std::shared_ptr<Picture> unused;
    auto unlink = [&unused](std::vector<std::shared_ptr<Picture>>* colocated) {
        for (auto& picture : *colocated) {
            if (picture.use_count() != 1 || picture->rows_done_.load(std::memory_order_acquire) == kAllRows) continue;
            picture->next_unused_ = std::move(unused);
            unused = std::move(picture);
        }
    };
    unlink(&colocated_);
    while (unused) {
        std::shared_ptr<Picture> picture = std::move(unused);
        unused = std::move(picture->next_unused_);
        unlink(&picture->colocated_);
    }
}

void Picture::parse() {
    parse_if_nobody_does();
    wait_for_rows(kAllRows);
}

// Not recursive, for the same reason.
void Picture::parse_if_nobody_does() {
    if (is_claimed_.exchange(true)) return;
    Picture* picture = this;
    while (picture != nullptr) {
        if (Picture* first = picture->claim_colocated()) {
            first->waiting_ = picture;
            picture = first;
        } else {
            Picture* next = picture->waiting_;
            picture->read_claimed();  // may be freed when `next` is read
            picture = next;
        }
    }
}

Picture* Picture::claim_colocated() {
    for (const auto& colocated : colocated_)
        if (!colocated->is_claimed_.exchange(true)) return colocated.get();
    return nullptr;
}

void Picture::read_claimed() {
    try {
        if (!motion) allocate(wants_residual);
        set_rows_done(0);
        read();
    } catch (const std::bad_alloc&) {
        damage("out of memory while the picture was read");
        residual.reset();
        // The planes stay: another thread may be reading them.
        if (motion) motion->blank(ATTP_MODE_MISSING);
    }
    finish();
    colocated_.clear();
    colocated_depth_ = 0;
    parsed = true;
    set_rows_done(kAllRows);
    if (is_released_) release_planes();
}

// If another thread is reading the picture at this time, that thread frees the planes afterwards.
void Picture::release_planes() {
    std::lock_guard<std::mutex> lock(rows_mutex_);
    is_released_ = true;
    wants_residual = false;
    if (rows_done_ == kAllRows) free_planes();
}

void Picture::set_rows_done(int rows) {
    {
        std::lock_guard<std::mutex> lock(rows_mutex_);
        rows_done_.store(rows, std::memory_order_release);
    }
    rows_changed_.notify_all();
}

void Picture::wait_for_rows(int rows) {
    if (rows_done_.load(std::memory_order_acquire) >= rows) return;
    std::unique_lock<std::mutex> lock(rows_mutex_);
    rows_changed_.wait(lock, [this, rows] { return rows_done_.load(std::memory_order_acquire) >= rows; });
}

void Picture::add_colocated(const std::shared_ptr<Picture>& colocated, int max_depth) {
    if (std::find(colocated_.begin(), colocated_.end(), colocated) != colocated_.end()) return;
    if (colocated->colocated_depth_ >= max_depth) colocated->parse();
    colocated_depth_ = std::max<int>(colocated_depth_, colocated->colocated_depth_ + 1);
    colocated_.push_back(colocated);
}

const MotionPlanes* Picture::motion_of(Picture* colocated) const {
    if (colocated == nullptr) return nullptr;
    colocated->wait_for_rows(0);
    const MotionPlanes* m = colocated->motion.get();
    return m != nullptr && m->width4 == motion->width4 && m->height4 == motion->height4 ? m : nullptr;
}

void Picture::note_slice(char kind, bool is_weighted, const ReferenceLists& references) {
    info.slices++;
    if (info.slices == 1 || kind == 'B' || info.kind == 'I') info.kind = kind;
    if (is_weighted) info.is_weighted = 1;
    for (const auto& list : references.list)
        for (const Reference& r : list) collect(&reference_pocs_, r);
}

void Picture::set_mode_counts(const ModeCounts& counts) {
    info.count_intra = counts.intra;
    info.count_inter = counts.inter;
    info.count_skip = counts.skip;
    info.count_pcm = counts.pcm;
}

void Picture::note_used(const ReferenceLists& references, const uint32_t used[2]) {
    for (int list = 0; list < 2; list++)
        for (size_t ref = 0; ref < references.list[list].size(); ref++)
            if (used[list] >> ref & 1) used_.push_back(references.list[list][ref]);
}

void Picture::resolve_inherited_damage() {
    std::lock_guard<std::mutex> lock(rows_mutex_);
    for (const Reference& r : used_) {
        if (r.is_missing || !r.health)
            damage("refers to a picture that was never received");
        else if (r.health->damaged && r.decode_index >= trusted_before)
            damage("refers to picture %d, which is damaged", r.decode_index);
    }
    used_.clear();
    health->damaged = info.is_damaged != 0;
}

void Picture::damage(const char* format, ...) {
    if (!info.is_damaged) {
        va_list args;
        va_start(args, format);
        std::vsnprintf(info.damage, sizeof info.damage, format, args);
        va_end(args);
    }
    info.is_damaged = 1;
}

void Picture::set_size(int width_px, int height_px, int left_px, int top_px) {
    info.width_px = width_px;
    info.height_px = height_px;
    info.width4 = (width_px + 3) / 4;
    info.height4 = (height_px + 3) / 4;
    info.uv_width = (width_px + 1) / 2;
    info.uv_height = (height_px + 1) / 2;
    crop_left_px = left_px;
    crop_top_px = top_px;
}

void Picture::fill_info(attp_picture_info* out) const {
    *out = info;
    out->is_parsed = parsed;
    if (!parsed || !motion) return;
    int64_t offset4 = static_cast<int64_t>(crop_top_px / 4) * motion->stride4 + crop_left_px / 4;
    out->mv = &motion->mv[0][offset4].x;
    out->mv_row_bytes = motion->stride4 * static_cast<int64_t>(sizeof(Mv));
    out->mv_list_bytes = (motion->mv[1] - motion->mv[0]) * static_cast<int64_t>(sizeof(Mv));
    out->reference = motion->reference[0] + offset4;
    out->reference_row_bytes = motion->stride4 * static_cast<int64_t>(sizeof(int32_t));
    out->reference_list_bytes = (motion->reference[1] - motion->reference[0]) * static_cast<int64_t>(sizeof(int32_t));
    out->mode = motion->mode + offset4;
    out->mode_row_bytes = motion->stride4;
    if (!residual) return;
    int64_t offset_uv = static_cast<int64_t>(crop_top_px / 2) * residual->stride_uv + crop_left_px / 2;
    out->y = residual->plane[0] + static_cast<int64_t>(crop_top_px) * residual->stride_y + crop_left_px;
    out->u = residual->plane[1] + offset_uv;
    out->v = residual->plane[2] + offset_uv;
    out->y_row_bytes = residual->stride_y * static_cast<int64_t>(sizeof(int16_t));
    out->uv_row_bytes = residual->stride_uv * static_cast<int64_t>(sizeof(int16_t));
}

void Picture::count_distances(const PocStep& poc_step) {
    info.poc_step = poc_step.value();
    for (ReferencePoc& r : reference_pocs_)
        r.distance = is_shown_as_decoded ? info.decode_index - r.decode_index : poc_step.distance(r.poc, info.poc);
}

std::vector<FlowScale> Picture::flow_scales() const {
    std::vector<FlowScale> scales;
    for (const ReferencePoc& r : reference_pocs_)
        if (r.distance != 0) scales.push_back({r.decode_index, -0.25f / static_cast<float>(r.distance)});
    return scales;
}

void Picture::fill_flow(float* flow) const { compute_flow(*motion, window(), flow_scales(), flow); }

void Picture::fill_block_counts(attp_block_counts* counts) const { *counts = {}; }

}  // namespace attp
