// The kernel behind a C function, for ctypes: on the host as it is, on a GPU (compiled by nvcc) with the copies.
#include "scoring.h"

#ifdef __CUDACC__
#include <vector>
#else
#include "host_score.h"
#endif

namespace {

using edge_attp::MapType;
using edge_attp::Sizes;

#ifdef __CUDACC__

// A copy on the device of `bytes` bytes, or room for them.
class OnDevice {
  public:
    OnDevice(const void* host, size_t bytes) {
        cudaMalloc(&address, bytes);
        if (host) cudaMemcpy(address, host, bytes, cudaMemcpyHostToDevice);
    }
    ~OnDevice() { cudaFree(address); }
    OnDevice(const OnDevice&) = delete;
    OnDevice& operator=(const OnDevice&) = delete;

    void* address = nullptr;
};

const char* run(const Sizes& sizes, MapType type, const void* const (&maps)[3], const float* classifier,
                float* scores) {
    const size_t bytes =
        sizes.pictures * sizes.projections * sizes.factors * sizes.positions * (type == MapType::kHalf ? 2 : 4);
    const OnDevice x(maps[0], bytes), y(maps[1], bytes), z(maps[2], bytes);
    const OnDevice p(classifier, sizes.projections * sizes.classes * sizeof(float));
    const OnDevice out(nullptr, sizes.pictures * sizes.classes * sizeof(float));
    const char* fault =
        edge_attp::score(sizes, type, {x.address, y.address, z.address}, static_cast<const float*>(p.address),
                         static_cast<float*>(out.address), nullptr);
    if (fault) return fault;
    const cudaError_t error =
        cudaMemcpy(scores, out.address, sizes.pictures * sizes.classes * sizeof(float), cudaMemcpyDeviceToHost);
    return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}

#else

const char* run(const Sizes& sizes, MapType type, const void* const (&maps)[3], const float* classifier,
                float* scores) {
    return edge_attp::score(sizes, type, maps, classifier, scores, nullptr);
}

extern "C" __attribute__((visibility("default"))) void run_backwards(int yes) { host_runs_backwards = yes; }

#endif

}  // namespace

// shape: pictures, channels, positions, classifier's rows, classes.
extern "C" __attribute__((visibility("default"))) const char* score_maps(int is_half, const void* x, const void* y,
                                                                         const void* z, const float* classifier,
                                                                         float* scores, const int64_t* shape,
                                                                         int factors) {
    const edge_attp::Shape map = {3, {shape[0], shape[1], shape[2]}};
    Sizes sizes;
    if (const char* fault = edge_attp::read_sizes({map, map, map, {2, {shape[3], shape[4], -1}}}, factors, &sizes))
        return fault;
    const void* const maps[3] = {x, y, z};
    if (const char* fault = edge_attp::check_addresses(maps)) return fault;
    return run(sizes, is_half ? MapType::kHalf : MapType::kFloat, maps, classifier, scores);
}
