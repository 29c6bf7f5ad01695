// Initial values of the CABAC contexts (clause 9.3.1.1).
#pragma once

#include <cstdint>

namespace attp {
namespace h264 {

constexpr int kContexts = 1024;

// [0: I slices, 1 + cabac_init_idc: P and B slices][ctxIdx][m, n]
extern const int8_t kCabacInit[4][kContexts][2];

}  // namespace h264
}  // namespace attp
