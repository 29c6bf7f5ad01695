// The scoring kernel on the host: a thread block as loops over its warps and threads, and edge_attp::score over them.
// It computes what scoring.cu computes, from the same score_block.h.
#include <cmath>
#include <vector>

#include "host_score.h"
#include "problem.h"

bool host_runs_backwards = false;

namespace edge_attp {
namespace {

// Threads between two barriers know nothing of each other, so any order of them must give the same numbers.
template <typename Step>
void in_some_order(int count, Step step) {
    for (int i = 0; i < count; i++) step(host_runs_backwards ? count - 1 - i : i);
}

class HostBlock {
  public:
    float* shared;

    template <typename Term, typename Store>
    void sums(int count, Term term, Store store) {
        in_some_order(count, [&](int i) {
            float lanes[kLanes];
            in_some_order(kLanes, [&](int lane) { lanes[lane] = term(i, lane); });
            for (int distance = kLanes / 2; distance > 0; distance /= 2)
                for (int lane = 0; lane < distance; lane++) lanes[lane] += lanes[lane + distance];
            store(i, lanes[0]);
        });
    }

    template <typename Step>
    void threads(Step step) {
        in_some_order(kThreads, step);
    }
};

template <typename Number>
void score_all(const Sizes& sizes, const void* const (&maps)[3], const float* classifier, float* scores) {
    const Problem<Number> problem = problem_of<Number>(sizes, maps, classifier, scores);
    for (int64_t picture = 0; picture < sizes.pictures; picture++) {
        std::vector<float> shared(sizes.projections + kSharedFloats, NAN);  // as undefined as on a GPU
        HostBlock block{shared.data()};
        score_picture(block, problem, picture);
    }
}

}  // namespace

const char* score(const Sizes& sizes, MapType type, const void* const (&maps)[3], const float* classifier,
                  float* scores, CUstream_st*) {
    if (type == MapType::kHalf)
        score_all<Half>(sizes, maps, classifier, scores);
    else
        score_all<float>(sizes, maps, classifier, scores);
    return nullptr;
}

}  // namespace edge_attp
