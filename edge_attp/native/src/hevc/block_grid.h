// What later blocks of a picture must know of earlier ones, per 8x8 luma block, the smallest coding block.
#pragma once

#include <cstdint>
#include <vector>

namespace attp {
namespace hevc {

struct CuInfo {
    uint32_t stamp;    // of the slice and tile it was read in, 0 for none; never the same twice
    uint8_t ct_depth;  // CtDepth
    bool is_skipped;   // cu_skip_flag
    bool is_intra;
    int8_t qp_y;  // QpY
};

// Scratch memory of one picture being read. A border all around is never available.
class BlockGrid {
  public:
    BlockGrid(int width_px, int height_px)
        : width8_((width_px + 7) / 8),
          height8_((height_px + 7) / 8),
          stride8_(width8_ + 2),
          stride4_(2 * width8_),
          cus_(static_cast<size_t>(stride8_) * static_cast<size_t>(height8_ + 2), CuInfo{}),
          intra_modes_(static_cast<size_t>(stride4_) * static_cast<size_t>(2 * height8_), 0) {}

    // Stamps of `count` slices and tiles: all that were used before differ from what follows.
    void reserve_stamps(uint64_t count) {
        if (last_stamp + count < UINT32_MAX) return;
        for (CuInfo& cu : cus_) cu.stamp = 0;
        last_stamp = 0;
    }

    // Coordinates in luma samples; up to one 8x8 block outside the picture.
    CuInfo* at(int x, int y) { return &cus_[static_cast<size_t>(((y >> 3) + 1) * stride8_ + (x >> 3) + 1)]; }

    // A coding block. Only its lower and right edge are written: others look at nothing else of it.
    void fill(int x, int y, int size, const CuInfo& info) {
        for_edges(x, y, size, [&info](CuInfo* cu) { *cu = info; });
    }
    void fill_qp(int x, int y, int size, int qp_y) {
        for_edges(x, y, size, [qp_y](CuInfo* cu) { cu->qp_y = static_cast<int8_t>(qp_y); });
    }

    // IntraPredModeY, per 4x4 block; only valid where the coding unit is intra.
    uint8_t intra_mode(int x, int y) const { return intra_modes_[static_cast<size_t>((y >> 2) * stride4_ + (x >> 2))]; }
    void fill_intra_mode(int x, int y, int size, int mode) {
        uint8_t* row = &intra_modes_[static_cast<size_t>((y >> 2) * stride4_ + (x >> 2))];
        for (int j = 0; j < size >> 2; j++, row += stride4_)
            for (int i = 0; i < size >> 2; i++) row[i] = static_cast<uint8_t>(mode);
    }

    uint32_t last_stamp = 0;

  private:
    template <typename Action>
    void for_edges(int x, int y, int size, Action&& action) {
        const int last = (size >> 3) - 1;
        CuInfo* const lower_left = at(x, y) + last * stride8_;
        for (int i = 0; i <= last; i++) action(lower_left + i);
        for (int j = 1; j <= last; j++) action(lower_left + last - j * stride8_);
    }

    const int width8_, height8_, stride8_, stride4_;
    std::vector<CuInfo> cus_;
    std::vector<uint8_t> intra_modes_;
};

}  // namespace hevc
}  // namespace attp
