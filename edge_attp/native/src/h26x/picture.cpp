#include "h26x/picture.h"

#include "fields/flow.h"

#include <cstdarg>
#include <cstdio>

namespace attp {

void Picture::damage(const char* format, ...) {
    if (!info.is_damaged) {
        va_list args;
        va_start(args, format);
        std::vsnprintf(info.damage, sizeof info.damage, format, args);
        va_end(args);
    }
    info.is_damaged = 1;
}

void Picture::fill_info(attp_picture_info* out) const {
    uint32_t struct_bytes = out->struct_bytes;
    *out = info;
    out->struct_bytes = struct_bytes;
    out->is_parsed = parsed;
    if (!parsed || !motion) return;
    int64_t offset4 = static_cast<int64_t>(crop_top_px / 4) * motion->stride4 + crop_left_px / 4;
    out->mv = &motion->mv[0][offset4].x;
    out->mv_row_bytes = motion->stride4 * static_cast<int64_t>(sizeof(Mv));
    out->mv_list_bytes = (motion->mv[1] - motion->mv[0]) * static_cast<int64_t>(sizeof(Mv));
    out->reference = motion->reference[0] + offset4;
    out->reference_row_bytes = motion->stride4 * static_cast<int64_t>(sizeof(int32_t));
    out->reference_list_bytes = (motion->reference[1] - motion->reference[0]) * static_cast<int64_t>(sizeof(int32_t));
    out->mode = motion->mode + offset4;
    out->mode_row_bytes = motion->stride4;
    if (!residual) return;
    int64_t offset_uv = static_cast<int64_t>(crop_top_px / 2) * residual->stride_uv + crop_left_px / 2;
    out->y = residual->plane[0] + static_cast<int64_t>(crop_top_px) * residual->stride_y + crop_left_px;
    out->u = residual->plane[1] + offset_uv;
    out->v = residual->plane[2] + offset_uv;
    out->y_row_bytes = residual->stride_y * static_cast<int64_t>(sizeof(int16_t));
    out->uv_row_bytes = residual->stride_uv * static_cast<int64_t>(sizeof(int16_t));
}

void Picture::fill_flow(float* flow) const {
    std::vector<FlowScale> scales;
    for (const ReferencePoc& r : reference_pocs()) {
        int64_t difference = int64_t{info.poc} - r.poc;
        if (difference != 0)
            scales.push_back(
                {r.decode_index, -0.25f * static_cast<float>(info.poc_step) / static_cast<float>(difference)});
    }
    compute_flow(*motion, {crop_left_px / 4, crop_top_px / 4, info.width4, info.height4}, scales, flow);
}

}  // namespace attp
