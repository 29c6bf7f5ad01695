"""Arguments for a random_stream.RandomStream in which any tool may meet any other."""

from streamwriter.bits import B_SLICE, I_SLICE, P_SLICE
from streamwriter.hevc.slice_header import BLA_N_LP, BLA_W_LP, BLA_W_RADL, CRA, IDR_N_LP, IDR_W_RADL

_BIT = [0, 1]
_SPS = dict(
    sps_video_parameter_set_id=[0, 15],
    sps_seq_parameter_set_id=[0, 3, 15],
    pic_width_in_luma_samples=[40, 64, 72, 136],
    pic_height_in_luma_samples=[24, 40, 72],
    conformance_window=[None, (1, 0, 2, 1)],
    log2_max_pic_order_cnt_lsb_minus4=[0, 1, 4],
    sps_sub_layer_ordering_info_present_flag=_BIT,
    sps_max_dec_pic_buffering_minus1=[5, 8, 15],
    sps_max_num_reorder_pics=[0, 2, 3],
    log2_min_luma_coding_block_size_minus3=[0, 0, 0, 1, 2],
    log2_diff_max_min_luma_coding_block_size=[0, 1, 2, 3],
    log2_min_luma_transform_block_size_minus2=[0, 0, 1, 2],
    log2_diff_max_min_luma_transform_block_size=[0, 1, 2, 3],
    max_transform_hierarchy_depth_inter=[0, 1, 2, 4],
    max_transform_hierarchy_depth_intra=[0, 1, 2, 4],
    scaling_list_enabled_flag=[0, 0, 1],
    scaling=[True, False],
    amp_enabled_flag=_BIT,
    sample_adaptive_offset_enabled_flag=_BIT,
    pcm_enabled_flag=[0, 1, 1],
    pcm_sample_bit_depth_luma_minus1=[4, 7, 9],
    pcm_sample_bit_depth_chroma_minus1=[5, 7, 9],
    log2_min_pcm_luma_coding_block_size_minus3=[0, 0, 1, 2],
    log2_diff_max_min_pcm_luma_coding_block_size=[0, 1, 2],
    pcm_loop_filter_disabled_flag=_BIT,
    rps=[0, 1, 8],
    long_term_ref_pics_present_flag=_BIT,
    long_term=[0, 1, 12],
    sps_temporal_mvp_enabled_flag=[0, 1, 1],
    strong_intra_smoothing_enabled_flag=_BIT,
    vui=[None, "small", "HRD"],
    extension_4bits=[0, 0, 3],
)
_PPS = dict(
    dependent_slice_segments_enabled_flag=_BIT,
    output_flag_present_flag=_BIT,
    num_extra_slice_header_bits=[0, 2],
    sign_data_hiding_enabled_flag=_BIT,
    cabac_init_present_flag=_BIT,
    num_ref_idx_l0_default_active_minus1=[0, 1, 4],
    num_ref_idx_l1_default_active_minus1=[0, 2],
    init_qp_minus26=[-26, 0, 25],
    constrained_intra_pred_flag=[0, 0, 1],
    transform_skip_enabled_flag=_BIT,
    cu_qp_delta_enabled_flag=_BIT,
    diff_cu_qp_delta_depth=[0, 1, 2, 3],
    pps_cb_qp_offset=[-12, 0, 7],
    pps_cr_qp_offset=[-3, 0, 12],
    pps_slice_chroma_qp_offsets_present_flag=_BIT,
    weighted_pred_flag=_BIT,
    weighted_bipred_flag=_BIT,
    transquant_bypass_enabled_flag=[0, 0, 1],
    entropy_coding_sync_enabled_flag=[0, 0, 1],
    loop_filter_across_tiles_enabled_flag=_BIT,
    pps_loop_filter_across_slices_enabled_flag=_BIT,
    deblocking_filter_control_present_flag=_BIT,
    pps_deblocking_filter_disabled_flag=_BIT,
    scaling=[True, False, False],
    lists_modification_present_flag=_BIT,
    log2_parallel_merge_level_minus2=[0, 0, 1, 2, 4],
    slice_segment_header_extension_present_flag=_BIT,
    extension_4bits=[0, 0, 6],
)
_TILES = [None, (2, 2, True), (3, 2, False), (1, 2, False), (4, 1, True)]


def everything(random):
    """random: numpy RandomState."""

    def pick(choices):
        return choices[random.randint(0, len(choices))]

    depth, chroma = pick([0, 0, 1, 2]), pick([0, 1, 1, 1])
    has_extensions = depth == 1 or not chroma or pick([False, False, True])
    layers = pick([0, 0, 2])
    sps = dict(
        _SPS,
        general_profile_idc=4 if has_extensions else 2 if depth else 1,
        chroma_format_idc=chroma,
        bit_depth_luma_minus8=depth,
        bit_depth_chroma_minus8=depth,
        sps_max_sub_layers_minus1=layers,
        sps_temporal_id_nesting_flag=int(layers == 0),
    )
    # Tiles and wavefronts together are for test_truth_hevc_written_same.py: FFmpeg does not read them.
    pps = tuple(
        dict(_PPS, **(dict(tiles=_TILES, entropy_coding_sync_enabled_flag=0) if k % 2 else {}))
        for k in range(random.randint(1, 4))
    )
    if has_extensions and chroma:
        for one in pps:
            one["chroma_qp_offset_list"] = [(), ((3, -5),), ((-12, 12), (0, 4), (6, 6)) * 2]
            one["diff_cu_chroma_qp_offset_depth"] = [0, 1, 2]
    iraps = [(IDR_W_RADL, IDR_N_LP), (CRA,), (CRA, BLA_W_LP, BLA_W_RADL, BLA_N_LP, IDR_W_RADL)]
    return dict(
        sps=sps,
        pps=pps,
        slices=pick([1, 2, 4]),
        segments=pick([1, 2, 4]),
        slice_types=pick([(B_SLICE,), (P_SLICE, B_SLICE), (I_SLICE, P_SLICE, B_SLICE)]),
        irap=pick(iraps),
        irap_share=pick([0.05, 0.2]),
        leading=pick([True, False]),
        ends=pick([True, False, False]),
        changes=pick([True, False]),
        extras=pick([True, False]),
        hides=pick([True, False]),
    )
