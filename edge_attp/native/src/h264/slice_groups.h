// Macroblock to slice group map (clause 8.2.2), frames only.
#pragma once

#include <cstdint>
#include <vector>

#include "h264/slice_header.h"

namespace attp {
namespace h264 {

// mbToSliceGroupMap, one entry per macroblock; empty with a single slice group.
std::vector<uint8_t> make_slice_group_map(const SliceHeader& header);

}  // namespace h264
}  // namespace attp
