"""H.264 and HEVC, as far as they differ for code that handles NAL units without parsing them."""

from typing import Dict, FrozenSet, List, Tuple

from edge_attp.bitstream import binding


class Syntax:
    """What the NAL units of one codec look like. All `_types` are sets of nal_unit_type."""

    name = ""  # FFmpeg's
    title = ""  # for people
    number = 0  # in the C API
    suffixes: Tuple[str, ...] = ()  # of files with a raw stream
    header_bytes = 0  # of a NAL unit
    slice_types: FrozenSet[int] = frozenset()
    key_types: FrozenSet[int] = frozenset()  # slices of pictures at which decoding may begin
    set_types: FrozenSet[int] = frozenset()  # parameter sets
    sei_type = 0  # supplemental enhancement information before the slices
    first_types: FrozenSet[int] = frozenset()  # occur before the first slice of a picture only
    # RASL: refer to pictures before the random-access picture.
    skipped_types: FrozenSet[int] = frozenset()
    picture_names: Dict[int, str] = {}  # by nal_unit_type of a picture's slices
    ticks_per_picture = 0  # of the timing information in a sequence parameter set
    end_of_sequence = b""  # a NAL unit
    has_sub_layers = (
        False  # higher ones may refer to pictures that their own sub-layer does not need
    )

    def __init__(self) -> None:
        first_bytes = (
            byte for byte in range(128) if self.nal_type(bytes([byte, 1])) in self.slice_types
        )
        self.slice_heads = frozenset(bytes([byte]) for byte in first_bytes)

    def nal_type(self, nal: bytes) -> int:
        """nal_unit_type, -1 for a NAL unit outside the base layer. Needs the header only."""
        raise NotImplementedError

    def is_header(self, nal: bytes) -> bool:
        """Whether these bytes can begin a NAL unit of the base layer."""
        raise NotImplementedError

    def begins_picture(self, nal: bytes) -> bool:
        """Whether this slice is the first of its picture. Needs the header and one more byte."""
        return bool(nal[self.header_bytes] & 0x80)

    def is_unreferenced(self, nal: bytes, highest_sub_layer: int) -> bool:
        """Whether no other picture refers to that of this slice, in a stream whose highest TemporalId is
        `highest_sub_layer`."""
        raise NotImplementedError

    def highest_sub_layer(self, nal: bytes) -> int:
        """The highest TemporalId that a parameter set allows, 0 if it does not say."""
        return 0

    def begins_stream(self, nal: bytes) -> bool:
        """Whether these two bytes begin a NAL unit that may be the first of a stream."""
        raise NotImplementedError

    def set_key(self, nal: bytes) -> Tuple[int, int]:
        """(nal_unit_type, id) of a parameter set, which replaces an earlier one with the same key."""
        payload = nal[self.header_bytes : 128].replace(b"\0\0\3", b"\0\0")  # clause 7.3.1.1
        return self.nal_type(nal), self._set_id(self.nal_type(nal), payload)

    def _set_id(self, kind: int, payload: bytes) -> int:
        raise NotImplementedError


class _H264(Syntax):
    name = "h264"
    title = "H.264"
    number = binding.CODEC_H264
    suffixes = (".264", ".h264", ".avc", ".jsv", ".jvt", ".26l", ".h26l")
    header_bytes = 1
    slice_types = frozenset((1, 2, 3, 4, 5))
    key_types = frozenset((5,))
    set_types = frozenset((7, 8))
    sei_type = 6
    first_types = frozenset((6, 7, 8, 9, 14, 15, 16, 17, 18))  # clause 7.4.1.2.3
    picture_names = {1: "non-IDR", 2: "partitioned", 5: "IDR"}
    ticks_per_picture = 2  # clause E.2.1
    end_of_sequence = b"\x0a"

    def nal_type(self, nal: bytes) -> int:
        return nal[0] & 31

    def is_header(self, nal: bytes) -> bool:
        ref_idc, kind = nal[0] >> 5, nal[0] & 31  # above 3: forbidden_zero_bit
        return ref_idc <= 3 and 1 <= kind <= 20 and (kind != 5 or ref_idc > 0)

    def is_unreferenced(self, nal: bytes, highest_sub_layer: int) -> bool:
        return not nal[0] & 0x60  # nal_ref_idc

    def begins_stream(self, nal: bytes) -> bool:
        ref_idc, kind = nal[0] >> 5, nal[0] & 31
        if ref_idc > 3:  # forbidden_zero_bit
            return False
        return kind == 1 or (kind in (5, 7, 8) and ref_idc > 0) or (kind in (6, 9) and ref_idc == 0)

    def _set_id(self, kind: int, payload: bytes) -> int:
        # In a sequence parameter set, profile, constraints and level come first.
        return _leading_ue(payload[3:] if kind == 7 else payload)


