#include "regions/camera_motion.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace attp {
namespace {

constexpr int kMostSamples = 1024;                         // cells that are looked at
constexpr float kScales_px[] = {4.0f, 2.0f, 1.0f, 0.75f};  // of the biweight, one for each iteration
// A later start must be better by so much: a camera that stands still is the rule.
constexpr float kBetter = 0.05f;

constexpr double kLeastSpread_px = 16.0;  // standard deviation of places, from which zoom and turn can be told

struct Sample {
    float x, y, u, v, weight;
};

std::vector<Sample> samples_of(const CellGrid& grid) {
    const int stride =
        std::max(1, static_cast<int>(std::sqrt(static_cast<float>(grid.cells.size()) / kMostSamples) + 0.999f));
    const float side = static_cast<float>(grid.cell_px);
    std::vector<Sample> samples;
    for (int y = stride / 2; y < grid.height; y += stride)
        for (int x = stride / 2; x < grid.width; x += stride) {
            const Cell& cell = grid.at(x, y);
            if (cell.moving <= 0.0f) continue;
            const float texture = 0.25f + std::min(cell.change, 4.0f) * 0.1875f;  // 0.25 to 1
            samples.push_back({(static_cast<float>(x) + 0.5f - 0.5f * static_cast<float>(grid.width)) * side,
                               (static_cast<float>(y) + 0.5f - 0.5f * static_cast<float>(grid.height)) * side, cell.u,
                               cell.v, cell.moving * texture});
        }
    return samples;
}

// Tukey's biweight of a squared distance.
float biweight(float squared, float scale) {
    const float t = 1.0f - squared / (scale * scale);
    return t > 0.0f ? t * t : 0.0f;
}

float squared_distance(const Sample& s, const CameraMotion& m) {
    const float du = s.u - m.u(s.x, s.y), dv = s.v - m.v(s.x, s.y);
    return du * du + dv * dv;
}

// Weighted least squares of all four parameters; zoom and turn only where the samples spread wide enough to tell.
CameraMotion fitted(const std::vector<Sample>& samples, const CameraMotion& near, float scale,
                    std::vector<float>* weights) {
    double w = 0, x = 0, y = 0, u = 0, v = 0;
    for (size_t i = 0; i < samples.size(); i++) {
        const Sample& s = samples[i];
        (*weights)[i] = s.weight * biweight(squared_distance(s, near), scale);
        const double weight = (*weights)[i];
        w += weight;
        x += weight * s.x;
        y += weight * s.y;
        u += weight * s.u;
        v += weight * s.v;
    }
    if (w <= 0) return near;
    x /= w, y /= w, u /= w, v /= w;
    double spread = 0, along = 0, across = 0;
    for (size_t i = 0; i < samples.size(); i++) {
        const Sample& s = samples[i];
        const double weight = (*weights)[i];
        const double dx = s.x - x, dy = s.y - y, du = s.u - u, dv = s.v - v;
        spread += weight * (dx * dx + dy * dy);
        along += weight * (dx * du + dy * dv);
        across += weight * (dx * dv - dy * du);
    }
    CameraMotion m;
    if (spread > w * kLeastSpread_px * kLeastSpread_px) {
        m.zoom = static_cast<float>(along / spread);
        m.turn = static_cast<float>(across / spread);
    }
    m.tx = static_cast<float>(u - m.zoom * x + m.turn * y);
    m.ty = static_cast<float>(v - m.turn * x - m.zoom * y);
    return m;
}

float support(const std::vector<Sample>& samples, const CameraMotion& m, float total) {
    constexpr float kNear_px = 0.75f;
    float sum = 0.0f;
    for (const Sample& s : samples) sum += s.weight * biweight(squared_distance(s, m), kNear_px);
    return sum / total;
}

// The least value that half of the weight does not exceed: halves what is left until one value is.
float weighted_median(std::vector<std::pair<float, float>> values, float total) {
    auto begin = values.begin(), end = values.end();
    float below = 0.0f;  // weight of what was left out on the lower side
    while (end - begin > 1) {
        const auto middle = begin + (end - begin) / 2;
        std::nth_element(begin, middle, end);
        float sum = below;
        for (auto at = begin; at != middle; ++at) sum += at->second;
        if (2.0f * sum >= total) {
            end = middle;
        } else {
            begin = middle;
            below = sum;
        }
    }
    return begin == end ? 0.0f : begin->first;
}

CameraMotion median_of(const std::vector<Sample>& samples, float total) {
    std::vector<std::pair<float, float>> u, v;
    for (const Sample& s : samples) {
        u.emplace_back(s.u, s.weight);
        v.emplace_back(s.v, s.weight);
    }
    CameraMotion m;
    m.tx = weighted_median(std::move(u), total);
    m.ty = weighted_median(std::move(v), total);
    return m;
}

}  // namespace

CameraMotion estimate_camera(const CellGrid& grid, const CameraMotion& before) {
    const std::vector<Sample> samples = samples_of(grid);
    float total = 0.0f;
    for (const Sample& s : samples) total += s.weight;
    CameraMotion best;
    if (total <= 0.0f) return best;
    best.support = support(samples, best, total);
    std::vector<float> weights(samples.size());
    for (int start = 0; start < 3 && best.support + kBetter < 1.0f; start++) {
        CameraMotion m = start == 0 ? CameraMotion() : start == 1 ? before : median_of(samples, total);
        for (float scale : kScales_px) m = fitted(samples, m, scale, &weights);
        m.support = support(samples, m, total);
        if (m.support > best.support + kBetter) best = m;
    }
    std::vector<std::pair<float, float>> distances;
    for (const Sample& s : samples) distances.emplace_back(std::sqrt(squared_distance(s, best)), s.weight);
    best.scatter_px = weighted_median(std::move(distances), total);
    return best;
}

}  // namespace attp
