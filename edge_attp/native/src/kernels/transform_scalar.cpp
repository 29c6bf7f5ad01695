#include <cstring>

#include "kernels/hevc_transform_scalar.h"
#include "kernels/kernels.h"

namespace attp_kernels {
namespace {

int16_t wrap(int v) { return static_cast<int16_t>(v); }

// Clause 8.5.12.2, one row or column.
void transform4(const int16_t in[4], int16_t out[4]) {
    int16_t e0 = wrap(in[0] + in[2]), e1 = wrap(in[0] - in[2]);
    int16_t e2 = wrap((in[1] >> 1) - in[3]), e3 = wrap(in[1] + (in[3] >> 1));
    out[0] = wrap(e0 + e3);
    out[1] = wrap(e1 + e2);
    out[2] = wrap(e1 - e2);
    out[3] = wrap(e0 - e3);
}

// Clause 8.5.13, one row or column.
void transform8(const int16_t in[8], int16_t out[8]) {
    int16_t a0 = wrap(in[0] + in[4]), a2 = wrap(in[0] - in[4]);
    int16_t a4 = wrap((in[2] >> 1) - in[6]), a6 = wrap(in[2] + (in[6] >> 1));
    int16_t a1 = wrap(wrap(in[5] - in[3]) - wrap(in[7] + (in[7] >> 1)));
    int16_t a3 = wrap(wrap(in[1] + in[7]) - wrap(in[3] + (in[3] >> 1)));
    int16_t a5 = wrap(wrap(in[7] - in[1]) + wrap(in[5] + (in[5] >> 1)));
    int16_t a7 = wrap(wrap(in[3] + in[5]) + wrap(in[1] + (in[1] >> 1)));
    int16_t b0 = wrap(a0 + a6), b2 = wrap(a2 + a4), b4 = wrap(a2 - a4), b6 = wrap(a0 - a6);
    int16_t b1 = wrap(a1 + (a7 >> 2)), b7 = wrap(a7 - (a1 >> 2));
    int16_t b3 = wrap(a3 + (a5 >> 2)), b5 = wrap((a3 >> 2) - a5);
    out[0] = wrap(b0 + b7);
    out[1] = wrap(b2 + b5);
    out[2] = wrap(b4 + b3);
    out[3] = wrap(b6 + b1);
    out[4] = wrap(b6 - b1);
    out[5] = wrap(b4 - b3);
    out[6] = wrap(b2 - b5);
    out[7] = wrap(b0 - b7);
}

template <int kSize, void (*kTransform)(const int16_t*, int16_t*)>
void inverse_transform(int16_t* dst, ptrdiff_t stride, int16_t* coefficients) {
    int16_t rows[kSize][kSize];
    for (int y = 0; y < kSize; y++) kTransform(coefficients + y * kSize, rows[y]);
    for (int x = 0; x < kSize; x++) {
        int16_t column[kSize], out[kSize];
        for (int y = 0; y < kSize; y++) column[y] = rows[y][x];
        kTransform(column, out);
        for (int y = 0; y < kSize; y++) dst[y * stride + x] = static_cast<int16_t>(wrap(out[y] + 32) >> 6);
    }
    std::memset(coefficients, 0, kSize * kSize * sizeof(int16_t));
}

}  // namespace

const Kernels kScalarKernels = {
    "scalar",
    inverse_transform<4, transform4>,
    inverse_transform<8, transform8>,
    {
        hevc_inverse_transform<4, dct_coefficient<4>>,
        hevc_inverse_transform<8, dct_coefficient<8>>,
        hevc_inverse_transform<16, dct_coefficient<16>>,
        hevc_inverse_transform<32, dct_coefficient<32>>,
    },
    hevc_inverse_transform<4, dst_coefficient>,
};

}  // namespace attp_kernels
