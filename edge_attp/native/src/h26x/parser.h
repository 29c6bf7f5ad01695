// What the C interface asks of a codec: bytes in, pictures in decoding order out.
#pragma once

#include <cstdint>
#include <memory>

#include "h26x/fault.h"
#include "h26x/picture.h"

namespace attp {

struct ParserOptions {
    int threads = 1;
    bool want_residual = true;
    bool on_demand = false;
    int nal_length_bytes = 0;
    int lookahead_pictures = 16;
    Limits limits;
};

struct Packet {
    const uint8_t* data = nullptr;
    size_t bytes = 0;
    int64_t pts = ATTP_NO_PTS;
    int64_t dts = ATTP_NO_PTS;
    int64_t number = -1;       // counted from 0; -1: parameter sets that came apart from the stream
    bool is_complete = false;  // an access unit ends with it
    bool has_picture = false;  // a picture began in it
};

class Parser {
  public:
    virtual ~Parser() = default;
    virtual void send(const Packet& packet) = 0;
    virtual void drain() = 0;
    virtual void flush() = 0;
    // ATTP_OK with a picture, ATTP_AGAIN, ATTP_END, or the status of fault().
    virtual attp_status receive(std::shared_ptr<Picture>* picture) = 0;
    virtual void fill_stream_info(attp_stream_info* info) const = 0;
    virtual const Fault& fault() const = 0;
};

}  // namespace attp
