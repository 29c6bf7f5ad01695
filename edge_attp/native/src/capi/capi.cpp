// The C functions: they check arguments and pass them on to the core that suits the processor.
#include <cstring>

#include "capi/handles.h"

#if defined(EDGE_ATTP_AVX2)
namespace attp_avx2 {
extern const attp_core kCore;
}
#endif

attp_decoder::~attp_decoder() = default;
attp_picture::~attp_picture() = default;
attp_finder::~attp_finder() = default;

namespace {

using attp_kernels::Kernels;

// The largest picture of level 6.2, of either codec.
constexpr int64_t kMaxPicturePx = 139264 * 256;
constexpr int32_t kMaxTensorSide = 1 << 16;

const Kernels* kernels_in_use() {
    static const Kernels* const kernels = attp_kernels::choose_kernels();
    return kernels;
}

const attp_core& choose_core() {
#if defined(EDGE_ATTP_AVX2)
    const Kernels* kernels = kernels_in_use();
    if (kernels != nullptr && std::strcmp(kernels->name, "avx2") == 0) return attp_avx2::kCore;
#endif
    return attp::kCore;
}

const attp_core& core() {
    static const attp_core& chosen = choose_core();
    return chosen;
}

bool is_between(int32_t value, int32_t low, int32_t high) { return low <= value && value <= high; }

bool are_valid(const attp_options& o) {
    return is_between(o.codec, ATTP_CODEC_H264, ATTP_CODEC_HEVC) && is_between(o.threads, 1, 64) &&
           is_between(o.nal_length_bytes, 0, 4) && is_between(o.lookahead_pictures, 0, 64) && o.max_width_px > 0 &&
           o.max_height_px > 0 && o.max_picture_px > 0 && o.max_nal_bytes > 0;
}

bool are_valid(int32_t width, int32_t height, const attp_tensor_grid* grid) {
    return grid != nullptr && is_between(width, 1, kMaxTensorSide) && is_between(height, 1, kMaxTensorSide) &&
           is_between(grid->resize_width, 1, kMaxTensorSide) && is_between(grid->resize_height, 1, kMaxTensorSide) &&
           is_between(grid->crop_width, 1, grid->resize_width) && is_between(grid->crop_height, 1, grid->resize_height);
}

bool are_valid(const attp_finder_options& o) {
    return is_between(o.width_px, 16, kMaxTensorSide) && is_between(o.height_px, 16, kMaxTensorSide) &&
           is_between(o.bit_depth, 8, 16) && is_between(o.max_regions, 1, ATTP_MAX_REGIONS) &&
           o.pictures_per_s > 0.0f && o.pictures_per_s < 1e6f;
}

}  // namespace

