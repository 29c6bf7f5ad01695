// Video usability information, where its syntax is the same in both codecs (H.264 clause E.1.1, HEVC clause E.2.1).
#pragma once

#include <cstdint>

#include "bits/bit_reader.h"

namespace attp {

struct Timing {
    uint32_t num_units_in_tick = 0;  // 0: not known
    uint32_t time_scale = 0;
};

// From the beginning of vui_parameters() through chroma_loc_info.
void skip_video_description(BitReader* r);

// num_units_in_tick and time_scale. `timing` stays what it was if the structure ends before them.
void read_timing(BitReader* r, Timing* timing);

}  // namespace attp
