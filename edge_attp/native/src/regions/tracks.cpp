#include "regions/tracks.h"

#include <algorithm>
#include <cmath>

namespace attp {
namespace {

// Windows are cut out of motion, chroma and luma alike.
constexpr int kGrid_px = 8;
constexpr float kMargin = 1.4f;      // of a window around its box
constexpr float kLeastShare = 0.2f;  // of the short side of the picture
constexpr float kLeast_px = 32.0f;
constexpr float kLoose = 1.35f;      // a window that is larger than a new one by this is placed anew
constexpr float kShrink_s = 0.5f;    // that it must be larger for
constexpr float kAhead = 8.0f;       // pictures of its motion that a window leaves room for
constexpr float kMostAhead = 0.14f;  // of the side
constexpr float kOverhang = 0.06f;   // of the side, by which a box may leave its window
constexpr float kFollow = 0.5f;      // of the way to a new box
constexpr float kOverlap = 0.1f;     // intersection over union from which two boxes are one thing
constexpr float kConfirm_s = 0.2f;   // that a new box must be seen for
constexpr float kForget_s = 1.0f;    // that a lost one is kept for
constexpr float kLinger_s = 0.4f;    // of these, shown for
constexpr float kLoyalty = 2.0f;     // a window that is shown outweighs a new one by
constexpr float kAway = 0.5f;        // weight of a track that was not seen in this picture

float area(const Box& b) { return std::max(b.right - b.left, 0.0f) * std::max(b.bottom - b.top, 0.0f); }

float overlap(const Box& a, const Box& b) {
    const Box both = {std::max(a.left, b.left), std::max(a.top, b.top), std::min(a.right, b.right),
                      std::min(a.bottom, b.bottom)};
    if (both.left >= both.right || both.top >= both.bottom) return 0.0f;
    const float common = area(both);
    return common / (area(a) + area(b) - common);
}

Box moved(const Box& b, float dx, float dy) { return {b.left + dx, b.top + dy, b.right + dx, b.bottom + dy}; }

float side_of(const Box& b) { return std::max(b.right - b.left, b.bottom - b.top); }

float towards(float from, float to) { return from + kFollow * (to - from); }

float standing(const Track& track) {
    return track.weight * (track.is_shown ? kLoyalty : 1.0f) * (track.missing > 0 ? kAway : 1.0f);
}

bool is_heavier(const Track& a, const Track& b) {
    return standing(a) != standing(b) ? standing(a) > standing(b) : a.id < b.id;
}

}  // namespace

Tracks::Tracks(int width_px, int height_px, int most, float pictures_per_s)
    : width_px_(width_px), height_px_(height_px), most_(most), pictures_per_s_(pictures_per_s) {}

int Tracks::pictures_in(float seconds) const { return static_cast<int>(std::ceil(seconds * pictures_per_s_)); }

void Tracks::follow(const std::vector<Component>& components, int cell_px) {
    std::vector<Box> boxes;
    for (const Component& component : components) boxes.push_back(box_of(component, cell_px));
    match(boxes, components);
    forget();
    choose();
}

Box Tracks::box_of(const Component& c, int cell_px) const {
    const auto px = [cell_px](int cells, int most) { return static_cast<float>(std::min(cells * cell_px, most)); };
    return {px(c.left, width_px_), px(c.top, height_px_), px(c.right, width_px_), px(c.bottom, height_px_)};
}

// The best overlap first; a track is expected where its motion takes it.
void Tracks::match(const std::vector<Box>& boxes, const std::vector<Component>& components) {
    std::vector<char> is_taken(boxes.size(), 0);
    const size_t known = tracks_.size();
    std::vector<char> is_seen(known, 0);
    while (true) {
        float best = kOverlap;
        size_t best_track = known, best_box = 0;
        for (size_t t = 0; t < known; t++) {
            if (is_seen[t]) continue;
            const Track& track = tracks_[t];
            const float ahead = static_cast<float>(track.missing + 1);
            const Box expected = moved(track.box, track.dx * ahead, track.dy * ahead);
            for (size_t b = 0; b < boxes.size(); b++) {
                const float found = is_taken[b] ? 0.0f : overlap(expected, boxes[b]);
                if (found > best) {
                    best = found;
                    best_track = t;
                    best_box = b;
                }
            }
        }
        if (best_track == known) break;
        is_seen[best_track] = is_taken[best_box] = 1;
        see(&tracks_[best_track], boxes[best_box], components[best_box].weight);
    }
    for (size_t t = 0; t < known; t++)
        if (!is_seen[t]) tracks_[t].missing++;
    for (size_t b = 0; b < boxes.size(); b++) {
        if (is_taken[b]) continue;
        Track track;
        track.id = next_id_++;
        track.box = boxes[b];
        track.weight = components[b].weight;
        track.pictures = 1;
        place_window(&track);
        tracks_.push_back(track);
    }
}

void Tracks::see(Track* track, const Box& box, float weight) {
    const float pictures = static_cast<float>(track->missing + 1);
    const Box before = track->box;
    track->box = {towards(before.left, box.left), towards(before.top, box.top), towards(before.right, box.right),
                  towards(before.bottom, box.bottom)};
    const float dx = 0.5f * (track->box.left + track->box.right - before.left - before.right) / pictures;
    const float dy = 0.5f * (track->box.top + track->box.bottom - before.top - before.bottom) / pictures;
    track->dx = towards(track->dx, dx);
    track->dy = towards(track->dy, dy);
    track->weight = weight;
    track->missing = 0;
    track->pictures++;
    place_window(track);
}

// A square around the box, inside the picture where that is large enough. It stays as long as most of the box is in it and it is not
// much too large, so that what is computed once for a window serves many pictures.
void Tracks::place_window(Track* track) const {
    const float shortest = static_cast<float>(std::min(width_px_, height_px_));
    const Box& box = track->box;
    const float least = std::min(std::max(kLeastShare * shortest, kLeast_px), shortest);
    const float side = std::min(std::max(kMargin * side_of(box), least), shortest);
    const float x = static_cast<float>(track->x_px), y = static_cast<float>(track->y_px),
                now = static_cast<float>(track->side_px);
    const bool is_full = now >= shortest && side >= shortest;
    const float middle_x = 0.5f * (box.left + box.right), middle_y = 0.5f * (box.top + box.bottom);
    const float over = kOverhang * now;
    const bool holds =
        box.left >= x - over && box.top >= y - over && box.right <= x + now + over && box.bottom <= y + now + over;
    const bool is_centred =
        std::abs(middle_x - x - 0.5f * now) <= 0.2f * now && std::abs(middle_y - y - 0.5f * now) <= 0.2f * now;
    track->loose = now > kLoose * side ? track->loose + 1 : 0;
    if (now > 0.0f && (is_full ? is_centred : holds) && track->loose <= pictures_in(kShrink_s)) return;
    track->loose = 0;
    track->side_px = static_cast<int>(side) / kGrid_px * kGrid_px;
    const auto place = [&](float middle, int length) {
        const int begin = static_cast<int>(std::max(middle - 0.5f * side, 0.0f)) / kGrid_px * kGrid_px;
        return std::min(begin, (length - track->side_px) / kGrid_px * kGrid_px);
    };
    const auto ahead = [side](float speed) {
        return std::max(-kMostAhead * side, std::min(kAhead * speed, kMostAhead * side));
    };
    track->x_px = place(middle_x + ahead(track->dx), width_px_);
    track->y_px = place(middle_y + ahead(track->dy), height_px_);
}

void Tracks::forget() {
    const int kept = pictures_in(kForget_s);
    const auto is_lost = [&](const Track& track) {
        return track.missing > kept || (track.pictures < 2 && track.missing > 1);
    };
    tracks_.erase(std::remove_if(tracks_.begin(), tracks_.end(), is_lost), tracks_.end());
}

void Tracks::choose() {
    const int confirmed = pictures_in(kConfirm_s), lingering = pictures_in(kLinger_s);
    std::sort(tracks_.begin(), tracks_.end(), is_heavier);
    shown_.clear();
    for (Track& track : tracks_) {
        const bool is_wanted = track.pictures >= confirmed && track.missing <= lingering;
        track.is_shown = is_wanted && shown_.size() < static_cast<size_t>(most_);
        if (track.is_shown) shown_.push_back(track);
    }
}

}  // namespace attp
