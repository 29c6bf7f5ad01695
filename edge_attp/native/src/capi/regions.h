// The finder behind the C functions of edge_attp_regions.h.
#pragma once

#include "capi/handles.h"

namespace attp {

attp_status open_finder(const attp_finder_options& options, attp_finder** finder);

}  // namespace attp
