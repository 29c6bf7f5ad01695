// The scoring kernel on a GPU: one thread block for each picture, one launch for a batch. Knows nothing of TensorRT.
// What a block computes is in score_block.h; here is only what a block and a launch are. NVRTC compiles the kernels
// too, without the launch, to count registers.
#include "score_block.h"

#ifndef __CUDACC_RTC__
#include "problem.h"
#endif

namespace edge_attp {
namespace {

class DeviceBlock {
  public:
    float* shared;

    template <typename Term, typename Store>
    __device__ void sums(int count, Term term, Store store) const {
        const int lane = threadIdx.x % kLanes;
        for (int i = threadIdx.x / kLanes; i < count; i += kThreads / kLanes) {
            float sum = term(i, lane);
            for (int distance = kLanes / 2; distance > 0; distance /= 2)
                sum += __shfl_down_sync(0xffffffffu, sum, distance);
            if (lane == 0) store(i, sum);
        }
        __syncthreads();
    }

    template <typename Step>
    __device__ void threads(Step step) const {
        step(static_cast<int>(threadIdx.x));
        __syncthreads();
    }
};

template <typename Number>
__device__ __forceinline__ void score_one(const Problem<Number>& problem) {
    extern __shared__ float shared[];
    DeviceBlock block{shared};
    score_picture(block, problem, blockIdx.x);
}

}  // namespace

// 512 threads of at most 64 registers are the 32768 that a block may have on the TX2.
extern "C" __global__ void __launch_bounds__(kThreads) edge_attp_score_half(Problem<Half> problem) {
    score_one(problem);
}

extern "C" __global__ void __launch_bounds__(kThreads) edge_attp_score_float(Problem<float> problem) {
    score_one(problem);
}

#ifndef __CUDACC_RTC__

const char* score(const Sizes& sizes, MapType type, const void* const (&maps)[3], const float* classifier,
                  float* scores, CUstream_st* stream) {
    if (sizes.pictures == 0) return nullptr;
    const int blocks = static_cast<int>(sizes.pictures);
    const size_t bytes = (sizes.projections + kSharedFloats) * sizeof(float);
    if (type == MapType::kHalf)
        edge_attp_score_half<<<blocks, kThreads, bytes, stream>>>(problem_of<Half>(sizes, maps, classifier, scores));
    else
        edge_attp_score_float<<<blocks, kThreads, bytes, stream>>>(problem_of<float>(sizes, maps, classifier, scores));
    const cudaError_t error = cudaGetLastError();
    return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}

#endif

}  // namespace edge_attp
