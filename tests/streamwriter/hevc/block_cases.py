"""Cases of random HEVC streams: tools of coding tree units, one named case for each."""

from streamwriter.hevc.case import CTB_64, LARGE_TB, QP_DELTA, SAO, TEN_BIT, WIDE, WIDER, Case


def _blocks(ctb, min_cb, min_tb=2, max_tb=5, depth=3):
    """Sizes as log2."""
    return dict(
        WIDER if ctb > 4 else WIDE,
        log2_min_luma_coding_block_size_minus3=min_cb - 3,
        log2_diff_max_min_luma_coding_block_size=ctb - min_cb,
        log2_min_luma_transform_block_size_minus2=min_tb - 2,
        log2_diff_max_min_luma_transform_block_size=max_tb - min_tb,
        max_transform_hierarchy_depth_inter=depth,
        max_transform_hierarchy_depth_intra=depth,
    )


def _pcm_of_one_size(log2_size):
    sps = dict(
        CTB_64,
        log2_min_pcm_luma_coding_block_size_minus3=log2_size - 3,
        log2_diff_max_min_pcm_luma_coding_block_size=0,
    )
    return dict(sps=sps, style=dict(pcm=0.9, intra=0.5, split=0.4))


BLOCK_CASES = {
    "CTB 16, CB 8": Case(dict(sps=_blocks(4, 3)), ["coding unit 8", "coding unit 16"]),
    "CTB 32, CB 8": Case(dict(sps=_blocks(5, 3)), ["coding unit 32", "transform block 32"]),
    "CTB 64, CB 8": Case(dict(sps=_blocks(6, 3)), ["coding unit 64", "transform block 32"]),
    "CTB 64, CB 16": Case(dict(sps=_blocks(6, 4)), ["coding unit 64", "inter NxN", "intra NxN"]),
    "CTB 64, CB 32": Case(dict(sps=_blocks(6, 5)), ["coding unit 64", "inter NxN"]),
    "CTB 64, CB 64": Case(dict(sps=_blocks(6, 6)), ["coding unit 64", "inter NxN", "intra NxN"]),
    "CTB 16, CB 16": Case(dict(sps=_blocks(4, 4)), ["coding unit 16", "inter NxN"]),
    "TB 32 only": Case(dict(sps=_blocks(6, 6, 5)), ["transform block 32"]),
    "TB 4 only": Case(dict(sps=_blocks(5, 3, 2, 2, 2)), ["transform block 4"]),
    "TB 8 to 16": Case(dict(sps=_blocks(6, 4, 3, 4)), ["transform block 8", "transform block 16"]),
    "interSplitFlag": Case(dict(sps=_blocks(5, 3, depth=0)), ["interSplitFlag"]),
    "AMP": Case(
        dict(sps=dict(CTB_64, amp_enabled_flag=1), style=dict(skip=0.1, intra=0.1)),
        ["inter " + name for name in ("2NxnU", "2NxnD", "nLx2N", "nRx2N", "2NxN", "Nx2N")],
    ),
    "every scan and chroma mode": Case(
        dict(sps=LARGE_TB, style=dict(intra=0.6)),
        ["scanIdx 0", "scanIdx 1", "scanIdx 2", "intra NxN"]
        + [f"intra_chroma_pred_mode {k}" for k in range(5)],
    ),
    "sign data hiding": Case(
        dict(sps=LARGE_TB, pps=dict(sign_data_hiding_enabled_flag=1)),
        ["hidden sign"],
    ),
    "transform skip": Case(dict(pps=dict(transform_skip_enabled_flag=1)), ["transform_skip"]),
    "transquant bypass": Case(
        dict(pps=dict(transquant_bypass_enabled_flag=1, sign_data_hiding_enabled_flag=1)),
        ["cu_transquant_bypass", "hidden sign"],
    ),
    "large levels": Case(
        dict(style=dict(largest_level=32767, cbf=0.3), sps=LARGE_TB),
        ["transform block 32"],
    ),
    # Not with transquant bypass, where sums of more than 16 bits wrap around in FFmpeg.
    "large levels, 10 bit": Case(
        dict(style=dict(largest_level=32767, cbf=0.3), sps=dict(LARGE_TB, **TEN_BIT)),
        ["transform block 32"],
    ),
    "QP of groups as large as the CTB": Case(
        dict(sps=CTB_64, pps=QP_DELTA),
        ["cu_qp_delta that wraps", "cu_qp_delta below -8"],
        16,
    ),
    "QP of small groups": Case(
        dict(sps=CTB_64, pps=dict(QP_DELTA, diff_cu_qp_delta_depth=[1, 2, 3])),
        ["cu_qp_delta that wraps", "cu_qp_delta below -8"],
    ),
    "QP, 10 bit": Case(
        dict(sps=dict(CTB_64, **TEN_BIT), pps=dict(QP_DELTA, diff_cu_qp_delta_depth=2)),
        ["cu_qp_delta that wraps"],
    ),
    "chroma QP offsets": Case(
        dict(
            pps=dict(
                QP_DELTA,
                pps_cb_qp_offset=[-12, 5, 12],
                pps_cr_qp_offset=[-7, 12],
                pps_slice_chroma_qp_offsets_present_flag=1,
            ),
            slices=2,
        ),
        ["several slices"],
    ),
    "chroma QP offset lists": Case(
        dict(
            sps=dict(CTB_64, general_profile_idc=4),
            pps=dict(
                diff_cu_chroma_qp_offset_depth=[0, 1, 2],
                # FFmpeg reads cu_chroma_qp_offset_idx of lists of 2 to 5 entries in a way of its own.
                chroma_qp_offset_list=[((3, -5),), ((-12, 12), (0, 4), (6, 6)) * 2],
                transform_skip_enabled_flag=1,
            ),
            slices=2,
        ),
        ["cu_chroma_qp_offset"],
    ),
    "default scaling lists": Case(
        dict(sps=dict(LARGE_TB, scaling_list_enabled_flag=1)),
        ["transform block 32"],
    ),
    "scaling lists of the SPS": Case(
        dict(
            sps=dict(LARGE_TB, scaling_list_enabled_flag=1, scaling=True),
            pps=dict(transform_skip_enabled_flag=1),
        ),
        ["transform block 32", "transform_skip"],
    ),
    "scaling lists of the PPS": Case(
        dict(
            sps=dict(LARGE_TB, scaling_list_enabled_flag=1, scaling=[True, False]),
            pps=(dict(scaling=True), dict(), dict(scaling=True)),
        ),
        ["transform block 32"],
        16,
    ),
    "PCM of other bit depths": Case(
        dict(
            sps=dict(
                CTB_64,
                pcm_sample_bit_depth_luma_minus1=[0, 4, 6],
                pcm_sample_bit_depth_chroma_minus1=[2, 5],
                log2_diff_max_min_pcm_luma_coding_block_size=2,
                pcm_loop_filter_disabled_flag=1,
            ),
            style=dict(pcm=0.8, intra=0.5, split=0.4),
        ),
        ["pcm 8", "pcm 16", "pcm 32"],
    ),
    "PCM of 16x16 only": Case(_pcm_of_one_size(4), ["pcm 16"]),
    "PCM of 32x32 only": Case(_pcm_of_one_size(5), ["pcm 32"]),
    "no PCM": Case(dict(sps=dict(pcm_enabled_flag=0)), ["B slice"]),
    "intra tools": Case(
        dict(
            sps=dict(LARGE_TB, strong_intra_smoothing_enabled_flag=1),
            pps=dict(constrained_intra_pred_flag=1),
            style=dict(split=0.3),
        ),
        ["intra 2Nx2N", "intra NxN"],
    ),
    "SAO": Case(
        dict(sps=dict(WIDE, **SAO), slices=3),
        ["SAO merge", "SaoTypeIdx 0", "SaoTypeIdx 1", "SaoTypeIdx 2"],
    ),
    "SAO, 10 bit": Case(dict(sps=dict(WIDE, **dict(SAO, **TEN_BIT))), ["SaoTypeIdx 1"]),
    "10 bit": Case(
        dict(sps=dict(CTB_64, **TEN_BIT), pps=dict(weighted_pred_flag=1, weighted_bipred_flag=1)),
        ["weights", "pcm 8"],
    ),
    "9 bit": Case(
        dict(sps=dict(general_profile_idc=4, bit_depth_luma_minus8=1, bit_depth_chroma_minus8=1)),
        ["pcm 8"],
    ),
    "4:0:0": Case(
        dict(
            sps=dict(CTB_64, chroma_format_idc=0, general_profile_idc=4, **SAO),
            pps=dict(QP_DELTA, weighted_pred_flag=1, weighted_bipred_flag=1),
        ),
        ["weights", "pcm 8", "SaoTypeIdx 2"],
    ),
    "4:0:0, 10 bit": Case(
        dict(sps=dict(TEN_BIT, chroma_format_idc=0, general_profile_idc=4)),
        ["pcm 8"],
    ),
}
