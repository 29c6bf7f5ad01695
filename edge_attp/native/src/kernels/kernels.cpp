#include "kernels/kernels.h"

#include <cstdlib>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace attp_kernels {

#if defined(__x86_64__)
extern const Kernels kSse41Kernels;
extern const Kernels kAvx2Kernels;
#elif defined(__aarch64__)
extern const Kernels kNeonKernels;
#endif

#if defined(__x86_64__)
namespace {

// All that the core built for AVX2 may use, see CMakeLists.txt. GCC 7 has no names for the last two.
bool has_avx2() {
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi") || !__builtin_cpu_supports("bmi2"))
        return false;
    unsigned eax, ebx, ecx, edx;
    const bool has_movbe = __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx >> 22 & 1);
    const bool has_lzcnt = __get_cpuid(0x80000001u, &eax, &ebx, &ecx, &edx) && (ecx >> 5 & 1);
    return has_movbe && has_lzcnt;
}

}  // namespace
#endif

int available_kernels(const Kernels* out[4]) {
    int count = 0;
    out[count++] = &kScalarKernels;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.1")) out[count++] = &kSse41Kernels;
    if (has_avx2()) out[count++] = &kAvx2Kernels;
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

}  // namespace attp_kernels
