#include "h264/slice_reader.h"

namespace attp {
namespace h264 {

template <bool kResidual>
bool read_cavlc_slice(const Slice& slice, const SliceMotion& slice_motion, PictureState* picture, Fault* fault) {
    return SliceReader<CavlcSyntax, kResidual>(slice, slice_motion, picture, fault).read();
}

template bool read_cavlc_slice<false>(const Slice&, const SliceMotion&, PictureState*, Fault*);
template bool read_cavlc_slice<true>(const Slice&, const SliceMotion&, PictureState*, Fault*);

}  // namespace h264
}  // namespace attp
