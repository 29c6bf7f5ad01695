// 16-bit floats as they lie in memory, and their value in 32 bits, on the device and on the host. Knows nothing of what
// is computed with them. The device part is PTX, so that it needs no header of CUDA.
#pragma once

#ifndef __CUDACC__
#include <cmath>
#include <cstdint>
#endif

// Marks what runs on the device; the host compiles the same text to check it.
#ifdef __CUDACC__
#define EDGE_ATTP_DEVICE __device__ __forceinline__
#define EDGE_ATTP_UNROLL _Pragma("unroll 4")
#else
#define EDGE_ATTP_DEVICE inline
#define EDGE_ATTP_UNROLL
#endif

namespace edge_attp {

struct Half {
    unsigned short bits;
};

struct FloatPair {
    float first;
    float second;
};

#ifdef __CUDACC__

EDGE_ATTP_DEVICE float widen(unsigned short bits) {
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
    return value;
}

EDGE_ATTP_DEVICE unsigned load_word(const Half* address) { return *reinterpret_cast<const unsigned*>(address); }

#else

EDGE_ATTP_DEVICE float widen(unsigned short bits) {
    const int exponent = bits >> 10 & 31;
    const int fraction = bits & 1023;
    const float magnitude = exponent == 31  ? (fraction ? NAN : INFINITY)
                            : exponent == 0 ? std::ldexp(static_cast<float>(fraction), -24)
                                            : std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
    return bits & 0x8000 ? -magnitude : magnitude;
}

// Where a GPU would fault, between words, the host reads two NaN.
EDGE_ATTP_DEVICE unsigned load_word(const Half* address) {
    typedef unsigned __attribute__((may_alias)) Word;
    const bool is_aligned = reinterpret_cast<std::uintptr_t>(address) % sizeof(Word) == 0;
    return is_aligned ? *reinterpret_cast<const Word*>(address) : 0x7e007e00;
}

#endif

EDGE_ATTP_DEVICE float load(const Half* address) { return widen(address->bits); }
EDGE_ATTP_DEVICE float load(const float* address) { return *address; }

// Two adjacent numbers by one load of 32 bits.
EDGE_ATTP_DEVICE FloatPair load_pair(const Half* address) {
    const unsigned word = load_word(address);
    return {widen(static_cast<unsigned short>(word & 0xffff)), widen(static_cast<unsigned short>(word >> 16))};
}

}  // namespace edge_attp
