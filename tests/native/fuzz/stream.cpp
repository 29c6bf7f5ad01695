// Streams through the whole C interface. The first byte of an input holds options, the second the size of its pieces.
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "edge_attp.h"
#include "edge_attp_regions.h"
#include "promise.h"
#include "targets.h"

namespace {

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
    if (on_demand) attp_picture_parse(picture);
    require(attp_picture_get_info(picture, &info) == ATTP_OK, "picture info is there");
    require(info.is_parsed && info.mv != nullptr, "a received picture is parsed");
    check_motion(info);
    if (info.y != nullptr) {
        touch(info.y, info.y_row_bytes, info.width_px, info.height_px);
        touch(info.u, info.uv_row_bytes, info.uv_width, info.uv_height);
        touch(info.v, info.uv_row_bytes, info.uv_width, info.uv_height);
    }
    size_t entries = 2 * static_cast<size_t>(info.width4) * static_cast<size_t>(info.height4);
    std::vector<float> flow(entries);
    require(attp_picture_get_flow(picture, flow.data()) == ATTP_OK, "flow can be computed");
    attp_block_counts counts = {};
    require(attp_picture_get_block_counts(picture, &counts) == ATTP_OK, "blocks can be counted");
    std::vector<int16_t> weight(entries), offset(entries);
    attp_weights weights = {};
    weights.weight = weight.data();
    weights.offset = offset.data();
    require(attp_picture_get_weights(picture, &weights) == ATTP_OK, "weights can be computed");
}

// One for the pictures of a size: what it finds lies inside of them.
class Finder {
  public:
    ~Finder() { attp_finder_close(finder_); }

    void look_at(const attp_picture* picture) {
        attp_picture_info info = {};
        attp_picture_get_info(picture, &info);
        open(info);
        if (finder_ == nullptr) return;
        attp_finder_result result = {};
        const attp_status status = attp_finder_add_picture(finder_, picture, &result);
        require(status == (info.is_parsed ? ATTP_OK : ATTP_INVALID_ARGUMENT), "a finder takes each parsed picture");
        require(result.count >= 0 && result.count <= kMost, "no more regions than were asked for");
        for (int i = 0; i < result.count; i++) check(result.regions[i], info);
        check_activity();
    }

  private:
    static constexpr int kMost = 3;

    void open(const attp_picture_info& info) {
        if (finder_ != nullptr && info.width_px == width_px_ && info.height_px == height_px_) return;
        attp_finder_close(finder_);
        finder_ = nullptr;
        width_px_ = info.width_px;
        height_px_ = info.height_px;
        const attp_finder_options options = {width_px_, height_px_, 8, kMost, 25.0f};
        const bool is_large = width_px_ >= 16 && height_px_ >= 16;
        require(attp_finder_open(&options, &finder_) == (is_large ? ATTP_OK : ATTP_INVALID_ARGUMENT),
                "finders open for sizes from 16");
    }
    static void check(const attp_region& r, const attp_picture_info& info) {
        require(r.side_px > 0 && r.side_px % 8 == 0 && r.x_px % 8 == 0 && r.y_px % 8 == 0, "windows lie on the grid");
        require(
            r.x_px >= 0 && r.y_px >= 0 && r.x_px + r.side_px <= info.width_px && r.y_px + r.side_px <= info.height_px,
            "windows lie inside");
        require(0 <= r.box_left_px && r.box_left_px < r.box_right_px && r.box_right_px <= info.width_px &&
                    0 <= r.box_top_px && r.box_top_px < r.box_bottom_px && r.box_bottom_px <= info.height_px,
                "boxes lie inside");
        require(r.activity > 0.0f && r.activity <= 1.0f, "activity is a share");
    }
    void check_activity() const {
        int32_t width, height, cell_px;
        require(attp_finder_get_grid(finder_, &width, &height, &cell_px) == ATTP_OK, "the grid is known");
        std::vector<float> activity(static_cast<size_t>(width) * static_cast<size_t>(height));
        require(attp_finder_get_activity(finder_, activity.data()) == ATTP_OK, "activity can be copied");
        for (float value : activity) require(value >= 0.0f && value <= 1.0f, "activity is from 0 to 1");
    }

    attp_finder* finder_ = nullptr;
    int32_t width_px_ = 0, height_px_ = 0;
};

void receive_all(attp_decoder* decoder, bool on_demand, Finder* finder) {
    attp_picture* picture = nullptr;
    int seen = 0;
    while (attp_decoder_receive(decoder, &picture) == ATTP_OK) {
        if (!on_demand || seen++ % 3 == 2) look_at(picture, on_demand);
        finder->look_at(picture);
        attp_picture_release(picture);
    }
}

attp_options make_options(int codec, uint8_t bits) {
    attp_options options = {};
    options.codec = codec;
    options.threads = bits & 1 ? 2 : 1;
    options.want_residual = bits >> 1 & 1;
    options.on_demand = bits >> 2 & 1;
    options.nal_length_bytes = bits >> 3 & 1 ? (bits >> 7 ? 1 + bits % 3 : 4) : 0;
    options.lookahead_pictures = bits >> 4 & 1 ? 16 : 0;
    options.max_width_px = options.max_height_px = 512;
    options.max_picture_px = 256 * 256;
    options.max_nal_bytes = 1 << 20;
    return options;
}

