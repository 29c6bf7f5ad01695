// The vectors of hevc_transform.h for AArch64.
#pragma once

#include <arm_neon.h>

#include "kernels/hevc_transform.h"

namespace attp_kernels {
namespace {

struct VectorNeon {
    static constexpr int kLanes = 4;
    static constexpr int kOrder[4] = {0, 1, 2, 3};
    using Sum = int32x4_t;
    struct Quad {
        int16x4_t row[4];
    };

    static int32x4_t add(int32x4_t a, int32x4_t b) { return vaddq_s32(a, b); }
    static int32x4_t subtract(int32x4_t a, int32x4_t b) { return vsubq_s32(a, b); }
    static int32x4_t broadcast(int v) { return vdupq_n_s32(v); }
    static Quad load(const int16_t* rows, int pitch) {
        return {{vld1_s16(rows), vld1_s16(rows + pitch), vld1_s16(rows + 2 * pitch), vld1_s16(rows + 3 * pitch)}};
    }
    static Quad scale(Quad q, int shift) {
        for (int16x4_t& row : q.row) row = vshl_s16(row, vdup_n_s16(static_cast<int16_t>(shift)));
        return q;
    }
    static Quad in_order(Quad q) { return q; }
    static void accumulate(int32x4_t& even, int32x4_t& odd, const Quad& q, const int16_t* factors) {
        int16x4_t f = vld1_s16(factors);
        even = vmlal_lane_s16(vmlal_lane_s16(even, q.row[0], f, 0), q.row[2], f, 2);
        odd = vmlal_lane_s16(vmlal_lane_s16(odd, q.row[1], f, 1), q.row[3], f, 3);
    }
    template <int kShift>
    static void store(int16_t* a, int16_t* b, int32x4_t sum_a, int32x4_t sum_b) {
        vst1_s16(a, vqshrn_n_s32(sum_a, kShift));
        vst1_s16(b, vqshrn_n_s32(sum_b, kShift));
    }
    template <int kShift>
    static void store_mirrored(int16_t* a, int16_t* b, int32x4_t sum_a, int32x4_t sum_b) {
        vst1_s16(a, vqshrn_n_s32(sum_a, kShift));
        vst1_s16(b, vrev64_s16(vqshrn_n_s32(sum_b, kShift)));
    }
};

}  // namespace
}  // namespace attp_kernels
