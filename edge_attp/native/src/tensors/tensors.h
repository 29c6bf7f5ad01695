// Network inputs made of pictures: what edge_attp_tensors.h promises, for arguments that have been checked. Outputs may lie in memory
// that is not cached, as on a TX2.
#pragma once

#include "edge_attp_tensors.h"

namespace attp {

attp_status fill_rgb(const uint8_t* rgb, int64_t row_bytes, int32_t width_px, int32_t height_px,
                     const attp_tensor_grid& grid, const float* gain, const float* bias, float* out);
attp_status fill_flow(const float* flow, int32_t width_px, int32_t height_px, const attp_tensor_grid& grid, float scale,
                      float* out);
attp_status fill_residual(const int16_t* y, int64_t y_row_bytes, const int16_t* u, const int16_t* v,
                          int64_t uv_row_bytes, int32_t width_px, int32_t height_px, const attp_tensor_grid& grid,
                          const float* gain, const float* bias, float* out);
attp_status fill_energy(const int16_t* luma, int64_t row_bytes, int32_t width_px, int32_t height_px,
                        const attp_tensor_grid& grid, float gain, float bias, float* out);
attp_status fill_means(const float* means, int32_t width_px, int32_t height_px, const attp_tensor_grid& grid,
                       float gain, float bias, float* out);

}  // namespace attp
