"""A pan stays a pan where picture order counts are uneven: odd numbers, dropped pictures, other steps, and POC type 2.

Most streams are written by hand: one vector fills each P picture, so that its flow is one number.
"""

import numpy as np
import pytest

from edge_attp.bitstream.syntax import H264, HEVC
from rigs import slice_headers
from rigs.media import Clip, HevcClip, x264, x265
from rigs.native_core import Read
from streamwriter.bits import Bits, annex_b
from streamwriter.h264 import handmade, parameter_sets
from truth import nal

pytestmark = pytest.mark.needs_av

VELOCITY = (3, -2)
FRAME_NUM_BITS, LSB_BITS = 8, 12
MACROBLOCKS = 4


class Picture:
    """A P picture: its POC, how many pictures ago its reference was shown, whether it is one itself."""

    def __init__(self, poc, distance=1, is_reference=True, is_idr=False):
        self.poc, self.distance, self.is_reference, self.is_idr = (
            poc,
            distance,
            is_reference,
            is_idr,
        )


def sets(poc_type=0):
    sps = parameter_sets.sequence_parameter_set(
        *(2, 2),
        profile_idc=66,
        max_num_ref_frames=1,
        pic_order_cnt_type=poc_type,
        log2_max_frame_num=FRAME_NUM_BITS,
        log2_max_pic_order_cnt_lsb=LSB_BITS,
    )
    return [sps, parameter_sets.picture_parameter_set()]


def write(pictures, poc_type=0):
    """The stream: its parameter sets, and the pictures in decoding order."""
    units, frame_num, idr_pic_id = sets(poc_type), 0, 0
    for picture in pictures:
        frame_num = 0 if picture.is_idr else frame_num
        bits = Bits().ue(0).ue(7 if picture.is_idr else 5).ue(0)
        bits.u(FRAME_NUM_BITS, frame_num % (1 << FRAME_NUM_BITS))
        if picture.is_idr:
            bits.ue(idr_pic_id)
            idr_pic_id = 1 - idr_pic_id
        if poc_type == 0:
            bits.u(LSB_BITS, picture.poc % (1 << LSB_BITS))
        if picture.is_idr:
            bits.u(2, 0).se(0)
            for _ in range(MACROBLOCKS):
                bits.ue(25).align()
                for sample in range(384):
                    bits.u(8, 1 + sample % 200)
        else:
            bits.u(2, 0)
            if picture.is_reference:
                bits.u(1, 0)
            bits.se(0)
            for number in range(MACROBLOCKS):
                mvd = [-4 * v * picture.distance * (number == 0) for v in VELOCITY]
                bits.ue(0).ue(0).se(mvd[0]).se(mvd[1]).ue(0)
        kind = 5 if picture.is_idr else 1
        units.append(parameter_sets.nal_unit(2 if picture.is_reference else 0, kind, bits))
        frame_num += picture.is_reference
    return annex_b(units)


def flows(data, **options):
    """One flow vector for each picture, None for IDR pictures; and the pictures."""
    found = Read(H264, [data], 0, complete=False, **options)
    assert not found.damaged
    out = []
    for picture in found.pictures:
        flow = picture.motion.flow()
        assert (flow == flow[:, :1, :1]).all()
        out.append(None if picture.kind == "I" else tuple(flow[:, 0, 0].tolist()))
    return out, found.pictures


def is_pan(flow):
    return flow is None or np.allclose(flow, VELOCITY, atol=1e-6)


def steady(count, step=2, first=0):
    """An IDR picture and P pictures."""
    return [Picture(first + step * k, is_idr=k == 0) for k in range(count)]


@pytest.mark.parametrize("options", [{}, {"threads": 3}, {"on_demand": True}], ids=str)
@pytest.mark.parametrize("step", [1, 2, 3, 4, 8])
def test_a_steady_stream_of_any_step(step, options):
    found, pictures = flows(write(steady(100, step)), **options)
    assert all(map(is_pan, found)) and {p.poc_step for p in pictures} == {step}


