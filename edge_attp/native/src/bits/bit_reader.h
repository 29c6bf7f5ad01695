// Reads syntax elements of fixed length and Exp-Golomb code (clauses 7.2 and 9.1) from an RBSP. One reader serves both codecs.
//
// A value out of range or a read past the end sets a sticky fault: callers read a whole structure and check once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace attp {

// Zero bytes after every RBSP, so that wide loads never leave the buffer.
constexpr size_t kRbspPadding = 64;

inline uint64_t load_be64(const uint8_t* p) {
    uint64_t v;
    std::memcpy(&v, p, 8);
    return __builtin_bswap64(v);
}

class BitReader {
  public:
    BitReader() = default;
    // `data` is followed by kRbspPadding zero bytes. The last 1 bit is the rbsp_stop_one_bit.
    BitReader(const uint8_t* data, size_t bytes) : data_(data), bytes_(bytes), end_(stop_bit_position(data, bytes)) {}

    size_t position() const { return position_; }
    void seek(size_t position) { position_ = position; }
    size_t stop_bit() const { return end_; }
    bool more_rbsp_data() const { return position_ < end_; }

    // Peeks at up to 57 bits.
    uint64_t peek(int bits) const {
        size_t byte = position_ >> 3;
        if (byte > bytes_) byte = bytes_;
        return (load_be64(data_ + byte) << (position_ & 7)) >> (64 - bits);
    }
    void skip(int bits) { position_ += bits; }
    // Whether the trailing bits of a structure come next: a one, and zeros to the end of the byte (H.264 clause 7.3.2.11).
    bool is_at_trailing_bits() const {
        const int bits = 8 - static_cast<int>(position_ & 7);
        return peek(bits) == uint64_t{1} << (bits - 1);
    }
    // Appends the bits from `from` to `to`; the position does not change.
    void copy_bits(size_t from, size_t to, std::vector<bool>* out) const {
        for (size_t at = from; at < to; at++) out->push_back(data_[at >> 3] >> (7 - (at & 7)) & 1);
    }

    uint32_t u(int bits) {
        if (bits == 0) return 0;
        uint32_t v = static_cast<uint32_t>(peek(bits));
        position_ += bits;
        return v;
    }
    bool flag() { return u(1) != 0; }

    uint32_t ue() {
        uint64_t window = peek(57);
        if (window == 0) {
            fail("Exp-Golomb code", 0);
            return 0;
        }
        int zeros = __builtin_clzll(window) - 7;
        if (zeros <= 28) {
            position_ += 2 * zeros + 1;
            return static_cast<uint32_t>((window >> (56 - 2 * zeros)) - 1);
        }
        position_ += zeros;
        if (zeros > 32) {
            fail("Exp-Golomb code", 0);
            return 0;
        }
        uint64_t code = peek(zeros + 1);
        position_ += zeros + 1;
        return static_cast<uint32_t>(code - 1);
    }
    int32_t se() {
        uint32_t code = ue();
        return code & 1 ? static_cast<int32_t>((code >> 1) + 1) : -static_cast<int32_t>(code >> 1);
    }

    uint32_t ue(const char* element, uint32_t max) {
        size_t at = position_;
        uint32_t v = ue();
        if (v > max) fail_at(element, v, at);
        return v > max ? 0 : v;
    }
    int32_t se(const char* element, int32_t min, int32_t max) {
        size_t at = position_;
        int32_t v = se();
        bool bad = v < min || v > max;
        if (bad) fail_at(element, v, at);
        return bad ? (min > 0 ? min : 0) : v;
    }

    void fail(const char* element, int64_t value) { fail_at(element, value, position_); }
    bool failed() const { return fault_ != nullptr; }
    // Whether more bits were read than the structure holds.
    bool overrun() const { return position_ > end_; }
    const char* fault() const { return fault_; }
    int64_t fault_value() const { return fault_value_; }
    size_t fault_position() const { return fault_position_; }

  private:
    static size_t stop_bit_position(const uint8_t* data, size_t bytes) {
        while (bytes > 0 && data[bytes - 1] == 0) bytes--;
        if (bytes == 0) return 0;
        return bytes * 8 - 1 - __builtin_ctz(data[bytes - 1]);
    }
    void fail_at(const char* element, int64_t value, size_t at) {
        if (fault_ != nullptr) return;
        fault_ = element;
        fault_value_ = value;
        fault_position_ = at;
    }

    const uint8_t* data_ = nullptr;
    size_t bytes_ = 0;
    size_t position_ = 0;
    size_t end_ = 0;
    const char* fault_ = nullptr;
    int64_t fault_value_ = 0;
    size_t fault_position_ = 0;
};

}  // namespace attp
