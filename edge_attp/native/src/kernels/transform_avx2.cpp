#include "kernels/transform_x86.h"

namespace attp {

extern const Kernels kAvx2Kernels;
const Kernels kAvx2Kernels = {"avx2", idct4x4_x86, idct8x8_x86};

}  // namespace attp
