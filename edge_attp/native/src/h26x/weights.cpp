#include "h26x/weights.h"

namespace attp {

PredWeight default_weight(const int log2_denom[2]) {
    PredWeight w = {};
    for (int c = 0; c < 3; c++) w.weight[c] = static_cast<int16_t>(1 << log2_denom[c > 0]);
    return w;
}

BlockWeights explicit_weights(const PredWeightTable& table, const int refs[2]) {
    BlockWeights w = {{table.log2_denom[0], table.log2_denom[1]}, {}};
    for (int list = 0; list < 2; list++) {
        w.list[list] = default_weight(table.log2_denom);
        if (table.is_present && refs[list] >= 0) w.list[list] = table.entries[list][static_cast<size_t>(refs[list])];
    }
    return w;
}

}  // namespace attp
