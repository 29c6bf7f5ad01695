// See tensors.h. Each value is written once, row by row, and never read.
#include "tensors/tensors.h"

#include <algorithm>
#include <memory>
#include <new>

#include "tensors/energy.h"
#include "tensors/resample.h"

namespace attp {

namespace {

// BT.601, Kr = 0.299 and Kb = 0.114, without offsets: residuals are differences.
const float kRedFromV = 1.402f;
const float kGreenFromU = -0.344136286f;
const float kGreenFromV = -0.714136286f;
const float kBlueFromU = 1.772f;

AxisShape horizontal(const attp_tensor_grid& grid, int32_t width, int32_t step) {
    return AxisShape{width, step, grid.resize_width, grid.crop_width};
}

AxisShape vertical(const attp_tensor_grid& grid, int32_t height, int32_t step) {
    return AxisShape{height, step, grid.resize_height, grid.crop_height};
}

template <typename Rows>
attp_status fill_plane(Resampler& blocks, Rows& rows, const attp_tensor_grid& grid, float gain, float bias,
                       float* out) {
    const int64_t width = grid.crop_width;
    std::unique_ptr<float[]> row(new (std::nothrow) float[width]);
    if (!row) return ATTP_NO_MEMORY;
    for (int32_t y = 0; y < grid.crop_height; ++y, out += width) {
        blocks.row(rows, y, row.get());
        for (int64_t x = 0; x < width; ++x) out[x] = row[x] * gain + bias;
    }
    return ATTP_OK;
}

}  // namespace

attp_status fill_rgb(const uint8_t* rgb, int64_t row_bytes, int32_t width_px, int32_t height_px,
                     const attp_tensor_grid& grid, const float* gain, const float* bias, float* out) {
    const int64_t width = grid.crop_width, plane = width * grid.crop_height;
    Resampler pixels;
    PlaneRows<uint8_t> rows(rgb, row_bytes);
    std::unique_ptr<float[]> row(new (std::nothrow) float[3 * width]);
    if (!row || !pixels.init(3, horizontal(grid, width_px, 1), vertical(grid, height_px, 1))) return ATTP_NO_MEMORY;
    for (int32_t y = 0; y < grid.crop_height; ++y) {
        pixels.row(rows, y, row.get());
        for (int32_t channel = 0; channel < 3; ++channel)
            for (int64_t x = 0; x < width; ++x)
                out[channel * plane + y * width + x] = row[channel * width + x] * gain[channel] + bias[channel];
    }
    return ATTP_OK;
}

attp_status fill_flow(const float* flow, int32_t width_px, int32_t height_px, const attp_tensor_grid& grid, float scale,
                      float* out) {
    const int64_t width4 = (width_px + 3) / 4, height4 = (height_px + 3) / 4;
    const int64_t width = grid.crop_width;
    const float factors[2] = {scale * float(grid.resize_width) / float(width_px),
                              scale * float(grid.resize_height) / float(height_px)};
    Resampler blocks;
    std::unique_ptr<float[]> row(new (std::nothrow) float[width]);
    if (!row || !blocks.init(1, horizontal(grid, width_px, 4), vertical(grid, height_px, 4))) return ATTP_NO_MEMORY;
    for (int32_t axis = 0; axis < 2; ++axis) {
        PlaneRows<float> rows(flow + axis * height4 * width4, width4 * int64_t{sizeof(float)});
        for (int32_t y = 0; y < grid.crop_height; ++y, out += width) {
            blocks.row(rows, y, row.get());
            for (int64_t x = 0; x < width; ++x) out[x] = std::min(1.0f, std::max(-1.0f, row[x] * factors[axis]));
        }
    }
    return ATTP_OK;
}

attp_status fill_residual(const int16_t* y, int64_t y_row_bytes, const int16_t* u, const int16_t* v,
                          int64_t uv_row_bytes, int32_t width_px, int32_t height_px, const attp_tensor_grid& grid,
                          const float* gain, const float* bias, float* out) {
    const int64_t width = grid.crop_width, plane = width * grid.crop_height;
    Resampler luma, chroma;
    PlaneRows<int16_t> rows_y(y, y_row_bytes), rows_u(u, uv_row_bytes), rows_v(v, uv_row_bytes);
    std::unique_ptr<float[]> rows(new (std::nothrow) float[3 * width]);
    if (!rows || !luma.init(1, horizontal(grid, width_px, 1), vertical(grid, height_px, 1)) ||
        !chroma.init(1, horizontal(grid, width_px, 2), vertical(grid, height_px, 2)))
        return ATTP_NO_MEMORY;
    float *row_y = rows.get(), *row_u = row_y + width, *row_v = row_u + width;
    for (int32_t line = 0; line < grid.crop_height; ++line, out += width) {
        luma.row(rows_y, line, row_y);
        chroma.row(rows_u, line, row_u);
        chroma.row(rows_v, line, row_v);
        for (int64_t x = 0; x < width; ++x) {
            out[x] = (row_y[x] + kRedFromV * row_v[x]) * gain[0] + bias[0];
            out[plane + x] = (row_y[x] + kGreenFromU * row_u[x] + kGreenFromV * row_v[x]) * gain[1] + bias[1];
            out[2 * plane + x] = (row_y[x] + kBlueFromU * row_u[x]) * gain[2] + bias[2];
        }
    }
    return ATTP_OK;
}

attp_status fill_energy(const int16_t* luma, int64_t row_bytes, int32_t width_px, int32_t height_px,
                        const attp_tensor_grid& grid, float gain, float bias, float* out) {
    Resampler blocks;
    EnergyRows rows;
    if (!blocks.init(1, horizontal(grid, width_px, 4), vertical(grid, height_px, 4)) ||
        !rows.init(luma, row_bytes, width_px, height_px, blocks.x(), blocks.y()))
        return ATTP_NO_MEMORY;
    return fill_plane(blocks, rows, grid, gain, bias, out);
}

attp_status fill_means(const float* means, int32_t width_px, int32_t height_px, const attp_tensor_grid& grid,
                       float gain, float bias, float* out) {
    Resampler blocks;
    PlaneRows<float> rows(means, (width_px + int64_t{3}) / 4 * int64_t{sizeof(float)});
    if (!blocks.init(1, horizontal(grid, width_px, 4), vertical(grid, height_px, 4))) return ATTP_NO_MEMORY;
    return fill_plane(blocks, rows, grid, gain, bias, out);
}

}  // namespace attp
