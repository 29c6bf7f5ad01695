"""Reading that begins in mid-stream: HEVC pictures whose references were never sent (RASL) are not given out."""

import io

import pytest

from edge_attp.bitstream import CompressedVideo, nal
from edge_attp.bitstream.syntax import HEVC
from rigs import media
from rigs.containers import rewrapped

pytestmark = pytest.mark.needs_av

OPEN = media.x265(keyint=10, min_keyint=10, bframes=4, b_pyramid=1, open_gop=1, scenecut=0)
CLIP = media.Clip("moving", 96, 80, 40, codec="libx265", options=OPEN, container="265")
CRA, RASL, END_OF_SEQUENCE = 21, (8, 9), b"\x48\x01"


@pytest.fixture(scope="module")
def units(clips):
    """The NAL units of the whole stream."""
    return list(nal.split(clips.path(CLIP).read_bytes(), 0))


def types(units):
    return [HEVC.nal_type(unit) for unit in units]


def from_cra(units, number):
    """The stream from its CRA picture of this number on, behind the parameter sets."""
    begin = [index for index, kind in enumerate(types(units)) if kind == CRA][number]
    sets = [unit for unit in units[:4] if HEVC.nal_type(unit) in HEVC.set_types]
    assert len(sets) == 3
    return sets + units[begin:]


def leading(units):
    """How many RASL pictures follow the first CRA picture."""
    kinds = types(units)
    after = kinds[kinds.index(CRA) + 1 :]
    return sum(kind in RASL for kind in after[: after.index(CRA)])


def content(picture):
    arrays = (picture.motion.mv, picture.motion.mode, picture.motion.flow(), picture.residual.y)
    return tuple(array.tobytes() for array in arrays)


def read(data, **arguments):
    with CompressedVideo(data, **arguments) as video:
        return list(video), video.stats


def test_the_whole_stream_loses_nothing(units):
    pictures, stats = read(io.BytesIO(nal.join(units, 0)))
    assert (len(pictures), stats.skipped, stats.damaged) == (40, 0, 0)
    assert {"CRA", "RASL_N"} <= {picture.nal_unit_name for picture in pictures}


@pytest.mark.parametrize("number", (0, 1))
@pytest.mark.parametrize("threads", (1, 2))
def test_rasl_pictures_after_a_join_are_skipped_and_counted(units, number, threads):
    whole = {p.poc: content(p) for p in read(io.BytesIO(nal.join(units, 0)))[0]}
    joined = from_cra(units, number)
    expected = leading(joined)
    assert expected > 0
    pictures, stats = read(io.BytesIO(nal.join(joined, 0)), threads=threads)
    assert (stats.skipped, stats.damaged, stats.pictures) == (expected, 0, len(pictures))
    assert [picture.decode_index for picture in pictures] == list(range(len(pictures)))
    assert pictures[0].nal_unit_name == "CRA"
    assert len(pictures) + expected == sum(kind in HEVC.slice_types for kind in types(joined))
    assert all(content(picture) == whole[picture.poc] for picture in pictures)


def test_rasl_pictures_after_an_end_of_sequence(units):
    begin = [index for index, kind in enumerate(types(units)) if kind == CRA][1]
    ended = units[:begin] + [END_OF_SEQUENCE] + units[begin:]
    pictures, stats = read(io.BytesIO(nal.join(ended, 0)))
    assert stats.skipped == leading(units[begin:]) > 0
    assert len(pictures) + stats.skipped == 40


def test_a_join_in_a_container(units, tmp_path):
    raw = tmp_path / "joined.265"
    raw.write_bytes(nal.join(from_cra(units, 0), 0))
    path = rewrapped(raw, tmp_path / "joined.ts")
    (of_raw, raw_stats), (pictures, stats) = read(str(raw)), read(str(path))
    assert stats.skipped == raw_stats.skipped > 0
    assert [content(p) for p in pictures] == [content(p) for p in of_raw]


def test_samples_and_keys_after_a_join(units):
    """Sampling everything is reading everything, as all that is no key picture is P or B here."""
    with CompressedVideo(io.BytesIO(nal.join(from_cra(units, 0), 0))) as video:
        sampled, shapes = [], []
        for picture in video.sample(per_gop=100, seed=0, keys=True):
            sampled.append(content(picture))
            if picture.is_random_access:
                shapes.append(video.decode_key(picture).shape)
        assert video.stats.skipped > 0
        assert sampled == [content(picture) for picture in video]
    assert shapes == [(80, 96, 3)] * 3


def test_anchors_after_a_join(units):
    """RASL pictures in mid-stream are no anchors; those after the first picture are left out."""
    names = set()
    with CompressedVideo(io.BytesIO(nal.join(from_cra(units, 0), 0)), anchor=1) as video:
        for picture in video:
            if picture.is_anchor:
                names.add(picture.nal_unit_name)
                assert video.decode_anchor(picture).shape == (80, 96, 3)
    assert "CRA" in names and not names & {"RASL_N", "RASL_R"}
