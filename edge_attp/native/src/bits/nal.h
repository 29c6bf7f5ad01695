// NAL unit framing (Annex B, and length prefixes as in ISO/IEC 14496-15) and emulation prevention (clause 7.4.1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace attp {

// First byte of the next start code prefix 00 00 01 at or after `p`, or `end`.
const uint8_t* find_start_code(const uint8_t* p, const uint8_t* end);

// Replaces `rbsp` by the payload without emulation_prevention_three_bytes, followed by kRbspPadding zero bytes.
// Returns its length without the padding. `removed` gets the offset in the payload of each byte that was left out, if not nullptr.
size_t unescape(const uint8_t* payload, size_t bytes, std::vector<uint8_t>* rbsp,
                std::vector<size_t>* removed = nullptr);

// Cuts an Annex B stream that arrives in pieces into NAL units.
class AnnexBSplitter {
  public:
    explicit AnnexBSplitter(size_t max_nal_bytes) : max_nal_bytes_(max_nal_bytes) {}

    // Calls sink(data, bytes) for each NAL unit that is known to be whole. `flush` says that the last one is.
    template <typename Sink>
    void push(const uint8_t* data, size_t bytes, bool flush, Sink&& sink) {
        if (flush && buffer_.empty() && !inside_) {
            split_whole(data, data + bytes, sink);
            return;
        }
        buffer_.insert(buffer_.end(), data, data + bytes);
        drain(flush, sink);
    }
    void reset() {
        buffer_.clear();
        searched_ = 0;
        inside_ = false;
        dropping_ = false;
    }
    // The bytes to come continue a NAL unit that began in earlier ones.
    bool is_inside() const { return inside_; }
    // NAL units dropped because they were larger than the limit.
    int64_t oversized() const { return oversized_; }

  private:
    template <typename Sink>
    void split_whole(const uint8_t* p, const uint8_t* end, Sink&& sink) {
        p = find_start_code(p, end);
        while (p < end) {
            const uint8_t* start = p + 3;
            p = find_start_code(start, end);
            emit(start, p, sink);
        }
    }

    template <typename Sink>
    void drain(bool flush, Sink&& sink) {
        const uint8_t* base = buffer_.data();
        const uint8_t* end = base + buffer_.size();
        const uint8_t* begin = base;
        const uint8_t* from = base + searched_;
        for (;;) {
            const uint8_t* code = find_start_code(from, end);
            if (code == end) break;
            if (inside_ && !dropping_) emit(begin, code, sink);
            inside_ = true;
            dropping_ = false;
            begin = from = code + 3;
        }
        if (flush) {
            if (inside_ && !dropping_) emit(begin, end, sink);
            reset();
            return;
        }
        if (!inside_ || dropping_) {
            begin = end - (end - begin < 3 ? end - begin : 3);
        } else if (static_cast<size_t>(end - begin) > max_nal_bytes_) {
            oversized_++;
            dropping_ = true;
            begin = end - 3;
        }
        size_t kept = static_cast<size_t>(end - begin);
        buffer_.erase(buffer_.begin(), buffer_.begin() + (begin - base));
        searched_ = kept > 3 ? kept - 3 : 0;
    }

    template <typename Sink>
    static void emit(const uint8_t* begin, const uint8_t* end, Sink&& sink) {
        while (end > begin && end[-1] == 0) end--;  // trailing_zero_8bits
        if (end > begin) sink(begin, static_cast<size_t>(end - begin));
    }

    size_t max_nal_bytes_;
    std::vector<uint8_t> buffer_;
    size_t searched_ = 0;
    bool inside_ = false;
    bool dropping_ = false;
    int64_t oversized_ = 0;
};

}  // namespace attp
