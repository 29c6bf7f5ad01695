// What is remembered of a macroblock while its slice is read: the neighbour information of clause 6.4 and 9.3.3.1.1, and the
// macroblock types of Tables 7-11 to 7-18.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace attp {
namespace h264 {

// Entries that read "not available" are all zero but for `cbp` and `cbf`, so that context derivations need no test.
struct MbInfo {
    uint32_t slice = 0;  // stamp of the slice it belongs to; unique while a Workspace lives
    uint32_t cbf =
        0;  // CABAC coded_block_flags: bit y * 4 + x luma, 16-19 Cb AC, 20-23 Cr AC, 24 Y DC, 25 Cb DC, 26 Cr DC
    uint8_t cbp = 0;              // coded_block_pattern: luma in bits 0-3, chroma in bits 4-5
    uint8_t is_coded = 0;         // available and not P_Skip or B_Skip
    uint8_t is_not_direct = 0;    // available and not B_Skip or B_Direct_16x16
    uint8_t is_not_nxn = 0;       // available and not I_NxN
    uint8_t has_chroma_mode = 0;  // intra_chroma_pred_mode is not 0
    uint8_t transform_size_8x8_flag = 0;
    uint8_t ref_idx_gt0[2] = {0, 0};   // bit per 8x8: ref_idx > 0 was sent
    uint8_t total_coeff[24] = {};      // CAVLC: 16 luma in raster order, 4 Cb, 4 Cr
    uint8_t mvd_bottom[2][4][2] = {};  // CABAC: |mvd| of the last row and column, capped
    uint8_t mvd_right[2][4][2] = {};
};

constexpr uint32_t kAllCoded = 0x7ffffff;
constexpr uint32_t kCbfDcY = 24, kCbfDcCb = 25;

// Neighbours outside the slice, as intra and as inter macroblocks see them (clause 9.3.3.1.1.9).
extern const MbInfo kUnavailableForIntra;
extern const MbInfo kUnavailableForInter;

// Memory of one thread that reads slices: reused from picture to picture, never cleared (stamps tell).
struct Workspace {
    Workspace(int width_mbs, int height_mbs) : mbs(static_cast<size_t>(width_mbs) * static_cast<size_t>(height_mbs)) {}
    // Room for this many slices of one picture. Stamps last for years of video, not for ever.
    void reserve_stamps(size_t slices) {
        if (last_stamp < UINT32_MAX - slices) return;
        std::fill(mbs.begin(), mbs.end(), MbInfo());
        last_stamp = 0;
    }
    std::vector<MbInfo> mbs;
    uint32_t last_stamp = 0;
};

// Prediction lists of a partition.
enum PredLists : uint8_t { kPredNone = 0, kPredL0 = 1, kPredL1 = 2, kPredBi = 3 };

enum class Shape : uint8_t { k16x16, k16x8, k8x16, k8x8 };

struct InterType {
    Shape shape;
    uint8_t lists[2];
};

struct SubType {
    uint8_t lists;
    uint8_t width4, height4;  // of a sub-macroblock partition, in 4x4 blocks
};

constexpr int kBDirect = 0;
constexpr int kB8x8 = 22;
constexpr int kP8x8 = 3;
constexpr int kP8x8Ref0 = 4;
constexpr int kIPcm = 25;

extern const InterType kPTypes[5];    // Table 7-13
extern const InterType kBTypes[23];   // Table 7-14
extern const SubType kPSubTypes[4];   // Table 7-17
extern const SubType kBSubTypes[13];  // Table 7-18; direct: 4x4 partitions, no list sent

// x + 4 * y of the 4x4 luma blocks in decoding order (Figure 6-10). It is its own inverse.
extern const uint8_t kBlockRaster[16];

}  // namespace h264
}  // namespace attp
