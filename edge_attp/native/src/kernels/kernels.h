// The sample kernels behind one table, chosen when a decoder is opened. The scalar ones are the reference.
#pragma once

#include <cstddef>
#include <cstdint>

// Not in namespace attp: that is built once more for AVX2, and the kernels choose their instruction sets themselves.
namespace attp_kernels {

// Coefficients and residual of 8-bit video are int16 and wrap like int16: conforming streams never do (clause 8.5.12.1).
struct Kernels {
    const char* name;
    // Inverse transforms (clauses 8.5.12.2 and 8.5.13) from scaled coefficients in raster order to dst, with the final rounding
    // shift by 6. `stride` counts samples. The coefficients are zero afterwards.
    void (*idct4x4)(int16_t* dst, ptrdiff_t stride, int16_t* coefficients);
    void (*idct8x8)(int16_t* dst, ptrdiff_t stride, int16_t* coefficients);
    // HEVC inverse transforms (clause 8.6.4.2) of 4x4, 8x8, 16x16 and 32x32 blocks: index log2(size) - 2. `coefficients` in
    // raster order, 64-byte aligned; only the first `width` columns and `height` rows of them may be other than zero. First the
    // columns, (sum + 64) >> 7 clipped to int16, then the rows, (sum + (1 << (bd_shift - 1))) >> bd_shift clipped to int16,
    // written to dst. bd_shift is 20 - BitDepth: 10 to 12. The coefficients are zero afterwards.
    void (*hevc_idct[4])(int16_t* dst, ptrdiff_t stride, int16_t* coefficients, int bd_shift, int width, int height);
    // The 4x4 DST of intra luma blocks, same contract.
    void (*hevc_idst4x4)(int16_t* dst, ptrdiff_t stride, int16_t* coefficients, int bd_shift, int width, int height);
};

extern const Kernels kScalarKernels;

// The fastest set of this processor, or the one that EDGE_ATTP_CPU=scalar|sse41|avx2|neon names. nullptr: the named one cannot
// run here.
const Kernels* choose_kernels();
// Every set that can run here, scalar first; for tests and benchmarks. Returns their number.
int available_kernels(const Kernels* out[4]);

}  // namespace attp_kernels

namespace attp {
using attp_kernels::Kernels;
}
