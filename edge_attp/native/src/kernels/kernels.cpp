#include "kernels/kernels.h"

#include <cstdlib>
#include <cstring>

namespace attp {

#if defined(__x86_64__)
extern const Kernels kSse41Kernels;
extern const Kernels kAvx2Kernels;
#elif defined(__aarch64__)
extern const Kernels kNeonKernels;
#endif

int available_kernels(const Kernels* out[4]) {
    int count = 0;
    out[count++] = &kScalarKernels;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.1")) out[count++] = &kSse41Kernels;
    // What the library built for AVX2 may use besides.
    bool has_bmi = __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    if (__builtin_cpu_supports("avx2") && has_bmi) out[count++] = &kAvx2Kernels;
#elif defined(__aarch64__)
    out[count++] = &kNeonKernels;
#endif
    return count;
}

const Kernels* choose_kernels() {
    const Kernels* have[4];
    int count = available_kernels(have);
    const char* forced = std::getenv("EDGE_ATTP_CPU");
    if (forced == nullptr || *forced == '\0') return have[count - 1];
    for (int i = 0; i < count; i++)
        if (std::strcmp(forced, have[i]->name) == 0) return have[i];
    return nullptr;
}

}  // namespace attp
