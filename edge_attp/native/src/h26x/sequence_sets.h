// Sequence parameter sets as received, for both codecs. A set that cannot be used is kept with the reason, which is reported when a
// slice refers to it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "h26x/fault.h"

namespace attp {

// Whether two sets decode alike; presentation, such as the VUI, may differ. Such a set may come at any picture.
template <typename Sps>
bool are_alike(const std::shared_ptr<const Sps>& a, const std::shared_ptr<const Sps>& b) {
    return a == b || (a && b && a->coding_bits == b->coding_bits);
}

template <typename Sps, size_t kCount>
class SequenceSets {
  public:
    using Table = std::array<std::shared_ptr<const Sps>, kCount>;

    // False: the same bytes were received before, and the set stays the same object.
    bool store(size_t id, const std::shared_ptr<const Sps>& sps, const std::vector<uint8_t>& rbsp, const Fault& fault) {
        if (rbsp == bytes_[id]) return false;
        bytes_[id] = rbsp;
        faults_[id] = fault;
        table_[id] = sps;
        return true;
    }

    const Table& table() const { return table_; }
    const Fault& fault_of(int id) const { return faults_[static_cast<size_t>(id)]; }
    // The first usable set, or nullptr.
    const Sps* any() const {
        for (size_t i = 0; i < kCount; i++)
            if (table_[i] && !faults_[i]) return table_[i].get();
        return nullptr;
    }

  private:
    Table table_;
    std::array<Fault, kCount> faults_;
    std::array<std::vector<uint8_t>, kCount> bytes_;
};

}  // namespace attp
