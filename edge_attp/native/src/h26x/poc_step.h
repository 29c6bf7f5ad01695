// Learns by how much the picture order count grows from one picture to the next in display order. Distances between pictures are
// POC differences divided by this step.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

namespace attp {

class PocStep {
  public:
    // `usual`: what nearly all encoders of this codec use.
    explicit PocStep(int32_t usual) : usual_(usual) {}

    // A new coded video sequence begins: its POC values have nothing to do with the earlier ones.
    void start_sequence() { recent_.clear(); }

    void observe(int32_t poc) {
        auto at = std::lower_bound(recent_.begin(), recent_.end(), poc);
        if (at != recent_.end() && *at == poc) return;
        if (at != recent_.end()) lower(int64_t{*at} - poc);
        if (at != recent_.begin()) lower(int64_t{poc} - *(at - 1));
        recent_.insert(at, poc);
        if (recent_.size() > kRemembered) recent_.erase(recent_.begin());
    }

    int32_t value() const { return step_ > 0 ? step_ : usual_; }
    void forget() { *this = PocStep(usual_); }

  private:
    static constexpr size_t kRemembered = 64;
    void lower(int64_t difference) {
        if (step_ == 0 || difference < step_) step_ = static_cast<int32_t>(std::min<int64_t>(difference, 1 << 20));
    }
    int32_t usual_;
    std::vector<int32_t> recent_;
    int32_t step_ = 0;
};

}  // namespace attp
