// What all parts of a slice segment's reader share: the parameters, the entropy decoder, and where things go.
#pragma once

#include <cstdint>

#include "hevc/quantization.h"
#include "hevc/slice.h"

namespace attp {
namespace hevc {

struct SliceContext {
    SliceContext(const Slice& slice_, const SliceMotion& slice_motion_, PictureState* picture_, Fault* fault_)
        : slice(slice_),
          header(slice_.header),
          sps(*slice_.header.sps),
          pps(*slice_.header.pps),
          slice_motion(slice_motion_),
          picture(*picture_),
          grid(*picture_->grid),
          quantization(slice_.header, picture_->grid),
          fault(*fault_) {}

    // The engine starts at a byte of the RBSP.
    void start_engine(size_t byte) {
        begin_byte = byte;
        engine.start(slice.rbsp.data() + byte, slice.rbsp_bytes - byte);
    }
    size_t bit_position() const { return begin_byte * 8 + engine.position(); }

    bool decision(int context) { return engine.decision(&contexts[static_cast<size_t>(context)]) != 0; }

    bool fail(const char* element, const char* why) {
        fault.set(ATTP_CORRUPT, element, static_cast<int64_t>(bit_position()), "coding tree block %d,%d: %s %s", ctb_x,
                  ctb_y, element, why);
        return false;
    }

    const Slice& slice;
    const SliceHeader& header;
    const Sps& sps;
    const Pps& pps;
    const SliceMotion& slice_motion;
    PictureState& picture;
    BlockGrid& grid;
    Quantization quantization;
    Fault& fault;
    Cabac engine;
    Contexts contexts;
    size_t begin_byte = 0;
    uint32_t stamp = 0;
    int ctb_x = 0, ctb_y = 0;  // the coding tree block being read
};

// The coding unit being read, as its parts must know it.
struct CodingUnit {
    int x, y, log2_size;
    bool is_intra;
    bool transquant_bypass;  // cu_transquant_bypass_flag
    PartMode part_mode;
    int intra_mode[4];      // IntraPredModeY of each part
    int intra_mode_chroma;  // IntraPredModeC

    int size() const { return 1 << log2_size; }
};

}  // namespace hevc
}  // namespace attp
