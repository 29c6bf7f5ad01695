#include "stream.h"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "bits/nal.h"
#include "edge_attp.h"
#include "h264/slice_header.h"

namespace {

void require(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "promise broken: %s\n", what);
    std::abort();
}

volatile uint32_t sink;

template <typename T>
void touch(const T* plane, int64_t row_bytes, int width, int height) {
    uint32_t sum = 0;
    for (int y = 0; y < height; y++) {
        const T* row = reinterpret_cast<const T*>(reinterpret_cast<const uint8_t*>(plane) + y * row_bytes);
        for (int x = 0; x < width; x++) sum += static_cast<uint32_t>(row[x]);
    }
    sink = sum;
}

template <typename T>
const T* list_1(const T* plane, int64_t list_bytes) {
    return reinterpret_cast<const T*>(reinterpret_cast<const uint8_t*>(plane) + list_bytes);
}

void check_motion(const attp_picture_info& info) {
    for (int list = 0; list < 2; list++) {
        touch(list ? list_1(info.mv, info.mv_list_bytes) : info.mv, info.mv_row_bytes, info.width4 * 2, info.height4);
        const int32_t* plane = list ? list_1(info.reference, info.reference_list_bytes) : info.reference;
        for (int y = 0; y < info.height4; y++)
            for (int x = 0; x < info.width4; x++) {
                int32_t reference = reinterpret_cast<const int32_t*>(reinterpret_cast<const uint8_t*>(plane) +
                                                                     y * info.reference_row_bytes)[x];
                require(reference >= -2 && reference < info.decode_index, "references are earlier pictures");
                require(reference != -2 || info.is_damaged, "missing references only in damaged pictures");
            }
    }
    for (int y = 0; y < info.height4; y++)
        for (int x = 0; x < info.width4; x++) {
            uint8_t mode = info.mode[y * info.mode_row_bytes + x];
            require(mode <= ATTP_MODE_MISSING, "modes are known ones");
            require(mode != ATTP_MODE_MISSING || info.is_damaged, "missing macroblocks only in damaged pictures");
        }
}

void look_at(attp_picture* picture, bool on_demand) {
    attp_picture_info info = {};
    info.struct_bytes = sizeof info;
    if (on_demand) attp_picture_parse(picture);
    require(attp_get_picture_info(picture, &info) == ATTP_OK, "picture info is there");
    require(info.is_parsed && info.mv != nullptr, "a received picture is parsed");
    check_motion(info);
    if (info.y != nullptr) {
        touch(info.y, info.y_row_bytes, info.width_px, info.height_px);
        touch(info.u, info.uv_row_bytes, info.uv_width, info.uv_height);
        touch(info.v, info.uv_row_bytes, info.uv_width, info.uv_height);
    }
    size_t entries = 2 * static_cast<size_t>(info.width4) * static_cast<size_t>(info.height4);
    std::vector<float> flow(entries);
    require(attp_picture_flow(picture, flow.data()) == ATTP_OK, "flow can be computed");
    std::vector<int16_t> weight(entries), offset(entries);
    attp_weights weights = {};
    weights.struct_bytes = sizeof weights;
    weights.weight = weight.data();
    weights.offset = offset.data();
    require(attp_picture_weights(picture, &weights) == ATTP_OK, "weights can be computed");
}

void receive_all(attp_decoder* decoder, bool on_demand) {
    attp_picture* picture = nullptr;
    int seen = 0;
    while (attp_receive(decoder, &picture) == ATTP_OK) {
        if (!on_demand || seen++ % 3 == 2) look_at(picture, on_demand);
        attp_picture_release(picture);
    }
}

}  // namespace

