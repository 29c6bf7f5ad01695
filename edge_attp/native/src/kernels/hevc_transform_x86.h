// The vectors of hevc_transform.h for x86: 128 bits from SSE4.1 on, 256 with AVX2.
#pragma once

#include <immintrin.h>

#include "kernels/hevc_transform.h"

namespace attp_kernels {
namespace {

// Two factors, for every pair of rows. Read apart from the next two, so that it is a broadcasting load.
inline int pair(const int16_t* factors) {
    int both;
    std::memcpy(&both, factors, sizeof(both));
    return both;
}

// Rows two by two, column by column, as pmaddwd takes them.
template <class Register>
struct PairVector : Register {
    using Sum = typename Register::Type;
    struct Quad {
        Sum even, odd;  // rows 0 and 2, rows 1 and 3
    };
    static constexpr int kOrder[4] = {0, 2, 1, 3};

    static Quad load(const int16_t* rows, int pitch) {
        return {Register::interleave(rows, rows + 2 * pitch), Register::interleave(rows + pitch, rows + 3 * pitch)};
    }
    static Quad scale(Quad q, int shift) {
        __m128i count = _mm_cvtsi32_si128(shift);
        return {Register::shift_left(q.even, count), Register::shift_left(q.odd, count)};
    }
    static Quad in_order(Quad q) { return {Register::swap_middle(q.even), Register::swap_middle(q.odd)}; }
    static void accumulate(Sum& even, Sum& odd, Quad q, const int16_t* factors) {
        even = Register::add(even, Register::multiply_add(q.even, Register::broadcast(pair(factors))));
        odd = Register::add(odd, Register::multiply_add(q.odd, Register::broadcast(pair(factors + 2))));
    }
};

struct Register128 {
    using Type = __m128i;
    static constexpr int kLanes = 4;

    static Type add(Type a, Type b) { return _mm_add_epi32(a, b); }
    static Type subtract(Type a, Type b) { return _mm_sub_epi32(a, b); }
    static Type broadcast(int v) { return _mm_set1_epi32(v); }
    static Type multiply_add(Type a, Type b) { return _mm_madd_epi16(a, b); }
    static Type shift_left(Type v, __m128i count) { return _mm_sll_epi16(v, count); }
    static Type swap_middle(Type v) { return _mm_shuffle_epi32(v, 0xd8); }
    static Type interleave(const int16_t* a, const int16_t* b) {
        return _mm_unpacklo_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(a)),
                                  _mm_loadl_epi64(reinterpret_cast<const __m128i*>(b)));
    }
    template <int kShift>
    static void store(int16_t* a, int16_t* b, Type sum_a, Type sum_b) {
        Type both = _mm_packs_epi32(_mm_srai_epi32(sum_a, kShift), _mm_srai_epi32(sum_b, kShift));
        _mm_storel_epi64(reinterpret_cast<__m128i*>(a), both);
        _mm_storeh_pd(reinterpret_cast<double*>(b), _mm_castsi128_pd(both));
    }
    template <int kShift>
    static void store_mirrored(int16_t* a, int16_t* b, Type sum_a, Type sum_b) {
        store<kShift>(a, b, sum_a, _mm_shuffle_epi32(sum_b, 0x1b));
    }
};
using Vector128 = PairVector<Register128>;

#ifdef __AVX2__
struct Register256 {
    using Type = __m256i;
    static constexpr int kLanes = 8;

    static Type add(Type a, Type b) { return _mm256_add_epi32(a, b); }
    static Type subtract(Type a, Type b) { return _mm256_sub_epi32(a, b); }
    static Type broadcast(int v) { return _mm256_set1_epi32(v); }
    static Type multiply_add(Type a, Type b) { return _mm256_madd_epi16(a, b); }
    static Type shift_left(Type v, __m128i count) { return _mm256_sll_epi16(v, count); }
    static Type swap_middle(Type v) { return _mm256_shuffle_epi32(v, 0xd8); }
    static Type interleave(const int16_t* a, const int16_t* b) {
        __m128i row_a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(a));
        __m128i row_b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(b));
        Type low = _mm256_castsi128_si256(_mm_unpacklo_epi16(row_a, row_b));
        return _mm256_inserti128_si256(low, _mm_unpackhi_epi16(row_a, row_b), 1);
    }
    template <int kShift>
    static void store(int16_t* a, int16_t* b, Type sum_a, Type sum_b) {
        Type both = _mm256_packs_epi32(_mm256_srai_epi32(sum_a, kShift), _mm256_srai_epi32(sum_b, kShift));
        both = _mm256_permute4x64_epi64(both, 0xd8);
        _mm_storeu_si128(reinterpret_cast<__m128i*>(a), _mm256_castsi256_si128(both));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(b), _mm256_extracti128_si256(both, 1));
    }
    template <int kShift>
    static void store_mirrored(int16_t* a, int16_t* b, Type sum_a, Type sum_b) {
        store<kShift>(a, b, sum_a, _mm256_permutevar8x32_epi32(sum_b, _mm256_setr_epi32(7, 6, 5, 4, 3, 2, 1, 0)));
    }
};
using Vector256 = PairVector<Register256>;
#endif

}  // namespace
}  // namespace attp_kernels
