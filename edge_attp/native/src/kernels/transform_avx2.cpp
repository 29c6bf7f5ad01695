#include "kernels/hevc_transform_x86.h"
#include "kernels/transform_x86.h"

namespace attp_kernels {

extern const Kernels kAvx2Kernels;
const Kernels kAvx2Kernels = {
    "avx2",
    idct4x4_x86,
    idct8x8_x86,
    {hevc_idct<Vector128, 4>, hevc_idct<Vector128, 8>, hevc_idct<Vector256, 16>, hevc_idct<Vector256, 32>},
    hevc_idst4x4<Vector128>,
};

}  // namespace attp_kernels
