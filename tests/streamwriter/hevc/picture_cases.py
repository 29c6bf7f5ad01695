"""Cases of random HEVC streams: references, slices, order of pictures, parameter sets, one named case for each."""

from streamwriter.bits import B_SLICE, I_SLICE, P_SLICE
from streamwriter.hevc.case import (
    CTB_64,
    DEPENDENT,
    LONG_TERM,
    QP_DELTA,
    SAO,
    TINY,
    TMVP,
    WIDE,
    Case,
)
from streamwriter.hevc.slice_header import BLA_N_LP, BLA_W_LP, BLA_W_RADL, CRA, IDR_N_LP, IDR_W_RADL

PICTURE_CASES = {
    "P only": Case(dict(slice_types=(P_SLICE,)), ["P slice"]),
    "B and P": Case(
        dict(), ["B slice", "P slice", "reordered", "MvdL1 is zero", "8x4 or 4x8 in B"]
    ),
    "slices of all types": Case(
        dict(sps=dict(WIDE, **TMVP), slices=4, slice_types=(I_SLICE, P_SLICE, B_SLICE)),
        ["several slices", "I slice", "P slice", "B slice"],
    ),
    "temporal vectors": Case(
        dict(sps=dict(WIDE, **TMVP), slices=3),
        ["collocated_ref_idx", "collocated from list 1", "slice_temporal_mvp off"],
        14,
    ),
    "parallel merge": Case(
        dict(
            sps=dict(CTB_64, amp_enabled_flag=1, **TMVP),
            pps=dict(log2_parallel_merge_level_minus2=[1, 2, 3, 4]),
            style=dict(merge=0.8, skip=0.5),
        ),
        ["coding unit 8", "B slice"],
    ),
    "explicit weights": Case(
        dict(
            sps=TMVP,
            pps=dict(weighted_pred_flag=1, weighted_bipred_flag=1),
            slices=2,
        ),
        ["weights", "a picture twice in a list"],
    ),
    "explicit weights in B only": Case(
        dict(pps=dict(weighted_bipred_flag=1), slices=3),
        ["weights", "P slice"],
    ),
    "list modification": Case(
        dict(sps=dict(WIDE, **TMVP), pps=dict(lists_modification_present_flag=1), slices=3),
        ["list modification", "a picture twice in a list"],
    ),
    "reference picture sets of the SPS": Case(
        dict(sps=dict(rps=12)),
        ["RPS of the SPS", "RPS predicted in the SPS", "RPS predicted in a slice"],
    ),
    "many reference pictures": Case(
        dict(sps=dict(TMVP, sps_max_dec_pic_buffering_minus1=15, sps_max_num_reorder_pics=1)),
        ["B slice"],
    ),
    "long-term pictures": Case(
        dict(sps=dict(LONG_TERM, **TMVP), irap_share=0.0),
        ["two long-term pictures", "long-term from the slice", "delta_poc_msb_cycle_lt"],
        20,
    ),
    "long-term pictures of the SPS": Case(
        dict(
            sps=dict(LONG_TERM, long_term=20, rps=5, **TMVP),
            pps=dict(lists_modification_present_flag=1),
            irap_share=0.02,
        ),
        ["long-term from the SPS", "long-term from the slice", "collocated long-term"],
    ),
    "long-term pictures with weights": Case(
        dict(sps=dict(LONG_TERM, **TMVP), pps=dict(weighted_bipred_flag=1), slices=2),
        ["weights", "two long-term pictures"],
    ),
    "cabac_init": Case(
        dict(
            pps=dict(
                cabac_init_present_flag=1,
                init_qp_minus26=[-26, -10, 25],
                num_ref_idx_l0_default_active_minus1=[0, 2, 14],
                num_ref_idx_l1_default_active_minus1=[1, 3],
            ),
            slices=3,
        ),
        ["cabac_init_flag"],
    ),
    "header fields": Case(
        dict(
            sps=SAO,
            pps=dict(
                num_extra_slice_header_bits=[1, 2],
                slice_segment_header_extension_present_flag=1,
                deblocking_filter_control_present_flag=1,
                deblocking_filter_override_enabled_flag=1,
                pps_deblocking_filter_disabled_flag=[0, 1],
                pps_loop_filter_across_slices_enabled_flag=1,
                output_flag_present_flag=1,
                extension_4bits=[0, 5],
            ),
            slices=3,
        ),
        ["several slices"],
    ),
    "pictures that are not put out": Case(
        dict(
            sps=TINY,
            pps=dict(output_flag_present_flag=1),
            irap=(IDR_W_RADL, CRA),
            irap_share=0.2,
            hides=True,
        ),
        ["pic_output_flag 0"],
        16,
    ),
    "dependent slice segments": Case(
        dict(sps=WIDE, pps=DEPENDENT, slices=2, segments=4),
        ["dependent slice segment", "contexts of the segment before"],
    ),
    "uniform tiles": Case(
        dict(sps=WIDE, pps=dict(tiles=(3, 2, True))),
        ["entry points"],
    ),
    "tiles of any size": Case(
        dict(sps=WIDE, pps=dict(tiles=[(4, 3, False), (2, 2, False), (1, 3, False)])),
        ["entry points"],
    ),
    "tiles and slices": Case(
        dict(
            sps=dict(WIDE, **dict(TMVP, **SAO)),
            pps=(
                dict(tiles=(3, 2, False), loop_filter_across_tiles_enabled_flag=0),
                dict(tiles=(2, 3, True)),
                dict(),
            ),
            slices=4,
        ),
        ["entry points", "several slices", "SAO merge"],
    ),
    "tiles and dependent slice segments": Case(
        dict(
            sps=WIDE,
            pps=dict(DEPENDENT, tiles=[(3, 2, False), (2, 2, True)], **QP_DELTA),
            slices=2,
            segments=2,
        ),
        ["entry points", "dependent slice segment", "contexts of the segment before"],
    ),
    "wavefronts": Case(
        dict(sps=WIDE, pps=dict(QP_DELTA, entropy_coding_sync_enabled_flag=1)),
        ["entry points", "contexts of the row above"],
    ),
    "wavefronts and dependent slice segments": Case(
        dict(
            sps=WIDE,
            pps=dict(DEPENDENT, entropy_coding_sync_enabled_flag=1, **QP_DELTA),
            slices=2,
            segments=4,
        ),
        [
            "entry points",
            "contexts of the row above",
            "contexts of the segment before",
            "several slices",
        ],
    ),
    "wavefronts two blocks wide": Case(
        dict(
            sps=dict(pic_width_in_luma_samples=24, pic_height_in_luma_samples=80),
            pps=dict(DEPENDENT, entropy_coding_sync_enabled_flag=1),
            segments=3,
        ),
        ["entry points", "contexts of the row above"],
    ),
    "wavefronts one block wide": Case(
        dict(
            sps=dict(pic_width_in_luma_samples=16, pic_height_in_luma_samples=64),
            pps=dict(DEPENDENT, entropy_coding_sync_enabled_flag=1),
            segments=3,
        ),
        ["entry points", "dependent slice segment"],
    ),
    "emulation prevention before entry points": Case(
        dict(sps=WIDE, pps=dict(tiles=(3, 2, True)), style=dict(pcm=0.8, intra=0.6)),
        ["emulation prevention before an entry point"],
    ),
    "CRA with leading pictures": Case(
        dict(sps=dict(TINY, **TMVP), irap=(CRA,), irap_share=0.4, leading=True),
        ["RADL", "RASL", "NAL unit type 21"],
        24,
    ),
    "BLA": Case(
        dict(sps=TINY, irap=(BLA_W_LP, BLA_W_RADL, BLA_N_LP), irap_share=0.3, leading=True),
        ["RADL", "skipped RASL"] + [f"NAL unit type {k}" for k in (16, 17, 18)],
        24,
    ),
    "IDR with leading pictures": Case(
        dict(sps=TINY, irap=(IDR_W_RADL, IDR_N_LP), irap_share=0.3, leading=True),
        ["RADL", "NAL unit type 19", "NAL unit type 20"],
        24,
    ),
    "end of sequence": Case(
        dict(sps=TINY, irap=(CRA, IDR_W_RADL), ends=True, leading=True),
        ["end of sequence", "skipped RASL", "RADL"],
        24,
    ),
    "cropped": Case(
        dict(sps=dict(WIDE, conformance_window=[(1, 2, 3, 1), (0, 3, 0, 2), (4, 0, 1, 0)])),
        ["B slice"],
    ),
    "sub-layers": Case(
        dict(
            sps=dict(
                TINY,
                sps_max_sub_layers_minus1=3,
                sps_temporal_id_nesting_flag=0,
                sps_sub_layer_ordering_info_present_flag=[0, 1],
                vui=["small", "HRD"],
                **TMVP,
            ),
            irap_share=0.03,
        ),
        [f"TemporalId {k}" for k in range(4)] + [f"NAL unit type {k}" for k in (0, 1, 2, 3, 4, 5)],
        40,
    ),
    "VUI": Case(dict(sps=dict(vui=["small", "HRD"], extension_4bits=[0, 9])), ["B slice"]),
    "delimiters, SEI and other layers": Case(
        dict(extras=True), ["delimiter and SEI", "other layer"]
    ),
    "parameter sets that change": Case(
        dict(
            sps=dict(
                pic_width_in_luma_samples=[64, 80, 96],
                pic_height_in_luma_samples=[40, 64],
                sps_seq_parameter_set_id=[0, 3, 15],
                sps_video_parameter_set_id=[0, 15],
                log2_diff_max_min_luma_coding_block_size=[1, 2, 3],
                **TMVP,
            ),
            pps=(
                dict(init_qp_minus26=[-3, 4], weighted_bipred_flag=[0, 1]),
                dict(tiles=[(2, 2, True), (1, 2, False)], sign_data_hiding_enabled_flag=[0, 1]),
                dict(QP_DELTA, diff_cu_qp_delta_depth=[0, 1]),
            ),
            changes=True,
            irap=(CRA, IDR_W_RADL, BLA_W_RADL),
            irap_share=0.3,
        ),
        ["PPS with other content", "SPS sent again"],
    ),
}
