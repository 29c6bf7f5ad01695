// The decoder behind the C functions, and the core's entry points. Built once for each core.
#include <cstring>
#include <memory>

#include "capi/picture_handle.h"
#include "capi/regions.h"
#include "h264/parser.h"
#include "h26x/parser.h"
#include "hevc/parser.h"
#include "tensors/tensors.h"

namespace attp {

namespace {

class DecoderHandle final : public attp_decoder {
  public:
    explicit DecoderHandle(std::unique_ptr<Parser> parser) : parser_(std::move(parser)) {}

    attp_status send(const uint8_t* data, size_t bytes, int64_t pts, int64_t dts, bool is_complete) override {
        Packet packet;
        packet.data = data;
        packet.bytes = bytes;
        packet.pts = pts;
        packet.dts = dts;
        packet.is_complete = is_complete;
        packet.number = packets_++;
        return send(packet);
    }
    attp_status send_parameter_sets(const uint8_t* data, size_t bytes) override {
        Packet packet;
        packet.data = data;
        packet.bytes = bytes;
        return send(packet);
    }
    attp_status drain() override {
        return guarded([this] {
            parser_->drain();
            return ATTP_OK;
        });
    }
    void flush() override { parser_->flush(); }
    attp_status receive(attp_picture** out) override {
        return guarded([&] {
            std::unique_ptr<PictureHandle> handle(new PictureHandle);
            const attp_status status = parser_->receive(&handle->picture);
            if (status == ATTP_OK) *out = handle.release();
            return status;
        });
    }
    attp_status get_info(attp_stream_info* info) const override {
        return guarded([&] {
            parser_->fill_stream_info(info);
            return ATTP_OK;
        });
    }
    void get_error(attp_error* error) const override {
        const Fault& fault = parser_->fault();
        *error = {};
        error->status = fault.status;
        error->bit_position = fault.bit_position;
        error->decode_index = fault.decode_index;
        static_assert(sizeof error->element == sizeof fault.element && sizeof error->message >= sizeof fault.message,
                      "texts fit");
        std::memcpy(error->element, fault.element, sizeof fault.element);
        std::memcpy(error->message, fault.message, sizeof fault.message);
    }

  private:
    attp_status send(const Packet& packet) {
        return guarded([&] {
            parser_->send(packet);
            return ATTP_OK;
        });
    }

    const std::unique_ptr<Parser> parser_;
    int64_t packets_ = 0;
};

ParserOptions parser_options(const attp_options& o) {
    ParserOptions out;
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

attp_status open(const attp_options& options, const Kernels* kernels, attp_decoder** decoder) {
    return guarded([&] {
        std::unique_ptr<Parser> parser;
        if (options.codec == ATTP_CODEC_HEVC)
            parser.reset(new hevc::HevcParser(parser_options(options), kernels));
        else
            parser.reset(new h264::H264Parser(parser_options(options), kernels));
        *decoder = new DecoderHandle(std::move(parser));
        return ATTP_OK;
    });
}

}  // namespace

const attp_core kCore = {open, fill_rgb, fill_flow, fill_residual, fill_energy, fill_means, open_finder};

}  // namespace attp
