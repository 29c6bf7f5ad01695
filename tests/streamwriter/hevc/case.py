"""A named case of random HEVC streams, and options that many cases share."""

from typing import Any, NamedTuple

# Picture sizes of several coding tree blocks, not whole ones.
WIDE = dict(pic_width_in_luma_samples=88, pic_height_in_luma_samples=56)
WIDER = dict(pic_width_in_luma_samples=136, pic_height_in_luma_samples=72)
TINY = dict(pic_width_in_luma_samples=40, pic_height_in_luma_samples=24)
CTB_64 = dict(WIDER, log2_diff_max_min_luma_coding_block_size=3)
LARGE_TB = dict(
    log2_diff_max_min_luma_coding_block_size=2,
    log2_diff_max_min_luma_transform_block_size=3,
    max_transform_hierarchy_depth_inter=3,
    max_transform_hierarchy_depth_intra=3,
)
TMVP = dict(sps_temporal_mvp_enabled_flag=1)

LONG_TERM = dict(log2_max_pic_order_cnt_lsb_minus4=0, long_term_ref_pics_present_flag=1)
TEN_BIT = dict(
    general_profile_idc=2,
    bit_depth_luma_minus8=2,
    bit_depth_chroma_minus8=2,
    pcm_sample_bit_depth_luma_minus1=9,
    pcm_sample_bit_depth_chroma_minus1=9,
)
SAO = dict(sample_adaptive_offset_enabled_flag=1)
DEPENDENT = dict(dependent_slice_segments_enabled_flag=1)
QP_DELTA = dict(cu_qp_delta_enabled_flag=1)


class Case(NamedTuple):
    """arguments: of RandomStream; features: what must occur in its Counter; pictures: in each stream."""

    arguments: Any
    features: Any
    pictures: int = 8
