#include "regions/cells.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace attp {
namespace {

constexpr int kMostCellsAcross = 128;
constexpr int kStep4 = 2;                                           // from one looked-at 4x4 block to the next
constexpr int kQuarter4 = 2;                                        // 4x4 blocks along a quarter of a macroblock
constexpr uint32_t kQuarters[] = {0x0033, 0x00cc, 0x3300, 0xcc00};  // their blocks in ResidualPlanes::dirty

// What is summed over the looked-at blocks of a cell.
struct Sums {
    float u = 0.0f, v = 0.0f;
    int blocks = 0, moving = 0, intra = 0;
};

void sum_motion_row(const CellInput& in, int y4, int cell4, ScaleCache cache[2], Sums* sums) {
    const MotionPlanes& m = *in.motion;
    int64_t at = static_cast<int64_t>(y4 + in.window.y4) * m.stride4 + in.window.x4;
    for (int begin = 0; begin < in.window.width4; begin += cell4, sums++) {
        const int end = std::min(begin + cell4, in.window.width4);
        Sums sum = *sums;
        for (int x4 = begin; x4 < end; x4 += kStep4, at += kStep4) {
            float u, v;
            sum.blocks++;
            if (block_flow(m, at, cache, &u, &v)) {
                sum.u += u;
                sum.v += v;
                sum.moving++;
            } else {
                sum.intra += m.mode[at] == ATTP_MODE_INTRA || m.mode[at] == ATTP_MODE_PCM;
            }
        }
        *sums = sum;
    }
}

// Every second row of the motion or the residual of small cells is looked at, every fourth one of larger ones.
int row_step(int cell_px) { return cell_px > 8 ? 4 : 2; }

template <int Step>
int32_t quarter_change(const int16_t* p, ptrdiff_t stride) {
    constexpr int kSamples = 8 * 8 / Step;
    int16_t samples[kSamples];  // in a row, which compilers add with few instructions
    for (int i = 0; i < kSamples; i += 8, p += Step * stride) std::memcpy(samples + i, p, 16);
    int32_t sum = 0;
    for (int i = 0; i < kSamples; i++) sum += std::abs(static_cast<int32_t>(samples[i]));
    return sum;
}

// Adds |residual| of the quarters of macroblocks that hold coded blocks to the cells that their middles lie in. What is not coded is 0.
void sum_change(const CellInput& in, int cell4, const CellGrid& grid, std::vector<int64_t>* change) {
    const ResidualPlanes& r = *in.residual;
    const BlockWindow& w = in.window;
    const uint32_t* dirty = r.dirty.data();
    const auto change_of = row_step(cell4 * 4) == 2 ? quarter_change<2> : quarter_change<4>;
    for (int mb_y = 0; mb_y < r.height_mbs; mb_y++)
        for (int mb_x = 0; mb_x < r.width_mbs; mb_x++, dirty++) {
            if ((*dirty & 0xffff) == 0) continue;
            for (int quarter = 0; quarter < 4; quarter++) {
                if ((*dirty & kQuarters[quarter]) == 0) continue;
                const int left4 = mb_x * 4 + (quarter & 1) * kQuarter4, top4 = mb_y * 4 + (quarter >> 1) * kQuarter4;
                const int x4 = left4 - w.x4 + 1, y4 = top4 - w.y4 + 1;
                if (x4 < 0 || y4 < 0 || x4 / cell4 >= grid.width || y4 / cell4 >= grid.height) continue;
                (*change)[static_cast<size_t>(y4 / cell4) * static_cast<size_t>(grid.width) +
                          static_cast<size_t>(x4 / cell4)] +=
                    change_of(r.plane[0] + static_cast<ptrdiff_t>(top4) * 4 * r.stride_y + left4 * 4, r.stride_y);
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
        for (int y4 = y * cell4; y4 < std::min((y + 1) * cell4, in.window.height4); y4 += row_step(cell_px))
            sum_motion_row(in, y4, cell4, cache, sums.data());
        finish_row(sums, &grid->cells[static_cast<size_t>(y) * static_cast<size_t>(grid->width)]);
    }
    if (in.residual == nullptr) return;
    std::vector<int64_t> change(grid->cells.size(), 0);
    sum_change(in, cell4, *grid, &change);
    const float unit = static_cast<float>(row_step(cell_px)) / static_cast<float>(cell_px * cell_px) /
                       static_cast<float>(1 << (in.bit_depth - 8));
    for (size_t i = 0; i < change.size(); i++) grid->cells[i].change = static_cast<float>(change[i]) * unit;
}

}  // namespace attp
