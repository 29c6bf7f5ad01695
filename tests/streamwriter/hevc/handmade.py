"""HEVC streams written element by element, for tests that know every value beforehand and need no encoder.

The twin of h264/handmade.py: an IDR picture is all PCM, a P picture all skipped, or its coding units all have one
vector. Coding tree units of 16x16 with one coding unit each, one slice a picture, the reference is the picture before.
"""

from collections import Counter

import numpy as np

from streamwriter.bits import Bits, annex_b
from streamwriter.h264.handmade import picture_samples
from streamwriter.hevc import parameter_sets as sets
from streamwriter.hevc.cabac import Encoder, initial_states

CODEC = "hevc"
SETS = 3  # parameter sets of a GOP
UNIT = 16  # luma samples
QP = 26
TRAIL_R, IDR_N_LP = 1, 20
_P, _I = 1, 2  # slice_type, Table 7-7


def parameter_sets(columns, rows, crop=None, **parameters):
    """Sizes in coding tree units, crop = (left, right, top, bottom) in chroma samples."""
    sps = sets.sequence_parameters(
        pic_width_in_luma_samples=UNIT * columns,
        pic_height_in_luma_samples=UNIT * rows,
        conformance_window=crop,
        sps_max_dec_pic_buffering_minus1=1,
        sps_max_num_reorder_pics=0,
        short_term_ref_pic_sets=(((-1, True),),),
        **parameters,
    )
    random = np.random.RandomState(0)  # of no meaning without sub-layers
    return [
        sets.video_parameter_set(random, sps),
        sets.sequence_parameter_set(random, sps, Counter()),
        sets.picture_parameter_set(sets.picture_parameters()),
    ]


def refused():
    """4:2:2: refused by name."""
    units = parameter_sets(2, 2, chroma_format_idc=2, general_profile_idc=4)
    return annex_b(units + [idr(picture_samples(2, 2))])


def idr(samples):
    """samples: uint8 (coding tree units, 384), 256 of Y, then 64 of Cb and 64 of Cr for each."""
    bits = Bits().u(1, 1).u(1, 0).ue(0).ue(_I)  # up to slice_type
    encoder = _slice_data(bits, 0)
    for number, unit in enumerate(samples):
        encoder.flag("split_cu_flag", 0)
        encoder.terminate(1)  # pcm_flag
        bits.u(1, 1).align()
        for sample in unit:
            bits.u(8, int(sample))
        encoder.restart()
        encoder.terminate(int(number == len(samples) - 1))  # end_of_slice_segment_flag
    return sets.nal_unit(IDR_N_LP, bits)


def p_picture(poc, columns, rows, mv=None):
    """All skipped, or all with the vector mv = (x, y) in quarter samples."""
    bits = Bits().u(1, 1).ue(0).ue(_P).u(8, poc % 256).u(1, 1)  # short_term_ref_pic_set_sps_flag
    bits.u(1, 0).ue(4)  # num_ref_idx_active_override_flag, one merge candidate
    encoder = _slice_data(bits, 1)
    for number in range(columns * rows):
        encoder.flag("split_cu_flag", 0)
        if mv is None:
            skipped_beside = (number % columns > 0) + (number >= columns)
            encoder.flag("cu_skip_flag", 1, skipped_beside)
        else:
            # The first unit has no neighbours: its prediction is 0. All others then predict it.
            _inter_unit(encoder, mv if number == 0 else (0, 0))
        encoder.terminate(int(number == columns * rows - 1))
    return sets.nal_unit(TRAIL_R, bits)


def _slice_data(bits, init_type):
    bits.se(0).u(1, 1).align()  # slice_qp_delta, byte_alignment()
    return Encoder(bits, initial_states(init_type, QP))


def _inter_unit(encoder, mvd):
    encoder.flag("cu_skip_flag", 0)
    encoder.flag("pred_mode_flag", 0)
    encoder.flag("part_mode", 1)  # 2Nx2N
    encoder.flag("merge_flag", 0)
    for value in mvd:
        encoder.flag("abs_mvd_greater0_flag", value != 0)
    for value in mvd:
        if value:
            encoder.flag("abs_mvd_greater1_flag", abs(value) > 1)
    for value in mvd:
        if abs(value) > 1:
            encoder.exp_golomb(abs(value) - 2, 1)
        if value:
            encoder.bypass(int(value < 0))
    encoder.flag("mvp_flag", 0)
    encoder.flag("rqt_root_cbf", 0)


def stream(gops=3, gop=4, columns=2, rows=2, mv=(6, -4), **parameters):
    """GOPs of an IDR picture, a skipped P picture, and P pictures that move by `mv`. Annex B."""
    units = []
    for number in range(gops):
        units += parameter_sets(columns, rows, **parameters)
        units.append(idr(picture_samples(columns, rows, number)))
        for poc in range(1, gop):
            units.append(p_picture(poc, columns, rows, None if poc == 1 else mv))
    return annex_b(units)
