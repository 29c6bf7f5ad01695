"""A second, tiny reader of HEVC parameter sets (7.3.2) and of the beginning of slice segment headers (7.3.6.1).

For what the tests must know without asking the parser under test: sizes, tools, where slices begin, which pictures
cannot be decoded, and which ones are not meant to be shown. Of a sequence it reads up to strong_intra_smoothing.
"""

from typing import NamedTuple, Tuple

from streamwriter.bits import escaped
from truth import nal

RASL = (8, 9)
BLA_AND_IDR = range(16, 21)
CRA = 21
IRAP = range(16, 24)
SPS, PPS, END_OF_SEQUENCE, END_OF_BITSTREAM = 33, 34, 36, 37
_HEADER_BYTES = 2
_ENOUGH = 64  # bytes that hold all of a slice segment header that is read here


class SequenceParameters(NamedTuple):
    """Sizes and offsets in luma samples, flags as in the SPS."""

    chroma_format_idc: int
    bit_depth: int
    width: int
    height: int
    crop_left: int
    crop_top: int
    min_cb_log2: int
    ctb_log2: int
    min_tb_log2: int
    max_tb_log2: int
    scaling_list_enabled_flag: int
    sps_scaling_list_data_present_flag: int
    amp_enabled_flag: int
    sample_adaptive_offset_enabled_flag: int
    pcm_enabled_flag: int
    long_term_ref_pics_present_flag: int
    sps_temporal_mvp_enabled_flag: int
    strong_intra_smoothing_enabled_flag: int


