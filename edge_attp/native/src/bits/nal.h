// NAL unit framing (Annex B, and length prefixes as in ISO/IEC 14496-15) and emulation prevention (clause 7.4.1).
//
// Container samples are not always the clean list of lengths and units that their track promises. split_sample() alone decides
// how they are read:
// 1. Lengths that lead exactly to the end of the sample are lengths, whatever the sample begins with: 00 00 01 xx is also the length
//    of 256 to 511 bytes. Fields of one or two bytes sometimes lead there by chance; 00 00 00 01 would then be the length of a
//    unit of one byte, and no sample begins with such a unit.
// 2. Otherwise a start code in the place of a length begins Annex B data that last to the end of the sample, unless the length is
//    plausible: a NAL unit of more than one byte follows it, with no start code inside.
// 3. The bytes that a length covers are split at start codes, because no NAL unit contains one or ends in a zero byte (clause 7.4.1,
//    HEVC 7.4.2). Empty parts are dropped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace attp {

// Returns the first byte of the next start code prefix 00 00 01 at or after `p`, or `end`.
const uint8_t* find_start_code(const uint8_t* p, const uint8_t* end);

// Calls sink(data, bytes) for the NAL unit in [begin, end), if there is one. Zero bytes at its end belong to the byte stream
// (trailing_zero_8bits, or leading ones of the next start code).
template <typename Sink>
void emit_nal(const uint8_t* begin, const uint8_t* end, Sink&& sink) {
    while (end > begin && end[-1] == 0) end--;
    if (end > begin) sink(begin, static_cast<size_t>(end - begin));
}

template <typename Sink>
void split_at_start_codes(const uint8_t* begin, const uint8_t* end, Sink&& sink) {
    for (;;) {
        const uint8_t* code = find_start_code(begin, end);
        emit_nal(begin, code, sink);
        if (code == end) return;
        begin = code + 3;
    }
}

// The big-endian number in `count` bytes.
size_t read_length(const uint8_t* p, size_t count);
// Rule 1 above.
bool are_lengths_exact(const uint8_t* p, const uint8_t* end, size_t length_bytes);
// Zero bytes, two or more, and a one.
bool begins_with_start_code(const uint8_t* p, const uint8_t* end);

// Calls sink(data, bytes) for each NAL unit of a sample, and cut_off(length, left) before a unit that has only `left` bytes left.
// begins_nal(data, bytes) tells whether a NAL unit of the base layer may begin here.
template <typename BeginsNal, typename CutOff, typename Sink>
void split_sample(const uint8_t* p, const uint8_t* end, size_t length_bytes, BeginsNal&& begins_nal, CutOff&& cut_off,
                  Sink&& sink) {
    const bool is_exact = are_lengths_exact(p, end, length_bytes);
    while (p < end) {
        const bool has_length = static_cast<size_t>(end - p) > length_bytes;
        const size_t length = has_length ? read_length(p, length_bytes) : 0;
        const uint8_t* unit = has_length ? p + length_bytes : end;
        const size_t left = static_cast<size_t>(end - unit);
        const uint8_t* unit_end = length < left ? unit + length : end;
        if (!is_exact && begins_with_start_code(p, end) &&
            !(length > 1 && begins_nal(unit, left) && find_start_code(unit, unit_end) == unit_end)) {
            split_at_start_codes(p, end, sink);
            return;
        }
        if (length > left) cut_off(length, left);
        split_at_start_codes(unit, unit_end, sink);
        p = unit_end;
    }
}

// Replaces `rbsp` by the payload without emulation_prevention_three_bytes, followed by kRbspPadding zero bytes.
// Returns its length without the padding. `removed`, unless nullptr, receives the payload offset of each byte left out.
size_t unescape(const uint8_t* payload, size_t bytes, std::vector<uint8_t>* rbsp,
                std::vector<size_t>* removed = nullptr);

// Cuts an Annex B stream that arrives in pieces into NAL units.
class AnnexBSplitter {
  public:
    explicit AnnexBSplitter(size_t max_nal_bytes) : max_nal_bytes_(max_nal_bytes) {}

    // Calls sink(data, bytes) for each NAL unit known to be complete. `flush` declares the last one complete.
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
    // Whether the next bytes continue a NAL unit.
    bool is_inside() const { return inside_; }
    // NAL units dropped for being larger than the limit.
    int64_t oversized() const { return oversized_; }

  private:
    template <typename Sink>
    void split_whole(const uint8_t* p, const uint8_t* end, Sink&& sink) {
        p = find_start_code(p, end);
        if (p < end) split_at_start_codes(p + 3, end, sink);
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
            if (inside_ && !dropping_) emit_nal(begin, code, sink);
            inside_ = true;
            dropping_ = false;
            begin = from = code + 3;
        }
        if (flush) {
            if (inside_ && !dropping_) emit_nal(begin, end, sink);
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

    size_t max_nal_bytes_;
    std::vector<uint8_t> buffer_;
    size_t searched_ = 0;
    bool inside_ = false;
    bool dropping_ = false;
    int64_t oversized_ = 0;
};

}  // namespace attp
