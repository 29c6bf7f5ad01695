// What stands between the C functions and the core, which is built once for every processor and once more for AVX2: handles and
// entry points. Nothing here is in namespace attp, because both cores share it.
#pragma once

#include <atomic>

#include "edge_attp.h"
#include "edge_attp_regions.h"
#include "edge_attp_tensors.h"
#include "kernels/kernels.h"

struct attp_decoder {
    virtual ~attp_decoder();
    virtual attp_status send(const uint8_t* data, size_t bytes, int64_t pts, int64_t dts, bool is_complete) = 0;
    virtual attp_status send_parameter_sets(const uint8_t* data, size_t bytes) = 0;
    virtual attp_status drain() = 0;
    virtual void flush() = 0;
    virtual attp_status receive(attp_picture** picture) = 0;
    virtual attp_status get_info(attp_stream_info* info) const = 0;
    virtual void get_error(attp_error* error) const = 0;
};

struct attp_picture {
    virtual ~attp_picture();
    virtual attp_status parse() = 0;
    virtual bool is_parsed() const = 0;
    virtual void get_info(attp_picture_info* info) const = 0;
    // The rest is for parsed pictures only.
    virtual void get_block_counts(attp_block_counts* counts) const = 0;
    virtual void get_weights(attp_weights* weights) const = 0;
    virtual attp_status get_flow(float* flow) const = 0;

    std::atomic<int> users{1};
};

struct attp_finder {
    virtual ~attp_finder();
    // picture: parsed, and of the same core.
    virtual attp_status add_picture(const attp_picture& picture, attp_finder_result* result) = 0;
    virtual void get_grid(int32_t* width, int32_t* height, int32_t* cell_px) const = 0;
    virtual void get_activity(float* activity) const = 0;
};

// A core's entry points. Arguments have been checked, exceptions stay inside.
struct attp_core {
    attp_status (*open)(const attp_options& options, const attp_kernels::Kernels* kernels, attp_decoder** decoder);
    attp_status (*fill_rgb)(const uint8_t* rgb, int64_t row_bytes, int32_t width_px, int32_t height_px,
                            const attp_tensor_grid& grid, const float* gain, const float* bias, float* out);
    attp_status (*fill_flow)(const float* flow, int32_t width_px, int32_t height_px, const attp_tensor_grid& grid,
                             float scale, float* out);
    attp_status (*fill_residual)(const int16_t* y, int64_t y_row_bytes, const int16_t* u, const int16_t* v,
                                 int64_t uv_row_bytes, int32_t width_px, int32_t height_px,
                                 const attp_tensor_grid& grid, const float* gain, const float* bias, float* out);
    attp_status (*fill_energy)(const int16_t* luma, int64_t row_bytes, int32_t width_px, int32_t height_px,
                               const attp_tensor_grid& grid, float gain, float bias, float* out);
    attp_status (*fill_means)(const float* means, int32_t width_px, int32_t height_px, const attp_tensor_grid& grid,
                              float gain, float bias, float* out);
    attp_status (*open_finder)(const attp_finder_options& options, attp_finder** finder);
};

namespace attp {
extern const attp_core kCore;
}
