// NAL unit header (clause 7.3.1.2) and Table 7-1.
#pragma once

#include <cstddef>
#include <cstdint>

namespace attp {
namespace hevc {

enum NalType {
    kNalRadlN = 6,
    kNalRadlR = 7,
    kNalRaslN = 8,
    kNalRaslR = 9,
    kNalReservedVclR15 = 15,
    kNalBlaWLp = 16,
    kNalBlaNLp = 18,
    kNalIdrWRadl = 19,
    kNalIdrNLp = 20,
    kNalCra = 21,
    kNalReservedIrap23 = 23,
    kNalVps = 32,
    kNalSps = 33,
    kNalPps = 34,
    kNalAud = 35,
    kNalEndOfSequence = 36,
    kNalEndOfStream = 37,
    kNalPrefixSei = 39,
};

constexpr size_t kNalHeaderBytes = 2;

struct NalHeader {
    int nal_unit_type;
    int nuh_layer_id;
    int temporal_id;  // TemporalId; -1 is forbidden

    explicit NalHeader(const uint8_t* nal)
        : nal_unit_type(nal[0] >> 1 & 63),
          nuh_layer_id((nal[0] & 1) << 5 | nal[1] >> 3),
          temporal_id((nal[1] & 7) - 1) {}
};

inline bool is_irap(int type) { return type >= kNalBlaWLp && type <= kNalReservedIrap23; }
inline bool is_idr(int type) { return type == kNalIdrWRadl || type == kNalIdrNLp; }
inline bool is_bla(int type) { return type >= kNalBlaWLp && type <= kNalBlaNLp; }
inline bool is_rasl(int type) { return type == kNalRaslN || type == kNalRaslR; }
inline bool is_radl(int type) { return type == kNalRadlN || type == kNalRadlR; }
inline bool is_slice_segment(int type) { return type <= kNalRaslR || (type >= kNalBlaWLp && type <= kNalCra); }
// Sub-layer non-reference pictures have even numbers below 16.
inline bool is_sub_layer_non_reference(int type) { return type < kNalReservedVclR15 && type % 2 == 0; }

}  // namespace hevc
}  // namespace attp
