// The sample kernels behind one table, chosen when a decoder is opened. The scalar ones define the truth.
#pragma once

#include <cstddef>
#include <cstdint>

namespace attp {

// Coefficients and residual of 8-bit video are int16 and wrap like int16: conforming streams never do (clause 8.5.12.1).
struct Kernels {
    const char* name;
    // Inverse transforms (clauses 8.5.12.2 and 8.5.13) from scaled coefficients in raster order to dst, with the final rounding
    // shift by 6. `stride` counts samples. The coefficients are zero afterwards.
    void (*idct4x4)(int16_t* dst, ptrdiff_t stride, int16_t* coefficients);
    void (*idct8x8)(int16_t* dst, ptrdiff_t stride, int16_t* coefficients);
};

extern const Kernels kScalarKernels;

// The fastest of this processor, or the one that EDGE_ATTP_CPU=scalar|sse41|avx2|neon names. nullptr: named, but not to be had.
const Kernels* choose_kernels();
// All that can run here, scalar first; for tests and benchmarks. Returns how many.
int available_kernels(const Kernels* out[4]);

}  // namespace attp
