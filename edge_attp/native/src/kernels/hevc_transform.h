// The HEVC inverse transforms (clause 8.6.4.2) over a type V of vectors, which has
//   kLanes            columns in a vector
//   Sum               kLanes of int32, with add(), subtract() and broadcast()
//   Quad              kLanes columns of four rows of int16, with load() and scale(quad, shift): every element << shift
//   accumulate(even, odd, quad, factors): row i of the quad times the factor of row i, rows 0 and 2 to even, 1 and 3 to odd
//   kOrder            the row of each of the four factors in memory; in_order(quad) puts every four columns in that order
//   store<shift>(a, b, sum_a, sum_b): shifted, clipped to int16; store_mirrored() reverses the columns of sum_b
// Both passes are sums of rows times factors, so nothing is transposed: in the columns' pass the rows are those of the block
// and the factors those of the matrix, in the rows' pass it is the other way round.
#pragma once

#include <cstring>

#include "kernels/hevc_transform_matrix.h"
#include "kernels/kernels.h"

namespace attp_kernels {
namespace {

// What each of the first kCount outputs takes of each of kSize inputs, in the order of accumulate().
template <int kSize, int kCount>
struct Factors {
    int16_t of[kCount][kSize];
};

template <class V, int kSize, int kCount, int kRows, int kColumns>
constexpr Factors<kSize, kCount> factors(const int16_t (&matrix)[kRows][kColumns]) {
    Factors<kSize, kCount> f{};
    for (int y = 0; y < kCount; y++)
        for (int i = 0; i < kSize; i++) f.of[y][i] = matrix[(i / 4 * 4 + V::kOrder[i % 4]) * (kRows / kSize)][y];
    return f;
}

// The sums of the rows' pass are made for a final shift by 12: the matrix is scaled where bd_shift is less.
constexpr int kFinalShift = 12;

// Even rows of the matrix are symmetric, odd ones antisymmetric: outputs y and kSize - 1 - y share their sums. The coefficients
// from kLimit on are zero, in both passes.
template <class V, int kSize, int kLimit = 4>
void transform_columns(int16_t* out, int16_t* coefficients, int width, int height) {
    if constexpr (kLimit < kSize)
        if (height > kLimit) return transform_columns<V, kSize, 2 * kLimit>(out, coefficients, width, height);
    alignas(64) static constexpr auto kFactors = factors<V, kSize, kSize / 2>(kTransMatrix);
    for (int x = 0; x < width; x += V::kLanes) {
        typename V::Quad quads[kLimit / 4];
        for (int k = 0; k < kLimit; k += 4) quads[k / 4] = V::in_order(V::load(coefficients + k * kSize + x, kSize));
        for (int k = 0; k < kLimit; k++) std::memset(coefficients + k * kSize + x, 0, V::kLanes * sizeof(int16_t));
        for (int y = 0; y < kSize / 2; y++) {
            typename V::Sum even = V::broadcast(64), odd = V::broadcast(0);
            for (int k = 0; k < kLimit; k += 4) V::accumulate(even, odd, quads[k / 4], kFactors.of[y] + k);
            V::template store<7>(out + y * kSize + x, out + (kSize - 1 - y) * kSize + x, V::add(even, odd),
                                 V::subtract(even, odd));
        }
    }
}

template <class V, int kSize, int kLimit = 4>
void transform_rows(int16_t* dst, ptrdiff_t stride, const int16_t* in, int bd_shift, int width) {
    if constexpr (kLimit < kSize)
        if (width > kLimit) return transform_rows<V, kSize, 2 * kLimit>(dst, stride, in, bd_shift, width);
    constexpr int kStep = 32 / kSize;
    for (int x = 0; x < kSize / 2; x += V::kLanes) {
        typename V::Quad quads[kLimit / 4];
        for (int k = 0; k < kLimit; k += 4)
            quads[k / 4] = V::scale(V::load(kTransMatrix[k * kStep] + x, kStep * 16), kFinalShift - bd_shift);
        for (int y = 0; y < kSize; y++) {
            typename V::Sum even = V::broadcast(1 << (kFinalShift - 1)), odd = V::broadcast(0);
            for (int k = 0; k < kLimit; k += 4) V::accumulate(even, odd, quads[k / 4], in + y * kSize + k);
            int16_t* row = dst + y * stride;
            V::template store_mirrored<kFinalShift>(row + x, row + kSize - V::kLanes - x, V::add(even, odd),
                                                    V::subtract(even, odd));
        }
    }
}

// Four outputs of four inputs. Even and odd sums are of no use apart.
template <class V, int kShift>
void transform4(int16_t* out, ptrdiff_t stride, typename V::Quad quad, const int16_t* factors) {
    for (int y = 0; y < 4; y += 2) {
        typename V::Sum even[2] = {V::broadcast(1 << (kShift - 1)), V::broadcast(1 << (kShift - 1))};
        typename V::Sum odd[2] = {V::broadcast(0), V::broadcast(0)};
        for (int i = 0; i < 2; i++) V::accumulate(even[i], odd[i], quad, factors + (y + i) * 4);
        V::template store<kShift>(out + y * stride, out + (y + 1) * stride, V::add(even[0], odd[0]),
                                  V::add(even[1], odd[1]));
    }
}

template <class V, const int16_t (&kMatrix)[4][4]>
void transform4x4(int16_t* dst, ptrdiff_t stride, int16_t* coefficients, int bd_shift) {
    alignas(8) static constexpr auto kFactors = factors<V, 4, 4>(kMatrix);
    typename V::Quad quad = V::in_order(V::load(coefficients, 4));
    std::memset(coefficients, 0, 16 * sizeof(int16_t));
    alignas(8) int16_t between[16];
    transform4<V, 7>(between, 4, quad, &kFactors.of[0][0]);
    quad = V::scale(V::load(kMatrix[0], 4), kFinalShift - bd_shift);
    transform4<V, kFinalShift>(dst, stride, quad, between);
}

template <int kSize>
void fill_with_dc(int16_t* dst, ptrdiff_t stride, int16_t* coefficients, int bd_shift) {
    int column = (64 * coefficients[0] + 64) >> 7;
    int16_t value = static_cast<int16_t>((64 * column + (1 << (bd_shift - 1))) >> bd_shift);
    coefficients[0] = 0;
    for (int y = 0; y < kSize; y++)
        for (int x = 0; x < kSize; x++) dst[y * stride + x] = value;
}

template <class V, int kSize>
void hevc_idct(int16_t* dst, ptrdiff_t stride, int16_t* coefficients, int bd_shift, int width, int height) {
    if (width == 1 && height == 1) return fill_with_dc<kSize>(dst, stride, coefficients, bd_shift);
    if constexpr (kSize == 4) {
        transform4x4<V, kDctMatrix>(dst, stride, coefficients, bd_shift);
    } else {
        int columns = width <= 4 ? 4 : width <= 8 ? 8 : width <= 16 ? 16 : 32;  // what the rows' pass reads
        alignas(64) int16_t between[kSize * kSize];
        transform_columns<V, kSize>(between, coefficients, columns, height);
        transform_rows<V, kSize>(dst, stride, between, bd_shift, columns);
    }
}

template <class V>
void hevc_idst4x4(int16_t* dst, ptrdiff_t stride, int16_t* coefficients, int bd_shift, int /*width*/, int /*height*/) {
    transform4x4<V, kDstMatrix>(dst, stride, coefficients, bd_shift);
}

}  // namespace
}  // namespace attp_kernels
