"""The parts of HEVC parameter sets that say nothing about decoding: profile and level, VUI, HRD (7.3.3, annex E).

Values are random where any will do: a parser must read past them.
"""

MAIN, MAIN_10, REXT = 1, 2, 4
_LEVEL_IDC = 186  # level 6.2: the largest limits


def write_profile_tier_level(random, bits, profile_idc, max_sub_layers_minus1):
    """7.3.3."""
    _write_profile(bits, profile_idc)
    bits.u(8, _LEVEL_IDC)
    present = random.randint(0, 2, (max_sub_layers_minus1, 2)).tolist()
    for has_profile, has_level in present:
        bits.u(1, has_profile).u(1, has_level)
    if max_sub_layers_minus1:
        bits.u(2 * (8 - max_sub_layers_minus1), 0)
    for has_profile, has_level in present:
        if has_profile:
            _write_profile(bits, profile_idc)
        if has_level:
            bits.u(8, _LEVEL_IDC)


def _write_profile(bits, profile_idc):
    compatible = 1 << (31 - profile_idc) | (1 << (31 - MAIN_10) if profile_idc == MAIN else 0)
    bits.u(2, 0).u(1, 0).u(5, profile_idc).u(32, compatible)
    bits.u(4, 0b1001).u(43, 0).u(1, 0)  # progressive, frame only


def write_sub_layer_ordering(bits, sps):
    """The same limits for every sub-layer, written for all or for the highest one."""
    every = sps.sps_sub_layer_ordering_info_present_flag
    bits.u(1, every)
    for _ in range(sps.sps_max_sub_layers_minus1 + 1 if every else 1):
        bits.ue(sps.sps_max_dec_pic_buffering_minus1).ue(sps.sps_max_num_reorder_pics).ue(0)


def write_vui(random, bits, sps):
    """E.2.1. sps.vui: 'small' or 'HRD', which adds timing with hrd_parameters() and everything else."""
    is_full = sps.vui == "HRD"
    bits.u(1, 1).u(8, 255).u(16, 4).u(16, 3)  # aspect_ratio_idc: a ratio of its own
    bits.u(1, 1).u(1, 0)  # overscan
    bits.u(1, 1).u(3, 5).u(1, 0).u(1, 1).u(8, 1).u(8, 1).u(8, 1)  # video_signal_type
    bits.u(1, int(is_full))
    if is_full:
        bits.ue(1).ue(1)  # chroma_loc_info
    bits.u(1, 0).u(1, 0).u(1, 0)  # neutral_chroma_indication, field_seq, frame_field_info_present
    bits.u(1, 0)  # default_display_window
    bits.u(1, int(is_full))
    if is_full:
        bits.u(32, 1001).u(32, 60000).u(1, 1).ue(0)
        bits.u(1, 1)
        write_hrd(random, bits, True, sps.sps_max_sub_layers_minus1)
    bits.u(1, int(is_full))
    if is_full:  # bitstream_restriction
        bits.u(1, 0).u(1, 1).u(1, 0).ue(0).ue(0).ue(0).ue(15).ue(15)


def write_hrd(random, bits, has_common, max_sub_layers_minus1):
    """E.2.2, with NAL and VCL parameters and those of sub-pictures."""
    has_sub_pictures = 0
    if has_common:
        has_sub_pictures = int(random.randint(0, 2))
        bits.u(1, 1).u(1, 1).u(1, has_sub_pictures)
        if has_sub_pictures:
            bits.u(8, 3).u(5, 7).u(1, 0).u(5, 9)
        bits.u(4, 2).u(4, 3)
        if has_sub_pictures:
            bits.u(4, 1)
        bits.u(5, 23).u(5, 15).u(5, 5)
    for _ in range(max_sub_layers_minus1 + 1):
        _write_hrd_of_sub_layer(random, bits, has_sub_pictures)


def _write_hrd_of_sub_layer(random, bits, has_sub_pictures):
    fixed_general = int(random.randint(0, 2))
    bits.u(1, fixed_general)
    fixed_within_cvs = 1
    if not fixed_general:
        fixed_within_cvs = int(random.randint(0, 2))
        bits.u(1, fixed_within_cvs)
    low_delay = 0
    if fixed_within_cvs:
        bits.ue(int(random.randint(0, 9)))  # elemental_duration_in_tc_minus1
    else:
        low_delay = int(random.randint(0, 2))
        bits.u(1, low_delay)
    count = 1
    if not low_delay:
        count = int(random.randint(1, 4))
        bits.ue(count - 1)  # cpb_cnt_minus1
    for k in 2 * list(range(count)):  # NAL, then VCL; rates and sizes grow
        bits.ue(1000 * k + int(random.randint(0, 999))).ue(1000 * k + int(random.randint(0, 999)))
        if has_sub_pictures:
            bits.ue(77).ue(88)
        bits.u(1, int(random.randint(0, 2)))
