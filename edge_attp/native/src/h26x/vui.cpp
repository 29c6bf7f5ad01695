#include "h26x/vui.h"

namespace attp {

void skip_video_description(BitReader* r) {
    if (r->flag() && r->u(8) == 255) r->u(32);  // aspect_ratio_idc, sar_width, sar_height
    if (r->flag()) r->u(1);                     // overscan_appropriate_flag
    if (r->flag()) {                            // video_signal_type_present_flag
        r->u(4);
        if (r->flag()) r->u(24);
    }
    if (r->flag()) {  // chroma_loc_info_present_flag
        r->ue();
        r->ue();
    }
}

void read_timing(BitReader* r, Timing* timing) {
    Timing sent;
    sent.num_units_in_tick = r->u(32);
    sent.time_scale = r->u(32);
    if (!r->overrun()) *timing = sent;
}

}  // namespace attp
