// The kernel's arguments from checked sizes, for whoever starts it: a GPU (scoring.cu) or a host (the checks).
#pragma once

#include "score_block.h"
#include "scoring.h"

namespace edge_attp {

template <typename Number>
Problem<Number> problem_of(const Sizes& sizes, const void* const (&maps)[3], const float* classifier, float* scores) {
    return {static_cast<const Number*>(maps[0]),
            static_cast<const Number*>(maps[1]),
            static_cast<const Number*>(maps[2]),
            classifier,
            scores,
            static_cast<int>(sizes.projections),
            static_cast<int>(sizes.factors * sizes.positions),
            static_cast<int>(sizes.classes)};
}

}  // namespace edge_attp
