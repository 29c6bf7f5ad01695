// What a picture remembers about its references.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "edge_attp.h"

namespace attp {

// What later pictures must know about a reference.
struct Health {
    std::atomic<bool> damaged{false};  // written when the picture is given out, read by pictures given out later
};

// One entry of RefPicList0 or RefPicList1.
struct Reference {
    int32_t decode_index = ATTP_REFERENCE_MISSING;
    int32_t poc = 0;
    bool is_long_term = false;
    bool is_missing = true;  // "no reference picture", or one that was never received
    std::shared_ptr<Health> health;
};

struct ReferenceLists {
    std::vector<Reference> list[2];  // RefPicList0, RefPicList1
};

// A possible reference, and how many pictures earlier it is shown (below 0: later).
struct ReferencePoc {
    int32_t decode_index;
    int32_t poc;
    int64_t distance;
};

// Adds a reference to `pocs` unless it is missing or already listed.
inline void collect(std::vector<ReferencePoc>* pocs, const Reference& reference) {
    auto same = [&](const ReferencePoc& p) { return p.decode_index == reference.decode_index; };
    if (!reference.is_missing && std::none_of(pocs->begin(), pocs->end(), same))
        pocs->push_back({reference.decode_index, reference.poc, 0});
}

}  // namespace attp
