#include "hevc/scaling_list.h"

#include <algorithm>
#include <cstring>

#include "hevc/scan.h"

namespace attp {
namespace hevc {
namespace {

struct DiagonalScans {
    Position scan4[16];
    Position scan8[64];
};

constexpr DiagonalScans make_diagonal_scans() {
    DiagonalScans scans = {};
    fill_diagonal_scan(scans.scan4, 4);
    fill_diagonal_scan(scans.scan8, 8);
    return scans;
}

constexpr DiagonalScans kDiagonal = make_diagonal_scans();

// Table 7-6, in scan order.
constexpr uint8_t kDefaultIntra[64] = {16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 17, 16, 17, 16, 17, 18,
                                       17, 18, 18, 17, 18, 21, 19, 20, 21, 20, 19, 21, 24, 22, 22, 24,
                                       24, 22, 22, 24, 25, 25, 27, 30, 27, 25, 25, 29, 31, 35, 35, 31,
                                       29, 36, 41, 44, 41, 36, 47, 54, 54, 47, 65, 70, 65, 88, 88, 115};
constexpr uint8_t kDefaultInter[64] = {16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 17, 17, 17, 17, 17, 18,
                                       18, 18, 18, 18, 18, 20, 20, 20, 20, 20, 20, 20, 24, 24, 24, 24,
                                       24, 24, 24, 24, 25, 25, 25, 25, 25, 25, 25, 28, 28, 28, 28, 28,
                                       28, 33, 33, 33, 33, 33, 41, 41, 41, 41, 54, 54, 54, 71, 71, 91};

// Upsamples a list of kList x kList to a factor of kSize x kSize.
template <int kSize, int kList>
void upsample(const uint8_t* coefficient, const Position* scan, uint8_t* factor) {
    constexpr int kRatio = kSize / kList;
    for (int i = 0; i < kList * kList; i++)
        for (int y = 0; y < kRatio; y++)
            std::memset(factor + (scan[i].y * kRatio + y) * kSize + scan[i].x * kRatio, coefficient[i], kRatio);
}

}  // namespace

ScalingFactors::List ScalingFactors::default_list(int size_id, int matrix_id) {
    List list;
    list.dc = 16;
    if (size_id == 0)
        std::memset(list.coefficient, 16, 64);
    else
        std::memcpy(list.coefficient, matrix_id < 3 ? kDefaultIntra : kDefaultInter, 64);
    return list;
}

void ScalingFactors::expand(int size_id, int matrix_id, const List& list) {
    const uint8_t* c = list.coefficient;
    switch (size_id) {
        case 0:
            upsample<4, 4>(c, kDiagonal.scan4, factor4_[matrix_id]);
            break;
        case 1:
            upsample<8, 8>(c, kDiagonal.scan8, factor8_[matrix_id]);
            break;
        case 2:
            upsample<16, 8>(c, kDiagonal.scan8, factor16_[matrix_id]);
            factor16_[matrix_id][0] = list.dc;
            break;
        default:
            upsample<32, 8>(c, kDiagonal.scan8, factor32_[matrix_id / 3]);
            factor32_[matrix_id / 3][0] = list.dc;
    }
}

void ScalingFactors::set_default() {
    for (int size_id = 0; size_id < 4; size_id++)
        for (int matrix_id = 0; matrix_id < 6; matrix_id += size_id == 3 ? 3 : 1)
            expand(size_id, matrix_id, default_list(size_id, matrix_id));
}

void ScalingFactors::parse(BitReader* r) {
    for (int size_id = 0; size_id < 4; size_id++) {
        const int step = size_id == 3 ? 3 : 1;
        List lists[6];
        for (int matrix_id = 0; matrix_id < 6; matrix_id += step) {
            List& list = lists[matrix_id];
            if (!r->flag()) {  // scaling_list_pred_mode_flag
                int delta = step * static_cast<int>(r->ue("scaling_list_pred_matrix_id_delta",
                                                          static_cast<uint32_t>(matrix_id / step)));
                list = delta == 0 ? default_list(size_id, matrix_id) : lists[matrix_id - delta];
            } else {
                int next = 8;
                list.dc = 16;
                if (size_id > 1) {
                    next = 8 + r->se("scaling_list_dc_coef_minus8", -7, 247);
                    list.dc = static_cast<uint8_t>(next);
                }
                const int count = size_id == 0 ? 16 : 64;
                for (int i = 0; i < count; i++) {
                    next = (next + r->se("scaling_list_delta_coef", -128, 127) + 256) & 255;
                    list.coefficient[i] = static_cast<uint8_t>(next);
                }
            }
            expand(size_id, matrix_id, list);
        }
    }
}

}  // namespace hevc
}  // namespace attp
