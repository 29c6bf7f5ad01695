"""Writes the NAL units of HEVC that are not slices: VPS, SPS, PPS, delimiters and SEI (7.3.1, 7.3.2).

Parameter sets are namespaces whose fields bear the syntax elements' names; what is not given has a plain default.
"""

from types import SimpleNamespace

from streamwriter.bits import Bits, escaped
from streamwriter.hevc.rps import write_short_term_sets
from streamwriter.hevc.vui import (
    write_hrd,
    write_profile_tier_level,
    write_sub_layer_ordering,
    write_vui,
)

VPS, SPS, PPS, AUD, EOS, EOB, FD, PREFIX_SEI, SUFFIX_SEI = range(32, 41)

_SPS = dict(
    sps_video_parameter_set_id=0,
    sps_seq_parameter_set_id=0,
    sps_max_sub_layers_minus1=0,
    sps_temporal_id_nesting_flag=1,
    general_profile_idc=1,
    chroma_format_idc=1,
    pic_width_in_luma_samples=64,
    pic_height_in_luma_samples=48,
    conformance_window=None,  # left, right, top, bottom, in units of chroma samples
    bit_depth_luma_minus8=0,
    bit_depth_chroma_minus8=0,
    log2_max_pic_order_cnt_lsb_minus4=4,
    sps_sub_layer_ordering_info_present_flag=1,
    sps_max_dec_pic_buffering_minus1=7,
    sps_max_num_reorder_pics=2,
    log2_min_luma_coding_block_size_minus3=0,
    log2_diff_max_min_luma_coding_block_size=1,
    log2_min_luma_transform_block_size_minus2=0,
    log2_diff_max_min_luma_transform_block_size=2,
    max_transform_hierarchy_depth_inter=1,
    max_transform_hierarchy_depth_intra=1,
    scaling_list_enabled_flag=0,
    scaling_list_data=None,
    amp_enabled_flag=0,
    sample_adaptive_offset_enabled_flag=0,
    pcm_enabled_flag=1,
    pcm_sample_bit_depth_luma_minus1=7,
    pcm_sample_bit_depth_chroma_minus1=7,
    log2_min_pcm_luma_coding_block_size_minus3=0,
    log2_diff_max_min_pcm_luma_coding_block_size=1,
    pcm_loop_filter_disabled_flag=0,
    short_term_ref_pic_sets=(),  # as in rps.py
    long_term_ref_pics_present_flag=0,
    lt_ref_pics_sps=(),  # (lt_ref_pic_poc_lsb_sps, used_by_curr_pic_lt_sps_flag)
    sps_temporal_mvp_enabled_flag=0,
    strong_intra_smoothing_enabled_flag=0,
    vui=None,
    extension_4bits=0,  # sps_extension_4bits, with extension data behind
)
_PPS = dict(
    pps_pic_parameter_set_id=0,
    pps_seq_parameter_set_id=0,
    dependent_slice_segments_enabled_flag=0,
    output_flag_present_flag=0,
    num_extra_slice_header_bits=0,
    sign_data_hiding_enabled_flag=0,
    cabac_init_present_flag=0,
    num_ref_idx_l0_default_active_minus1=0,
    num_ref_idx_l1_default_active_minus1=0,
    init_qp_minus26=0,
    constrained_intra_pred_flag=0,
    transform_skip_enabled_flag=0,
    cu_qp_delta_enabled_flag=0,
    diff_cu_qp_delta_depth=0,
    pps_cb_qp_offset=0,
    pps_cr_qp_offset=0,
    pps_slice_chroma_qp_offsets_present_flag=0,
    weighted_pred_flag=0,
    weighted_bipred_flag=0,
    transquant_bypass_enabled_flag=0,
    tiles_enabled_flag=0,
    entropy_coding_sync_enabled_flag=0,
    num_tile_columns_minus1=0,
    num_tile_rows_minus1=0,
    column_widths=None,  # None: uniform_spacing_flag
    row_heights=None,
    loop_filter_across_tiles_enabled_flag=1,
    pps_loop_filter_across_slices_enabled_flag=0,
    deblocking_filter_control_present_flag=0,
    deblocking_filter_override_enabled_flag=0,
    pps_deblocking_filter_disabled_flag=0,
    pps_beta_offset_div2=0,
    pps_tc_offset_div2=0,
    scaling_list_data=None,
    lists_modification_present_flag=0,
    log2_parallel_merge_level_minus2=0,
    slice_segment_header_extension_present_flag=0,
    chroma_qp_offset_list=(),  # (cb_qp_offset_list, cr_qp_offset_list): none without pps_range_extension()
    diff_cu_chroma_qp_offset_depth=0,
    extension_4bits=0,
)


def _with(defaults, changes):
    unknown = set(changes) - set(defaults)
    assert not unknown, f"no such syntax elements: {sorted(unknown)}"
    return SimpleNamespace(**dict(defaults, **changes))


def sequence_parameters(**changes):
    return _with(_SPS, changes)


def picture_parameters(**changes):
    return _with(_PPS, changes)


