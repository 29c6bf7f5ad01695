// The arithmetic decoding engine, which is the same in both codecs (H.264 clauses 9.3.1.2 and 9.3.3.2, HEVC clauses 9.3.2.5 and
// 9.3.4.3).
//
// codIOffset is kept scaled: value_ holds it with `bits_` bits of the stream already appended below, so that a renormalisation
// only lowers bits_. Before every decision bits_ is at least kMinBits - 8; a decision shifts by 7 bits at most.
#pragma once

#include <cstddef>
#include <cstdint>

#include "bits/bit_reader.h"

namespace attp {

// A context variable: pStateIdx << 1 | valMPS.
using CabacContext = uint8_t;

// Everything that a decision may need from a context, side by side.
struct CabacState {
    // For each qCodIRangeIdx 16 bits: codIRangeLPS, and above it the shift that renormalises it.
    uint64_t lps;
    CabacContext next_mps;
    CabacContext next_lps;
};
struct CabacStates {
    CabacState state[128];
};
extern const CabacStates kCabacStates;

class Cabac {
  public:
    // Decodes several bins with the engine's state in registers; the state is written back at the end of the scope.
    class Run {
      public:
        explicit Run(Cabac* home) : value_(home->value_), range_(home->range_), bits_(home->bits_), home_(home) {}
        ~Run() {
            home_->value_ = value_;
            home_->range_ = range_;
            home_->bits_ = bits_;
        }
        Run(const Run&) = delete;
        Run& operator=(const Run&) = delete;

        int decision(CabacContext* context) {
            const uint32_t context_value = *context;
            const CabacState& state = kCabacStates.state[context_value];
            uint32_t lps_entry = static_cast<uint32_t>(state.lps >> (range_ >> 2 & 0x30));
            uint32_t lps = lps_entry & 0xff, lps_shift = lps_entry >> 8 & 0xff;
            uint32_t mps = range_ - lps;
            uint32_t mps_shift = (mps >> 8) ^ 1;
            uint64_t scaled = static_cast<uint64_t>(mps) << bits_;
            const Outcome most = {mps << mps_shift, mps_shift, state.next_mps, context_value & 1};
            const Outcome least = {lps << lps_shift, lps_shift, state.next_lps, ~context_value & 1};
            const Outcome outcome = select(scaled, most, least);
            range_ = outcome.range;
            bits_ -= static_cast<int>(outcome.shift);
            *context = static_cast<CabacContext>(outcome.context);
            refill();
            return static_cast<int>(outcome.bin);
        }

        int bypass() { return static_cast<int>(bypass_mask() & 1); }

        // The next `count` bins, the first one in the highest bit.
        uint32_t bypass_bits(int count) {
            uint32_t bins = 0;
            for (; count > 0; count--) bins = bins << 1 | static_cast<uint32_t>(bypass_mask() & 1);
            return bins;
        }

        // A sign: -magnitude if the bypass bin is 1.
        int bypass_sign(int magnitude) {
            int mask = static_cast<int>(bypass_mask());
            return (magnitude ^ mask) - mask;
        }

        int terminate() {
            range_ -= 2;
            uint64_t scaled = static_cast<uint64_t>(range_) << bits_;
            if (value_ >= scaled) return 1;
            if (range_ < 256) {
                range_ <<= 1;
                bits_--;
                refill();
            }
            return 0;
        }

      private:
        struct Outcome {
            uint32_t range, shift, context, bin;
        };

        // The least probable symbol if the offset lies in its part of the range. Compilers would branch here, but bins are too
        // hard to predict for that.
        Outcome select(uint64_t scaled, Outcome most, Outcome least) {
#if defined(__x86_64__)
            uint64_t rest = value_;
            __asm__(
                "sub %[scaled], %[rest]\n\t"
                "cmovae %[rest], %[value]\n\t"
                "cmovae %[l_range], %[range]\n\t"
                "cmovae %[l_shift], %[shift]\n\t"
                "cmovae %[l_context], %[context]\n\t"
                "cmovae %[l_bin], %[bin]"
                : [rest] "+&r"(rest), [value] "+&r"(value_), [range] "+&r"(most.range), [shift] "+&r"(most.shift),
                  [context] "+&r"(most.context), [bin] "+&r"(most.bin)
                : [scaled] "r"(scaled), [l_range] "r"(least.range), [l_shift] "r"(least.shift),
                  [l_context] "r"(least.context), [l_bin] "r"(least.bin)
                : "cc");
            return most;
#else
            const bool is_lps = value_ >= scaled;
            value_ -= is_lps ? scaled : 0;
            return is_lps ? least : most;
#endif
        }

        // All ones for a bin of 1.
        int64_t bypass_mask() {
            bits_--;
            uint64_t scaled = static_cast<uint64_t>(range_) << bits_;
            int64_t mask = static_cast<int64_t>(scaled - 1 - value_) >> 63;
            value_ -= scaled & static_cast<uint64_t>(mask);
            refill();
            return mask;
        }

        void refill() {
            if (__builtin_expect(bits_ < kMinBits, 0)) {
                value_ = (value_ << 40) | home_->next_40_bits();
                bits_ += 40;
            }
        }

        uint64_t value_;
        uint32_t range_;
        int bits_;
        Cabac* const home_;
    };

    // Starts at a byte of the RBSP (clause 9.3.1.2).
    void start(const uint8_t* data, size_t bytes) {
        begin_ = p_ = data;
        end_ = data + bytes;
        range_ = 510;
        value_ = load_be64(p_) >> 16;
        p_ += 6;
        bits_ = 48 - 9;
    }

    int decision(CabacContext* context) { return Run(this).decision(context); }
    int terminate() { return Run(this).terminate(); }

    // Bits read so far. After a terminating bin of 1, and before the engine is started again, the last of them is the bit that
    // flushing set to 1 at the encoder: the rbsp_stop_one_bit, or the last one before the alignment of PCM samples.
    size_t position() const { return static_cast<size_t>(p_ - begin_) * 8 - static_cast<size_t>(bits_); }
    // Whether the engine has used more bits than the data hold.
    bool overrun() const { return position() > static_cast<size_t>(end_ - begin_) * 8 + 8; }

  private:
    static constexpr int kMinBits = 8;

    uint64_t next_40_bits() {
        uint64_t next = p_ < end_ ? load_be64(p_) >> 24 : 0;
        p_ += 5;
        return next;
    }

    uint64_t value_ = 0;
    uint32_t range_ = 0;
    int bits_ = 0;
    const uint8_t* p_ = nullptr;
    const uint8_t* end_ = nullptr;
    const uint8_t* begin_ = nullptr;
};

}  // namespace attp
