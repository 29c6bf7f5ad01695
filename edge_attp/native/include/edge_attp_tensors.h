/* edge_attp_tensors.h: pictures as network inputs, written into buffers of the caller.
 *
 * A picture is resized to resize_width x resize_height, each axis by itself: the mean over the area where it shrinks, linear
 * between sample centres where it grows. The middle crop_width x crop_height of that is written, as planes of floats without gaps;
 * of an odd remainder, the smaller half is cut off at the left and at the top. Each value is written once, row by row, and never
 * read back, so outputs may lie in uncached memory.
 *
 * The functions keep no state and may run in any thread. They return ATTP_OK, ATTP_NO_MEMORY, or ATTP_INVALID_ARGUMENT for NULL,
 * for sides below 1 or above 65536 and for a crop that is larger than the resized picture. The rules for structs and names are
 * those of edge_attp.h.
 */
#ifndef EDGE_ATTP_TENSORS_H
#define EDGE_ATTP_TENSORS_H

#include "edge_attp.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct attp_tensor_grid {
    int32_t resize_width, resize_height;
    int32_t crop_width, crop_height;
} attp_tensor_grid;

/* Fills three planes: out[c] = resized rgb[c] * gain[c] + bias[c]. rgb: interleaved bytes, rows row_bytes apart. */
ATTP_API attp_status attp_tensor_fill_rgb(const uint8_t* rgb, int64_t row_bytes, int32_t width_px, int32_t height_px,
                                          const attp_tensor_grid* grid, const float* gain, const float* bias,
                                          float* out);

/* Fills two planes, x and y: the result of attp_picture_get_flow() in pixels of the resized grid, times scale, clipped to -1..1.
 * width_px and height_px are those of the picture. */
ATTP_API attp_status attp_tensor_fill_flow(const float* flow, int32_t width_px, int32_t height_px,
                                           const attp_tensor_grid* grid, float scale, float* out);

/* Fills three planes: out[c] = rgb[c] * gain[c] + bias[c], where rgb is the resized residual after the linear part of BT.601,
 * YCbCr to RGB without offsets. The planes are those of attp_picture_info. */
ATTP_API attp_status attp_tensor_fill_residual(const int16_t* y, int64_t y_row_bytes, const int16_t* u,
                                               const int16_t* v, int64_t uv_row_bytes, int32_t width_px,
                                               int32_t height_px, const attp_tensor_grid* grid, const float* gain,
                                               const float* bias, float* out);

/* Fills one plane: out = the resized energy of the residual * gain + bias. The energy is the mean of |y| of each 4x4 luma samples, of
 * fewer at the right and lower edge; it is resized as the flow is, so that both planes show the same places. The plane is that of
 * attp_picture_info. */
ATTP_API attp_status attp_tensor_fill_energy(const int16_t* y, int64_t y_row_bytes, int32_t width_px, int32_t height_px,
                                             const attp_tensor_grid* grid, float gain, float bias, float* out);

/* Fills one plane: out = resized means * gain + bias. means: a value for each 4x4 luma samples of a picture or of a square of it, row
 * after row, (width_px + 3) / 4 each; they are resized as the flow is. For energies that were averaged over pictures. */
ATTP_API attp_status attp_tensor_fill_means(const float* means, int32_t width_px, int32_t height_px,
                                            const attp_tensor_grid* grid, float gain, float bias, float* out);

#ifdef __cplusplus
}
#endif

#endif
