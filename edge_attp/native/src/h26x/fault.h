// The one error record that travels from the readers to the C interface: what went wrong, and where.
#pragma once

#include <cinttypes>
#include <cstdarg>
#include <cstdint>
#include <cstdio>

#include "bits/bit_reader.h"
#include "edge_attp.h"

namespace attp {

struct Fault {
    attp_status status = ATTP_OK;
    int64_t bit_position = -1;
    int64_t decode_index = -1;  // picture being read, -1 if none
    char element[64] = "";
    char message[192] = "";

    explicit operator bool() const { return status != ATTP_OK; }

    // Keeps the first fault; later ones are usually its consequences.
    __attribute__((format(printf, 5, 6))) void set(attp_status what, const char* name, int64_t bit, const char* format,
                                                   ...) {
        if (status != ATTP_OK) return;
        status = what;
        bit_position = bit;
        std::snprintf(element, sizeof element, "%s", name);
        va_list args;
        va_start(args, format);
        std::vsnprintf(message, sizeof message, format, args);
        va_end(args);
    }
    void unsupported(const char* feature) { set(ATTP_UNSUPPORTED, feature, -1, "%s is not supported", feature); }
    void take(const char* structure, const BitReader& reader) {
        if (reader.failed()) {
            set(ATTP_CORRUPT, reader.fault(), static_cast<int64_t>(reader.fault_position()),
                "%s: %s has the impossible value %" PRId64, structure, reader.fault(), reader.fault_value());
        } else if (reader.overrun()) {
            set(ATTP_CORRUPT, structure, static_cast<int64_t>(reader.stop_bit()), "%s ends too early", structure);
        }
    }
};

struct Limits {
    int max_width_px = 0;
    int max_height_px = 0;
    int64_t max_picture_px = 0;
    size_t max_nal_bytes = 0;

    // Checks the coded size, which may exceed the displayed size by less than a macroblock.
    void check(int64_t width, int64_t height, Fault* fault) const {
        if (width > max_width_px + 15 || height > max_height_px + 15 || width * height > max_picture_px)
            fault->set(ATTP_LIMIT, "picture size", -1, "the picture size %dx%d exceeds the limit of this decoder",
                       static_cast<int>(width), static_cast<int>(height));
    }
};

}  // namespace attp
