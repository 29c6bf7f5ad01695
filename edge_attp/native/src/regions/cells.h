// One picture on a coarse grid: what the bitstream says of motion and of change in each square cell.
#pragma once

#include <cstdint>
#include <vector>

#include "fields/flow.h"
#include "fields/planes.h"

namespace attp {

struct Cell {
    float u = 0.0f, v = 0.0f;  // mean flow of the blocks with motion, luma pixels per picture interval
    float moving = 0.0f;       // their share of all blocks, 0 to 1
    float intra = 0.0f;        // share of intra blocks
    float change = 0.0f;       // mean |luma residual| of a sample, in units of 8 bits
};

struct CellGrid {
    int width = 0, height = 0;  // cells
    int cell_px = 0;
    std::vector<Cell> cells;  // height rows of width

    const Cell& at(int x, int y) const {
        return cells[static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)];
    }
};

// The side of a cell, a power of two from 8 to 64, for pictures of this size: at most about 128 of them in a row.
int cell_side_px(int width_px, int height_px);

// What a picture has on the area of `window`, in 4x4 blocks of the coded picture. residual may be nullptr.
struct CellInput {
    const MotionPlanes* motion;
    const ResidualPlanes* residual;
    BlockWindow window;
    int bit_depth;
};

// Looks at a part of the blocks and of the residual: at 1080p, reading all would take longer than all else.
void fill_cells(const CellInput& input, const std::vector<FlowScale>& scales, int cell_px, CellGrid* grid);

}  // namespace attp
