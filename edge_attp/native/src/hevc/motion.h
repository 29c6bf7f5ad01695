// Motion vectors and reference indices of prediction units (clause 8.5.3.2): merge mode, vector prediction, and their storage.
#pragma once

#include <cstdint>

#include "fields/planes.h"
#include "hevc/block_grid.h"
#include "hevc/colocated.h"
#include "hevc/params.h"

namespace attp {
namespace hevc {

enum PartMode { kPart2Nx2N, kPart2NxN, kPartNx2N, kPartNxN, kPart2NxnU, kPart2NxnD, kPartnLx2N, kPartnRx2N };

// One prediction unit, in luma samples.
struct PredictionUnit {
    int x_cb, y_cb, cb_size;
    int x, y, width, height;
    int part_idx;
    PartMode part_mode;
};

// Vectors and reference indices of one block. ref_idx -1: the list is not used.
struct Motion {
    Mv mv[2];
    int8_t ref_idx[2];

    bool uses(int list) const { return ref_idx[list] >= 0; }
};

inline bool is_same_motion(const Motion& a, const Motion& b) {
    for (int list = 0; list < 2; list++)
        if (a.ref_idx[list] != b.ref_idx[list] || (a.uses(list) && !(a.mv[list] == b.mv[list]))) return false;
    return true;
}

// What the prediction of vectors needs to know of the slice.
struct SliceMotion {
    int lists = 0;
    int32_t poc = 0;
    int num_ref_idx[2] = {0, 0};
    int32_t ref_poc[2][kMaxRefIdx];
    int32_t ref_decode_index[2][kMaxRefIdx];
    bool ref_is_long_term[2][kMaxRefIdx];
    const ColocatedMotion* colocated = nullptr;  // nullptr: no temporal prediction
    int32_t colocated_poc = 0;
    bool collocated_from_l0 = true;
    bool has_no_backward_reference = false;  // no reference follows this picture in output order: NoBackwardPredFlag
    int max_num_merge_cand = 5;
    int log2_parallel_merge_level = 2;
    int log2_ctb_size = 4;
};

class MotionReader {
  public:
    // `lists`: how many the picture uses; the planes of the others are blank. `colocated` may be nullptr: nobody will ask for it.
    void start_picture(MotionPlanes* planes, ColocatedMotion* colocated, BlockGrid* grid, int lists, int width_px,
                       int height_px);
    void start_slice(const SliceMotion* slice) { slice_ = slice; }
    void start_stamp(uint32_t stamp) { stamp_ = stamp; }

    // Luma vectors of merge mode (clause 8.5.3.2.2).
    void merge(const PredictionUnit& unit, int merge_idx, Motion* out);
    // mvpLX (clause 8.5.3.2.6).
    Mv predict(const PredictionUnit& unit, int list, int ref_idx, int mvp_flag);

    void store(const PredictionUnit& unit, const Motion& motion, uint8_t mode);
    // Also of blocks that nobody brought.
    void store_intra(int x, int y, int size, uint8_t mode);

    uint32_t used_references[2] = {0, 0};

  private:
    // What the planes hold of one block.
    struct Entry {
        Mv mv[2];
        int32_t reference[2];
        int8_t ref_idx[2];
        uint8_t mode;
    };
    void fill(int x, int y, int width, int height, const Entry& entry);
    template <int kWidth4>
    void fill_rows(int x4, int y4, int height4, const Entry& entry);

    bool is_available(const PredictionUnit& unit, int x, int y) const;
    Motion at(int x, int y) const;
    bool is_merge_neighbour(const PredictionUnit& unit, int x, int y, Motion* out) const;
    int merge_spatial(const PredictionUnit& unit, int wanted, Motion* out);
    bool merge_temporal(const PredictionUnit& unit, Motion* out);
    int merge_combined(int count, int wanted, Motion* candidates) const;
    bool temporal(const PredictionUnit& unit, int list, int ref_idx, Mv* mv) const;
    bool from_colocated(int x, int y, int list, int ref_idx, Mv* mv) const;
    bool same_picture(const Motion& neighbour, int list, int ref_idx, Mv* mv) const;
    bool scaled(const Motion& neighbour, int list, int ref_idx, Mv* mv) const;

    const SliceMotion* slice_ = nullptr;
    MotionPlanes* planes_ = nullptr;
    ColocatedMotion* colocated_ = nullptr;
    BlockGrid* grid_ = nullptr;
    uint32_t stamp_ = 0;
    int lists_ = 0;
    int width_px_ = 0, height_px_ = 0;
};

}  // namespace hevc
}  // namespace attp
