#include "regions/components.h"

#include <algorithm>
#include <cstddef>

namespace attp {
namespace {

constexpr float kNear = 0.25f;      // of the larger one's longer side
constexpr float kBoxShare = 0.45f;  // of a component's peak, from which a cell belongs into its box

class Flood {
  public:
    Flood(const std::vector<float>& activity, int width, int height, float low)
        : activity_(activity), width_(width), height_(height), low_(low), seen_(activity.size(), 0) {}

    bool is_new(size_t cell) const { return !seen_[cell] && activity_[cell] > low_; }

    // The component that `cell` belongs to; peak: its largest activity. Its box holds what is not much weaker than that.
    Component from(size_t cell, float* peak) {
        members_.assign(1, cell);
        seen_[cell] = 1;
        Component found;
        *peak = 0.0f;
        for (size_t i = 0; i < members_.size(); i++) {  // which grows
            const size_t at = members_[i];
            found.weight += activity_[at];
            *peak = std::max(*peak, activity_[at]);
            visit_neighbours(column(at), row(at));
        }
        set_box(kBoxShare * *peak, &found);
        return found;
    }

  private:
    int column(size_t cell) const { return static_cast<int>(cell % static_cast<size_t>(width_)); }
    int row(size_t cell) const { return static_cast<int>(cell / static_cast<size_t>(width_)); }

    void set_box(float least, Component* found) const {
        found->left = width_;
        found->top = height_;
        for (size_t at : members_) {
            if (activity_[at] < least) continue;
            found->left = std::min(found->left, column(at));
            found->right = std::max(found->right, column(at) + 1);
            found->top = std::min(found->top, row(at));
            found->bottom = std::max(found->bottom, row(at) + 1);
        }
    }

    void visit_neighbours(int x, int y) {
        for (int ny = std::max(0, y - 1); ny <= std::min(height_ - 1, y + 1); ny++)
            for (int nx = std::max(0, x - 1); nx <= std::min(width_ - 1, x + 1); nx++) {
                const size_t cell = static_cast<size_t>(ny) * static_cast<size_t>(width_) + static_cast<size_t>(nx);
                if (!is_new(cell)) continue;
                seen_[cell] = 1;
                members_.push_back(cell);
            }
    }

    const std::vector<float>& activity_;
    const int width_, height_;
    const float low_;
    std::vector<char> seen_;
    std::vector<size_t> members_;
};

int gap(int begin_a, int end_a, int begin_b, int end_b) { return std::max({begin_b - end_a, begin_a - end_b, 0}); }

bool are_near(const Component& a, const Component& b) {
    const int side = std::max({a.width(), a.height(), b.width(), b.height()});
    const float near = kNear * static_cast<float>(side);
    return static_cast<float>(gap(a.left, a.right, b.left, b.right)) <= near &&
           static_cast<float>(gap(a.top, a.bottom, b.top, b.bottom)) <= near;
}

void merge(const Component& from, Component* into) {
    into->weight += from.weight;
    into->left = std::min(into->left, from.left);
    into->top = std::min(into->top, from.top);
    into->right = std::max(into->right, from.right);
    into->bottom = std::max(into->bottom, from.bottom);
}

bool is_heavier(const Component& a, const Component& b) {
    if (a.weight != b.weight) return a.weight > b.weight;
    return a.top != b.top ? a.top < b.top : a.left < b.left;
}

// Each round joins what is near; a joined one may be near to others.
void join_near(std::vector<Component>* components) {
    bool has_joined = true;
    while (has_joined) {
        has_joined = false;
        for (size_t i = 0; i < components->size(); i++)
            for (size_t j = components->size() - 1; j > i; j--)
                if (are_near((*components)[i], (*components)[j])) {
                    merge((*components)[j], &(*components)[i]);
                    components->erase(components->begin() + static_cast<ptrdiff_t>(j));
                    has_joined = true;
                }
    }
}

}  // namespace

std::vector<Component> find_components(const std::vector<float>& activity, int width, int height, float low,
                                       float high) {
    constexpr size_t kMost = 64;  // the heaviest, so that joining stays cheap
    std::vector<Component> components;
    Flood flood(activity, width, height, low);
    for (size_t cell = 0; cell < activity.size(); cell++) {
        if (!flood.is_new(cell)) continue;
        float peak;
        const Component found = flood.from(cell, &peak);
        if (peak > high) components.push_back(found);
    }
    std::sort(components.begin(), components.end(), is_heavier);
    if (components.size() > kMost) components.resize(kMost);
    join_near(&components);
    std::sort(components.begin(), components.end(), is_heavier);
    return components;
}

}  // namespace attp
