// Decoded picture buffer as far as a parser needs it: picture order count (clause 8.3.1), reference picture sets (8.3.2) and reference
// picture lists (8.3.4). It holds no samples, just what later slices refer to.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "h26x/reference.h"
#include "hevc/slice_header.h"

namespace attp {
namespace hevc {

class HevcPicture;

class Dpb {
  public:
    void clear();

    // To be called with the first slice header of each picture that is not skipped. is_first: IRAP with NoRaslOutputFlag 1.
    // Returns PicOrderCntVal; the reference picture set of the picture applies from then on.
    int32_t begin_picture(const SliceHeader& h, bool is_first);
    // POC of the latest short-term reference picture that should be there and is not. INT32_MIN: none.
    int32_t latest_missing_poc() const { return latest_missing_poc_; }
    // Returns the co-located picture (ColPic), if the slice has one and it was received.
    std::shared_ptr<HevcPicture> make_lists(const SliceHeader& h, ReferenceLists* lists) const;
    // Every picture may be referred to by the next ones, until a reference picture set leaves it out.
    void end_picture(const std::shared_ptr<HevcPicture>& picture);

  private:
    struct Frame {
        Reference reference;
        std::shared_ptr<HevcPicture> picture;  // for its motion, as a co-located picture
    };

    int32_t compute_poc(const SliceHeader& h, bool is_first);
    void apply_set(const SliceHeader& h, int32_t poc);
    const Frame* find(int32_t poc, uint32_t mask) const;

    std::vector<Frame> frames_;  // all are marked "used for reference"
    std::vector<Frame> st_curr_before_, st_curr_after_, lt_curr_;
    int32_t prev_tid0_poc_ = 0;
    int32_t latest_missing_poc_ = INT32_MIN;
};

}  // namespace hevc
}  // namespace attp
