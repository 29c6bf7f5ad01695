// The HEVC inverse transforms as clause 8.6.4.2 writes them: two matrix products. They are the reference.
#pragma once

#include <cstring>

#include "kernels/hevc_transform_matrix.h"
#include "kernels/kernels.h"

namespace attp_kernels {
namespace {

template <int kSize>
int dct_coefficient(int k, int n) {
    int row = k * (32 / kSize);
    if (n < 16) return kTransMatrix[row][n];
    return row % 2 == 0 ? kTransMatrix[row][31 - n] : -kTransMatrix[row][31 - n];
}

int dst_coefficient(int k, int n) { return kDstMatrix[k][n]; }

int16_t shift_and_clip(int sum, int shift) {
    int v = (sum + (1 << (shift - 1))) >> shift;
    return static_cast<int16_t>(v < INT16_MIN ? INT16_MIN : v > INT16_MAX ? INT16_MAX : v);
}

template <int kSize, int (*kMatrix)(int k, int n)>
void hevc_inverse_transform(int16_t* dst, ptrdiff_t stride, int16_t* coefficients, int bd_shift, int width,
                            int height) {
    int16_t columns[kSize][kSize];
    for (int y = 0; y < kSize; y++)
        for (int x = 0; x < width; x++) {
            int sum = 0;
            for (int k = 0; k < height; k++) sum += kMatrix(k, y) * coefficients[k * kSize + x];
            columns[y][x] = shift_and_clip(sum, 7);
        }
    for (int y = 0; y < kSize; y++)
        for (int x = 0; x < kSize; x++) {
            int sum = 0;
            for (int k = 0; k < width; k++) sum += kMatrix(k, x) * columns[y][k];
            dst[y * stride + x] = shift_and_clip(sum, bd_shift);
        }
    std::memset(coefficients, 0, static_cast<size_t>(kSize * height) * sizeof(int16_t));
}

}  // namespace
}  // namespace attp_kernels
