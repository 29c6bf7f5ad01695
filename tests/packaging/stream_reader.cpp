// Reads one Annex B stream with the core alone, for processors that this machine only emulates.
//   stream_reader dump h264|hevc FILE                      each picture to stdout, in the order of write_picture()
//   stream_reader count h264|hevc FILE RESIDUAL PASSES     pictures in the stream, which is parsed that many times
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <vector>

#include "edge_attp_tensors.h"

namespace {

constexpr size_t kChunkBytes = 65536;
constexpr attp_tensor_grid kGrid = {170, 128, 112, 112};

struct Request {
    attp_codec codec;
    bool want_residual;
    bool dump;
};

attp_options make_options(const Request& request) {
    attp_options options;
    attp_options_init(&options, request.codec);
    options.want_residual = request.want_residual;
    return options;
}

void write_bytes(const void* data, size_t bytes) {
    if (std::fwrite(data, 1, bytes, stdout) != bytes) std::exit(1);
}

void write_rows(const void* plane, int64_t row_bytes, int rows, size_t bytes) {
    for (int row = 0; row < rows; row++) write_bytes(static_cast<const uint8_t*>(plane) + row * row_bytes, bytes);
}

void write_motion(const attp_picture_info& info) {
    const size_t width4 = info.width4;
    for (int list = 0; list < 2; list++)
        write_rows(reinterpret_cast<const uint8_t*>(info.mv) + list * info.mv_list_bytes, info.mv_row_bytes,
                   info.height4, 4 * width4);
    for (int list = 0; list < 2; list++)
        write_rows(reinterpret_cast<const uint8_t*>(info.reference) + list * info.reference_list_bytes,
                   info.reference_row_bytes, info.height4, 4 * width4);
    write_rows(info.mode, info.mode_row_bytes, info.height4, width4);
}

void write_residual(const attp_picture_info& info) {
    write_rows(info.y, info.y_row_bytes, info.height_px, 2 * size_t(info.width_px));
    write_rows(info.u, info.uv_row_bytes, info.uv_height, 2 * size_t(info.uv_width));
    write_rows(info.v, info.uv_row_bytes, info.uv_height, 2 * size_t(info.uv_width));
}

void write_weights(const attp_picture* picture, size_t blocks) {
    std::vector<int16_t> values(12 * blocks);
    attp_weights weights = {};
    int16_t** const arrays[] = {&weights.weight,    &weights.offset,    &weights.cb_weight,
                                &weights.cb_offset, &weights.cr_weight, &weights.cr_offset};
    for (size_t i = 0; i < 6; i++) *arrays[i] = values.data() + i * 2 * blocks;
    attp_picture_get_weights(picture, &weights);
    write_bytes(values.data(), values.size() * sizeof(int16_t));
}

// Flow, and all network inputs made of this picture.
void write_tensors(const attp_picture* picture, const attp_picture_info& info) {
    std::vector<float> flow(2 * size_t(info.width4) * info.height4);
    attp_picture_get_flow(picture, flow.data());
    write_bytes(flow.data(), flow.size() * sizeof(float));
    const float gain[3] = {1 / 255.f, 1 / 255.f, 1 / 255.f}, bias[3] = {.5f, .5f, .5f};
    std::vector<float> input(3 * size_t(kGrid.crop_width) * kGrid.crop_height);
    attp_tensor_fill_flow(flow.data(), info.width_px, info.height_px, &kGrid, .05f, input.data());
    write_bytes(input.data(), input.size() / 3 * 2 * sizeof(float));
    attp_tensor_fill_residual(info.y, info.y_row_bytes, info.u, info.v, info.uv_row_bytes, info.width_px,
                              info.height_px, &kGrid, gain, bias, input.data());
    write_bytes(input.data(), input.size() * sizeof(float));
    attp_tensor_fill_energy(info.y, info.y_row_bytes, info.width_px, info.height_px, &kGrid, 1 / 8.f, 0, input.data());
    write_bytes(input.data(), input.size() / 3 * sizeof(float));
}

void write_picture(const attp_picture* picture) {
    attp_picture_info info = {};
    attp_picture_get_info(picture, &info);
    const int32_t header[] = {
        info.kind,       int32_t(info.decode_index), info.poc, info.is_damaged, info.width_px, info.height_px,
        info.is_weighted};
    write_bytes(header, sizeof header);
    write_motion(info);
    write_residual(info);
    write_tensors(picture, info);
    if (info.is_weighted) write_weights(picture, size_t(info.width4) * info.height4);
}

int receive(attp_decoder* decoder, bool dump) {
    attp_picture* picture = nullptr;
    int pictures = 0;
    while (attp_decoder_receive(decoder, &picture) == ATTP_OK) {
        if (dump) write_picture(picture);
        attp_picture_release(picture);
        pictures++;
    }
    return pictures;
}

// The number of pictures, -1 if the decoder cannot be opened.
int parse(const Request& request, const std::vector<char>& stream) {
    const attp_options options = make_options(request);
    attp_decoder* decoder = nullptr;
    if (attp_decoder_open(&options, &decoder) != ATTP_OK) return -1;
    int pictures = 0;
    for (size_t at = 0; at < stream.size(); at += kChunkBytes) {
        const size_t bytes = stream.size() - at < kChunkBytes ? stream.size() - at : kChunkBytes;
        attp_decoder_send(decoder, reinterpret_cast<const uint8_t*>(stream.data()) + at, bytes, ATTP_NO_PTS,
                          ATTP_NO_PTS, 0);
        pictures += receive(decoder, request.dump);
    }
    attp_decoder_drain(decoder);
    pictures += receive(decoder, request.dump);
    attp_decoder_close(decoder);
    return pictures;
}

}  // namespace

int main(int argc, char** argv) {
    const bool dump = argc == 4 && std::strcmp(argv[1], "dump") == 0;
    const bool count = argc == 6 && std::strcmp(argv[1], "count") == 0;
    if (!dump && !count) {
        std::fprintf(stderr, "usage: stream_reader dump CODEC FILE | count CODEC FILE RESIDUAL PASSES\n");
        return 2;
    }
    const attp_codec codec = std::strcmp(argv[2], "hevc") == 0 ? ATTP_CODEC_HEVC : ATTP_CODEC_H264;
    const Request request = {codec, dump || std::atoi(argv[4]) != 0, dump};
    std::ifstream in(argv[3], std::ios::binary);
    const std::vector<char> stream((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    int pictures = 0;
    for (int pass = 0; pass < (dump ? 1 : std::atoi(argv[5])); pass++) pictures = parse(request, stream);
    std::fprintf(stderr, "%s %d\n", attp_library_cpu(), pictures);
    return pictures > 0 ? 0 : 1;
}
