"""HEVC streams of several sequences: where reading begins, ends of sequence, broken links, changes of size and window.

The truth test says that every picture given out is right, and that none is missing that can be decoded.
"""

import numpy as np
import pytest

from rigs import hostile
from rigs.hostile import HEVC
from rigs.media import HevcClip, x265
from streamwriter.bits import Bits, annex_b, escaped
from truth import equation, headers_hevc, nal

pytestmark = pytest.mark.needs_av

CRA, BLA_W_LP = 21, 16
END_OF_SEQUENCE = bytes([36 << 1, 1])
OPEN = HevcClip(
    pictures=32,
    options=x265(open_gop=1, keyint=8, min_keyint=8, bframes=3, b_adapt=0, ref=4, scenecut=0),
)
SKIPPED = 3  # RASL pictures of each random-access picture but the first


@pytest.fixture
def open_gops(clips, tmp_path):
    """A stream whose random-access pictures are CRA pictures with RASL pictures, but for the first."""
    stream = hostile.stream(clips, OPEN, tmp_path)
    kinds = [HEVC.kind(stream.units[k]) for k in stream.slices]
    assert kinds.count(CRA) == 3 and sum(kind in (8, 9) for kind in kinds) == 3 * SKIPPED
    return stream


def assert_true(folder, units, pictures, skipped):
    """The truth test holds, and so many pictures are given out and left out."""
    from edge_attp.bitstream import CompressedVideo

    path = hostile.write(folder, "changed.265", annex_b(units))
    report = equation.assert_true(path, pictures)
    assert report.blocks > 1000 and report.intra_blocks > 100, str(report)
    with CompressedVideo(str(path)) as video:
        read = list(video)
        assert video.stats.skipped == skipped
    assert [picture.decode_index for picture in read] == list(range(pictures))
    return read


def test_the_stream_as_it_is(open_gops, tmp_path):
    read = assert_true(tmp_path, open_gops.units, 32, 0)
    assert [picture.is_random_access for picture in read].count(True) == 4


def test_begun_at_a_cra_picture(open_gops, tmp_path):
    """Its RASL pictures need what came before; all others are what they were."""
    first = HEVC.groups(open_gops.units)[0]
    units, pictures = open_gops.units[len(first) :], 32 - len(HEVC.slices(first))
    assert_true(tmp_path, units, pictures - SKIPPED, SKIPPED)
    expected, found = open_gops.good()[-pictures:], hostile.good(open_gops.read([units])[0])
    assert found == expected[:1] + expected[1 + SKIPPED :]


@pytest.mark.parametrize("places", [(1,), (2,), (1, 2, 3)], ids=str)
def test_end_of_sequence_before_a_cra_picture(open_gops, tmp_path, places):
    groups = HEVC.groups(open_gops.units)
    units = sum(([END_OF_SEQUENCE] * (k in places) + group for k, group in enumerate(groups)), [])
    skipped = SKIPPED * len(places)
    assert_true(tmp_path, units, 32 - skipped, skipped)


@pytest.mark.parametrize("kind", [BLA_W_LP, 17, 18])
def test_broken_links(open_gops, tmp_path, kind):
    """A CRA picture as BLA picture; only BLA_W_LP may have RASL pictures, which nobody decodes."""
    units = list(open_gops.units)
    place = [k for k in open_gops.slices if HEVC.kind(units[k]) == CRA][1]
    units[place] = bytes([kind << 1]) + units[place][1:]
    skipped = SKIPPED
    if kind != BLA_W_LP:
        leading = place + 1 + np.arange(SKIPPED)
        assert all(HEVC.kind(units[k]) in headers_hevc.RASL for k in leading)
        units = [unit for k, unit in enumerate(units) if k not in leading]
        skipped = 0
    assert_true(tmp_path, units, 32 - SKIPPED, skipped)


