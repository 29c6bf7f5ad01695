"""Rewrites H.264 slice headers, to make what other encoders would have sent."""

from typing import NamedTuple

from streamwriter.bits import Bits, escaped
from truth import nal


class Numbering(NamedTuple):
    """Of a sequence parameter set: how many bits frame_num and pic_order_cnt_lsb have."""

    frame_num_bits: int
    poc_lsb_bits: int


def numbering(sps):
    """The Numbering that this SPS of x264 gives (7.3.2.1.1); pic_order_cnt_type must be 0."""
    bits = nal.Bits(nal.payload(sps, 1))
    profile_idc = bits.u(8)
    bits.u(16)
    bits.ue()
    if profile_idc >= 100:
        bits.ue(), bits.ue(), bits.ue()
        # qpprime_y_zero_transform_bypass_flag, seq_scaling_matrix_present_flag
        assert not bits.u(2)
    frame_num_bits = 4 + bits.ue()
    assert bits.ue() == 0
    return Numbering(frame_num_bits, 4 + bits.ue())


class Header(NamedTuple):
    """The beginning of a slice header (7.3.3)."""

    first_mb_in_slice: int
    slice_type: int
    pic_parameter_set_id: int
    frame_num: int
    idr_pic_id: int
    pic_order_cnt_lsb: int


def _read(unit, numbering):
    bits = nal.Bits(nal.payload(unit, 1))
    start = [bits.ue(), bits.ue(), bits.ue(), bits.u(numbering.frame_num_bits)]
    idr_pic_id = bits.ue() if unit[0] & 31 == 5 else 0
    return Header(*start, idr_pic_id, bits.u(numbering.poc_lsb_bits)), bits.at


def header(unit, numbering):
    """The Header of a slice."""
    return _read(unit, numbering)[0]


def is_slice(unit):
    return unit[0] & 31 in (1, 5)


def changed(unit, numbering, **elements):
    """The slice with other values of some elements. CAVLC only: CABAC data is aligned."""
    old, at = _read(unit, numbering)
    new = old._replace(**elements)
    bits = Bits().ue(new.first_mb_in_slice, new.slice_type, new.pic_parameter_set_id)
    bits.u(numbering.frame_num_bits, new.frame_num % (1 << numbering.frame_num_bits))
    if unit[0] & 31 == 5:
        bits.ue(new.idr_pic_id)
    bits.u(numbering.poc_lsb_bits, new.pic_order_cnt_lsb % (1 << numbering.poc_lsb_bits))
    payload = nal.payload(unit, 1)
    rest, length = nal.Bits(payload), nal.size_bits(payload) - at
    rest.u(at)
    return unit[:1] + escaped(bits.u(length, rest.u(length)).payload())
