#include "bits/nal.h"

#include <cstring>

#include "bits/bit_reader.h"

namespace attp {

const uint8_t* find_start_code(const uint8_t* p, const uint8_t* end) {
    while (end - p >= 3) {
        const uint8_t* one = static_cast<const uint8_t*>(std::memchr(p + 2, 1, static_cast<size_t>(end - p - 2)));
        if (one == nullptr) return end;
        if (one[-1] == 0 && one[-2] == 0) return one - 2;
        p = one - 1;
    }
    return end;
}

size_t read_length(const uint8_t* p, size_t count) {
    size_t length = 0;
    for (size_t i = 0; i < count; i++) length = length << 8 | p[i];
    return length;
}

bool are_lengths_exact(const uint8_t* p, const uint8_t* end, size_t length_bytes) {
    size_t first = 0;  // length of the first non-empty unit
    while (static_cast<size_t>(end - p) >= length_bytes) {
        const size_t length = read_length(p, length_bytes);
        p += length_bytes;
        if (length > static_cast<size_t>(end - p)) return false;
        p += length;
        if (first == 0) first = length;
    }
    return p == end && (first != 1 || length_bytes > 2);
}

bool begins_with_start_code(const uint8_t* p, const uint8_t* end) {
    const uint8_t* begin = p;
    while (p < end && *p == 0) p++;
    return p - begin >= 2 && p < end && *p == 1;
}

size_t unescape(const uint8_t* payload, size_t bytes, std::vector<uint8_t>* rbsp, std::vector<size_t>* removed) {
    if (removed != nullptr) removed->clear();
    rbsp->resize(bytes + kRbspPadding);
    const uint8_t* p = payload;
    const uint8_t* end = payload + bytes;
    uint8_t* out = rbsp->data();
    // emulation_prevention_three_byte is rare, so whole runs are copied up to each 00 00 03.
    const uint8_t* search = p;
    while (end - search >= 3) {
        const uint8_t* three =
            static_cast<const uint8_t*>(std::memchr(search + 2, 3, static_cast<size_t>(end - search - 2)));
        if (three == nullptr) break;
        if (three[-1] == 0 && three[-2] == 0) {
            size_t run = static_cast<size_t>(three - p);
            std::memcpy(out, p, run);
            out += run;
            if (removed != nullptr) removed->push_back(static_cast<size_t>(three - payload));
            p = three + 1;
            search = p;
        } else {
            search = three - 1;
        }
    }
    size_t tail = static_cast<size_t>(end - p);
    if (tail > 0) std::memcpy(out, p, tail);
    out += tail;
    size_t length = static_cast<size_t>(out - rbsp->data());
    std::memset(out, 0, rbsp->size() - length);
    rbsp->resize(length + kRbspPadding);
    return length;
}

}  // namespace attp
