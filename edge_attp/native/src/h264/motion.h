// Motion vector prediction (clause 8.4.1) of one macroblock after the other, straight on the picture's motion planes.
#pragma once

#include <cstdint>

#include "fields/planes.h"
#include "h264/dpb.h"
#include "h264/macroblock.h"

namespace attp {
namespace h264 {

// Which macroblocks around the current one belong to its slice (clause 6.4.9).
enum Availability : unsigned { kHasA = 1, kHasB = 2, kHasC = 4, kHasD = 8 };

// What a slice needs to know of its references, looked up once.
struct SliceMotion {
    int32_t decode_index[2][kMaxRefIdx + 1];  // [list][1 + refIdx]; [0] for refIdx -1
    bool spatial_direct = false;
    bool direct_8x8_inference = false;
    // Co-located picture, clause 8.4.1.2.1.
    const MotionPlanes* colocated = nullptr;
    bool colocated_is_short_term = false;
    // Temporal direct, clause 8.4.1.2.3: by refIdxL0.
    int32_t dist_scale_factor[kMaxRefIdx];
    bool copies_vector[kMaxRefIdx];  // long-term, or no distance: mvL0 = mvCol, mvL1 = 0
    int references = 0;              // entries of list 0
};

// DistScaleFactor of clause 8.4.1.2.3: (8-197), (8-201), (8-202). 256 where the references are equally far.
int32_t dist_scale_factor(int32_t poc, int32_t poc0, int32_t poc1);

void prepare_slice_motion(const SliceHeader& header, const ReferenceLists& lists, int32_t poc,
                          const MotionPlanes* colocated, SliceMotion* out);

class MotionReader {
  public:
    void start_picture(MotionPlanes* planes) { planes_ = planes; }
    void start_slice(const SliceMotion* slice, int lists) {
        slice_ = slice;
        lists_ = lists;
    }

    void start_macroblock(int mb_x, int mb_y, unsigned available);

    // mvpLX (clause 8.4.1.3) of the partition at (x, y), in 4x4 blocks inside the macroblock.
    Mv predict(int list, int x, int y, int width, int ref) const;
    Mv predict_16x16(int list, int ref) const { return median(outer_a(list), outer_b(list), outer_c(list), ref); }
    Mv predict_16x8(int list, int part, int ref) const;
    Mv predict_8x16(int list, int part, int ref) const;
    Mv predict_skip() const;

    // `block8` is 0 to 3; indices are known to all later predictions.
    void set_ref(int list, int block8, int ref) { ref_[list][kBlock8[block8]] = static_cast<int8_t>(ref); }
    int ref(int list, int block8) const { return ref_[list][kBlock8[block8]]; }
    void set_ref_16x16(int list, int ref) {
        for (int block8 = 0; block8 < 4; block8++) set_ref(list, block8, ref);
    }
    void set_mv(int list, int x, int y, int width, int height, Mv mv) {
        Mv* p = at(list, x, y);
        for (int j = 0; j < height; j++, p += planes_->stride4)
            for (int i = 0; i < width; i++) p[i] = mv;
    }
    void set_mv_16x16(int list, Mv mv) { fill_16x16(at(list, 0, 0), planes_->stride4, mv); }

    // Direct prediction (clause 8.4.1.2) of the whole macroblock, or of the 8x8 blocks in `mask`.
    void predict_direct(int mask);

    // Writes indices and modes to the planes, after everything is set.
    void store_inter(uint8_t mode);
    void store_intra(uint8_t mode);

    uint32_t used_references[2] = {0, 0};  // bit per refIdx, since start_slice by the caller

  private:
    // ref_[list] holds refIdx around and inside the macroblock in 8x8 units: D B0 B1 C / A0 0 1 - / A1 2 3 -.
    static constexpr int kBlock8[4] = {5, 6, 9, 10};
    static constexpr int kUnavailable = -2;

    struct Neighbour {
        int ref;
        Mv mv;
    };

    Mv* at(int list, int x, int y) const { return origin_[list] + y * planes_->stride4 + x; }
    static int cell(int x, int y) { return ((y + 2) >> 1) * 4 + ((x + 2) >> 1); }
    int ref_at(int list, int x, int y) const { return ref_[list][cell(x, y)]; }
    // Without a branch: there is memory behind every neighbour, wanted or not.
    Neighbour neighbour_in(int list, int cell, int x, int y) const {
        const int r = ref_[list][cell];
        const int keep = ~(r >> 31);
        const Mv mv = *at(list, x, y);
        return {r, {static_cast<int16_t>(mv.x & keep), static_cast<int16_t>(mv.y & keep)}};
    }
    Neighbour neighbour(int list, int x, int y) const { return neighbour_in(list, cell(x, y), x, y); }
    // Of the macroblock as a whole.
    Neighbour outer_a(int list) const { return neighbour_in(list, 4, -1, 0); }
    Neighbour outer_b(int list) const { return neighbour_in(list, 1, 0, -1); }
    Neighbour outer_c(int list) const {
        return ref_[list][3] != kUnavailable ? neighbour_in(list, 3, 4, -1) : neighbour_in(list, 0, -1, -1);
    }
    Neighbour neighbour_c(int list, int x, int y, int width) const;
    static Mv median(const Neighbour& a, const Neighbour& b, const Neighbour& c, int ref);
    // One unit of direct prediction: position and size in 4x4 blocks, and where its co-located block lies in the planes.
    struct DirectBlock {
        int block8, x, y, size;
        int colocated8, colocated4;
    };
    template <typename Action>
    void for_direct_blocks(int mask, Action&& action) const;
    void predict_direct_spatial(int mask);
    void predict_direct_temporal(int mask);
    void store_mode(uint8_t mode);
    void fill_block8(int list, int block8, Mv mv);

    MotionPlanes* planes_ = nullptr;
    const SliceMotion* slice_ = nullptr;
    int lists_ = 1;
    int mb_x_ = 0, mb_y_ = 0;
    Mv* origin_[2] = {nullptr, nullptr};
    alignas(4) int8_t ref_[2][12];
};

}  // namespace h264
}  // namespace attp
