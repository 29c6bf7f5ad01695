// One slice segment with everything that reading its data needs, and the picture-wide state that it is read into.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "h26x/fault.h"
#include "h26x/picture.h"
#include "h26x/reference.h"
#include "h26x/slice_data.h"
#include "hevc/contexts.h"
#include "hevc/motion.h"
#include "hevc/residual.h"
#include "hevc/slice_header.h"

namespace attp {
namespace hevc {

class HevcPicture;

struct Slice : SliceData {
    SliceHeader header;
    ReferenceLists references;
    HevcPicture* colocated = nullptr;  // ColPic, until the picture is read
    std::vector<size_t> entry_points;  // bytes of the RBSP that sub-streams begin at, but the first

    // Also finds out where the entry points of the header are in the RBSP.
    void make_rbsp_and_entry_points();
};

struct PictureState {
    PictureState(const Sps& sps, const Layout& layout_, BlockGrid* grid_, const Kernels* kernels)
        : layout(layout_), grid(grid_), residual(kernels) {
        const size_t ctbs = static_cast<size_t>(sps.width_ctbs()) * static_cast<size_t>(sps.height_ctbs());
        is_ctb_read.resize(ctbs);
        ctbs_left_in_row.assign(static_cast<size_t>(sps.height_ctbs()), sps.width_ctbs());
    }

    const Layout& layout;
    BlockGrid* grid;
    MotionReader motion;
    ResidualWriter residual;
    ModeCounts counts;  // in 8x8 luma blocks
    attp_block_counts blocks = {};
    std::vector<uint8_t> is_ctb_read;
    std::vector<uint16_t>* slice_of_ctb = nullptr;  // filled where not nullptr
    uint16_t slice_number = 0;
    std::vector<int> ctbs_left_in_row;
    int rows_done = 0;
    // Called with the number of coding tree block rows that are complete, and before a block of a row is read whose vectors may be
    // predicted from the co-located picture.
    void (*row_done)(void*, int) = nullptr;
    void (*wait_for_colocated)(void*, int) = nullptr;
    void* callback_data = nullptr;

    // What a dependent slice segment takes over from the slice segment before it.
    bool has_end_state = false;
    uint32_t next_ctb_ts = 0;
    uint32_t stamp = 0;
    Contexts end_contexts;   // TableStateIdxDs
    Contexts sync_contexts;  // TableStateIdxWpp
    int last_qp_y = 0;
};

// Reads slice_segment_data() (clause 7.3.8). With kResidual, residual samples are written too. False: `fault` says what and where.
template <bool kResidual>
bool read_slice(const Slice& slice, const SliceMotion& slice_motion, PictureState* picture, Fault* fault);

}  // namespace hevc
}  // namespace attp
