#include "kernels/transform_x86.h"

namespace attp {

extern const Kernels kSse41Kernels;
const Kernels kSse41Kernels = {"sse41", idct4x4_x86, idct8x8_x86};

}  // namespace attp
