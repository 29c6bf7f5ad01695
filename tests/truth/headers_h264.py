"""A second, tiny reader of H.264 sequence parameter sets (7.3.2.1.1).

For what the tests must know without asking the parser under test.
"""

from typing import NamedTuple

from truth import nal

_HIGH_PROFILES = (100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135)


class SequenceParameters(NamedTuple):
    """Coded size in luma samples, crop offsets in luma samples, and what decides whether a stream is in scope."""

    profile_idc: int
    chroma_format_idc: int
    bit_depth: int
    frame_mbs_only_flag: int
    width: int
    height: int
    crop_left: int
    crop_top: int
    display_width: int
    display_height: int


def avcc_parameter_sets(extradata):
    """The SPS and PPS NAL units of an avcC record (ISO/IEC 14496-15, 5.3.3.1)."""
    units, at = [], 5
    for mask in (0x1F, 0xFF):
        count, at = extradata[at] & mask, at + 1
        for _ in range(count):
            size = int.from_bytes(extradata[at : at + 2], "big")
            units.append(extradata[at + 2 : at + 2 + size])
            at += 2 + size
    return units


def sequence_parameters(units):
    """The SequenceParameters in these NAL units, in order."""
    return [_read(unit) for unit in units if unit and unit[0] & 31 == 7]


def _read(unit):
    bits = nal.Bits(nal.payload(unit, 1))
    profile_idc = bits.u(8)
    bits.u(16)  # constraint flags, level_idc
    bits.ue()  # seq_parameter_set_id
    chroma_format_idc, bit_depth = 1, 8
    if profile_idc in _HIGH_PROFILES:
        chroma_format_idc = bits.ue()
        if chroma_format_idc == 3:
            bits.u(1)  # separate_colour_plane_flag
        bit_depth = max(bits.ue(), bits.ue()) + 8
        bits.u(1)  # qpprime_y_zero_transform_bypass_flag
        if bits.u(1):  # seq_scaling_matrix_present_flag
            for number in range(12 if chroma_format_idc == 3 else 8):
                if bits.u(1):
                    _skip_scaling_list(bits, 16 if number < 6 else 64)
    bits.ue()  # log2_max_frame_num_minus4
    pic_order_cnt_type = bits.ue()
    if pic_order_cnt_type == 0:
        bits.ue()
    elif pic_order_cnt_type == 1:
        bits.u(1)
        bits.se(), bits.se()
        for _ in range(bits.ue()):
            bits.se()
    bits.ue()  # max_num_ref_frames
    bits.u(1)  # gaps_in_frame_num_value_allowed_flag
    width, map_rows = 16 * (bits.ue() + 1), bits.ue() + 1
    frame_mbs_only_flag = bits.u(1)
    height = 16 * map_rows * (2 - frame_mbs_only_flag)
    if not frame_mbs_only_flag:
        bits.u(1)  # mb_adaptive_frame_field_flag
    bits.u(1)  # direct_8x8_inference_flag
    left = right = top = bottom = 0
    if bits.u(1):
        left, right, top, bottom = (bits.ue() for _ in range(4))
    unit_x = 2 if chroma_format_idc in (1, 2) else 1
    unit_y = (2 if chroma_format_idc == 1 else 1) * (2 - frame_mbs_only_flag)
    return SequenceParameters(
        *(profile_idc, chroma_format_idc, bit_depth, frame_mbs_only_flag, width, height),
        *(
            left * unit_x,
            top * unit_y,
            width - (left + right) * unit_x,
            height - (top + bottom) * unit_y,
        ),
    )


def _skip_scaling_list(bits, size):
    """7.3.2.1.1.1: the list ends early when its next scale is 0."""
    scale = 8
    for _ in range(size):
        scale = (scale + bits.se()) % 256
        if scale == 0:
            return