def nal_unit(nal_unit_type, payload, nuh_layer_id=0, temporal_id=0):
    """7.3.1. payload: Bits, which get their trailing bits, or bytes that are already escaped."""
    if isinstance(payload, Bits):
        payload = escaped(payload.payload())
    header = nal_unit_type << 9 | nuh_layer_id << 3 | (temporal_id + 1)
    return header.to_bytes(2, "big") + payload


def video_parameter_set(random, sps, has_timing=False):
    """7.3.2.1, for streams of this SPS. has_timing: vps_timing_info with a HRD."""
    layers = sps.sps_max_sub_layers_minus1
    bits = (
        Bits()
        .u(4, sps.sps_video_parameter_set_id)
        .u(2, 3)
        .u(6, 0)
        .u(3, layers)
        .u(1, sps.sps_temporal_id_nesting_flag)
    )
    bits.u(16, 0xFFFF)
    write_profile_tier_level(random, bits, sps.general_profile_idc, layers)
    write_sub_layer_ordering(bits, sps)
    bits.u(6, 0).ue(0)  # vps_max_layer_id, vps_num_layer_sets_minus1
    bits.u(1, int(has_timing))
    if has_timing:
        bits.u(32, 1001).u(32, 30000).u(1, 1).ue(1)
        bits.ue(1).ue(0)  # vps_num_hrd_parameters, hrd_layer_set_idx
        write_hrd(random, bits, True, layers)
    return nal_unit(VPS, bits.u(1, 0))


def sequence_parameter_set(random, sps, written):
    """7.3.2.2. written: counts what occurred."""
    bits = Bits().u(4, sps.sps_video_parameter_set_id).u(3, sps.sps_max_sub_layers_minus1)
    bits.u(1, sps.sps_temporal_id_nesting_flag)
    write_profile_tier_level(random, bits, sps.general_profile_idc, sps.sps_max_sub_layers_minus1)
    bits.ue(sps.sps_seq_parameter_set_id).ue(sps.chroma_format_idc)
    bits.ue(sps.pic_width_in_luma_samples).ue(sps.pic_height_in_luma_samples)
    bits.u(1, int(sps.conformance_window is not None))
    for offset in sps.conformance_window or ():
        bits.ue(offset)
    bits.ue(sps.bit_depth_luma_minus8).ue(sps.bit_depth_chroma_minus8)
    bits.ue(sps.log2_max_pic_order_cnt_lsb_minus4)
    write_sub_layer_ordering(bits, sps)
    _write_block_sizes(bits, sps)
    bits.u(1, sps.scaling_list_enabled_flag)
    if sps.scaling_list_enabled_flag:
        _write_optional_scaling_lists(bits, sps.scaling_list_data)
    bits.u(1, sps.amp_enabled_flag).u(1, sps.sample_adaptive_offset_enabled_flag)
    _write_pcm(bits, sps)
    bits.ue(len(sps.short_term_ref_pic_sets))
    predicted = write_short_term_sets(random, bits, sps.short_term_ref_pic_sets)
    written["RPS predicted in the SPS"] += predicted
    bits.u(1, sps.long_term_ref_pics_present_flag)
    if sps.long_term_ref_pics_present_flag:
        bits.ue(len(sps.lt_ref_pics_sps))
        for lsb, is_used in sps.lt_ref_pics_sps:
            bits.u(sps.log2_max_pic_order_cnt_lsb_minus4 + 4, lsb).u(1, is_used)
    bits.u(1, sps.sps_temporal_mvp_enabled_flag).u(1, sps.strong_intra_smoothing_enabled_flag)
    bits.u(1, int(sps.vui is not None))
    if sps.vui is not None:
        write_vui(random, bits, sps)
    _write_extension(bits, sps.extension_4bits)
    return nal_unit(SPS, bits)


def _write_block_sizes(bits, sps):
    bits.ue(sps.log2_min_luma_coding_block_size_minus3)
    bits.ue(sps.log2_diff_max_min_luma_coding_block_size)
    bits.ue(sps.log2_min_luma_transform_block_size_minus2)
    bits.ue(sps.log2_diff_max_min_luma_transform_block_size)
    bits.ue(sps.max_transform_hierarchy_depth_inter).ue(sps.max_transform_hierarchy_depth_intra)


def _write_pcm(bits, sps):
    bits.u(1, sps.pcm_enabled_flag)
    if sps.pcm_enabled_flag:
        bits.u(4, sps.pcm_sample_bit_depth_luma_minus1)
        bits.u(4, sps.pcm_sample_bit_depth_chroma_minus1)
        bits.ue(sps.log2_min_pcm_luma_coding_block_size_minus3)
        bits.ue(sps.log2_diff_max_min_pcm_luma_coding_block_size)
        bits.u(1, sps.pcm_loop_filter_disabled_flag)


