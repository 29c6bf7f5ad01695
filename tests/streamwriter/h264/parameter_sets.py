"""H.264 parameter sets written from their values (clause 7.3.2), and NAL units (7.3.1).

Syntax elements keep the standard's names.
"""

from streamwriter.bits import Bits, escaped


def nal_unit(nal_ref_idc, nal_unit_type, bits):
    """One NAL unit with emulation prevention (7.3.1)."""
    return bytes([nal_ref_idc << 5 | nal_unit_type]) + escaped(bits.payload())


def sequence_parameter_set(
    width_mbs,
    height_mbs,
    profile_idc=77,
    constraint_set_flags=0,
    level_idc=40,
    sps_id=0,
    max_num_ref_frames=4,
    pic_order_cnt_type=0,
    offsets=(0, 0, (2,)),
    gaps_in_frame_num_value_allowed_flag=0,
    direct_8x8_inference_flag=1,
    log2_max_frame_num=5,
    log2_max_pic_order_cnt_lsb=7,
    frame_mbs_only_flag=1,
    crop=(0, 0, 0, 0),
    time_scale=0,
):
    """7.3.2.1.1.

    offsets: offset_for_non_ref_pic, offset_for_top_to_bottom_field, offset_for_ref_frame (POC type 1); crop: left,
    right, top, bottom, in chroma samples; time_scale: with num_units_in_tick 1, 0 for no VUI.
    """
    bits = Bits().u(8, profile_idc).u(8, constraint_set_flags).u(8, level_idc).ue(sps_id)
    bits.ue(log2_max_frame_num - 4).ue(pic_order_cnt_type)
    if pic_order_cnt_type == 0:
        bits.ue(log2_max_pic_order_cnt_lsb - 4)
    elif pic_order_cnt_type == 1:
        bits.u(1, 0).se(offsets[0], offsets[1]).ue(len(offsets[2])).se(*offsets[2])
    bits.ue(max_num_ref_frames).u(1, gaps_in_frame_num_value_allowed_flag)
    bits.ue(width_mbs - 1, height_mbs - 1).u(1, frame_mbs_only_flag)
    if not frame_mbs_only_flag:
        bits.u(1, 0)  # mb_adaptive_frame_field_flag
    bits.u(1, direct_8x8_inference_flag)
    bits.u(1, int(any(crop)))
    if any(crop):
        bits.ue(*crop)
    bits.u(1, int(time_scale > 0))
    if time_scale:
        bits.u(4, 0).u(1, 1).u(32, 1).u(32, time_scale).u(1, 1).u(4, 0)
    return nal_unit(3, 7, bits)


def picture_parameter_set(
    pps_id=0,
    sps_id=0,
    slice_groups=None,
    weighted_pred_flag=0,
    weighted_bipred_idc=0,
    deblocking_filter_control_present_flag=0,
    constrained_intra_pred_flag=0,
    redundant_pic_cnt_present_flag=0,
    entropy_coding_mode_flag=0,
    bottom_field_pic_order_in_frame_present_flag=0,
):
    """7.3.2.2. slice_groups: writes the slice group syntax, called with the bits; None for one slice group."""
    bits = Bits().ue(pps_id, sps_id).u(1, entropy_coding_mode_flag)
    bits.u(1, bottom_field_pic_order_in_frame_present_flag)
    if slice_groups is None:
        bits.ue(0)
    else:
        slice_groups(bits)
    bits.ue(0, 0).u(1, weighted_pred_flag).u(2, weighted_bipred_idc).se(0, 0, 0)
    bits.u(1, deblocking_filter_control_present_flag).u(1, constrained_intra_pred_flag)
    return nal_unit(3, 8, bits.u(1, redundant_pic_cnt_present_flag))
