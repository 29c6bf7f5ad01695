// Inverse transforms with 128-bit vectors of int16 for AArch64.
#include <arm_neon.h>

#include "kernels/hevc_transform_neon.h"
#include "kernels/kernels.h"

namespace attp_kernels {
namespace {

// Clause 8.5.12.2 on four rows or columns at once.
void transform4(int16x4_t v[4]) {
    int16x4_t e0 = vadd_s16(v[0], v[2]), e1 = vsub_s16(v[0], v[2]);
    int16x4_t e2 = vsub_s16(vshr_n_s16(v[1], 1), v[3]), e3 = vadd_s16(v[1], vshr_n_s16(v[3], 1));
    v[0] = vadd_s16(e0, e3);
    v[1] = vadd_s16(e1, e2);
    v[2] = vsub_s16(e1, e2);
    v[3] = vsub_s16(e0, e3);
}

void idct4x4_neon(int16_t* dst, ptrdiff_t stride, int16_t* coefficients) {
    int16x4x4_t columns = vld4_s16(coefficients);  // a transposing load
    vst1q_s16(coefficients, vdupq_n_s16(0));
    vst1q_s16(coefficients + 8, vdupq_n_s16(0));
    transform4(columns.val);
    int16_t transposed[16];
    vst4_s16(transposed, columns);
    int16x4_t v[4];
    for (int y = 0; y < 4; y++) v[y] = vld1_s16(transposed + 4 * y);
    transform4(v);
    for (int y = 0; y < 4; y++) vst1_s16(dst + y * stride, vshr_n_s16(vadd_s16(v[y], vdup_n_s16(32)), 6));
}

// Clause 8.5.13.
void transform8(int16x8_t v[8]) {
    auto half = [](int16x8_t x) { return vshrq_n_s16(x, 1); };
    int16x8_t a0 = vaddq_s16(v[0], v[4]), a2 = vsubq_s16(v[0], v[4]);
    int16x8_t a4 = vsubq_s16(half(v[2]), v[6]), a6 = vaddq_s16(v[2], half(v[6]));
    int16x8_t a1 = vsubq_s16(vsubq_s16(v[5], v[3]), vaddq_s16(v[7], half(v[7])));
    int16x8_t a3 = vsubq_s16(vaddq_s16(v[1], v[7]), vaddq_s16(v[3], half(v[3])));
    int16x8_t a5 = vaddq_s16(vsubq_s16(v[7], v[1]), vaddq_s16(v[5], half(v[5])));
    int16x8_t a7 = vaddq_s16(vaddq_s16(v[3], v[5]), vaddq_s16(v[1], half(v[1])));
    int16x8_t b0 = vaddq_s16(a0, a6), b2 = vaddq_s16(a2, a4), b4 = vsubq_s16(a2, a4), b6 = vsubq_s16(a0, a6);
    int16x8_t b1 = vaddq_s16(a1, vshrq_n_s16(a7, 2)), b7 = vsubq_s16(a7, vshrq_n_s16(a1, 2));
    int16x8_t b3 = vaddq_s16(a3, vshrq_n_s16(a5, 2)), b5 = vsubq_s16(vshrq_n_s16(a3, 2), a5);
    v[0] = vaddq_s16(b0, b7);
    v[1] = vaddq_s16(b2, b5);
    v[2] = vaddq_s16(b4, b3);
    v[3] = vaddq_s16(b6, b1);
    v[4] = vsubq_s16(b6, b1);
    v[5] = vsubq_s16(b4, b3);
    v[6] = vsubq_s16(b2, b5);
    v[7] = vsubq_s16(b0, b7);
}

void transpose8(int16x8_t v[8]) {
    int16x8_t a[8], b[8];
    for (int i = 0; i < 8; i += 2) {
        a[i] = vtrn1q_s16(v[i], v[i + 1]);
        a[i + 1] = vtrn2q_s16(v[i], v[i + 1]);
    }
    for (int i = 0; i < 8; i += 4)
        for (int j = 0; j < 2; j++) {
            int32x4_t low = vreinterpretq_s32_s16(a[i + j]), high = vreinterpretq_s32_s16(a[i + j + 2]);
            b[i + j] = vreinterpretq_s16_s32(vtrn1q_s32(low, high));
            b[i + j + 2] = vreinterpretq_s16_s32(vtrn2q_s32(low, high));
        }
    for (int i = 0; i < 4; i++) {
        int64x2_t low = vreinterpretq_s64_s16(b[i]), high = vreinterpretq_s64_s16(b[i + 4]);
        v[i] = vreinterpretq_s16_s64(vtrn1q_s64(low, high));
        v[i + 4] = vreinterpretq_s16_s64(vtrn2q_s64(low, high));
    }
}

void idct8x8_neon(int16_t* dst, ptrdiff_t stride, int16_t* coefficients) {
    int16x8_t v[8];
    for (int y = 0; y < 8; y++) {
        v[y] = vld1q_s16(coefficients + 8 * y);
        vst1q_s16(coefficients + 8 * y, vdupq_n_s16(0));
    }
    transpose8(v);
    transform8(v);
    transpose8(v);
    transform8(v);
    for (int y = 0; y < 8; y++) vst1q_s16(dst + y * stride, vshrq_n_s16(vaddq_s16(v[y], vdupq_n_s16(32)), 6));
}

}  // namespace

extern const Kernels kNeonKernels;
const Kernels kNeonKernels = {
    "neon",
    idct4x4_neon,
    idct8x8_neon,
    {hevc_idct<VectorNeon, 4>, hevc_idct<VectorNeon, 8>, hevc_idct<VectorNeon, 16>, hevc_idct<VectorNeon, 32>},
    hevc_idst4x4<VectorNeon>,
};

}  // namespace attp_kernels
