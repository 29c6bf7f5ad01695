// Variable length codes of clause 9.2.
#pragma once

#include <cstdint>

#include "bits/bit_reader.h"

namespace attp {
namespace h264 {

// All these codes are some zeros, a one, and at most three bits more: looked up by the zeros and the three bits.
struct VlcTable {
    struct Entry {
        uint8_t length;  // 0: not a code word
        uint8_t value;
    };
    Entry entry[17 * 8];

    // -1: not a code word.
    int read(BitReader* r) const {
        uint32_t window = static_cast<uint32_t>(r->peek(20));
        int zeros = window < 16 ? 16 : __builtin_clz(window) - 12;
        Entry e = entry[zeros * 8 + (window >> (16 - zeros) & 7)];
        if (e.length == 0) return -1;
        r->skip(e.length);
        return e.value;
    }
};

struct CavlcTables {
    VlcTable coeff_token[4];       // 0 <= nC < 2, < 4, < 8, nC == -1; value: TotalCoeff << 2 | TrailingOnes
    VlcTable total_zeros_4x4[15];  // by TotalCoeff - 1
    VlcTable total_zeros_chroma_dc[3];
    VlcTable run_before[7];  // by min(zerosLeft, 7) - 1
};

extern const CavlcTables kCavlcTables;
extern const uint8_t kCodedBlockPattern[2][48];
extern const uint8_t kCodedBlockPatternMonochrome[2][16];

}  // namespace h264
}  // namespace attp
