// What one thread block does for one picture: trilinear pooling, signed square root, l2 norm and classifier (eq. 4-7 of
// the paper). The block itself is a parameter: threads of a GPU (scoring.cu) or loops (the checks on a host). So a step
// can only be written through `sums` and `threads`, and both end with a barrier: none can be forgotten.
//
//   sums(count, term, store):  store(i, sum over the lanes of term(i, lane)) for i < count, a warp for each i
//   threads(step):             step(t) for t < kThreads
//   shared:                    projections + kSharedFloats floats that all threads see, the rooted sums first
#pragma once

#include "half.h"

namespace edge_attp {

constexpr int kLanes = 32;
constexpr int kThreads = 512;
constexpr int kSharedFloats = 1 + kThreads;  // the length of the rooted sums, and a partial score for each thread
constexpr float kEpsilon = 1e-12f;           // EPSILON of edge_attp_export.trilinear

// Channel i * factors + j of a map is factor j of projection i, so the terms = factors * positions products of a
// projection are adjacent. Maps of Half start at multiples of four bytes.
template <typename Number>
struct Problem {
    const Number* appearance;  // (pictures, projections, terms), as are motion and residual
    const Number* motion;
    const Number* residual;
    const float* classifier;  // (projections, classes)
    float* scores;            // (pictures, classes)
    int projections;
    int terms;
    int classes;
};

EDGE_ATTP_DEVICE int smaller(int a, int b) { return a < b ? a : b; }

// Widened before it is multiplied: 65504^3 fits a 32-bit float.
template <typename Number>
EDGE_ATTP_DEVICE float product(const Problem<Number>& p, long long at) {
    return load(p.appearance + at) * load(p.motion + at) * load(p.residual + at);
}

// One lane's share of the products [first, first + p.terms).
EDGE_ATTP_DEVICE float lane_sum(const Problem<float>& p, long long first, int lane) {
    float sum = 0;
    EDGE_ATTP_UNROLL
    for (int i = lane; i < p.terms; i += kLanes) sum += product(p, first + i);
    return sum;
}

// In pairs from the first even element on; the last lane, which has the fewest, takes what is left at both ends.
EDGE_ATTP_DEVICE float lane_sum(const Problem<Half>& p, long long first, int lane) {
    const int head = static_cast<int>(first & 1);
    const int pairs = (p.terms - head) / 2;
    float sum = 0;
    EDGE_ATTP_UNROLL
    for (int pair = lane; pair < pairs; pair += kLanes) {
        const long long at = first + head + 2 * pair;
        const FloatPair x = load_pair(p.appearance + at);
        const FloatPair y = load_pair(p.motion + at);
        const FloatPair z = load_pair(p.residual + at);
        sum += x.first * y.first * z.first;
        sum += x.second * y.second * z.second;
    }
    if (lane == kLanes - 1) {
        if (head) sum += product(p, first);
        if ((p.terms - head) % 2) sum += product(p, first + p.terms - 1);
    }
    return sum;
}

template <typename Block, typename Number>
EDGE_ATTP_DEVICE void pool(Block& block, const Problem<Number>& p, long long picture, float* rooted) {
    block.sums(
        p.projections,
        [&](int projection, int lane) { return lane_sum(p, (picture * p.projections + projection) * p.terms, lane); },
        [&](int projection, float sum) { rooted[projection] = copysignf(sqrtf(fabsf(sum)), sum); });
}

template <typename Block>
EDGE_ATTP_DEVICE void measure(Block& block, const float* rooted, int projections, float* length) {
    block.sums(
        1,
        [&](int, int lane) {
            float sum = 0;
            for (int i = lane; i < projections; i += kLanes) sum += rooted[i] * rooted[i];
            return sum;
        },
        [&](int, float sum) { *length = fmaxf(sqrtf(sum), kEpsilon); });
}

// The division by the length comes last, once for each class. Threads of one class share its projections, and
// neighbours read neighbouring classes.
template <typename Block, typename Number>
EDGE_ATTP_DEVICE void classify(Block& block, const Problem<Number>& p, long long picture, const float* rooted,
                               const float* length, float* partial) {
    const int width = smaller(p.classes, kThreads);
    const int parts = kThreads / width;
    for (int first = 0; first < p.classes; first += width) {
        const int count = smaller(width, p.classes - first);
        block.threads([&](int thread) {
            const int column = thread % width;
            float sum = 0;
            if (column < count && thread < parts * width) {
                EDGE_ATTP_UNROLL
                for (int i = thread / width; i < p.projections; i += parts)
                    sum += rooted[i] * p.classifier[i * p.classes + first + column];
            }
            partial[thread] = sum;
        });
        block.threads([&](int thread) {
            if (thread >= count) return;
            float sum = 0;
            for (int part = 0; part < parts; part++) sum += partial[part * width + thread];
            p.scores[picture * p.classes + first + thread] = sum / *length;
        });
    }
}

template <typename Block, typename Number>
EDGE_ATTP_DEVICE void score_picture(Block& block, const Problem<Number>& p, long long picture) {
    float* rooted = block.shared;
    float* length = rooted + p.projections;
    float* partial = length + 1;
    pool(block, p, picture, rooted);
    measure(block, rooted, p.projections, length);
    classify(block, p, picture, rooted, length, partial);
}

}  // namespace edge_attp
