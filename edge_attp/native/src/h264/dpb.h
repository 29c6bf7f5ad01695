// Decoded picture buffer as far as a parser needs it: picture order count (clause 8.2.1), reference marking (8.2.5) and the
// construction of reference picture lists (8.2.4). Frames only. It holds no samples, just what later slices refer to.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "h264/slice_header.h"
#include "h26x/reference.h"

namespace attp {
namespace h264 {

class H264Picture;

struct Frame {
    int32_t decode_index = ATTP_REFERENCE_MISSING;
    int32_t poc = 0;
    uint32_t frame_num = 0;
    int32_t frame_num_wrap = 0;
    int32_t long_term_frame_idx = -1;
    bool is_long_term = false;
    bool is_non_existing = false;
    std::shared_ptr<Health> health;
    std::shared_ptr<H264Picture> picture;  // for its motion, as a co-located picture
};

class Dpb {
  public:
    void clear();

    // To be called with the first slice header of each picture, before begin_picture: frames missing in frame_num (8.2.5.2).
    // Returns false if pictures were lost or reordered: a gap that the stream does not allow, or a number that cannot follow.
    bool fill_frame_num_gap(const SliceHeader& s);
    // PicOrderCnt of the picture (8.2.1). Once per picture.
    int32_t begin_picture(const SliceHeader& s);
    // Returns the co-located picture of a B slice, RefPicList1[0], or nullptr.
    std::shared_ptr<H264Picture> make_lists(const SliceHeader& s, ReferenceLists* lists) const;
    // Marks after the picture is complete (8.2.5), and stores it if it is a reference. An operation on a missing picture, as
    // after joining in mid-stream, does nothing.
    void end_picture(const SliceHeader& s, const std::shared_ptr<H264Picture>& picture, int32_t decode_index,
                     const std::shared_ptr<Health>& health);

  private:
    int32_t compute_poc(const SliceHeader& s);
    int32_t poc_type_0(const SliceHeader& s);
    int32_t poc_type_1(const SliceHeader& s);
    int32_t poc_type_2(const SliceHeader& s);
    void update_frame_num_wrap(uint32_t frame_num, uint32_t max_frame_num);
    void slide_window(int max_frames);
    void apply_operations(const SliceHeader& s, Frame* current);
    void unmark_short_term(int32_t pic_num);
    void unmark_long_term_idx(int32_t idx);
    void init_p(std::vector<const Frame*>* list) const;
    void init_b(const SliceHeader& s, int32_t poc, std::vector<const Frame*> list[2]) const;

    std::vector<Frame> frames_;  // all are marked "used for reference"
    int max_long_term_frame_idx_ = -1;
    bool has_prev_ref_ = false;  // a reference picture was received
    uint32_t prev_ref_frame_num_ = 0;
    // Picture order count state.
    int32_t prev_poc_msb_ = 0, prev_poc_lsb_ = 0;
    uint32_t prev_frame_num_ = 0;
    int64_t prev_frame_num_offset_ = 0;
    bool prev_had_operation_5_ = false;
    int64_t frame_num_offset_ = 0;
    int32_t poc_msb_ = 0;
    int32_t top_poc_ = 0, bottom_poc_ = 0;
};

}  // namespace h264
}  // namespace attp
