"""Samples that are not the clean list of lengths and NAL units that their track promises are read by their content."""

import pytest

from edge_attp.bitstream.syntax import H264, HEVC
from rigs import hostile
from rigs.media import Clip, HevcClip, x264, x265
from rigs.native_core import Read
from streamwriter.bits import annex_b, length_prefixed
from truth import nal

pytestmark = pytest.mark.needs_av

CLIPS = {
    "H.264": Clip(pictures=10, options=x264(bframes=2, b_adapt=0, slices=2, aud=1)),
    "HEVC": HevcClip(pictures=10, options=x265(bframes=2, b_adapt=0, ctu=16, slices=2, aud=1)),
}
CODE, LONG_CODE = b"\0\0\1", b"\0\0\0\1"
# A NAL unit to ignore: prefix_nal_unit of H.264, of HEVC an unspecified one.
PREFIX = {"H.264": bytes.fromhex("6ec0800f"), "HEVC": bytes.fromhex("6001800f")}
END = {"H.264": b"\x0a", "HEVC": b"\x48\x01"}


class Film:
    """The NAL units of a clip, access unit by access unit, and what they hold."""

    def __init__(self, name, path):
        self.name, self.syntax = name, H264 if name == "H.264" else HEVC
        units = nal.annex_b_nal_units(path.read_bytes())
        stream = hostile.HEVC if name == "HEVC" else hostile.H264
        delimiter = stream.kind(units[0])
        starts = [k for k, unit in enumerate(units) if stream.kind(unit) == delimiter]
        self.samples = [units[a:b] for a, b in zip(starts, starts[1:] + [len(units)])]
        self.plain = Read(self.syntax, [annex_b(sample) for sample in self.samples], 0)
        assert len(self.samples) == len(self.plain.pictures) == 10 and not self.plain.damaged

    def read(self, framing, length_bytes):
        return Read(
            self.syntax,
            [framing(self, sample, length_bytes) for sample in self.samples],
            length_bytes,
        )


@pytest.fixture(scope="module", params=sorted(CLIPS))
def film(request, clips):
    return Film(request.param, clips.path(CLIPS[request.param]))


def prefixed(units, length_bytes):
    return length_prefixed(units, length_bytes)


def one_length(code):
    def framing(film, sample, n):
        return prefixed([code.join(sample)], n)

    return framing


def prefix_nal_first(film, sample, n):
    return prefixed([sample[0], LONG_CODE.join([PREFIX[film.name]] + sample[1:])], n)


def lengths_then_annex_b(film, sample, n):
    return prefixed(sample[:1], n) + annex_b(sample[1:])


def long_annex_b(film, sample, n):
    return b"".join(b"\0\0" + LONG_CODE + unit for unit in sample) + b"\0\0\0"


FRAMINGS = {
    "lengths": lambda film, sample, n: prefixed(sample, n),
    "short start codes in one length": one_length(CODE),
    "long start codes in one length": one_length(LONG_CODE),
    "zeros before start codes in one length": one_length(b"\0\0" + LONG_CODE),
    "a start code at the beginning of each length": lambda film, sample, n: prefixed(
        [CODE + unit for unit in sample], n
    ),
    "a start code at the end of each length": lambda film, sample, n: prefixed(
        [unit + LONG_CODE for unit in sample], n
    ),
    "a prefix NAL unit before a start code": prefix_nal_first,
    "zeros behind each unit": lambda film, sample, n: prefixed(
        [unit + bytes(3) for unit in sample], n
    ),
    "empty units between": lambda film, sample, n: prefixed(
        [one for unit in sample for one in (b"", unit, b"\0\0\0\0", b"")], n
    ),
    "a length of nothing at the end": lambda film, sample, n: prefixed(sample, n) + bytes(n),
    "Annex B": lambda film, sample, n: annex_b(sample),
    "Annex B, short": lambda film, sample, n: b"".join(CODE + unit for unit in sample),
    "Annex B with zeros": long_annex_b,
    "Annex B, slices only": lambda film, sample, n: annex_b(sample[1:]),
    "lengths, then Annex B": lengths_then_annex_b,
}
CUT = [
    "Annex B",
    "Annex B, short",
    "a prefix NAL unit before a start code",
    "lengths",
    "lengths, then Annex B",
]
LENGTHLESS = sorted(name for name in FRAMINGS if name.startswith("Annex B"))


