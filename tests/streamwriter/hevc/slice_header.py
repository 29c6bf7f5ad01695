"""slice_segment_header() of HEVC (7.3.6)."""

from streamwriter.bits import B_SLICE, I_SLICE, P_SLICE, Bits

# nal_unit_type of sub-layer non-reference pictures; reference pictures have one more.
TRAIL, TSA, STSA, RADL, RASL = 0, 2, 4, 6, 8
BLA_W_LP, BLA_W_RADL, BLA_N_LP, IDR_W_RADL, IDR_N_LP, CRA = range(16, 22)
_SLICE_TYPES = {B_SLICE: 0, P_SLICE: 1, I_SLICE: 2}  # Table 7-7; the constants are H.264's
MAX_WEIGHT_FLAGS = 24  # 7.4.7.3: sums of luma_weight flags and twice the chroma_weight flags


def is_irap(nal_unit_type):
    return 16 <= nal_unit_type <= 23


def is_idr(nal_unit_type):
    return nal_unit_type in (IDR_W_RADL, IDR_N_LP)


def bits_for(count):
    """Ceil(Log2(count))."""
    return (count - 1).bit_length()


def write_header(header, picture, sps, pps, layout, entry_points):
    """Bits of one header up to and with byte_alignment().

    header: fields of the slice and its segment; picture: what all slices share (nal_unit_type, reference_bits,
    pic_output_flag, slice_temporal_mvp_enabled_flag); entry_points: (offset_len, offsets), None where not sent.
    """
    bits = Bits().u(1, int(header.slice_segment_address == 0))
    if is_irap(picture.nal_unit_type):
        bits.u(1, picture.no_output_of_prior_pics_flag)
    bits.ue(pps.pps_pic_parameter_set_id)
    if header.slice_segment_address:
        if pps.dependent_slice_segments_enabled_flag:
            bits.u(1, header.dependent_slice_segment_flag)
        bits.u(bits_for(layout.ctbs), header.slice_segment_address)
    if not header.dependent_slice_segment_flag:
        _write_independent(bits, header, picture, sps, pps)
    if pps.tiles_enabled_flag or pps.entropy_coding_sync_enabled_flag:
        _write_entry_points(bits, *entry_points)
    if pps.slice_segment_header_extension_present_flag:
        bits.ue(len(header.extension))
        for byte in header.extension:
            bits.u(8, byte)
    return bits.u(1, 1).align()


def _write_entry_points(bits, length, offsets):
    bits.ue(len(offsets))
    if offsets:
        bits.ue(length - 1)
        for offset in offsets:
            bits.u(length, offset - 1)


def _write_independent(bits, header, picture, sps, pps):
    bits.u(pps.num_extra_slice_header_bits, header.slice_reserved_flags).ue(
        _SLICE_TYPES[header.slice_type]
    )
    if pps.output_flag_present_flag:
        bits.u(1, picture.pic_output_flag)
    if not is_idr(picture.nal_unit_type):
        bits.add(picture.reference_bits)
        if sps.sps_temporal_mvp_enabled_flag:
            bits.u(1, picture.slice_temporal_mvp_enabled_flag)
    if sps.sample_adaptive_offset_enabled_flag:
        bits.u(1, header.slice_sao_luma_flag)
        if sps.chroma_format_idc:
            bits.u(1, header.slice_sao_chroma_flag)
    if header.slice_type != I_SLICE:
        _write_inter(bits, header, picture, sps, pps)
    bits.se(header.slice_qp_delta)
    if pps.pps_slice_chroma_qp_offsets_present_flag:
        bits.se(header.slice_cb_qp_offset).se(header.slice_cr_qp_offset)
    if pps.chroma_qp_offset_list:
        bits.u(1, header.cu_chroma_qp_offset_enabled_flag)
    _write_filters(bits, header, pps)


def _write_inter(bits, header, picture, sps, pps):
    is_b = header.slice_type == B_SLICE
    counts = header.num_ref_idx[: 2 if is_b else 1]
    defaults = (
        pps.num_ref_idx_l0_default_active_minus1 + 1,
        pps.num_ref_idx_l1_default_active_minus1 + 1,
    )
    is_override = counts != defaults[: len(counts)]
    bits.u(1, int(is_override))
    if is_override:
        for count in counts:
            bits.ue(count - 1)
    if pps.lists_modification_present_flag and header.num_pic_total_curr > 1:
        for entries in header.list_entries[: len(counts)]:
            bits.u(1, int(entries is not None))
            for entry in entries or ():
                bits.u(bits_for(header.num_pic_total_curr), entry)
    if is_b:
        bits.u(1, header.mvd_l1_zero_flag)
    if pps.cabac_init_present_flag:
        bits.u(1, header.cabac_init_flag)
    if picture.slice_temporal_mvp_enabled_flag:
        if is_b:
            bits.u(1, header.collocated_from_l0_flag)
        if counts[0 if header.collocated_from_l0_flag else 1] > 1:
            bits.ue(header.collocated_ref_idx)
    if header.weights is not None:
        _write_weights(bits, header.weights, sps)
    bits.ue(5 - header.max_num_merge_cand)


def has_weights(slice_type, pps):
    return (slice_type == P_SLICE and pps.weighted_pred_flag) or (
        slice_type == B_SLICE and pps.weighted_bipred_flag
    )


def _write_weights(bits, weights, sps):
    """pred_weight_table() (7.3.6.3). Each entry of a list: luma and chroma values, or None where the flag is 0."""
    bits.ue(weights.luma_log2_weight_denom)
    if sps.chroma_format_idc:
        bits.se(weights.delta_chroma_log2_weight_denom)
    for entries in weights.lists:
        for luma, _ in entries:
            bits.u(1, int(luma is not None))
        if sps.chroma_format_idc:
            for _, chroma in entries:
                bits.u(1, int(chroma is not None))
        for luma, chroma in entries:
            for value in (luma or ()) + (chroma or ()):
                bits.se(value)


def _write_filters(bits, header, pps):
    is_disabled = (
        pps.deblocking_filter_control_present_flag and pps.pps_deblocking_filter_disabled_flag
    )
    if pps.deblocking_filter_override_enabled_flag:
        bits.u(1, int(header.deblocking_override is not None))
        if header.deblocking_override is not None:
            is_disabled, beta, tc = header.deblocking_override
            bits.u(1, is_disabled)
            if not is_disabled:
                bits.se(beta).se(tc)
    is_filtered = header.slice_sao_luma_flag or header.slice_sao_chroma_flag or not is_disabled
    if pps.pps_loop_filter_across_slices_enabled_flag and is_filtered:
        bits.u(1, header.slice_loop_filter_across_slices_enabled_flag)
