// The bytes of one slice (in HEVC: slice segment), from the NAL unit to the entropy decoder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bits/nal.h"

namespace attp {

struct SliceData {
    std::vector<uint8_t> payload;  // of the NAL unit, until it is read
    std::vector<uint8_t> rbsp;     // without emulation prevention, with kRbspPadding
    size_t rbsp_bytes = 0;
    size_t data_bit = 0;  // where slice_data() begins in the RBSP

    // The payload stays escaped until then, because it may never be needed, or another thread may do the work.
    // `removed`: see unescape().
    void make_rbsp(std::vector<size_t>* removed = nullptr) {
        rbsp_bytes = unescape(payload.data(), payload.size(), &rbsp, removed);
    }
    void free_rbsp() { std::vector<uint8_t>().swap(rbsp); }
    void free_payload() { std::vector<uint8_t>().swap(payload); }
};

}  // namespace attp