extern "C" {

uint32_t attp_library_version(void) { return ATTP_ABI_VERSION; }

const char* attp_library_cpu(void) { return kernels_in_use() != nullptr ? kernels_in_use()->name : "none"; }

void attp_options_init(attp_options* options, attp_codec codec) {
    if (options == nullptr) return;
    *options = {};
    options->codec = codec;
    options->threads = 1;
    options->want_residual = 1;
    options->lookahead_pictures = 16;
    options->max_width_px = options->max_height_px = 16384;
    options->max_picture_px = kMaxPicturePx;
    options->max_nal_bytes = 64 << 20;
}

attp_status attp_decoder_open(const attp_options* options, attp_decoder** decoder) {
    if (options == nullptr || decoder == nullptr || !are_valid(*options)) return ATTP_INVALID_ARGUMENT;
    if (kernels_in_use() == nullptr) return ATTP_UNSUPPORTED;
    return core().open(*options, kernels_in_use(), decoder);
}

void attp_decoder_close(attp_decoder* decoder) { delete decoder; }

attp_status attp_decoder_send(attp_decoder* decoder, const uint8_t* data, size_t bytes, int64_t pts, int64_t dts,
                              int is_complete) {
    if (decoder == nullptr || (data == nullptr && bytes > 0)) return ATTP_INVALID_ARGUMENT;
    return decoder->send(data, bytes, pts, dts, is_complete != 0);
}

attp_status attp_decoder_send_parameter_sets(attp_decoder* decoder, const uint8_t* data, size_t bytes) {
    if (decoder == nullptr || (data == nullptr && bytes > 0)) return ATTP_INVALID_ARGUMENT;
    return decoder->send_parameter_sets(data, bytes);
}

attp_status attp_decoder_drain(attp_decoder* decoder) {
    return decoder == nullptr ? ATTP_INVALID_ARGUMENT : decoder->drain();
}

void attp_decoder_flush(attp_decoder* decoder) {
    if (decoder != nullptr) decoder->flush();
}

attp_status attp_decoder_receive(attp_decoder* decoder, attp_picture** picture) {
    if (decoder == nullptr || picture == nullptr) return ATTP_INVALID_ARGUMENT;
    return decoder->receive(picture);
}

attp_status attp_decoder_get_info(const attp_decoder* decoder, attp_stream_info* info) {
    if (decoder == nullptr || info == nullptr) return ATTP_INVALID_ARGUMENT;
    return decoder->get_info(info);
}

attp_status attp_decoder_get_error(const attp_decoder* decoder, attp_error* error) {
    if (decoder == nullptr || error == nullptr) return ATTP_INVALID_ARGUMENT;
    decoder->get_error(error);
    return ATTP_OK;
}

attp_status attp_picture_parse(attp_picture* picture) {
    return picture == nullptr ? ATTP_INVALID_ARGUMENT : picture->parse();
}

void attp_picture_retain(attp_picture* picture) {
    if (picture != nullptr) picture->users.fetch_add(1, std::memory_order_relaxed);
}

void attp_picture_release(attp_picture* picture) {
    if (picture != nullptr && picture->users.fetch_sub(1, std::memory_order_acq_rel) == 1) delete picture;
}

attp_status attp_picture_get_info(const attp_picture* picture, attp_picture_info* info) {
    if (picture == nullptr || info == nullptr) return ATTP_INVALID_ARGUMENT;
    picture->get_info(info);
    return ATTP_OK;
}

attp_status attp_picture_get_block_counts(const attp_picture* picture, attp_block_counts* counts) {
    if (picture == nullptr || counts == nullptr || !picture->is_parsed()) return ATTP_INVALID_ARGUMENT;
    picture->get_block_counts(counts);
    return ATTP_OK;
}

attp_status attp_picture_get_weights(const attp_picture* picture, attp_weights* weights) {
    if (picture == nullptr || weights == nullptr || !picture->is_parsed()) return ATTP_INVALID_ARGUMENT;
    picture->get_weights(weights);
    return ATTP_OK;
}

attp_status attp_picture_get_flow(const attp_picture* picture, float* flow) {
    if (picture == nullptr || flow == nullptr || !picture->is_parsed()) return ATTP_INVALID_ARGUMENT;
    return picture->get_flow(flow);
}

attp_status attp_tensor_fill_rgb(const uint8_t* rgb, int64_t row_bytes, int32_t width_px, int32_t height_px,
                                 const attp_tensor_grid* grid, const float* gain, const float* bias, float* out) {
    if (!rgb || !gain || !bias || !out || !are_valid(width_px, height_px, grid)) return ATTP_INVALID_ARGUMENT;
    return core().fill_rgb(rgb, row_bytes, width_px, height_px, *grid, gain, bias, out);
}

attp_status attp_tensor_fill_flow(const float* flow, int32_t width_px, int32_t height_px, const attp_tensor_grid* grid,
                                  float scale, float* out) {
    if (!flow || !out || !are_valid(width_px, height_px, grid)) return ATTP_INVALID_ARGUMENT;
    return core().fill_flow(flow, width_px, height_px, *grid, scale, out);
}

attp_status attp_tensor_fill_residual(const int16_t* y, int64_t y_row_bytes, const int16_t* u, const int16_t* v,
                                      int64_t uv_row_bytes, int32_t width_px, int32_t height_px,
                                      const attp_tensor_grid* grid, const float* gain, const float* bias, float* out) {
    if (!y || !u || !v || !gain || !bias || !out || !are_valid(width_px, height_px, grid)) return ATTP_INVALID_ARGUMENT;
    return core().fill_residual(y, y_row_bytes, u, v, uv_row_bytes, width_px, height_px, *grid, gain, bias, out);
}

attp_status attp_tensor_fill_energy(const int16_t* y, int64_t y_row_bytes, int32_t width_px, int32_t height_px,
                                    const attp_tensor_grid* grid, float gain, float bias, float* out) {
    if (!y || !out || !are_valid(width_px, height_px, grid)) return ATTP_INVALID_ARGUMENT;
    return core().fill_energy(y, y_row_bytes, width_px, height_px, *grid, gain, bias, out);
}

attp_status attp_tensor_fill_means(const float* means, int32_t width_px, int32_t height_px,
                                   const attp_tensor_grid* grid, float gain, float bias, float* out) {
    if (!means || !out || !are_valid(width_px, height_px, grid)) return ATTP_INVALID_ARGUMENT;
    return core().fill_means(means, width_px, height_px, *grid, gain, bias, out);
}

attp_status attp_finder_open(const attp_finder_options* options, attp_finder** finder) {
    if (options == nullptr || finder == nullptr || !are_valid(*options)) return ATTP_INVALID_ARGUMENT;
    return core().open_finder(*options, finder);
}

void attp_finder_close(attp_finder* finder) { delete finder; }

attp_status attp_finder_add_picture(attp_finder* finder, const attp_picture* picture, attp_finder_result* result) {
    if (finder == nullptr || picture == nullptr || result == nullptr || !picture->is_parsed())
        return ATTP_INVALID_ARGUMENT;
    return finder->add_picture(*picture, result);
}

attp_status attp_finder_get_grid(const attp_finder* finder, int32_t* width, int32_t* height, int32_t* cell_px) {
    if (finder == nullptr || width == nullptr || height == nullptr || cell_px == nullptr) return ATTP_INVALID_ARGUMENT;
    finder->get_grid(width, height, cell_px);
    return ATTP_OK;
}

attp_status attp_finder_get_activity(const attp_finder* finder, float* activity) {
    if (finder == nullptr || activity == nullptr) return ATTP_INVALID_ARGUMENT;
    finder->get_activity(activity);
    return ATTP_OK;
}

}  // extern "C"