void fuzz_stream(const uint8_t* data, size_t bytes) {
    if (bytes < 2) return;
    attp_options options = {};
    options.struct_bytes = sizeof options;
    options.codec = ATTP_CODEC_H264;
    options.threads = data[0] & 1 ? 2 : 1;
    options.want_residual = data[0] >> 1 & 1;
    options.on_demand = data[0] >> 2 & 1;
    options.nal_length_bytes = data[0] >> 3 & 1 ? 4 : 0;
    options.lookahead_pictures = data[0] >> 4 & 1 ? 16 : 0;
    options.max_width_px = options.max_height_px = 512;
    options.max_picture_px = 128 * 128;
    options.max_nal_bytes = 1 << 20;
    size_t chunk = data[1] == 0 ? bytes : data[1] * size_t{16};
    attp_decoder* decoder = nullptr;
    require(attp_open(&options, &decoder) == ATTP_OK, "valid options open");
    for (size_t at = 2; at < bytes; at += chunk) {
        size_t part = bytes - at < chunk ? bytes - at : chunk;
        attp_send(decoder, data + at, part, static_cast<int64_t>(at), ATTP_NO_PTS, data[0] >> 5 & 1);
        receive_all(decoder, options.on_demand != 0);
        if (data[0] >> 6 & 1 && at / chunk % 5 == 4) attp_flush(decoder);
    }
    attp_drain(decoder);
    receive_all(decoder, options.on_demand != 0);
    attp_stream_info info = {};
    info.struct_bytes = sizeof info;
    attp_get_stream_info(decoder, &info);
    attp_error error = {};
    error.struct_bytes = sizeof error;
    attp_get_error(decoder, &error);
    attp_close(decoder);
}

void fuzz_annexb(const uint8_t* data, size_t bytes) {
    if (bytes < 1) return;
    size_t chunk = data[0] + size_t{1};
    using Units = std::vector<std::vector<uint8_t>>;
    auto collect = [](Units* units) {
        return [units](const uint8_t* nal, size_t n) { units->emplace_back(nal, nal + n); };
    };
    Units whole, pieces;
    attp::AnnexBSplitter one(1 << 20), many(1 << 20);
    one.push(data + 1, bytes - 1, true, collect(&whole));
    for (size_t at = 1; at < bytes; at += chunk)
        many.push(data + at, bytes - at < chunk ? bytes - at : chunk, false, collect(&pieces));
    many.push(nullptr, 0, true, collect(&pieces));
    require(whole == pieces, "NAL units do not depend on the pieces a stream arrives in");
    std::vector<uint8_t> rbsp;
    for (const auto& nal : whole)
        require(attp::unescape(nal.data(), nal.size(), &rbsp) <= nal.size(), "unescaping does not grow");
}

void fuzz_parameters(const uint8_t* data, size_t bytes) {
    using namespace attp::h264;
    attp::Limits limits;
    limits.max_width_px = limits.max_height_px = 16384;
    limits.max_picture_px = 1 << 26;
    std::vector<uint8_t> rbsp;
    SpsTable sps_table;
    PpsTable pps_table;
    // Three structures, split by length bytes.
    for (int part = 0; part < 3 && bytes > 0; part++) {
        size_t length = part == 2 ? bytes - 1 : data[0];
        if (length > bytes - 1) length = bytes - 1;
        size_t rbsp_bytes = attp::unescape(data + 1, length, &rbsp);
        data += 1 + length;
        bytes -= 1 + length;
        attp::BitReader reader(rbsp.data(), rbsp_bytes);
        attp::Fault fault;
        if (part == 0) {
            auto sps = std::make_shared<Sps>();
            if (parse_sps(&reader, limits, sps.get(), &fault)) sps_table[sps->seq_parameter_set_id] = sps;
        } else if (part == 1) {
            auto pps = std::make_shared<Pps>();
            if (parse_pps(&reader, sps_table, pps.get(), &fault)) pps_table[pps->pic_parameter_set_id] = pps;
        } else {
            SliceHeader header;
            parse_slice_header(&reader, length & 1 ? 0x65 : 0x21, sps_table, pps_table, &header, &fault);
        }
    }
}
