// Learns by how much the picture order count grows from one picture to the next in display order. Distances between pictures are
// POC differences divided by this step.
//
// The standards promise an order and no more: pictures may be dropped, and one number may be odd (a frame whose fields lie
// apart, a damaged header). So the step is a difference that many neighbours have, among the last ones only: no single picture
// changes it, and what changed it once does so no longer when it has passed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <vector>

namespace attp {

class PocStep {
  public:
    // `usual`: what nearly all encoders of this codec use.
    explicit PocStep(int32_t usual) : usual_(usual) {}

    // A new coded video sequence begins: its POC values have nothing to do with the earlier ones.
    void start_sequence() {
        for (size_t i = 1; i < sorted_.size(); i++) earlier_.push_back(difference(sorted_[i - 1], sorted_[i]));
        sorted_.clear();
        in_decoding_order_.clear();
    }

    void observe(int32_t poc) {
        auto at = std::lower_bound(sorted_.begin(), sorted_.end(), poc);
        if (at != sorted_.end() && *at == poc) return;
        at = sorted_.insert(at, poc);
        count_neighbours(at, 1);
        in_decoding_order_.push_back(poc);
        if (earlier_.size() + sorted_.size() > kWindow) forget_oldest();
        step_ = supported();
    }

    int32_t value() const { return step_ > 0 ? step_ : usual_; }
    void forget() { *this = PocStep(usual_); }

  private:
    // Differences between neighbours that are looked at.
    static constexpr size_t kWindow = 64;

    struct Count {
        int32_t difference;
        int count;
    };

    static int32_t difference(int32_t from, int32_t to) {
        return static_cast<int32_t>(std::min<int64_t>(int64_t{to} - from, 1 << 20));
    }

    void add(int32_t difference, int count) {
        auto at = std::find_if(counts_.begin(), counts_.end(),
                               [difference](const Count& c) { return c.difference >= difference; });
        if (at == counts_.end() || at->difference != difference) at = counts_.insert(at, {difference, 0});
        at->count += count;
        if (at->count == 0) counts_.erase(at);
    }

    // `at` comes between its neighbours (sign 1), or goes from there (sign -1).
    void count_neighbours(std::vector<int32_t>::const_iterator at, int sign) {
        const bool has_before = at != sorted_.begin(), has_after = at + 1 != sorted_.end();
        if (has_before) add(difference(at[-1], *at), sign);
        if (has_after) add(difference(*at, at[1]), sign);
        if (has_before && has_after) add(difference(at[-1], at[1]), -sign);
    }

    void forget_oldest() {
        if (!earlier_.empty()) {
            add(earlier_.front(), -1);
            earlier_.pop_front();
            return;
        }
        const auto at = std::lower_bound(sorted_.begin(), sorted_.end(), in_decoding_order_.front());
        count_neighbours(at, -1);
        sorted_.erase(at);
        in_decoding_order_.pop_front();
    }

    // The smallest difference that is not rare: those between pictures that others were dropped from are multiples of the step.
    int32_t supported() const {
        int most = 0;
        for (const Count& c : counts_) most = std::max(most, c.count);
        // One odd picture has two neighbours.
        const int enough = std::max(std::min(most, 3), (most + 3) / 4);
        for (const Count& c : counts_)
            if (c.count >= enough) return c.difference;
        return step_;
    }

    int32_t usual_;
    std::vector<int32_t> sorted_;  // of the current sequence
    std::deque<int32_t> in_decoding_order_;
    std::deque<int32_t> earlier_;  // differences of earlier sequences
    std::vector<Count> counts_;    // of all differences, the smallest first
    int32_t step_ = 0;
};

}  // namespace attp
