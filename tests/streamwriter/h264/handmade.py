"""H.264 streams written bit by bit, for tests that know every value beforehand and need no encoder.

Baseline, CAVLC, POC type 2, one slice a picture. An IDR picture is all I_PCM; a P picture is either all
P_Skip or has one P_L0_16x16 macroblock after the other, all with the same vector.
"""

import numpy as np

from streamwriter.bits import Bits, annex_b
from streamwriter.h264 import parameter_sets as sets

CODEC = "h264"
SETS = 2  # parameter sets of a GOP


def sps(columns=2, rows=2, crop=(0, 0, 0, 0), time_scale=50, sps_id=0, frame_mbs_only=1):
    """Sizes in macroblocks, crop = (left, right, top, bottom) in chroma samples."""
    return sets.sequence_parameter_set(
        *(columns, rows),
        profile_idc=66,
        constraint_set_flags=0xC0 if frame_mbs_only else 0,
        level_idc=30,
        sps_id=sps_id,
        max_num_ref_frames=1,
        pic_order_cnt_type=2,
        log2_max_frame_num=4,
        frame_mbs_only_flag=frame_mbs_only,
        crop=crop,
        time_scale=time_scale,
    )


def pps(pps_id=0, sps_id=0):
    return sets.picture_parameter_set(pps_id, sps_id, deblocking_filter_control_present_flag=1)


def parameter_sets(columns, rows, **parameters):
    return [sps(columns, rows, **parameters), pps()]


def refused():
    """An interlaced stream: refused by name."""
    return annex_b(parameter_sets(2, 2, frame_mbs_only=0) + [idr(picture_samples(2, 4))])


def idr(samples, idr_pic_id=0):
    """samples: uint8 (macroblocks, 384), 256 of Y, then 64 of Cb and 64 of Cr for each."""
    bits = Bits().ue(0, 7, 0).u(4, 0).ue(idr_pic_id).u(2, 0).se(0).ue(1)
    for macroblock in samples:
        bits.ue(25).align()
        for sample in macroblock:
            bits.u(8, int(sample))
    return sets.nal_unit(3, 5, bits)


def p_picture(frame_num, macroblocks, mv=None, is_reference=True):
    """All skipped, or all P_L0_16x16 with the vector mv = (x, y) in quarter samples."""
    bits = Bits().ue(0, 5, 0).u(4, frame_num % 16).u(2, 0)
    if is_reference:
        bits.u(1, 0)  # adaptive_ref_pic_marking_mode_flag
    bits.se(0).ue(1)
    if mv is None:
        bits.ue(macroblocks)
    else:
        for macroblock in range(macroblocks):
            # The first block has no neighbours: its prediction is 0. All others then predict it.
            x, y = mv if macroblock == 0 else (0, 0)
            bits.ue(0, 0).se(x, y).ue(0)
    return sets.nal_unit(3 if is_reference else 0, 1, bits)


def picture_samples(columns, rows, seed=0):
    """Random I_PCM samples of a picture, as idr() takes them."""
    return np.random.RandomState(seed).randint(1, 256, (columns * rows, 384)).astype(np.uint8)


def luma(samples, columns, rows):
    """The luma plane that these samples make, uint8 (16 rows, 16 columns)."""
    blocks = samples[:, :256].reshape(rows, columns, 16, 16)
    return blocks.transpose(0, 2, 1, 3).reshape(rows * 16, columns * 16)


def stream(gops=3, gop=4, columns=2, rows=2, mv=(6, -4), **parameters):
    """GOPs of an IDR picture, a skipped P picture, and P pictures that move by `mv`. Annex B."""
    units = []
    for number in range(gops):
        units += parameter_sets(columns, rows, **parameters)
        units.append(idr(picture_samples(columns, rows, number), number % 2))
        for frame_num in range(1, gop):
            still = frame_num == 1
            units.append(p_picture(frame_num, columns * rows, None if still else mv))
    return annex_b(units)
