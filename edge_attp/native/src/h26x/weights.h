// Weighted prediction: what a slice header says about it, and the arrays of the C interface.
#pragma once

#include <cstdint>
#include <vector>

#include "edge_attp.h"
#include "fields/flow.h"
#include "fields/planes.h"

namespace attp {

struct PredWeight {
    int16_t weight[3];  // Y, Cb, Cr
    int16_t offset[3];  // in units of the stream's bit depth
};

// A weight of 1 and no offset.
PredWeight default_weight(const int log2_denom[2]);

// pred_weight_table() (H.264 clause 7.3.3.2, HEVC clause 7.3.6.3).
struct PredWeightTable {
    bool is_present = false;
    int log2_denom[2] = {0, 0};          // luma, chroma
    std::vector<PredWeight> entries[2];  // by list and refIdx
};

// Weights of one block as its slice gives them, before the denominators are equalised.
struct BlockWeights {
    int log2_denom[2];
    PredWeight list[2];
};

// Explicit mode, or default weights where there is no table. refs: refIdx of both lists, -1 where a list is not used.
BlockWeights explicit_weights(const PredWeightTable& table, const int refs[2]);

// Fills the arrays of `out` that are not NULL. log2_denom: the largest of all slices. weights_of(x4, y4, refs) gives the weights of
// the block at (x4, y4) of the coded picture, which uses at least one list.
template <typename WeightsOf>
void fill_block_weights(const MotionPlanes& motion, const BlockWindow& window, const int log2_denom[2],
                        WeightsOf&& weights_of, attp_weights* out) {
    out->log2_denom = log2_denom[0];
    out->chroma_log2_denom = log2_denom[1];
    int16_t* weight[3] = {out->weight, out->cb_weight, out->cr_weight};
    int16_t* offset[3] = {out->offset, out->cb_offset, out->cr_offset};
    const size_t list_size = static_cast<size_t>(window.width4) * static_cast<size_t>(window.height4);
    size_t block = 0;
    for (int y4 = window.y4; y4 < window.y4 + window.height4; y4++)
        for (int x4 = window.x4; x4 < window.x4 + window.width4; x4++, block++) {
            const int refs[2] = {motion.ref_idx_at(0, x4, y4), motion.ref_idx_at(1, x4, y4)};
            BlockWeights w = {};
            if (refs[0] >= 0 || refs[1] >= 0) w = weights_of(x4, y4, refs);
            for (int list = 0; list < 2; list++)
                for (int c = 0; c < 3; c++) {
                    const size_t at = static_cast<size_t>(list) * list_size + block;
                    const int scale = 1 << (log2_denom[c > 0] - w.log2_denom[c > 0]);
                    const bool used = refs[list] >= 0;
                    if (weight[c] != nullptr)
                        weight[c][at] = static_cast<int16_t>(used ? w.list[list].weight[c] * scale : 0);
                    if (offset[c] != nullptr) offset[c][at] = used ? w.list[list].offset[c] : int16_t{0};
                }
        }
}

}  // namespace attp