@pytest.mark.parametrize("shift", [-1, 1])
@pytest.mark.parametrize("place", [1, 4, 15, 16, 30, 98])
def test_one_odd_number_harms_nothing(place, shift):
    pictures = steady(100)
    pictures[place].poc += shift
    found, read = flows(write(pictures))
    assert [p.poc for p in read] == [p.poc for p in pictures]
    assert all(map(is_pan, found))
    assert {p.poc_step for p in read} == {2}


@pytest.mark.parametrize("place", [3, 40])
def test_one_picture_squeezed_between_harms_its_neighbours_only(place):
    pictures = steady(100)
    pictures.insert(place, Picture(2 * place - 1))
    found, read = flows(write(pictures))
    assert all(map(is_pan, found)) and {p.poc_step for p in read} == {2}


def test_an_odd_number_in_every_group_harms_nothing():
    """As with encoders that tell the fields of their IDR pictures apart: the next picture is one nearer."""
    pictures = [Picture(2 * k - 1 if k else 0, is_idr=k == 0) for _ in range(12) for k in range(12)]
    found, read = flows(write(pictures))
    assert all(map(is_pan, found)) and {p.poc_step for p in read} == {2}


def test_pictures_dropped_for_a_while_are_still_counted():
    """Every other one is missing in the middle: those left span two intervals, and the pan is as fast as before."""
    pictures = steady(20)
    pictures += [Picture(40 + 4 * k, 2) for k in range(20)]
    pictures[20].distance = 1
    pictures += [Picture(118 + 2 * k, 1) for k in range(40)]
    found, read = flows(write(pictures))
    assert all(map(is_pan, found)) and {p.poc_step for p in read} == {2}


def test_pictures_dropped_at_random_are_counted():
    random = np.random.RandomState(5)
    shown = [0] + [k for k in range(1, 400) if random.rand() < 0.4]
    pictures = [Picture(2 * k, k - before, is_idr=k == 0) for before, k in zip([0] + shown, shown)]
    found, _ = flows(write(pictures))
    assert all(map(is_pan, found))


def test_a_stream_that_goes_on_at_half_the_rate_has_longer_intervals():
    """What is not seen for a thousand pictures is no interval any more; the old rate is known again at once."""
    slow = steady(20) + [Picture(38 + 4 * k, 2) for k in range(1, 1001)]
    slow += [Picture(38 + 4 * k) for k in range(1001, 1400)]
    fast = [Picture(38 + 4 * 1399 + 2 * k) for k in range(1, 41)]
    found, read = flows(write(slow + fast))
    assert {p.poc_step for p in read[:1000]} == {2} and {p.poc_step for p in read[1200:1400]} == {4}
    assert all(map(is_pan, found[:1000] + found[1200:]))
    assert {p.poc_step for p in read[-20:]} == {2}


@pytest.mark.parametrize("steps", [(2, 1), (4, 2), (2, 3), (4, 6), (3, 2)], ids=str)
def test_another_step_from_an_idr_picture_on(steps):
    """Unless the new step looks like dropped pictures, a few pictures tell."""
    pictures = [Picture(step * k, is_idr=k == 0) for step in steps for k in range(40)]
    found, read = flows(write(pictures))
    assert all(map(is_pan, found[:40] + found[44:]))
    assert read[39].poc_step == steps[0] and {p.poc_step for p in read[44:]} == {steps[1]}


def test_pictures_dropped_for_a_while_in_short_groups():
    """As a live source does that falls behind: no picture that is left changes."""
    whole = [(2 * k, 1, k == 0) for k in range(12)]
    half = [(4 * k, 2, k == 0) for k in range(6)]
    pictures = [
        Picture(poc, distance, is_idr=is_idr)
        for poc, distance, is_idr in whole * 2 + half * 20 + whole * 2
    ]
    found, read = flows(write(pictures))
    assert all(map(is_pan, found)) and {p.poc_step for p in read} == {2}