def picture_parameter_set(pps):
    """7.3.2.3."""
    bits = Bits().ue(pps.pps_pic_parameter_set_id).ue(pps.pps_seq_parameter_set_id)
    bits.u(1, pps.dependent_slice_segments_enabled_flag).u(1, pps.output_flag_present_flag)
    bits.u(3, pps.num_extra_slice_header_bits).u(1, pps.sign_data_hiding_enabled_flag)
    bits.u(1, pps.cabac_init_present_flag)
    bits.ue(pps.num_ref_idx_l0_default_active_minus1)
    bits.ue(pps.num_ref_idx_l1_default_active_minus1)
    bits.se(pps.init_qp_minus26).u(1, pps.constrained_intra_pred_flag)
    bits.u(1, pps.transform_skip_enabled_flag).u(1, pps.cu_qp_delta_enabled_flag)
    if pps.cu_qp_delta_enabled_flag:
        bits.ue(pps.diff_cu_qp_delta_depth)
    bits.se(pps.pps_cb_qp_offset).se(pps.pps_cr_qp_offset)
    bits.u(1, pps.pps_slice_chroma_qp_offsets_present_flag)
    bits.u(1, pps.weighted_pred_flag).u(1, pps.weighted_bipred_flag)
    bits.u(1, pps.transquant_bypass_enabled_flag)
    bits.u(1, pps.tiles_enabled_flag).u(1, pps.entropy_coding_sync_enabled_flag)
    if pps.tiles_enabled_flag:
        _write_tiles(bits, pps)
    bits.u(1, pps.pps_loop_filter_across_slices_enabled_flag)
    _write_deblocking(bits, pps)
    _write_optional_scaling_lists(bits, pps.scaling_list_data)
    bits.u(1, pps.lists_modification_present_flag).ue(pps.log2_parallel_merge_level_minus2)
    bits.u(1, pps.slice_segment_header_extension_present_flag)
    _write_pps_extensions(bits, pps)
    return nal_unit(PPS, bits)


def _write_tiles(bits, pps):
    bits.ue(pps.num_tile_columns_minus1).ue(pps.num_tile_rows_minus1)
    bits.u(1, int(pps.column_widths is None))
    if pps.column_widths is not None:
        for size in tuple(pps.column_widths) + tuple(pps.row_heights):
            bits.ue(size - 1)
    bits.u(1, pps.loop_filter_across_tiles_enabled_flag)


def _write_deblocking(bits, pps):
    bits.u(1, pps.deblocking_filter_control_present_flag)
    if pps.deblocking_filter_control_present_flag:
        bits.u(1, pps.deblocking_filter_override_enabled_flag)
        bits.u(1, pps.pps_deblocking_filter_disabled_flag)
        if not pps.pps_deblocking_filter_disabled_flag:
            bits.se(pps.pps_beta_offset_div2).se(pps.pps_tc_offset_div2)


def _write_pps_extensions(bits, pps):
    """pps_range_extension() (7.3.2.3.2) where a chroma_qp_offset_list needs it."""
    if not pps.chroma_qp_offset_list:
        _write_extension(bits, pps.extension_4bits)
        return
    bits.u(1, 1).u(1, 1).u(7, 0)
    if pps.transform_skip_enabled_flag:
        bits.ue(0)  # log2_max_transform_skip_block_size_minus2
    bits.u(1, 0).u(1, 1).ue(pps.diff_cu_chroma_qp_offset_depth)
    bits.ue(len(pps.chroma_qp_offset_list) - 1)
    for cb, cr in pps.chroma_qp_offset_list:
        bits.se(cb).se(cr)
    bits.ue(0).ue(0)  # log2_sao_offset_scale_luma, log2_sao_offset_scale_chroma


def _write_extension(bits, extension_4bits):
    """The end of a parameter set; extension data flags of a future version where the four bits are not 0."""
    bits.u(1, int(extension_4bits > 0))
    if extension_4bits:
        bits.u(4, 0).u(4, extension_4bits).u(13, 0x1555)


def _write_optional_scaling_lists(bits, data):
    bits.u(1, int(data is not None))
    if data is not None:
        write_scaling_lists(bits, data)


def write_scaling_lists(bits, data):
    """7.3.4. data: for each sizeId and matrixId in order, either scaling_list_pred_matrix_id_delta or a tuple of
    scaling_list_dc_coef_minus8 (None below 16x16) and the coefficients."""
    for entry in data:
        if isinstance(entry, int):
            bits.u(1, 0).ue(entry)
            continue
        dc, coefficients = entry
        bits.u(1, 1)
        last = 8
        if dc is not None:
            bits.se(dc)
            last = dc + 8
        for coefficient in coefficients:
            bits.se((coefficient - last + 128) % 256 - 128)
            last = coefficient


def access_unit_delimiter(pic_type, temporal_id=0):
    """7.3.2.5. pic_type: 0 for I slices only, 1 for P too, 2 for B too."""
    return nal_unit(AUD, Bits().u(3, pic_type), temporal_id=temporal_id)


def sei_message(nal_unit_type, text, temporal_id=0):
    """7.3.2.4: user_data_unregistered() with this text."""
    bits = Bits().u(8, 5).u(8, 16 + len(text)).raw(bytes(range(16)) + text)
    return nal_unit(nal_unit_type, bits, temporal_id=temporal_id)


def end_of_sequence(nal_unit_type=EOS):
    """7.3.2.6 and 7.3.2.7: nothing but the header."""
    return nal_unit(nal_unit_type, b"")
