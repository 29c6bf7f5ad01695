// Supplemental enhancement information: the same framing in both codecs (H.264 clause 7.3.2.3.1, HEVC clause 7.3.5).
#pragma once

#include <cstddef>
#include <cstdint>

namespace attp {

constexpr size_t kRecoveryPoint = 6;  // payloadType (H.264 clause D.1, HEVC clause D.2.1)

// Calls message(payload_type, data, bytes) for each sei_message() of an RBSP. A message cut off at the end is skipped.
template <typename Message>
void for_each_sei_message(const uint8_t* rbsp, size_t rbsp_bytes, Message&& message) {
    size_t at = 0;
    // A number is the sum of its bytes; the first that is not 255 is the last.
    auto number = [&](size_t* sum) {
        while (at < rbsp_bytes && rbsp[at] == 0xff) *sum += rbsp[at++];
        if (at < rbsp_bytes) *sum += rbsp[at++];
    };
    // The last byte holds the trailing bits.
    while (at + 2 < rbsp_bytes) {
        size_t payload_type = 0, payload_size = 0;
        number(&payload_type);
        number(&payload_size);
        if (payload_size > rbsp_bytes - at) return;
        message(payload_type, rbsp + at, payload_size);
        at += payload_size;
    }
}

}  // namespace attp