@pytest.mark.parametrize("groups", [1, 3, 9])
def test_short_groups_share_what_they_know(groups):
    found, read = flows(write([p for _ in range(groups) for p in steady(3)]))
    assert all(map(is_pan, found)) and {p.poc_step for p in read} == {2}


def test_a_number_far_off_is_forgotten():
    pictures = steady(200)
    for place, poc in ((50, 1800), (90, 1900)):
        pictures[place].poc = poc
    found, read = flows(write(pictures))
    wrong = [k for k, flow in enumerate(found) if not is_pan(flow)]
    assert set(wrong) <= {50, 51, 90, 91}
    assert {p.poc_step for p in read} == {2}


# POC type 2 ---------------------------------------------------------------------------------------

PATTERNS = {
    "all": "r",
    "every other": "rn",
    "every third": "rrn",
    "irregular": "rrnrnrrrrnrnrn",
    "one in a hundred": "r" * 50 + "n" + "r" * 49,
}


@pytest.mark.parametrize("options", [{}, {"threads": 3}, {"on_demand": True}], ids=str)
@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_type_2_counts_pictures(name, options):
    """8.2.1.3: a non-reference picture is 1 before the next picture, a reference picture 2."""
    pattern = (PATTERNS[name] * 100)[:99]
    pictures, since = [Picture(0, is_idr=True)], 1
    for kind in pattern:
        pictures.append(Picture(0, since, kind == "r"))
        since = 1 if kind == "r" else since + 1
    found, read = flows(write(pictures, poc_type=2), **options)
    assert len(read) == 100 and all(map(is_pan, found))


def test_type_2_of_a_stream_written_elsewhere():
    """The same with the writer of the other tests, vectors of whole macroblocks from the picture before."""
    units = [handmade.sps(), handmade.pps(), handmade.idr(handmade.picture_samples(2, 2))]
    for k in range(1, 30):
        units.append(handmade.p_picture(k, 4, (-12, 8), is_reference=True))
    found, _ = flows(annex_b(units))
    assert all(map(is_pan, found))


# Pictures taken out of encoded streams ------------------------------------------------------------

PAN = dict(qp=6, me="esa", subme=7, merange=48, scenecut=0, preset="medium", keyint=90)
ENCODED = {
    "H.264": Clip(
        *("pan", 144, 112, 60),
        velocity=(3, 0),
        options=x264(bframes=1, b_adapt=0, ref=2, **PAN),
    ),
    "HEVC": HevcClip(
        *("pan", 144, 112, 60),
        velocity=(3, 0),
        options=x265(bframes=1, b_adapt=0, ref=2, ctu=16, **dict(PAN, me=5)),
    ),
}


def is_droppable(syntax, unit):
    if syntax is H264:
        return slice_headers.is_slice(unit) and unit[0] >> 5 == 0
    return syntax.nal_type(unit) == 0  # TRAIL_N


@pytest.mark.parametrize("chosen", ["in the middle", "every third", "at random"])
@pytest.mark.parametrize("name", sorted(ENCODED))
def test_flow_of_an_encoded_pan_without_some_b_pictures(clips, name, chosen):
    syntax = H264 if name == "H.264" else HEVC
    units = nal.annex_b_nal_units(clips.path(ENCODED[name]).read_bytes())
    places = [k for k, unit in enumerate(units) if is_droppable(syntax, unit)]
    assert len(places) > 25
    random = np.random.RandomState(1)
    dropped = {
        "in the middle": places[10:20],
        "every third": places[::3],
        "at random": [k for k in places if random.rand() < 0.6],
    }[chosen]
    kept = [unit for k, unit in enumerate(units) if k not in set(dropped)]
    found = Read(syntax, [annex_b(kept)], 0, complete=False, residual=False)
    assert not found.damaged and len(found.pictures) == 60 - len(dropped)
    for picture in found.pictures[1:]:
        flow = picture.motion.flow()[0]
        inside = flow[4:-4, 12:-4]  # what comes into the picture has no vector of the pan
        assert abs(np.median(inside) - 3) < 1e-5, picture
