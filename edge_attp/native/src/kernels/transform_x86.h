// Inverse transforms with 128-bit vectors of int16; compiled once for SSE4.1 and once for AVX2.
#pragma once

#include <immintrin.h>

#include "kernels/kernels.h"

namespace attp_kernels {
namespace {

inline __m128i half(__m128i v) { return _mm_srai_epi16(v, 1); }

// Clause 8.5.12.2 on four vectors at once: v[k] holds element k of every row or column.
inline void transform4(__m128i v[4]) {
    __m128i e0 = _mm_add_epi16(v[0], v[2]), e1 = _mm_sub_epi16(v[0], v[2]);
    __m128i e2 = _mm_sub_epi16(half(v[1]), v[3]), e3 = _mm_add_epi16(v[1], half(v[3]));
    v[0] = _mm_add_epi16(e0, e3);
    v[1] = _mm_add_epi16(e1, e2);
    v[2] = _mm_sub_epi16(e1, e2);
    v[3] = _mm_sub_epi16(e0, e3);
}

// Rows in the low halves of v.
inline void transpose4(__m128i v[4]) {
    __m128i a = _mm_unpacklo_epi16(v[0], v[1]), b = _mm_unpacklo_epi16(v[2], v[3]);
    __m128i low = _mm_unpacklo_epi32(a, b), high = _mm_unpackhi_epi32(a, b);
    v[0] = low;
    v[1] = _mm_unpackhi_epi64(low, low);
    v[2] = high;
    v[3] = _mm_unpackhi_epi64(high, high);
}

inline void idct4x4_x86(int16_t* dst, ptrdiff_t stride, int16_t* coefficients) {
    __m128i* c = reinterpret_cast<__m128i*>(coefficients);
    __m128i top = _mm_loadu_si128(c), bottom = _mm_loadu_si128(c + 1);
    _mm_storeu_si128(c, _mm_setzero_si128());
    _mm_storeu_si128(c + 1, _mm_setzero_si128());
    __m128i v[4] = {top, _mm_unpackhi_epi64(top, top), bottom, _mm_unpackhi_epi64(bottom, bottom)};
    transpose4(v);
    transform4(v);
    transpose4(v);
    transform4(v);
    const __m128i rounding = _mm_set1_epi16(32);
    for (int y = 0; y < 4; y++)
        _mm_storel_epi64(reinterpret_cast<__m128i*>(dst + y * stride),
                         _mm_srai_epi16(_mm_add_epi16(v[y], rounding), 6));
}

// Clause 8.5.13.
inline void transform8(__m128i v[8]) {
    __m128i a0 = _mm_add_epi16(v[0], v[4]), a2 = _mm_sub_epi16(v[0], v[4]);
    __m128i a4 = _mm_sub_epi16(half(v[2]), v[6]), a6 = _mm_add_epi16(v[2], half(v[6]));
    __m128i a1 = _mm_sub_epi16(_mm_sub_epi16(v[5], v[3]), _mm_add_epi16(v[7], half(v[7])));
    __m128i a3 = _mm_sub_epi16(_mm_add_epi16(v[1], v[7]), _mm_add_epi16(v[3], half(v[3])));
    __m128i a5 = _mm_add_epi16(_mm_sub_epi16(v[7], v[1]), _mm_add_epi16(v[5], half(v[5])));
    __m128i a7 = _mm_add_epi16(_mm_add_epi16(v[3], v[5]), _mm_add_epi16(v[1], half(v[1])));
    __m128i b0 = _mm_add_epi16(a0, a6), b2 = _mm_add_epi16(a2, a4), b4 = _mm_sub_epi16(a2, a4),
            b6 = _mm_sub_epi16(a0, a6);
    __m128i b1 = _mm_add_epi16(a1, _mm_srai_epi16(a7, 2)), b7 = _mm_sub_epi16(a7, _mm_srai_epi16(a1, 2));
    __m128i b3 = _mm_add_epi16(a3, _mm_srai_epi16(a5, 2)), b5 = _mm_sub_epi16(_mm_srai_epi16(a3, 2), a5);
    v[0] = _mm_add_epi16(b0, b7);
    v[1] = _mm_add_epi16(b2, b5);
    v[2] = _mm_add_epi16(b4, b3);
    v[3] = _mm_add_epi16(b6, b1);
    v[4] = _mm_sub_epi16(b6, b1);
    v[5] = _mm_sub_epi16(b4, b3);
    v[6] = _mm_sub_epi16(b2, b5);
    v[7] = _mm_sub_epi16(b0, b7);
}

inline void transpose8(__m128i v[8]) {
    __m128i a[8], b[8];
    for (int i = 0; i < 4; i++) {
        a[2 * i] = _mm_unpacklo_epi16(v[2 * i], v[2 * i + 1]);
        a[2 * i + 1] = _mm_unpackhi_epi16(v[2 * i], v[2 * i + 1]);
    }
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++) {
            b[4 * i + 2 * j] = _mm_unpacklo_epi32(a[4 * i + j], a[4 * i + 2 + j]);
            b[4 * i + 2 * j + 1] = _mm_unpackhi_epi32(a[4 * i + j], a[4 * i + 2 + j]);
        }
    for (int i = 0; i < 4; i++) {
        v[2 * i] = _mm_unpacklo_epi64(b[i], b[4 + i]);
        v[2 * i + 1] = _mm_unpackhi_epi64(b[i], b[4 + i]);
    }
}

inline void idct8x8_x86(int16_t* dst, ptrdiff_t stride, int16_t* coefficients) {
    __m128i* c = reinterpret_cast<__m128i*>(coefficients);
    __m128i v[8];
    for (int y = 0; y < 8; y++) {
        v[y] = _mm_loadu_si128(c + y);
        _mm_storeu_si128(c + y, _mm_setzero_si128());
    }
    transpose8(v);
    transform8(v);
    transpose8(v);
    transform8(v);
    const __m128i rounding = _mm_set1_epi16(32);
    for (int y = 0; y < 8; y++)
        _mm_storeu_si128(reinterpret_cast<__m128i*>(dst + y * stride),
                         _mm_srai_epi16(_mm_add_epi16(v[y], rounding), 6));
}

}  // namespace
}  // namespace attp_kernels
