// One slice with everything that reading its data needs, and the picture-wide state that its macroblocks are read into.
#pragma once

#include <cstdint>
#include <vector>

#include "h264/dpb.h"
#include "h264/macroblock.h"
#include "h264/motion.h"
#include "h264/residual.h"
#include "h26x/fault.h"
#include "h26x/picture.h"
#include "h26x/slice_data.h"

namespace attp {
namespace h264 {

struct Slice : SliceData {
    SliceHeader header;
    ReferenceLists references;
    H264Picture* colocated = nullptr;  // until it is read
};

struct PictureState {
    PictureState(Workspace* ws, const Kernels* kernels) : workspace(ws), residual(kernels) {}

    Workspace* workspace;
    int width_mbs = 0, height_mbs = 0;
    int lists = 0;  // lists that some slice of this picture uses
    uint32_t first_stamp = 0;
    const uint8_t* slice_group = nullptr;  // mbToSliceGroupMap, or nullptr with one group
    MotionReader motion;
    ResidualWriter residual;
    ModeCounts counts;                             // in macroblocks
    std::vector<uint16_t>* slice_of_mb = nullptr;  // filled where not nullptr
    uint16_t slice_number = 0;
    int next_in_order = 0;  // macroblocks 0 to here - 1 are complete
    // Called with the number of macroblock rows that are complete, and before a row is read that needs the co-located picture.
    void (*row_done)(void*, int) = nullptr;
    void (*wait_for_colocated)(void*, int) = nullptr;
    void* callback_data = nullptr;
    uint32_t used_references[2] = {0, 0};

    bool is_decoded(int mb) const { return workspace->mbs[static_cast<size_t>(mb)].slice >= first_stamp; }
};

// Read slice_data() (clause 7.3.4). With kResidual, residual samples are written too. False: `fault` says what and where.
template <bool kResidual>
bool read_cabac_slice(const Slice& slice, const SliceMotion& slice_motion, PictureState* picture, Fault* fault);
template <bool kResidual>
bool read_cavlc_slice(const Slice& slice, const SliceMotion& slice_motion, PictureState* picture, Fault* fault);

}  // namespace h264
}  // namespace attp