class _Hevc(Syntax):
    name = "hevc"
    title = "HEVC"
    number = binding.CODEC_HEVC
    suffixes = (".265", ".h265", ".hevc")
    header_bytes = 2
    slice_types = frozenset(range(10)) | frozenset(range(16, 22))
    key_types = frozenset(range(16, 22))
    set_types = frozenset((32, 33, 34))
    sei_type = 39
    first_types = frozenset((32, 33, 34, 35, 39, 41, 42, 43, 44, 48, 49, 50, 51, 52, 53, 54, 55))
    skipped_types = frozenset((8, 9))
    picture_names = {  # Table 7-1
        0: "TRAIL_N",
        1: "TRAIL_R",
        2: "TSA_N",
        3: "TSA_R",
        4: "STSA_N",
        5: "STSA_R",
        6: "RADL_N",
        7: "RADL_R",
        8: "RASL_N",
        9: "RASL_R",
        16: "BLA_W_LP",
        17: "BLA_W_RADL",
        18: "BLA_N_LP",
        19: "IDR_W_RADL",
        20: "IDR_N_LP",
        21: "CRA",
    }
    ticks_per_picture = 1  # clause E.3.1
    end_of_sequence = b"\x48\x01"
    has_sub_layers = True

    # TRAIL_R, random-access pictures, parameter sets, access unit delimiter, end of a sequence or
    # bitstream that was cut off before, prefix SEI message.
    _stream_types = frozenset((1, 16, 17, 18, 19, 20, 21, 32, 33, 34, 35, 36, 37, 39))

    def nal_type(self, nal: bytes) -> int:
        is_base_layer = len(nal) > 1 and not nal[0] & 1 and not nal[1] >> 3  # nuh_layer_id 0
        return nal[0] >> 1 if is_base_layer else -1

    def is_header(self, nal: bytes) -> bool:
        return 0 <= self.nal_type(nal) < 64 and nal[1] & 7 > 0  # nuh_temporal_id_plus1

    def is_unreferenced(self, nal: bytes, highest_sub_layer: int) -> bool:
        """Pictures of higher sub-layers may still refer to a sub-layer non-reference picture (even
        nal_unit_type below 16; clause 8.3.2), so the stream must have no higher one."""
        kind = self.nal_type(nal)
        return 0 <= kind < 16 and kind % 2 == 0 and (nal[1] & 7) - 1 >= highest_sub_layer

    def highest_sub_layer(self, nal: bytes) -> int:
        is_sps = self.nal_type(nal) == 33 and len(nal) > self.header_bytes
        return nal[self.header_bytes] >> 1 & 7 if is_sps else 0  # sps_max_sub_layers_minus1

    def begins_stream(self, nal: bytes) -> bool:
        is_lowest_sub_layer = nal[1] & 7 == 1  # nuh_temporal_id_plus1
        return is_lowest_sub_layer and self.nal_type(nal) in self._stream_types

    def _set_id(self, kind: int, payload: bytes) -> int:
        if not payload:
            return 255
        if kind == 32:
            return payload[0] >> 4
        return _leading_ue(payload[_profile_tier_level_end(payload) :] if kind == 33 else payload)


def _leading_ue(data: bytes) -> int:
    """The ue(v) value (clause 9.1, HEVC 9.2) at the beginning of `data`; 255 if it is larger or cut short."""
    bits = int.from_bytes(data[:3].ljust(3, b"\xff"), "big")
    zeros = 24 - bits.bit_length()
    return min((bits >> max(23 - 2 * zeros, 0)) - 1, 255)


def _profile_tier_level_end(payload: bytes) -> int:
    """Where profile_tier_level() of an HEVC sequence parameter set ends (clause 7.3.3): it begins at the
    second byte and is a whole number of bytes."""
    end = 1 + 12
    sub_layers = payload[0] >> 1 & 7
    if sub_layers:
        present = int.from_bytes(payload[end : end + 2].ljust(2, b"\0"), "big")
        end += 2
        for layer in range(sub_layers):
            has_profile, has_level = present >> 15 - 2 * layer & 1, present >> 14 - 2 * layer & 1
            end += 11 * has_profile + has_level
    return end


H264: Syntax = _H264()
HEVC: Syntax = _Hevc()
SYNTAXES: List[Syntax] = [H264, HEVC]
