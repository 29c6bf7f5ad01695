// The plugin's computation as the TensorRT glue calls it: sizes are read and checked, then one launch scores a batch.
// Knows nothing of TensorRT. The checks are in checks.cpp; score is in scoring.cu and, for a host, in the tests.
#pragma once

#include <cstdint>

struct CUstream_st;  // what cudaStream_t points to

namespace edge_attp {

constexpr int kInputs = 4;  // appearance, motion, residual: (pictures, channels, positions); classifier: below

// Largest numbers served. They keep indices in 32 bits and the shared memory of a block under 48 KiB.
constexpr int kMaxProjections = 8192;
constexpr int kMaxTerms = 1 << 24;  // factors * positions
constexpr int kMaxClasses = 1 << 16;
constexpr int64_t kMaxPictures = INT32_MAX;

// The shape of a tensor; a size of -1 is not known yet.
struct Shape {
    int rank;
    int64_t size[3];
};

// -1: not known yet. 0 pictures are allowed.
struct Sizes {
    int64_t pictures;
    int64_t projections;
    int64_t factors;
    int64_t positions;
    int64_t classes;
};

// Null, or what is wrong with the node's attribute.
const char* check_factors(int factors);

// Fills `sizes` from the shapes of the four inputs: three maps of factors * projections channels, and the classifier
// (projections, classes). Returns null, or what is wrong with them.
const char* read_sizes(const Shape (&inputs)[kInputs], int factors, Sizes* sizes);

// Whether pairs of 16-bit floats can be loaded from all three. Returns null, or what is wrong.
const char* check_addresses(const void* const (&maps)[3]);

enum class MapType { kFloat, kHalf };

// Scores (pictures, classes) in 32-bit floats from device addresses, asynchronously on `stream`. Sizes must all be
// known, sizes and addresses be checked, and maps be contiguous. Returns null, or what went wrong.
const char* score(const Sizes& sizes, MapType type, const void* const (&maps)[3], const float* classifier,
                  float* scores, CUstream_st* stream);

}  // namespace edge_attp