class Tiles(NamedTuple):
    """Tile columns, or rows. sizes: what the PPS says of them, in CTBs; nothing where they are spaced uniformly."""

    count: int
    sizes: Tuple[int, ...]

    def of(self, ctbs):
        """Column widths or row heights of a picture of so many CTBs (6.5.1)."""
        if self.sizes:
            return self.sizes + (ctbs - sum(self.sizes),)
        n = self.count
        return tuple((k + 1) * ctbs // n - k * ctbs // n for k in range(n))


class PictureParameters(NamedTuple):
    """Flags as in the PPS."""

    sps_id: int
    dependent_slice_segments_enabled_flag: int
    output_flag_present_flag: int
    num_extra_slice_header_bits: int
    sign_data_hiding_enabled_flag: int
    constrained_intra_pred_flag: int
    transform_skip_enabled_flag: int
    cu_qp_delta_enabled_flag: int
    diff_cu_qp_delta_depth: int
    chroma_qp_offsets: Tuple[int, int]
    weighted_pred_flag: int
    weighted_bipred_flag: int
    transquant_bypass_enabled_flag: int
    entropy_coding_sync_enabled_flag: int
    tile_columns: Tiles
    tile_rows: Tiles


class SegmentStart(NamedTuple):
    """The beginning of a slice segment header. pic_output_flag_at: its bit in the payload, None where there is none."""

    first_slice_segment_in_pic_flag: int
    pps_id: int
    dependent_slice_segment_flag: int
    slice_segment_address: int
    pic_output_flag_at: int


def nal_unit_type(unit):
    return unit[0] >> 1 & 63


def is_base_layer(unit):
    """nuh_layer_id is 0."""
    return len(unit) > 2 and not unit[0] & 1 and not unit[1] >> 3


def is_slice_segment(unit):
    return is_base_layer(unit) and nal_unit_type(unit) < 32


def hvcc_parameter_sets(extradata):
    """The NAL units of an hvcC record (ISO/IEC 14496-15, 8.3.3.1)."""
    units, at = [], 23
    for _ in range(extradata[22]):
        count, at = int.from_bytes(extradata[at + 1 : at + 3], "big"), at + 3
        for _ in range(count):
            size = int.from_bytes(extradata[at : at + 2], "big")
            units.append(extradata[at + 2 : at + 2 + size])
            at += 2 + size
    return units


class ParameterSets:
    """All parameter sets read so far, by their numbers."""

    def __init__(self):
        self._sps, self._pps = {}, {}

    def read(self, units):
        """Takes the parameter sets among these NAL units."""
        for unit in units:
            if is_base_layer(unit) and nal_unit_type(unit) in (SPS, PPS):
                bits = nal.Bits(nal.payload(unit, _HEADER_BYTES))
                read, store = {SPS: (_read_sps, self._sps), PPS: (_read_pps, self._pps)}[
                    nal_unit_type(unit)
                ]
                number, value = read(bits)
                store[number] = value

    def of(self, pps_id):
        """(SequenceParameters, PictureParameters) that a slice segment with this pps_id uses."""
        pps = self._pps[pps_id]
        return self._sps[pps.sps_id], pps

    def segment(self, unit):
        """The SegmentStart of a slice segment NAL unit."""
        return _read_segment(
            nal.Bits(nal.payload(unit[:_ENOUGH], _HEADER_BYTES)), nal_unit_type(unit), self
        )


def with_pic_output_flag(unit, segment):
    """This slice segment with pic_output_flag 1, so that every decoder shows its picture."""
    at = segment.pic_output_flag_at
    if at is None:
        return unit
    content = bytearray(nal.payload(unit, _HEADER_BYTES))
    content[at // 8] |= 128 >> at % 8
    return unit[:_HEADER_BYTES] + escaped(bytes(content))


def _read_segment(bits, kind, sets):
    first = bits.u(1)
    if kind in IRAP:
        bits.u(1)  # no_output_of_prior_pics_flag
    pps_id = bits.ue()
    sps, pps = sets.of(pps_id)
    dependent = address = 0
    if not first:
        dependent = bits.u(1) if pps.dependent_slice_segments_enabled_flag else 0
        size = 1 << sps.ctb_log2
        ctbs = -(-sps.width // size) * -(-sps.height // size)
        address = bits.u((ctbs - 1).bit_length())
    output_at = None
    if not dependent:
        bits.u(pps.num_extra_slice_header_bits)
        bits.ue()  # slice_type
        output_at = bits.at if pps.output_flag_present_flag else None
    return SegmentStart(first, pps_id, dependent, address, output_at)


def _read_pps(bits):
    number, sps_id = bits.ue(), bits.ue()
    dependent, output, extra = bits.u(1), bits.u(1), bits.u(3)
    sign_hiding, _ = bits.u(1), bits.u(1)
    bits.ue(), bits.ue()  # num_ref_idx_default_active_minus1
    bits.se()  # init_qp_minus26
    constrained, transform_skip, qp_delta = bits.u(1), bits.u(1), bits.u(1)
    depth = bits.ue() if qp_delta else 0
    offsets = bits.se(), bits.se()
    bits.u(1)  # pps_slice_chroma_qp_offsets_present_flag
    weighted, bipred, bypass, tiles, sync = (bits.u(1) for _ in range(5))
    counts, sizes = (1, 1), ((), ())
    if tiles:
        counts = bits.ue() + 1, bits.ue() + 1
        if not bits.u(1):  # uniform_spacing_flag
            sizes = [tuple(bits.ue() + 1 for _ in range(count - 1)) for count in counts]
    return number, PictureParameters(
        *(sps_id, dependent, output, extra, sign_hiding, constrained, transform_skip, qp_delta),
        *(depth, offsets, weighted, bipred, bypass, sync, *map(Tiles, counts, sizes)),
    )


def _read_sps(bits):
    bits.u(4)  # sps_video_parameter_set_id
    sub_layers = bits.u(3)
    bits.u(1)  # sps_temporal_id_nesting_flag
    _skip_profile_tier_level(bits, sub_layers)
    number, chroma_format_idc = bits.ue(), bits.ue()
    if chroma_format_idc == 3:
        bits.u(1)  # separate_colour_plane_flag
    width, height = bits.ue(), bits.ue()
    left = top = 0
    if bits.u(1):  # conformance_window_flag
        left, _, top, _ = (bits.ue() for _ in range(4))
    bit_depth = max(bits.ue(), bits.ue()) + 8
    poc_bits = bits.ue() + 4
    for _ in range(1 if not bits.u(1) else sub_layers + 1):
        bits.ue(), bits.ue(), bits.ue()
    min_cb = bits.ue() + 3
    ctb = min_cb + bits.ue()
    min_tb = bits.ue() + 2
    max_tb = min_tb + bits.ue()
    bits.ue(), bits.ue()  # max_transform_hierarchy_depth_inter and _intra
    scaling = bits.u(1)
    listed = bits.u(1) if scaling else 0
    if listed:
        _skip_scaling_list_data(bits)
    amp, sao, pcm = bits.u(1), bits.u(1), bits.u(1)
    if pcm:
        bits.u(8)
        bits.ue(), bits.ue()
        bits.u(1)
    _skip_short_term_ref_pic_sets(bits)
    long_term = bits.u(1)
    if long_term:
        bits.u(bits.ue() * (poc_bits + 1))  # lt_ref_pic_poc_lsb_sps, used_by_curr_pic_lt_sps_flag
    unit_x = 2 if chroma_format_idc in (1, 2) else 1
    unit_y = 2 if chroma_format_idc == 1 else 1
    return number, SequenceParameters(
        *(chroma_format_idc, bit_depth, width, height, left * unit_x, top * unit_y),
        *(min_cb, ctb, min_tb, max_tb, scaling, listed, amp, sao, pcm, long_term),
        *(bits.u(1), bits.u(1)),
    )


def _skip_profile_tier_level(bits, sub_layers):
    bits.u(96)
    present = [(bits.u(1), bits.u(1)) for _ in range(8 if sub_layers else 0)][:sub_layers]
    for profile, level in present:
        bits.u(88 * profile + 8 * level)


def _skip_scaling_list_data(bits):
    for size in range(4):
        for _ in range(0, 6, 3 if size == 3 else 1):
            if not bits.u(1):  # scaling_list_pred_mode_flag
                bits.ue()
                continue
            for _ in range((size > 1) + min(64, 16 << 2 * size)):
                bits.se()


def _skip_short_term_ref_pic_sets(bits):
    deltas = 0  # NumDeltaPocs of the set before
    for number in range(bits.ue()):
        if number and bits.u(1):  # inter_ref_pic_set_prediction_flag
            bits.u(1), bits.ue()
            kept = 0
            for _ in range(deltas + 1):
                used = bits.u(1)
                kept += used or bits.u(1)
            deltas = kept
            continue
        deltas = bits.ue() + bits.ue()
        for _ in range(deltas):
            bits.ue(), bits.u(1)
