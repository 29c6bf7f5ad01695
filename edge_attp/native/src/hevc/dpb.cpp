#include "hevc/dpb.h"

#include <algorithm>

#include "hevc/picture.h"

namespace attp {
namespace hevc {

void Dpb::clear() { *this = Dpb(); }

// Clause 8.3.1.
int32_t Dpb::compute_poc(const SliceHeader& h, bool is_first) {
    const int32_t max_lsb = 1 << h.sps->log2_max_pic_order_cnt_lsb;
    const int32_t lsb = static_cast<int32_t>(h.slice_pic_order_cnt_lsb);
    uint32_t msb = 0;  // wraps like int32 in streams that break the standard's bounds
    if (!is_first) {
        const int32_t prev_lsb = prev_tid0_poc_ & (max_lsb - 1);
        msb = static_cast<uint32_t>(prev_tid0_poc_ - prev_lsb);
        if (lsb < prev_lsb && prev_lsb - lsb >= max_lsb / 2)
            msb += static_cast<uint32_t>(max_lsb);
        else if (lsb > prev_lsb && lsb - prev_lsb > max_lsb / 2)
            msb -= static_cast<uint32_t>(max_lsb);
    }
    const int32_t poc = static_cast<int32_t>(msb + static_cast<uint32_t>(lsb));
    const int type = h.nal_unit_type;
    if (h.temporal_id == 0 && !is_rasl(type) && !is_radl(type) && !is_sub_layer_non_reference(type))
        prev_tid0_poc_ = poc;
    return poc;
}

const Dpb::Frame* Dpb::find(int32_t poc, uint32_t mask) const {
    for (const Frame& f : frames_)
        if (((static_cast<uint32_t>(f.reference.poc) ^ static_cast<uint32_t>(poc)) & mask) == 0) return &f;
    return nullptr;
}

// Clause 8.3.2.
void Dpb::apply_set(const SliceHeader& h, int32_t poc) {
    std::vector<Frame> kept;
    st_curr_before_.clear();
    st_curr_after_.clear();
    lt_curr_.clear();
    latest_missing_poc_ = INT32_MIN;
    auto keep = [&](const Frame* found, int32_t wanted_poc, bool is_long_term, bool is_used,
                    std::vector<Frame>* current) {
        Frame frame;
        if (found != nullptr)
            frame = *found;
        else
            frame.reference.poc = wanted_poc;
        frame.reference.is_long_term = is_long_term;
        if (is_used) current->push_back(frame);
        if (found != nullptr) kept.push_back(frame);
    };
    const uint32_t lsb_mask = (1u << h.sps->log2_max_pic_order_cnt_lsb) - 1;
    for (const LongTermEntry& e : h.long_term) {
        uint32_t wanted = e.poc_lsb;
        if (e.has_msb)
            wanted += static_cast<uint32_t>(poc) - (e.msb_cycle << h.sps->log2_max_pic_order_cnt_lsb) -
                      (static_cast<uint32_t>(poc) & lsb_mask);
        const int32_t wanted_poc = static_cast<int32_t>(wanted);
        keep(find(wanted_poc, e.has_msb ? UINT32_MAX : lsb_mask), wanted_poc, true, e.used_by_curr_pic, &lt_curr_);
    }
    auto keep_short_term = [&](const std::vector<ShortTermSet::Entry>& entries, std::vector<Frame>* current) {
        for (const auto& e : entries) {
            const int32_t wanted =
                static_cast<int32_t>(static_cast<uint32_t>(poc) + static_cast<uint32_t>(e.delta_poc));
            const Frame* found = find(wanted, UINT32_MAX);
            if (found != nullptr && found->reference.is_long_term) found = nullptr;
            if (found == nullptr) latest_missing_poc_ = std::max(latest_missing_poc_, wanted);
            keep(found, wanted, false, e.used_by_curr_pic, current);
        }
    };
    keep_short_term(h.short_term_set.negative, &st_curr_before_);
    keep_short_term(h.short_term_set.positive, &st_curr_after_);
    frames_ = std::move(kept);
}

int32_t Dpb::begin_picture(const SliceHeader& h, bool is_first) {
    if (is_first) frames_.clear();
    const int32_t poc = compute_poc(h, is_first);
    apply_set(h, poc);
    return poc;
}

// Clause 8.3.4.
std::shared_ptr<HevcPicture> Dpb::make_lists(const SliceHeader& h, ReferenceLists* lists) const {
    std::shared_ptr<HevcPicture> colocated;
    const std::vector<Frame>* const order[2][3] = {{&st_curr_before_, &st_curr_after_, &lt_curr_},
                                                   {&st_curr_after_, &st_curr_before_, &lt_curr_}};
    for (int list = 0; list < h.lists(); list++) {
        std::vector<const Frame*> all;
        for (const std::vector<Frame>* part : order[list])
            for (const Frame& f : *part) all.push_back(&f);
        const int collocated = h.collocated_from_l0_flag == (list == 0) ? h.collocated_ref_idx : -1;
        for (int i = 0; i < h.num_ref_idx_active[list]; i++) {
            Reference reference;
            const size_t at = h.ref_pic_list_modification_flag[list] ? h.list_entry[list][static_cast<size_t>(i)]
                                                                     : static_cast<size_t>(i);
            if (!all.empty()) {
                // RefPicListTemp repeats the pictures as often as is needed.
                const Frame& frame = *all[at % all.size()];
                reference = frame.reference;
                if (i == collocated && h.slice_temporal_mvp_enabled_flag) colocated = frame.picture;
            }
            lists->list[list].push_back(reference);
        }
    }
    return colocated;
}

void Dpb::end_picture(const std::shared_ptr<HevcPicture>& picture) {
    Frame frame;
    frame.reference.decode_index = static_cast<int32_t>(picture->info.decode_index);
    frame.reference.poc = picture->info.poc;
    frame.reference.is_missing = false;
    frame.reference.health = picture->health;
    frame.picture = picture;
    frames_.push_back(frame);
}

}  // namespace hevc
}  // namespace attp
