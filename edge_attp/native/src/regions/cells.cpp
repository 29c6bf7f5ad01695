#include "regions/cells.h"

#include <algorithm>
#include <cstdlib>

namespace attp {
namespace {

constexpr int kMostCellsAcross = 128;
constexpr int kStep4 = 2;  // from one looked-at 4x4 block to the next

// What is summed over the looked-at blocks of a cell.
struct Sums {
    float u = 0.0f, v = 0.0f;
    int blocks = 0, moving = 0, intra = 0;
};

void sum_motion_row(const CellInput& in, int y4, int cell4, ScaleCache cache[2], Sums* sums) {
    const MotionPlanes& m = *in.motion;
    const int64_t row = static_cast<int64_t>(y4 + in.window.y4) * m.stride4 + in.window.x4;
    for (int x4 = 0; x4 < in.window.width4; x4 += kStep4) {
        Sums& sum = sums[x4 / cell4];
        float u, v;
        sum.blocks++;
        if (block_flow(m, row + x4, cache, &u, &v)) {
            sum.u += u;
            sum.v += v;
            sum.moving++;
        } else if (m.mode[row + x4] == ATTP_MODE_INTRA || m.mode[row + x4] == ATTP_MODE_PCM) {
            sum.intra++;
        }
    }
}

int32_t block_change(const int16_t* p, ptrdiff_t stride) {
    int32_t sum = 0;
    for (int y = 0; y < 4; y++, p += stride)
        for (int x = 0; x < 4; x++) sum += std::abs(static_cast<int32_t>(p[x]));
    return sum;
}

// Adds |residual| of the coded 4x4 blocks of one macroblock row to the cells they lie in.
void sum_change(const CellInput& in, int cell4, const CellGrid& grid, std::vector<int64_t>* change) {
    const ResidualPlanes& r = *in.residual;
    const BlockWindow& w = in.window;
    for (int mb = 0; mb < r.width_mbs * r.height_mbs; mb++) {
        uint32_t blocks = r.dirty[static_cast<size_t>(mb)] & 0xffff;
        const int left4 = mb % r.width_mbs * 4 - w.x4, top4 = mb / r.width_mbs * 4 - w.y4;
        for (; blocks != 0; blocks &= blocks - 1) {
            const int block = __builtin_ctz(blocks);
            const int x4 = left4 + (block & 3), y4 = top4 + (block >> 2);
            if (x4 < 0 || y4 < 0 || x4 >= w.width4 || y4 >= w.height4) continue;
            const int16_t* p = r.plane[0] + static_cast<ptrdiff_t>(y4 + w.y4) * 4 * r.stride_y + (x4 + w.x4) * 4;
            (*change)[static_cast<size_t>(y4 / cell4) * static_cast<size_t>(grid.width) +
                      static_cast<size_t>(x4 / cell4)] += block_change(p, r.stride_y);
        }
    }
}

void finish_row(const std::vector<Sums>& sums, Cell* cells) {
    for (size_t x = 0; x < sums.size(); x++) {
        const Sums& sum = sums[x];
        Cell& cell = cells[x];
        cell = Cell();
        if (sum.moving > 0) {
            cell.u = sum.u / static_cast<float>(sum.moving);
            cell.v = sum.v / static_cast<float>(sum.moving);
        }
        if (sum.blocks > 0) {
            cell.moving = static_cast<float>(sum.moving) / static_cast<float>(sum.blocks);
            cell.intra = static_cast<float>(sum.intra) / static_cast<float>(sum.blocks);
        }
    }
}

}  // namespace

int cell_side_px(int width_px, int height_px) {
    int side = 8;
    while (side < 64 && std::max(width_px, height_px) > side * kMostCellsAcross) side *= 2;
    return side;
}

void fill_cells(const CellInput& in, const std::vector<FlowScale>& scales, int cell_px, CellGrid* grid) {
    const int cell4 = cell_px / 4;
    grid->cell_px = cell_px;
    grid->width = (in.window.width4 + cell4 - 1) / cell4;
    grid->height = (in.window.height4 + cell4 - 1) / cell4;
    grid->cells.assign(static_cast<size_t>(grid->width) * static_cast<size_t>(grid->height), Cell());
    ScaleCache cache[2] = {ScaleCache(scales), ScaleCache(scales)};
    std::vector<Sums> sums(static_cast<size_t>(grid->width));
    for (int y = 0; y < grid->height; y++) {
        std::fill(sums.begin(), sums.end(), Sums());
        for (int y4 = y * cell4; y4 < std::min((y + 1) * cell4, in.window.height4); y4 += kStep4)
            sum_motion_row(in, y4, cell4, cache, sums.data());
        finish_row(sums, &grid->cells[static_cast<size_t>(y) * static_cast<size_t>(grid->width)]);
    }
    if (in.residual == nullptr) return;
    std::vector<int64_t> change(grid->cells.size(), 0);
    sum_change(in, cell4, *grid, &change);
    const float unit = 1.0f / static_cast<float>(cell_px * cell_px) / static_cast<float>(1 << (in.bit_depth - 8));
    for (size_t i = 0; i < change.size(); i++) grid->cells[i].change = static_cast<float>(change[i]) * unit;
}

}  // namespace attp
