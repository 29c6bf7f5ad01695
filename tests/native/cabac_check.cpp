// The arithmetic decoding engine against the standard's own flow charts, on random bits: every decision, bypass and terminating bin,
// every context and the position in the stream. The reference here is written from clause 9.3.3.2 bit by bit and stays as it is.
#include <cstdio>
#include <random>
#include <vector>

#include "h26x/cabac.h"

namespace {

class ReferenceEngine {
  public:
    explicit ReferenceEngine(const std::vector<uint8_t>& data) : data_(data) {
        for (int i = 0; i < 9; i++) offset_ = offset_ << 1 | read_bit();
    }

    // Figure 9-29 (DecodeDecision) with the tables as the engine under test states them: Table 9-44 is checked by check_tables().
    int decision(int* p_state_idx, int* val_mps) {
        const attp::CabacState& state = attp::kCabacStates.state[*p_state_idx << 1 | *val_mps];
        int range_lps = static_cast<int>(state.lps >> (16 * (range_ >> 6 & 3)) & 0xff);
        range_ -= range_lps;
        int bin;
        if (offset_ >= range_) {
            bin = 1 - *val_mps;
            offset_ -= range_;
            range_ = range_lps;
            int next = state.next_lps >> 1;
            if (*p_state_idx == 0) *val_mps = 1 - *val_mps;
            *p_state_idx = next;
        } else {
            bin = *val_mps;
            if (*p_state_idx < 62) ++*p_state_idx;
        }
        while (range_ < 256) {  // RenormD
            range_ <<= 1;
            offset_ = offset_ << 1 | read_bit();
        }
        return bin;
    }
    int bypass() {
        offset_ = offset_ << 1 | read_bit();
        if (offset_ < range_) return 0;
        offset_ -= range_;
        return 1;
    }
    int terminate() {
        range_ -= 2;
        if (offset_ >= range_) return 1;
        if (range_ < 256) {
            range_ <<= 1;
            offset_ = offset_ << 1 | read_bit();
        }
        return 0;
    }
    size_t position() const { return position_; }

  private:
    int read_bit() {
        size_t byte = position_ >> 3;
        int bit = byte < data_.size() ? data_[byte] >> (7 - (position_ & 7)) & 1 : 0;
        position_++;
        return bit;
    }
    const std::vector<uint8_t>& data_;
    size_t position_ = 0;
    int range_ = 510, offset_ = 0;
};

// What is known of Tables 9-44 and 9-45 without copying them: their corners and their monotony.
bool check_tables() {
    const attp::CabacState* states = attp::kCabacStates.state;
    auto range_lps = [states](int p, int q) { return static_cast<int>(states[p << 1].lps >> (16 * q) & 0xff); };
    bool ok = range_lps(0, 0) == 128 && range_lps(0, 3) == 240 && range_lps(62, 0) == 6 && range_lps(62, 3) == 9 &&
              range_lps(63, 0) == 2;
    for (int p = 0; p < 63; p++)
        for (int q = 0; q < 4; q++) {
            if (p > 0) ok &= range_lps(p, q) <= range_lps(p - 1, q);
            if (q > 0) ok &= range_lps(p, q) >= range_lps(p, q - 1);
        }
    for (int c = 0; c < 124; c++) ok &= (states[c].next_lps >> 1) <= (c >> 1);
    if (!ok) std::printf("FAILED the tables of the engine are not those of the standard\n");
    return ok;
}

bool check_stream(unsigned seed) {
    std::mt19937 random(seed);
    std::vector<uint8_t> bytes(600);
    // Some streams are mostly zeros or ones, so that both kinds of symbols come in runs.
    unsigned bias = seed % 3;
    for (uint8_t& b : bytes)
        b = static_cast<uint8_t>(bias == 0 ? random() : bias == 1 ? random() & random() : random() | random());
    if (bytes[0] == 0xff) bytes[0] = 0x7f;  // codIOffset of 510 and 511 does not occur
    std::vector<uint8_t> padded = bytes;
    padded.resize(bytes.size() + attp::kRbspPadding, 0);

    attp::Cabac engine;
    engine.start(padded.data(), bytes.size());
    ReferenceEngine reference(bytes);
    attp::CabacContext contexts[8];
    int p_state_idx[8], val_mps[8];
    for (int i = 0; i < 8; i++) {
        p_state_idx[i] = static_cast<int>(random() % 63);
        val_mps[i] = static_cast<int>(random() & 1);
        contexts[i] = static_cast<attp::CabacContext>(p_state_idx[i] << 1 | val_mps[i]);
    }
    for (int n = 0; reference.position() < bytes.size() * 8 - 64; n++) {
        int kind = static_cast<int>(random() % 16), i = static_cast<int>(random() % 8);
        int expected, actual;
        attp::Cabac::Run run(&engine);
        if (kind == 0) {
            expected = reference.terminate();
            actual = run.terminate();
            if (expected == 1 && actual == 1) return true;  // the slice ends here
        } else if (kind < 4) {
            expected = reference.bypass();
            actual = kind == 1 ? run.bypass_sign(1) < 0 : run.bypass();
        } else {
            expected = reference.decision(&p_state_idx[i], &val_mps[i]);
            actual = run.decision(&contexts[i]);
        }
        bool same_context = contexts[i] == (p_state_idx[i] << 1 | val_mps[i]);
        if (expected == actual && same_context) continue;
        std::printf("FAILED stream %u, bin %d: %d instead of %d, context %s\n", seed, n, actual, expected,
                    same_context ? "right" : "wrong");
        return false;
    }
    if (engine.position() == reference.position()) return true;
    std::printf("FAILED stream %u: position %zu instead of %zu\n", seed, engine.position(), reference.position());
    return false;
}

}  // namespace

int main() {
    bool ok = check_tables();
    for (unsigned seed = 0; seed < 3000 && ok; seed++) ok = check_stream(seed);
    if (ok) std::printf("3000 streams decoded like the standard's engine\n");
    return ok ? 0 : 1;
}
