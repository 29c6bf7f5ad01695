// The C interface: checks arguments, keeps C++ exceptions inside, counts users of pictures.
#include <atomic>
#include <cstring>
#include <memory>
#include <new>

#include "edge_attp.h"
#include "h264/parser.h"
#include "h26x/parser.h"
#include "hevc/parser.h"

struct attp_decoder {
    std::unique_ptr<attp::Parser> parser;
};

// A picture may live on as a reference when its last user is gone; most of its planes do not.
struct attp_picture {
    std::shared_ptr<attp::Picture> picture;
    std::atomic<int> users{1};
};

namespace {

const attp::Kernels* kernels_in_use() {
    static const attp::Kernels* kernels = attp::choose_kernels();
    return kernels;
}

template <typename Action>
attp_status guarded(Action&& action) {
    try {
        return action();
    } catch (const std::bad_alloc&) {
        return ATTP_NO_MEMORY;
    } catch (...) {
        return ATTP_INVALID_ARGUMENT;
    }
}

template <typename Struct>
bool is_known_struct(const Struct* s) {
    return s != nullptr && s->struct_bytes == sizeof(Struct);
}

bool are_valid(const attp_options& o) {
    const int n = o.nal_length_bytes;
    return (o.codec == ATTP_CODEC_H264 || o.codec == ATTP_CODEC_HEVC) && o.threads >= 1 && o.threads <= 64 && n >= 0 &&
           n <= 4 && o.lookahead_pictures >= 0 && o.lookahead_pictures <= 64 && o.max_width_px > 0 &&
           o.max_height_px > 0 && o.max_picture_px > 0 && o.max_nal_bytes > 0;
}

attp::ParserOptions parser_options(const attp_options& o) {
    attp::ParserOptions out;
    out.threads = o.threads;
    out.want_residual = o.want_residual != 0;
    out.on_demand = o.on_demand != 0;
    out.nal_length_bytes = o.nal_length_bytes;
    out.lookahead_pictures = o.lookahead_pictures;
    out.limits.max_width_px = o.max_width_px;
    out.limits.max_height_px = o.max_height_px;
    out.limits.max_picture_px = o.max_picture_px;
    out.limits.max_nal_bytes = static_cast<size_t>(o.max_nal_bytes);
    return out;
}

}  // namespace

extern "C" {

uint32_t attp_abi_version(void) { return ATTP_ABI_VERSION; }

const char* attp_cpu(void) { return kernels_in_use() != nullptr ? kernels_in_use()->name : "none"; }

attp_status attp_open(const attp_options* options, attp_decoder** decoder) {
    if (!is_known_struct(options) || decoder == nullptr || !are_valid(*options)) return ATTP_INVALID_ARGUMENT;
    if (kernels_in_use() == nullptr) return ATTP_UNSUPPORTED;
    return guarded([&] {
        std::unique_ptr<attp_decoder> d(new attp_decoder);
        if (options->codec == ATTP_CODEC_HEVC)
            d->parser.reset(new attp::hevc::HevcParser(parser_options(*options), kernels_in_use()));
        else
            d->parser.reset(new attp::h264::H264Parser(parser_options(*options), kernels_in_use()));
        *decoder = d.release();
        return ATTP_OK;
    });
}

void attp_close(attp_decoder* decoder) { delete decoder; }

attp_status attp_send(attp_decoder* decoder, const uint8_t* data, size_t bytes, int64_t pts, int64_t dts,
                      int complete) {
    if (decoder == nullptr || (data == nullptr && bytes > 0)) return ATTP_INVALID_ARGUMENT;
    return guarded([&] {
        attp::Packet packet;
        packet.data = data;
        packet.bytes = bytes;
        packet.pts = pts;
        packet.dts = dts;
        packet.complete = complete != 0;
        decoder->parser->send(packet);
        return ATTP_OK;
    });
}

attp_status attp_drain(attp_decoder* decoder) {
    if (decoder == nullptr) return ATTP_INVALID_ARGUMENT;
    return guarded([&] {
        decoder->parser->drain();
        return ATTP_OK;
    });
}

void attp_flush(attp_decoder* decoder) {
    if (decoder != nullptr) decoder->parser->flush();
}

attp_status attp_receive(attp_decoder* decoder, attp_picture** picture) {
    if (decoder == nullptr || picture == nullptr) return ATTP_INVALID_ARGUMENT;
    return guarded([&] {
        std::unique_ptr<attp_picture> handle(new attp_picture);
        attp_status status = decoder->parser->receive(&handle->picture);
        if (status == ATTP_OK) *picture = handle.release();
        return status;
    });
}

attp_status attp_picture_parse(attp_picture* picture) {
    if (picture == nullptr) return ATTP_INVALID_ARGUMENT;
    return guarded([&] {
        picture->picture->parse();
        picture->picture->resolve_inherited_damage();
        return ATTP_OK;
    });
}

void attp_picture_retain(attp_picture* picture) {
    if (picture != nullptr) picture->users.fetch_add(1, std::memory_order_relaxed);
}

void attp_picture_release(attp_picture* picture) {
    if (picture == nullptr || picture->users.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    picture->picture->release_planes();
    delete picture;
}

attp_status attp_get_picture_info(const attp_picture* picture, attp_picture_info* info) {
    if (picture == nullptr || !is_known_struct(info)) return ATTP_INVALID_ARGUMENT;
    picture->picture->fill_info(info);
    return ATTP_OK;
}

attp_status attp_get_block_counts(const attp_picture* picture, attp_block_counts* counts) {
    if (picture == nullptr || !is_known_struct(counts) || !picture->picture->parsed) return ATTP_INVALID_ARGUMENT;
    picture->picture->fill_block_counts(counts);
    return ATTP_OK;
}

attp_status attp_get_stream_info(const attp_decoder* decoder, attp_stream_info* info) {
    if (decoder == nullptr || !is_known_struct(info)) return ATTP_INVALID_ARGUMENT;
    return guarded([&] {
        decoder->parser->fill_stream_info(info);
        return ATTP_OK;
    });
}

attp_status attp_get_error(const attp_decoder* decoder, attp_error* error) {
    if (decoder == nullptr || !is_known_struct(error)) return ATTP_INVALID_ARGUMENT;
    const attp::Fault& fault = decoder->parser->fault();
    error->status = fault.status;
    error->bit_position = fault.bit_position;
    error->decode_index = fault.decode_index;
    static_assert(sizeof error->element == sizeof fault.element && sizeof error->message >= sizeof fault.message,
                  "texts fit");
    std::memcpy(error->element, fault.element, sizeof fault.element);
    std::memcpy(error->message, fault.message, sizeof fault.message);
    return ATTP_OK;
}

attp_status attp_picture_weights(const attp_picture* picture, attp_weights* weights) {
    if (picture == nullptr || !is_known_struct(weights)) return ATTP_INVALID_ARGUMENT;
    if (!picture->picture->parsed || !picture->picture->motion) return ATTP_INVALID_ARGUMENT;
    picture->picture->fill_weights(weights);
    return ATTP_OK;
}

attp_status attp_picture_flow(const attp_picture* picture, float* flow) {
    if (picture == nullptr || flow == nullptr || !picture->picture->parsed || !picture->picture->motion)
        return ATTP_INVALID_ARGUMENT;
    return guarded([&] {
        picture->picture->fill_flow(flow);
        return ATTP_OK;
    });
}

}  // extern "C"
