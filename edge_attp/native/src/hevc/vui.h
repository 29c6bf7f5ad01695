// Profile, tier and level (clause 7.3.3) and video usability information (Annex E.2), which are read mainly to get past them;
// and the timing in a video parameter set.
#pragma once

#include "hevc/params.h"

namespace attp {
namespace hevc {

void parse_profile_tier_level(BitReader* r, int max_sub_layers, Sps* sps);
void parse_vui(BitReader* r, Sps* sps);

// vps_timing_info (clause 7.3.2.1); nothing else of the set concerns the base layer. The timing is 0 where the set has none or
// cannot be read. Returns vps_video_parameter_set_id.
int parse_vps_timing(BitReader* r, Timing* timing);

}  // namespace hevc
}  // namespace attp
