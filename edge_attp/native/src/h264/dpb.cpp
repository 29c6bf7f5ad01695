#include "h264/dpb.h"

#include <algorithm>
#include <cstdlib>

namespace attp {
namespace h264 {
namespace {

Reference to_reference(const Frame* frame) {
    Reference r;
    if (frame == nullptr) return r;
    r.decode_index = frame->decode_index;
    r.poc = frame->poc;
    r.is_long_term = frame->is_long_term;
    r.is_missing = frame->is_non_existing;
    r.health = frame->health;
    return r;
}

// PicNum of a short-term frame (8-28), LongTermPicNum of a long-term frame (8-29).
int32_t pic_num(const Frame& f) { return f.is_long_term ? f.long_term_frame_idx : f.frame_num_wrap; }

}  // namespace

void Dpb::clear() { *this = Dpb(); }

bool Dpb::fill_frame_num_gap(const SliceHeader& s) {
    if (s.idr || !has_prev_ref_) return true;
    uint32_t max_frame_num = 1u << s.sps->log2_max_frame_num;
    uint32_t expected = (prev_ref_frame_num_ + 1) % max_frame_num;
    if (s.frame_num == expected) return true;
    // A frame that repeats the number of the last reference frame violates clause 7.4.3. Some encoders number non-reference frames
    // like this, and nothing is lost. A reference frame with such a number is late, and its references have changed meanwhile.
    if (s.frame_num == prev_ref_frame_num_) return s.nal_ref_idc == 0;
    uint32_t missing = (s.frame_num - expected) & (max_frame_num - 1);
    // Only the last max_num_ref_frames can stay in the sliding window.
    uint32_t window = static_cast<uint32_t>(std::max(1, s.sps->max_num_ref_frames));
    uint32_t first = missing > window ? s.frame_num - window : expected;
    for (uint32_t n = first & (max_frame_num - 1); n != s.frame_num; n = (n + 1) & (max_frame_num - 1)) {
        SliceHeader inferred;
        inferred.sps = s.sps;
        inferred.nal_ref_idc = 1;
        inferred.frame_num = n;
        Frame frame;
        frame.is_non_existing = true;
        frame.frame_num = n;
        if (s.sps->pic_order_cnt_type != 0) frame.poc = begin_picture(inferred);
        update_frame_num_wrap(n, max_frame_num);
        slide_window(s.sps->max_num_ref_frames);
        frame.frame_num_wrap = static_cast<int32_t>(n);
        frames_.push_back(frame);
        prev_ref_frame_num_ = prev_frame_num_ = n;
        prev_frame_num_offset_ = frame_num_offset_;
        prev_had_operation_5_ = false;
    }
    return s.sps->gaps_in_frame_num_value_allowed_flag;
}

int32_t Dpb::begin_picture(const SliceHeader& s) {
    if (s.idr) {
        frames_.clear();
        max_long_term_frame_idx_ = -1;
        prev_ref_frame_num_ = 0;
    }
    update_frame_num_wrap(s.frame_num, 1u << s.sps->log2_max_frame_num);
    return compute_poc(s);
}

int32_t Dpb::compute_poc(const SliceHeader& s) {
    switch (s.sps->pic_order_cnt_type) {
        case 0:
            return poc_type_0(s);
        case 1:
            return poc_type_1(s);
        default:
            return poc_type_2(s);
    }
}

// Clause 8.2.1.1.
int32_t Dpb::poc_type_0(const SliceHeader& s) {
    if (s.idr) prev_poc_msb_ = prev_poc_lsb_ = 0;
    int32_t max_lsb = 1 << s.sps->log2_max_pic_order_cnt_lsb;
    int32_t lsb = s.pic_order_cnt_lsb;
    uint32_t msb = static_cast<uint32_t>(prev_poc_msb_);
    if (lsb < prev_poc_lsb_ && prev_poc_lsb_ - lsb >= max_lsb / 2)
        msb += static_cast<uint32_t>(max_lsb);
    else if (lsb > prev_poc_lsb_ && lsb - prev_poc_lsb_ > max_lsb / 2)
        msb -= static_cast<uint32_t>(max_lsb);
    poc_msb_ = static_cast<int32_t>(msb);
    top_poc_ = static_cast<int32_t>(msb + static_cast<uint32_t>(lsb));
    bottom_poc_ =
        static_cast<int32_t>(static_cast<uint32_t>(top_poc_) + static_cast<uint32_t>(s.delta_pic_order_cnt_bottom));
    return std::min(top_poc_, bottom_poc_);
}

// Clause 8.2.1.2.
int32_t Dpb::poc_type_1(const SliceHeader& s) {
    const Sps& sps = *s.sps;
    int64_t max_frame_num = int64_t{1} << sps.log2_max_frame_num;
    int64_t prev_offset = prev_had_operation_5_ ? 0 : prev_frame_num_offset_;
    frame_num_offset_ = s.idr ? 0 : prev_frame_num_ > s.frame_num ? prev_offset + max_frame_num : prev_offset;
    int64_t cycle_length = static_cast<int64_t>(sps.offset_for_ref_frame.size());
    int64_t abs_frame_num = cycle_length != 0 ? frame_num_offset_ + s.frame_num : 0;
    if (s.nal_ref_idc == 0 && abs_frame_num > 0) abs_frame_num--;
    int64_t expected = 0;
    if (abs_frame_num > 0) {
        int64_t cycles = (abs_frame_num - 1) / cycle_length, in_cycle = (abs_frame_num - 1) % cycle_length;
        int64_t per_cycle = 0;
        for (int32_t offset : sps.offset_for_ref_frame) per_cycle += offset;
        expected = static_cast<int64_t>(static_cast<uint64_t>(cycles) * static_cast<uint64_t>(per_cycle));
        for (int64_t i = 0; i <= in_cycle; i++) expected += sps.offset_for_ref_frame[static_cast<size_t>(i)];
    }
    if (s.nal_ref_idc == 0) expected += sps.offset_for_non_ref_pic;
    top_poc_ = static_cast<int32_t>(expected + s.delta_pic_order_cnt[0]);
    bottom_poc_ =
        static_cast<int32_t>(int64_t{top_poc_} + sps.offset_for_top_to_bottom_field + s.delta_pic_order_cnt[1]);
    return std::min(top_poc_, bottom_poc_);
}

// Clause 8.2.1.3.
int32_t Dpb::poc_type_2(const SliceHeader& s) {
    int64_t max_frame_num = int64_t{1} << s.sps->log2_max_frame_num;
    int64_t prev_offset = prev_had_operation_5_ ? 0 : prev_frame_num_offset_;
    frame_num_offset_ = s.idr ? 0 : prev_frame_num_ > s.frame_num ? prev_offset + max_frame_num : prev_offset;
    int64_t temp = s.idr ? 0 : 2 * (frame_num_offset_ + s.frame_num) - (s.nal_ref_idc == 0 ? 1 : 0);
    top_poc_ = bottom_poc_ = static_cast<int32_t>(temp);
    return top_poc_;
}

// (8-27).
void Dpb::update_frame_num_wrap(uint32_t frame_num, uint32_t max_frame_num) {
    for (Frame& f : frames_) {
        if (f.is_long_term) continue;
        f.frame_num_wrap =
            static_cast<int32_t>(f.frame_num) - (f.frame_num > frame_num ? static_cast<int32_t>(max_frame_num) : 0);
    }
}

// Clause 8.2.4.2.1.
void Dpb::init_p(std::vector<const Frame*>* list) const {
    for (const Frame& f : frames_) list->push_back(&f);
    std::sort(list->begin(), list->end(), [](const Frame* a, const Frame* b) {
        if (a->is_long_term != b->is_long_term) return b->is_long_term;
        return a->is_long_term ? pic_num(*a) < pic_num(*b) : pic_num(*a) > pic_num(*b);
    });
}

// Clause 8.2.4.2.3.
void Dpb::init_b(const SliceHeader& s, int32_t poc, std::vector<const Frame*> list[2]) const {
    std::vector<const Frame*> before, after, long_term;
    for (const Frame& f : frames_) {
        if (f.is_long_term)
            long_term.push_back(&f);
        else if (f.is_non_existing && s.sps->pic_order_cnt_type == 0)
            continue;
        else
            (f.poc <= poc ? before : after).push_back(&f);
    }
    std::sort(before.begin(), before.end(), [](const Frame* a, const Frame* b) { return a->poc > b->poc; });
    std::sort(after.begin(), after.end(), [](const Frame* a, const Frame* b) { return a->poc < b->poc; });
    std::sort(long_term.begin(), long_term.end(),
              [](const Frame* a, const Frame* b) { return pic_num(*a) < pic_num(*b); });
    for (const auto* part : {&before, &after, &long_term}) list[0].insert(list[0].end(), part->begin(), part->end());
    for (const auto* part : {&after, &before, &long_term}) list[1].insert(list[1].end(), part->begin(), part->end());
    if (list[1].size() > 1 && list[0] == list[1]) std::swap(list[1][0], list[1][1]);
}

// Clause 8.2.4. `bottom_poc_` and `top_poc_` are those of the current picture.
std::shared_ptr<H264Picture> Dpb::make_lists(const SliceHeader& s, ReferenceLists* lists) const {
    if (s.slice_type == kI) return nullptr;
    std::vector<const Frame*> init[2];
    if (s.slice_type == kP)
        init_p(&init[0]);
    else
        init_b(s, std::min(top_poc_, bottom_poc_), init);
    int32_t max_pic_num = 1 << s.sps->log2_max_frame_num;
    for (int x = 0; x < (s.slice_type == kB ? 2 : 1); x++) {
        std::vector<const Frame*>& list = init[x];
        size_t count = static_cast<size_t>(s.num_ref_idx_active[x]);
        list.resize(count, nullptr);
        // Clause 8.2.4.3.
        int32_t pred = static_cast<int32_t>(s.frame_num);
        for (size_t at = 0; at < s.modification[x].size(); at++) {
            const ListModification& m = s.modification[x][at];
            bool long_term = m.modification_of_pic_nums_idc == 2;
            int32_t wanted = static_cast<int32_t>(m.value);
            if (!long_term) {
                int64_t difference = (int64_t{m.value} + 1) % max_pic_num;
                pred = static_cast<int32_t>(
                    (pred + (m.modification_of_pic_nums_idc == 0 ? -difference : difference) + max_pic_num) %
                    max_pic_num);
                wanted = pred > static_cast<int32_t>(s.frame_num) ? pred - max_pic_num : pred;
            }
            const Frame* found = nullptr;
            for (const Frame& f : frames_)
                if (f.is_long_term == long_term && pic_num(f) == wanted) found = &f;
            list.insert(list.begin() + static_cast<std::ptrdiff_t>(at), found);
            // The same picture further back is removed; a missing picture leaves a hole.
            size_t write = at + 1;
            for (size_t read = at + 1; read < list.size(); read++)
                if (found == nullptr || list[read] != found) list[write++] = list[read];
            list.resize(count);
        }
        for (const Frame* f : list) lists->list[x].push_back(to_reference(f));
    }
    return s.slice_type == kB && init[1][0] != nullptr ? init[1][0]->picture : nullptr;
}

// Clause 8.2.5.3.
void Dpb::slide_window(int max_frames) {
    max_frames = std::max(1, max_frames);
    while (static_cast<int>(frames_.size()) >= max_frames) {
        auto oldest = frames_.end();
        for (auto f = frames_.begin(); f != frames_.end(); ++f)
            if (!f->is_long_term && (oldest == frames_.end() || f->frame_num_wrap < oldest->frame_num_wrap)) oldest = f;
        if (oldest == frames_.end())
            oldest = frames_.begin();  // all long-term: not allowed, but this bounds the memory
        frames_.erase(oldest);
    }
}

void Dpb::unmark_short_term(int32_t number) {
    for (auto f = frames_.begin(); f != frames_.end(); ++f)
        if (!f->is_long_term && f->frame_num_wrap == number) {
            frames_.erase(f);
            return;
        }
}

void Dpb::unmark_long_term_idx(int32_t idx) {
    frames_.erase(std::remove_if(frames_.begin(), frames_.end(),
                                 [idx](const Frame& f) { return f.is_long_term && f.long_term_frame_idx == idx; }),
                  frames_.end());
}

// Clause 8.2.5.4.
void Dpb::apply_operations(const SliceHeader& s, Frame* current) {
    for (const MarkingOperation& m : s.marking) {
        int32_t short_term =
            static_cast<int32_t>(s.frame_num) - static_cast<int32_t>(m.difference_of_pic_nums_minus1) - 1;
        switch (m.memory_management_control_operation) {
            case 1:
                unmark_short_term(short_term);
                break;
            case 2:
                unmark_long_term_idx(static_cast<int32_t>(m.long_term_pic_num));
                break;
            case 3: {
                auto named = std::find_if(frames_.begin(), frames_.end(), [short_term](const Frame& f) {
                    return !f.is_long_term && f.frame_num_wrap == short_term;
                });
                if (named == frames_.end()) break;
                Frame frame = *named;
                frames_.erase(named);
                unmark_long_term_idx(static_cast<int32_t>(m.long_term_frame_idx));
                frame.is_long_term = true;
                frame.long_term_frame_idx = static_cast<int32_t>(m.long_term_frame_idx);
                frames_.push_back(frame);
                break;
            }
            case 4:
                max_long_term_frame_idx_ = static_cast<int>(m.max_long_term_frame_idx_plus1) - 1;
                frames_.erase(std::remove_if(frames_.begin(), frames_.end(),
                                             [this](const Frame& f) {
                                                 return f.is_long_term &&
                                                        f.long_term_frame_idx > max_long_term_frame_idx_;
                                             }),
                              frames_.end());
                break;
            case 5:
                frames_.clear();
                max_long_term_frame_idx_ = -1;
                break;
            case 6:
                unmark_long_term_idx(static_cast<int32_t>(m.long_term_frame_idx));
                current->is_long_term = true;
                current->long_term_frame_idx = static_cast<int32_t>(m.long_term_frame_idx);
                break;
        }
    }
}

void Dpb::end_picture(const SliceHeader& s, const std::shared_ptr<H264Picture>& picture, int32_t decode_index,
                      const std::shared_ptr<Health>& health) {
    bool operation_5 = s.has_operation_5();
    if (s.nal_ref_idc != 0) {
        Frame current;
        current.decode_index = decode_index;
        current.frame_num = s.frame_num;
        current.frame_num_wrap = static_cast<int32_t>(s.frame_num);
        current.health = health;
        current.picture = picture;
        if (s.idr) {
            current.is_long_term = s.long_term_reference_flag;
            current.long_term_frame_idx = s.long_term_reference_flag ? 0 : -1;
        } else if (s.adaptive_ref_pic_marking_mode_flag) {
            apply_operations(s, &current);
        }
        if (operation_5) {  // the picture counts as one with frame_num 0 and a POC of its own (8.2.1)
            int32_t shift = std::min(top_poc_, bottom_poc_);
            top_poc_ -= shift;
            bottom_poc_ -= shift;
            current.frame_num = 0;
            current.frame_num_wrap = 0;
        }
        current.poc = std::min(top_poc_, bottom_poc_);
        // Drops nothing if the operations were correct.
        slide_window(std::max(1, s.sps->max_num_ref_frames));
        frames_.push_back(current);
        prev_ref_frame_num_ = current.frame_num;
        has_prev_ref_ = true;
        prev_poc_msb_ = operation_5 ? 0 : poc_msb_;
        prev_poc_lsb_ = operation_5 ? top_poc_ : s.pic_order_cnt_lsb;
    }
    prev_had_operation_5_ = operation_5;
    prev_frame_num_ = operation_5 ? 0 : s.frame_num;
    prev_frame_num_offset_ = operation_5 ? 0 : frame_num_offset_;
}

}  // namespace h264
}  // namespace attp
