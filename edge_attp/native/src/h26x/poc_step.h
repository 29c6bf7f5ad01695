// Learns how much the picture order count grows from one picture to the next in display order, and counts the pictures between two
// others: the POC difference divided by this step.
//
// The standards promise no more than an order: pictures may be dropped, and a single number may be odd (a frame whose fields lie
// apart, a damaged header). So the step is a difference that many neighbours share, among recent pictures only: no single picture
// changes it, and old changes are forgotten.
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
        if (earlier_.size() > kEarlier) earlier_.erase(earlier_.begin(), earlier_.end() - kEarlier);
        sorted_.clear();
        in_decoding_order_.clear();
        counts_.clear();
    }

    void observe(int32_t poc) {
        auto at = std::lower_bound(sorted_.begin(), sorted_.end(), poc);
        if (at != sorted_.end() && *at == poc) return;
        at = sorted_.insert(at, poc);
        count_neighbours(at, 1);
        in_decoding_order_.push_back(poc);
        if (sorted_.size() > kWindow) forget_oldest();
        take(supported());
    }

    int32_t value() const { return step_ > 0 ? step_ : usual_; }

    // The number of pictures from one POC to another in display order, below 0 if `to` comes first. It is no less than the pictures
    // seen; the step accounts for those still to come, or dropped.
    int64_t distance(int32_t from, int32_t to) const {
        if (from == to) return 0;
        if (from > to) return -count(to, from, 0);
        return count(from, to, 1);
    }

    void forget() { *this = PocStep(usual_); }

  private:
    static constexpr size_t kWindow = 64;  // pictures of the sequence that count
    static constexpr size_t kEarlier =
        16;                             // differences of earlier sequences, while the current one is too short to tell
    static constexpr int kSupport = 3;  // one odd picture has two neighbours
    // For this many pictures a step is kept although only multiples of it are seen, as when a live source drops every picture
    // that no other refers to.
    static constexpr int kPatience = 1024;

    struct Count {
        int32_t difference;
        int count;
    };

    static int32_t difference(int32_t from, int32_t to) {
        return static_cast<int32_t>(std::min<int64_t>(int64_t{to} - from, 1 << 20));
    }

    // Of POCs, the one at `to` counts, or the one at `from`: `first` past `from`.
    int64_t count(int32_t from, int32_t to, int32_t first) const {
        const auto begin = std::lower_bound(sorted_.begin(), sorted_.end(), int64_t{from} + first);
        const auto end = std::lower_bound(begin, sorted_.end(), int64_t{to} + first);
        // To the nearest integer: an odd POC is not half a picture.
        const int64_t expected = (2 * (int64_t{to} - from) - 1 + value()) / (2 * value());
        return std::max({int64_t{1}, expected, static_cast<int64_t>(end - begin)});
    }

    static void add(int32_t difference, int count, std::vector<Count>* counts) {
        auto at = std::find_if(counts->begin(), counts->end(),
                               [difference](const Count& c) { return c.difference >= difference; });
        if (at == counts->end() || at->difference != difference) at = counts->insert(at, {difference, 0});
        at->count += count;
        if (at->count == 0) counts->erase(at);
    }

    static int most(const std::vector<Count>& counts) {
        int out = 0;
        for (const Count& c : counts) out = std::max(out, c.count);
        return out;
    }

    // `at` comes between its neighbours (sign 1), or goes from there (sign -1).
    void count_neighbours(std::vector<int32_t>::const_iterator at, int sign) {
        const bool has_before = at != sorted_.begin(), has_after = at + 1 != sorted_.end();
        if (has_before) add(difference(at[-1], *at), sign, &counts_);
        if (has_after) add(difference(*at, at[1]), sign, &counts_);
        if (has_before && has_after) add(difference(at[-1], at[1]), -sign, &counts_);
    }

    void forget_oldest() {
        const auto at = std::lower_bound(sorted_.begin(), sorted_.end(), in_decoding_order_.front());
        count_neighbours(at, -1);
        sorted_.erase(at);
        in_decoding_order_.pop_front();
    }

    Count supported() const {
        if (most(counts_) >= kSupport || earlier_.empty()) return smallest_not_rare(counts_);
        std::vector<Count> all = counts_;
        for (int32_t difference : earlier_) add(difference, 1, &all);
        return smallest_not_rare(all);
    }

    // Where pictures were dropped, differences are multiples of the step.
    static Count smallest_not_rare(const std::vector<Count>& counts) {
        const int top = most(counts);
        const int enough = std::max(std::min(top, kSupport), (top + 3) / 4);
        for (const Count& c : counts)
            if (c.count >= enough) return c;
        return {0, 0};
    }

    void take(const Count& found) {
        if (found.count == 0) return;
        const bool is_multiple = step_ > 0 && found.difference != step_ && found.difference % step_ == 0;
        if (is_multiple && is_sure_ && ++unsupported_ < kPatience) return;
        unsupported_ = 0;
        step_ = found.difference;
        is_sure_ = found.count >= kSupport;
    }

    int32_t usual_;
    std::vector<int32_t> sorted_;  // of the current sequence
    std::deque<int32_t> in_decoding_order_;
    std::vector<Count> counts_;     // of its differences, the smallest first
    std::vector<int32_t> earlier_;  // differences of earlier sequences
    int32_t step_ = 0;
    bool is_sure_ = false;  // of step_: it had support
    int unsupported_ = 0;   // pictures since then
};

}  // namespace attp