attp_decoder* open_decoder(const attp_options& options) {
    attp_decoder* decoder = nullptr;
    require(attp_decoder_open(&options, &decoder) == ATTP_OK, "valid options open");
    return decoder;
}

size_t piece_bytes(uint8_t chosen, size_t bytes) { return chosen == 0 ? bytes : chosen * size_t{16}; }

void run_stream(int codec, const uint8_t* data, size_t bytes) {
    if (bytes < 3) return;
    const attp_options options = make_options(codec, data[0]);
    const bool complete = data[0] >> 5 & 1, flushes = data[0] >> 6 & 1;
    const size_t piece = piece_bytes(data[1], bytes);
    attp_decoder* decoder = open_decoder(options);
    Finder finder;
    for (size_t at = 2; at < bytes; at += piece) {
        size_t part = bytes - at < piece ? bytes - at : piece;
        attp_decoder_send(decoder, data + at, part, static_cast<int64_t>(at), ATTP_NO_PTS, complete);
        receive_all(decoder, options.on_demand != 0, &finder);
        if (flushes && at / piece % 5 == 4) attp_decoder_flush(decoder);
    }
    attp_decoder_drain(decoder);
    receive_all(decoder, options.on_demand != 0, &finder);
    attp_stream_info info = {};
    attp_decoder_get_info(decoder, &info);
    attp_error error = {};
    attp_decoder_get_error(decoder, &error);
    attp_decoder_close(decoder);
}

// Everything that a stream gives, as bytes. Residuals are left out: they may not be wanted.
class Outcome {
  public:
    Outcome(const attp_options& options, size_t piece, const uint8_t* data, size_t bytes)
        : on_demand_(options.on_demand != 0) {
        attp_decoder* decoder = open_decoder(options);
        for (size_t at = 0; at < bytes; at += piece) {
            attp_decoder_send(decoder, data + at, bytes - at < piece ? bytes - at : piece, ATTP_NO_PTS, ATTP_NO_PTS, 0);
            receive(decoder);
        }
        attp_decoder_drain(decoder);
        receive(decoder);
        attp_error error = {};
        attp_decoder_get_error(decoder, &error);
        add(error.message, std::strlen(error.message));
        attp_decoder_close(decoder);
    }
    bool operator==(const Outcome& other) const { return bytes_ == other.bytes_; }

  private:
    void receive(attp_decoder* decoder) {
        attp_picture* picture = nullptr;
        while (attp_decoder_receive(decoder, &picture) == ATTP_OK) {
            if (on_demand_) attp_picture_parse(picture);
            attp_picture_info info = {};
            attp_picture_get_info(picture, &info);
            add_picture(info);
            attp_picture_release(picture);
        }
    }
    void add_picture(const attp_picture_info& info) {
        const int64_t numbers[] = {info.decode_index, info.packet_bytes};
        const int32_t fields[] = {info.kind,     info.poc,         info.poc_step,   info.is_damaged,
                                  info.slices,   info.count_intra, info.count_skip, info.is_random_access,
                                  info.width_px, info.height_px};
        add(numbers, sizeof numbers);
        add(fields, sizeof fields);
        add(info.damage, std::strlen(info.damage));
        for (int list = 0; list < 2; list++) {
            add_plane(list ? list_1(info.mv, info.mv_list_bytes) : info.mv, info.mv_row_bytes, 2 * info.width4,
                      info.height4);
            add_plane(list ? list_1(info.reference, info.reference_list_bytes) : info.reference,
                      info.reference_row_bytes, info.width4, info.height4);
        }
        add_plane(info.mode, info.mode_row_bytes, info.width4, info.height4);
    }
    template <typename T>
    void add_plane(const T* plane, int64_t row_bytes, int width, int height) {
        for (int y = 0; y < height; y++)
            add(reinterpret_cast<const uint8_t*>(plane) + y * row_bytes, static_cast<size_t>(width) * sizeof(T));
    }
    void add(const void* data, size_t bytes) { bytes_.append(static_cast<const char*>(data), bytes); }

    const bool on_demand_;
    std::string bytes_;
};

void run_pieces(int codec, const uint8_t* data, size_t bytes) {
    if (bytes < 3) return;
    attp_options options = make_options(codec, data[0]);
    options.nal_length_bytes = 0;
    const Outcome chosen(options, piece_bytes(data[1], bytes), data + 2, bytes - 2);
    options.threads = 1;
    options.want_residual = 1;
    options.on_demand = 0;
    require(chosen == Outcome(options, bytes, data + 2, bytes - 2), "pictures do not depend on how they are asked for");
}

}  // namespace

void fuzz_stream(const uint8_t* data, size_t bytes) { run_stream(ATTP_CODEC_H264, data, bytes); }
void fuzz_hevc_stream(const uint8_t* data, size_t bytes) { run_stream(ATTP_CODEC_HEVC, data, bytes); }
void fuzz_pieces(const uint8_t* data, size_t bytes) { run_pieces(ATTP_CODEC_H264, data, bytes); }
void fuzz_hevc_pieces(const uint8_t* data, size_t bytes) { run_pieces(ATTP_CODEC_HEVC, data, bytes); }
