"""Headers as encoders really send them: sets and delimiters within a picture, repeated sets, bytes after them."""

import pytest

from edge_attp.bitstream.syntax import H264, HEVC
from rigs import hostile
from rigs.media import Clip, HevcClip, x264, x265
from rigs.native_core import Read
from streamwriter.bits import Bits, annex_b, escaped, length_prefixed
from streamwriter.h264 import handmade
from streamwriter.hevc import handmade as handmade_hevc
from truth import equation, nal

pytestmark = pytest.mark.needs_av

PICTURES = 10
CLIPS = {
    "H.264": Clip(pictures=PICTURES, options=x264(bframes=2, b_adapt=0, slices=3, keyint=6)),
    "H.264 intra": Clip(pictures=PICTURES, options=x264(slices=3, keyint=1)),
    "HEVC": HevcClip(
        pictures=PICTURES, options=x265(bframes=2, b_adapt=0, ctu=16, slices=3, keyint=6)
    ),
    "HEVC intra": HevcClip(pictures=PICTURES, options=x265(ctu=16, slices=3, keyint=1)),
}
DELIMITER = {H264: b"\x09\xf0", HEVC: b"\x46\x01\x50"}
SEI = {H264: b"\x06\x05\x01A\x80", HEVC: b"\x4e\x01\x05\x01A\x80"}
SET_NAMES = {H264: {"SPS": 7, "PPS": 8}, HEVC: {"VPS": 32, "SPS": 33, "PPS": 34}}


class Film:
    """A clip of several slices a picture, cut into access units at its first slices."""

    def __init__(self, name, path):
        self.syntax = H264 if name.startswith("H.264") else HEVC
        units = nal.annex_b_nal_units(path.read_bytes())
        self.sets = {
            name: next(unit for unit in units if self.syntax.nal_type(unit) == kind)
            for name, kind in SET_NAMES[self.syntax].items()
        }
        self.slices = [
            unit for unit in units if self.syntax.nal_type(unit) in self.syntax.slice_types
        ]
        self.samples = []
        for unit in self.slices:
            if self.syntax.begins_picture(unit):
                self.samples.append([])
            self.samples[-1].append(unit)
        assert len(self.samples) == PICTURES and len(self.samples[0]) == 3
        self.plain = self.read(self.samples, 4)

    def read(self, samples, length_bytes):
        join = length_prefixed if length_bytes else lambda units, _: annex_b(units)
        packets = [join(sample, length_bytes) for sample in samples]
        return Read(
            *(self.syntax, packets, length_bytes, length_bytes > 0),
            sets=list(self.sets.values()),
        )


@pytest.fixture(scope="module", params=sorted(CLIPS))
def film(request, clips):
    return Film(request.param, clips.path(CLIPS[request.param]))


def between(film, what):
    return {"AUD": [DELIMITER[film.syntax]], "SEI": [SEI[film.syntax]]}.get(
        what, [unit for name, unit in film.sets.items() if name in what.split()]
    )


@pytest.mark.parametrize("length_bytes", [0, 4])
@pytest.mark.parametrize("what", ["AUD", "SEI", "SPS", "PPS", "VPS SPS PPS"])
def test_each_slice_with_headers_before_it_is_of_the_same_picture(film, what, length_bytes):
    extra = between(film, what)
    found = film.read(
        [[one for unit in sample for one in extra + [unit]] for sample in film.samples],
        length_bytes,
    )
    assert found.digests == film.plain.digests and not found.damaged
    assert [picture.kind for picture in found.pictures] == [p.kind for p in film.plain.pictures]


@pytest.mark.parametrize("what", ["AUD", "VPS SPS PPS"])
def test_pictures_in_one_packet_stay_apart(film, what):
    """As in a program stream: delimiters between the pictures, and no times but the first."""
    extra = between(film, what)
    pairs = zip(film.samples[::2], film.samples[1::2])
    found = film.read([extra + one + extra + other for one, other in pairs], 4)
    assert found.digests == film.plain.digests and not found.damaged


@pytest.mark.parametrize("what", ["AUD", "SEI"])
def test_a_lost_first_slice_is_still_noticed(film, what):
    """The delimiter before the next picture does not make its slices those of the one before."""
    extra = between(film, what)
    samples = [extra + sample for sample in film.samples]
    samples[4] = extra + film.samples[4][1:]
    samples[5] = extra + film.samples[5][:-1]
    found = film.read(samples, 0)
    assert len(found.pictures) == PICTURES
    assert {4, 5} <= set(found.damaged) and not {0, 1, 2, 3} & set(found.damaged)


# Sets that come once more, with another VUI -------------------------------------------------------

MODULES = {"h264": (handmade, H264), "hevc": (handmade_hevc, HEVC)}


def again(written, gop, other):
    """One GOP of a stream written by hand, with the sets `other` before each picture but the first."""
    plain = nal.annex_b_nal_units(written.stream(gops=1, gop=gop))
    sets, pictures = plain[: written.SETS], plain[written.SETS :]
    return sets + pictures[:1] + [one for unit in pictures[1:] for one in other + [unit]]