def test_lost_pictures_of_open_gops(open_gops):
    """Nothing wrong is called ok, and all is ok again from the next but one random-access picture on."""
    expected = open_gops.good()
    lost = [open_gops.without({k}) for k in open_gops.slices[:16]]
    for number, summary in enumerate(open_gops.read(lost)):
        assert not hostile.wrong(summary, expected), f"picture {number} lost"
        assert hostile.good(summary)[-4:] == expected[-4:], number


def test_a_lost_cra_picture_harms_until_the_next(open_gops):
    expected = open_gops.good()
    places = [k for k in open_gops.slices if HEVC.kind(open_gops.units[k]) == CRA]
    for place, summary in zip(places, open_gops.read([open_gops.without({k}) for k in places])):
        assert not hostile.wrong(summary, expected), place
        pictures = summary["pictures"]
        start = open_gops.slices.index(place)
        assert pictures[start][1] == "damaged"  # refers to the lost picture
        after = next((n for n in range(start, len(pictures)) if pictures[n][3]), None)
        if after is not None:
            beyond = pictures[after + 1 + SKIPPED :]
            assert pictures[after][1] == "ok" and all(picture[1] == "ok" for picture in beyond)


def test_sequences_of_other_sizes_depths_and_block_sizes(clips, tmp_path):
    """POC starts again, references do not reach back; parameter sets of the same number change."""
    parts = (
        HevcClip(pictures=6, options=x265(bframes=2)),
        HevcClip(width=130, height=66, pictures=6, options=x265(ctu=16, bframes=3, b_adapt=0)),
        HevcClip(pictures=5, pix_fmt="yuv420p10le", options=x265(ctu=32, scaling_list="custom")),
        HevcClip(pictures=5, pix_fmt="gray", options=x265(min_cu_size=16)),
        HevcClip("fade", pictures=8, options=x265(weightp=1, weightb=1, keyint=4, open_gop=0)),
    )
    units = [unit for clip in parts for unit in hostile.stream(clips, clip, tmp_path).units]
    assert_true(tmp_path, units, sum(clip.pictures for clip in parts), 0)


def with_window(unit, left, right, top, bottom):
    """An SPS whose conformance window is this, in units of 2 luma samples; it has none before."""
    content = nal.payload(unit, 2)
    bits = nal.Bits(content)
    bits.u(104)  # no sub-layers: 8 bits and profile_tier_level
    sps_id, chroma_format_idc, width, height = (bits.ue() for _ in range(4))
    at = bits.at
    assert bits.u(1) == 0 and chroma_format_idc == 1 and width and height and sps_id == 0
    whole = nal.Bits(content)
    changed = Bits().u(at, whole.u(at)).u(1, 1).ue(left, right, top, bottom)
    whole.u(1)
    rest = nal.size_bits(content) - at - 1
    return unit[:2] + escaped(changed.u(rest, whole.u(rest)).payload())


@pytest.mark.parametrize(
    "window", [(3, 1, 2, 5), (0, 1, 0, 0), (7, 0, 4, 0), (1, 1, 1, 1)], ids=str
)
@pytest.mark.parametrize("name", ["P and B", "intra, 10 bits"])
def test_conformance_windows(clips, tmp_path, window, name):
    """The display may begin and end anywhere, also within a 4x4 block."""
    options = x265(bframes=3, b_adapt=0, ctu=32, crf=20)
    clip = HevcClip(width=96, height=80, pictures=8, options=options)
    if name != "P and B":
        options = x265(keyint=4, min_keyint=4, ctu=16, constrained_intra=1, b_intra=1)
        clip = clip._replace(pix_fmt="yuv420p10le", options=options)
    units = [
        with_window(unit, *window) if HEVC.kind(unit) == headers_hevc.SPS else unit
        for unit in hostile.stream(clips, clip, tmp_path).units
    ]
    read = assert_true(tmp_path, units, 8, 0)
    left, right, top, bottom = (2 * count for count in window)
    assert read[0].residual.y.shape == (80 - top - bottom, 96 - left - right)
