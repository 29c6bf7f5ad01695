// Profile, tier and level (clause 7.3.3) and video usability information (Annex E.2): of little use here, but in the way.
#pragma once

#include "hevc/params.h"

namespace attp {
namespace hevc {

void parse_profile_tier_level(BitReader* r, int max_sub_layers, Sps* sps);
void parse_vui(BitReader* r, Sps* sps);

}  // namespace hevc
}  // namespace attp
