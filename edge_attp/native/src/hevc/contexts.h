// The context variables of slice segment data (clause 9.3.2.2), one after another.
#pragma once

#include <array>

#include "h26x/cabac.h"

namespace attp {
namespace hevc {

// Where each syntax element's contexts begin.
enum ContextOffset {
    kSaoMergeFlag = 0,
    kSaoTypeIdx = kSaoMergeFlag + 1,
    kSplitCuFlag = kSaoTypeIdx + 1,
    kCuTransquantBypassFlag = kSplitCuFlag + 3,
    kCuSkipFlag = kCuTransquantBypassFlag + 1,
    kPredModeFlag = kCuSkipFlag + 3,
    kPartMode = kPredModeFlag + 1,
    kPrevIntraLumaPredFlag = kPartMode + 4,
    kIntraChromaPredMode = kPrevIntraLumaPredFlag + 1,
    kRqtRootCbf = kIntraChromaPredMode + 1,
    kMergeFlag = kRqtRootCbf + 1,
    kMergeIdx = kMergeFlag + 1,
    kInterPredIdc = kMergeIdx + 1,
    kRefIdx = kInterPredIdc + 5,
    kMvpFlag = kRefIdx + 2,
    kSplitTransformFlag = kMvpFlag + 1,
    kCbfLuma = kSplitTransformFlag + 3,
    kCbfChroma = kCbfLuma + 2,
    kAbsMvdGreater0Flag = kCbfChroma + 4,
    kAbsMvdGreater1Flag = kAbsMvdGreater0Flag + 1,
    kCuQpDeltaAbs = kAbsMvdGreater1Flag + 1,
    kTransformSkipFlag = kCuQpDeltaAbs + 2,
    kLastSigCoeffXPrefix = kTransformSkipFlag + 2,
    kLastSigCoeffYPrefix = kLastSigCoeffXPrefix + 18,
    kCodedSubBlockFlag = kLastSigCoeffYPrefix + 18,
    kSigCoeffFlag = kCodedSubBlockFlag + 4,
    kCoeffAbsLevelGreater1Flag = kSigCoeffFlag + 42,
    kCoeffAbsLevelGreater2Flag = kCoeffAbsLevelGreater1Flag + 24,
    kCuChromaQpOffsetFlag = kCoeffAbsLevelGreater2Flag + 6,
    kCuChromaQpOffsetIdx = kCuChromaQpOffsetFlag + 1,
    kContextCount = kCuChromaQpOffsetIdx + 1
};

using Contexts = std::array<CabacContext, kContextCount>;

// init_type: 0 for I slices; 1 and 2 for P and B slices, the other way round with cabac_init_flag.
void init_contexts(int init_type, int slice_qp, Contexts* contexts);

}  // namespace hevc
}  // namespace attp