@pytest.mark.parametrize("length_bytes", [2, 3, 4])
@pytest.mark.parametrize("name", sorted(FRAMINGS))
def test_every_framing_gives_the_same_pictures(film, name, length_bytes):
    found = film.read(FRAMINGS[name], length_bytes)
    assert found.digests == film.plain.digests
    assert not found.damaged and found.info.damaged_nal_units == 0


@pytest.mark.parametrize("name", LENGTHLESS)
def test_annex_b_in_a_track_of_one_byte_lengths(film, name):
    found = film.read(FRAMINGS[name], 1)
    assert found.digests == film.plain.digests and not found.damaged


def test_framings_change_from_sample_to_sample(film):
    names = sorted(FRAMINGS)
    packets = [FRAMINGS[names[k % len(names)]](film, one, 4) for k, one in enumerate(film.samples)]
    found = Read(film.syntax, packets, 4)
    assert found.digests == film.plain.digests and not found.damaged


@pytest.mark.parametrize("code", [CODE, LONG_CODE], ids=len)
def test_an_end_of_sequence_behind_a_start_code(film, code):
    """As exporters write it: behind the last slice, inside its length."""
    samples = [length_prefixed(sample, 4) for sample in film.samples[:-1]]
    last = film.samples[-1]
    samples.append(length_prefixed(last[:-1] + [last[-1] + code + END[film.name]], 4))
    found = Read(film.syntax, samples, 4)
    assert found.digests == film.plain.digests and not found.damaged


def test_an_end_of_sequence_in_every_sample_ends_nothing(clips):
    """Where just the next picture comes. (In HEVC nothing may be referred to across it, nor does FFmpeg do so.)"""
    film = Film("H.264", clips.path(CLIPS["H.264"]))
    found = film.read(
        lambda _, sample, n: prefixed([LONG_CODE.join(sample + [END["H.264"]])], n), 4
    )
    assert found.digests == film.plain.digests and not found.damaged


def sized(unit, size):
    """A slice of at least this size: cabac_zero_words behind it (7.3.2.10, HEVC 7.3.2.10)."""
    return unit + b"\0\0\3" * max(0, (size - len(unit)) // 3)


def is_slice(film, unit):
    return film.syntax.nal_type(unit) in film.syntax.slice_types


@pytest.mark.parametrize("cut", [0, 1, 7, 150])
def test_a_length_that_looks_like_a_start_code(film, cut):
    """00 00 01 xx is a length of 256 to 511 bytes, also where its sample is cut short."""
    packets = []
    for sample in film.samples:
        slices = [unit for unit in sample if is_slice(film, unit)]
        sets = [unit for unit in sample[1:] if not is_slice(film, unit)]
        packets.append(prefixed(sets + [sized(slices[0], 480)] + slices[1:], 4))
    likely = [k for k, packet in enumerate(packets) if packet.startswith(CODE)]
    assert len(likely) > 2
    whole = Read(film.syntax, packets, 4)
    assert whole.digests == film.plain.digests
    last = likely[-1]
    found = Read(film.syntax, packets[:last] + [packets[last][: len(packets[last]) - cut]], 4)
    assert found.digests[:last] == film.plain.digests[:last]
    assert len(found.pictures) == last + 1
    assert found.damaged == ([last] if cut else [])


@pytest.mark.parametrize("name", CUT)
def test_a_sample_cut_anywhere_harms_itself_only(film, name):
    whole = length_prefixed(film.samples[0], 4)
    packet = FRAMINGS[name](film, film.samples[1], 4)
    for end in range(0, len(packet), 7):
        found = Read(film.syntax, [whole, packet[:end]], 4)
        assert found.digests[0] == film.plain.digests[0] and 0 not in found.damaged
        assert (
            found.damaged == [1]
            or len(found.pictures) == 1
            or found.digests == film.plain.digests[:2]
        )


@pytest.mark.parametrize("length_bytes", [-1, 5])
def test_other_length_fields_are_refused(length_bytes):
    from edge_attp.errors import EdgeAttpError

    with pytest.raises(EdgeAttpError):
        Read(H264, [], length_bytes)
