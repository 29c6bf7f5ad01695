// Reads the sizes of the computation off the shapes of its inputs, and says what does not fit the kernel.
#include "scoring.h"

namespace edge_attp {
namespace {

// Two sizes that must be one: the known one if only one is known. False if they differ.
bool join(int64_t* size, int64_t other) {
    if (*size < 0) *size = other;
    return other < 0 || *size == other;
}

bool is_within(int64_t size, int64_t least, int64_t most) { return size < 0 || (size >= least && size <= most); }

// The maps' common sizes: pictures, channels, positions.
const char* read_maps(const Shape (&inputs)[kInputs], int64_t (&sizes)[3]) {
    for (int map = 0; map < 3; map++) {
        if (inputs[map].rank != 3) return "a map must be (pictures, factors * projections, positions)";
        for (int i = 0; i < 3; i++)
            if (!join(&sizes[i], inputs[map].size[i])) return "the three maps differ in their sizes";
    }
    return nullptr;
}

const char* check_limits(const Sizes& sizes) {
    if (!is_within(sizes.pictures, 0, kMaxPictures)) return "the batch is larger than 2^31 - 1";
    if (!is_within(sizes.projections, 1, kMaxProjections)) return "there must be 1 to 8192 projections";
    if (!is_within(sizes.positions, 1, kMaxTerms / sizes.factors))
        return "factors * positions must be between 1 and 2^24";
    if (!is_within(sizes.classes, 1, kMaxClasses)) return "there must be 1 to 65536 classes";
    return nullptr;
}

}  // namespace

const char* check_factors(int factors) {
    return factors < 1 || factors > kMaxTerms ? "the attribute factors must be between 1 and 2^24" : nullptr;
}

const char* read_sizes(const Shape (&inputs)[kInputs], int factors, Sizes* sizes) {
    if (const char* fault = check_factors(factors)) return fault;
    int64_t map[3] = {-1, -1, -1};
    if (const char* fault = read_maps(inputs, map)) return fault;
    const Shape& classifier = inputs[3];
    if (classifier.rank != 2) return "the classifier must be (projections, classes)";
    if (map[1] >= 0 && map[1] % factors != 0) return "the channels of a map are no multiple of the attribute factors";
    *sizes = {map[0], map[1] < 0 ? -1 : map[1] / factors, factors, map[2], classifier.size[1]};
    if (!join(&sizes->projections, classifier.size[0]))
        return "the classifier's rows are not the maps' channels divided by factors";
    return check_limits(*sizes);
}

const char* check_addresses(const void* const (&maps)[3]) {
    for (const void* map : maps)
        if (reinterpret_cast<uintptr_t>(map) % 4 != 0) return "a map does not start at a multiple of four bytes";
    return nullptr;
}

}  // namespace edge_attp