def h264_variants():
    return {
        "other timing": [handmade.sps(time_scale=60)],
        "no VUI": [handmade.sps(time_scale=0)],
        "other level": [handmade.sps()[:3] + b"\x28" + handmade.sps()[4:]],
        "VUI and PPS": [handmade.sps(time_scale=60), handmade.pps()],
        "VUI that breaks off": [handmade.sps()[:-3] + b"\x80"],
    }


def hevc_variants():
    sets = {vui: handmade_hevc.parameter_sets(2, 2, vui=vui) for vui in ("small", "HRD")}
    return {"other VUI": sets["small"][1:2], "timing": sets["HRD"][1:2], "all sets": sets["small"]}


VARIANTS = [("h264", name) for name in sorted(h264_variants())]
VARIANTS += [("hevc", name) for name in sorted(hevc_variants())]


@pytest.mark.parametrize("codec, name", VARIANTS)
def test_a_sequence_set_of_another_vui_in_mid_sequence_changes_nothing(tmp_path, codec, name):
    written, syntax = MODULES[codec]
    other = (h264_variants() if codec == "h264" else hevc_variants())[name]
    units = again(written, 6, other)
    assert len(units) > 8
    plain = Read(syntax, [written.stream(gops=1, gop=6)], 0, complete=False)
    assert len(plain.pictures) == 6 and not plain.damaged
    for found in (
        Read(syntax, [annex_b(units)], 0, complete=False),
        Read(syntax, [length_prefixed(units, 4)], 4),
    ):
        assert found.digests == plain.digests and not found.damaged
        assert [p.poc_step for p in found.pictures] == [p.poc_step for p in plain.pictures]
    if codec == "h264":  # of HEVC, FFmpeg forgets the references
        equation.assert_true(hostile.write(tmp_path, "again.264", annex_b(units)), 6)


@pytest.mark.parametrize("codec", sorted(MODULES))
def test_a_sequence_set_of_another_size_in_mid_sequence_does(codec):
    written, syntax = MODULES[codec]
    units = again(written, 6, written.parameter_sets(3, 2))
    found = Read(syntax, [annex_b(units)], 0, complete=False)
    assert 0 not in found.damaged and len(found.damaged) >= 1


# Bytes behind a picture parameter set -------------------------------------------------------------

SUPERFLUOUS = {
    "80": b"\x80",
    "80 80": b"\x80\x80",
    "00 80": b"\x00\x80",
    "0d": b"\x0d",
    "a5 80": b"\xa5\x80",
    "ff ff ff": b"\xff\xff\xff",
    "00 00": b"\x00\x00",
}
PROFILES = {
    "Baseline": dict(profile="baseline", bframes=0),
    "Main": dict(profile="main", bframes=2, b_adapt=0),
    "High": dict(profile="high", bframes=2, b_adapt=0),
}


@pytest.mark.parametrize("behind", sorted(SUPERFLUOUS))
@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_bytes_behind_a_picture_parameter_set(clips, tmp_path, profile, behind):
    clip = Clip(pictures=8, options=x264(preset="medium", **PROFILES[profile]))
    units = nal.annex_b_nal_units(clips.path(clip).read_bytes())
    plain = Read(H264, [annex_b(units)], 0, complete=False)
    longer = [unit + SUPERFLUOUS[behind] if unit[0] & 31 == 8 else unit for unit in units]
    found = Read(H264, [annex_b(longer)], 0, complete=False)
    assert found.digests == plain.digests and not found.damaged and len(found.pictures) == 8
    assert ("8x8-transform" in bytes(found.info.tools).decode()) == (profile == "High")
    equation.assert_true(hostile.write(tmp_path, "longer.264", annex_b(longer)), 8)


def high_sps(sps):
    """The SPS of Main profile as one of High profile."""
    bits = nal.Bits(sps[1:])
    bits.u(24)
    out = Bits().u(8, 100).u(8, 0).u(8, sps[3]).ue(bits.ue())
    out.ue(1).ue(0).ue(0).u(1, 0).u(1, 0)
    length = 8 * len(sps[1:])
    while bits.at < length:
        out.u(1, bits.u(1))
    # The old trailing bits are followed by new ones: they lie behind the VUI, where nobody looks.
    return b"\x67" + escaped(out.payload())


@pytest.mark.parametrize("behind", sorted(SUPERFLUOUS))
def test_bytes_that_are_no_fields_of_high_profile(clips, behind):
    """A PPS of High profile may end before transform_8x8_mode_flag, and what comes then is none."""
    clip = Clip(pictures=8, options=x264(preset="medium", **PROFILES["Main"]))
    units = nal.annex_b_nal_units(clips.path(clip).read_bytes())
    plain = Read(H264, [annex_b(units)], 0, complete=False)
    longer = [
        high_sps(nal.payload(unit, 0))
        if unit[0] & 31 == 7
        else unit + (SUPERFLUOUS[behind] if unit[0] & 31 == 8 else b"")
        for unit in units
    ]
    found = Read(H264, [annex_b(longer)], 0, complete=False)
    assert found.info.profile_idc == 100
    assert found.digests == plain.digests and not found.damaged
