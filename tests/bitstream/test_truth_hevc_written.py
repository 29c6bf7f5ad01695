"""Eq. (1) on random HEVC streams written by hand: what encoders do not use, one named case for each feature."""

from collections import Counter

import numpy as np
import pytest

from edge_attp.bitstream import CompressedVideo
from streamwriter.hevc.block_cases import BLOCK_CASES
from streamwriter.hevc.case import Case
from streamwriter.hevc.everything import everything
from streamwriter.hevc.picture_cases import PICTURE_CASES
from streamwriter.hevc.random_stream import RandomStream
from streamwriter.hevc.slice_header import BLA_W_LP, CRA
from truth import equation
from truth.digest import digest, summary
from truth.ffmpeg_log import ffmpeg_messages

pytestmark = [pytest.mark.needs_av, pytest.mark.not_pyav10]

CASES = dict(BLOCK_CASES, **PICTURE_CASES)


def assert_true(folder, seed, case):
    """Writes one stream and compares it. Returns its Counter."""
    stream = RandomStream(seed, **case.arguments)
    path = folder / f"{seed}.265"
    path.write_bytes(stream.write(case.pictures))
    with ffmpeg_messages() as messages:
        report = equation.check_stream(path)
    assert not messages, f"seed {seed}: FFmpeg says {messages[0]}"
    assert report.ok and report.pictures == stream.pictures - stream.skipped, (
        f"seed {seed}: {report}"
    )
    return stream.written


@pytest.mark.parametrize("name", sorted(CASES))
def test_written_streams_are_true(tmp_path, name, instruction_sets):
    """As many streams as it takes until everything that the case is for has occurred: one, mostly."""
    case, occurred = CASES[name], Counter()
    for seed in range(10):
        occurred += assert_true(tmp_path, seed, case)
        instruction_sets.assert_equal(tmp_path / f"{seed}.265")
        missing = [feature for feature in case.features if not occurred[feature]]
        if not missing:
            return
    pytest.fail(f"the streams of this case have no {missing}")


@pytest.mark.parametrize(
    "name",
    [
        "wavefronts",
        "wavefronts and dependent slice segments",
        "tiles and slices",
        "temporal vectors",
    ],
)
def test_threads_make_no_difference(tmp_path, name):
    path = tmp_path / "stream.265"
    path.write_bytes(RandomStream(1, **CASES[name].arguments).write(8))
    assert summary(str(path), threads=4) == summary(str(path))


@pytest.mark.parametrize(
    "name", ["temporal vectors", "long-term pictures of the SPS", "CRA with leading pictures"]
)
def test_pictures_read_alone_are_the_same(tmp_path, name):
    """Pictures drawn from each group, for which only the co-located pictures they need are parsed."""
    path = tmp_path / "stream.265"
    path.write_bytes(RandomStream(2, **CASES[name].arguments).write(20))
    with CompressedVideo(str(path)) as video:
        pictures = list(video)
        order = {picture.decode_index: picture.poc for picture in pictures}
        all_of_them = {picture.decode_index: digest(picture, order) for picture in pictures}
        for seed in range(4):
            drawn = {
                one.decode_index: digest(one, order) for one in video.sample(per_gop=2, seed=seed)
            }
            assert drawn and drawn.items() <= all_of_them.items()


def test_what_is_left_out_is_counted(tmp_path):
    stream = RandomStream(3, irap=(CRA, BLA_W_LP), leading=True, ends=True, extras=True)
    path = tmp_path / "stream.265"
    path.write_bytes(stream.write(20))
    with CompressedVideo(str(path)) as video:
        assert len(list(video)) == stream.pictures - stream.skipped
    assert video.stats.skipped == stream.skipped > 0
    assert video.stats.ignored_nal_units == stream.ignored > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(CASES))
def test_many_written_streams_are_true(tmp_path, name):
    for seed in range(10, 20):
        assert_true(tmp_path, seed, CASES[name])


def assert_everything_is_true(folder, seed):
    assert_true(folder, seed, Case(everything(np.random.RandomState(seed)), []))


@pytest.mark.parametrize("seed", range(6))
def test_tools_that_meet_each_other(tmp_path, seed):
    assert_everything_is_true(tmp_path, seed)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(6, 206, 20))
def test_many_tools_that_meet_each_other(tmp_path, first):
    for seed in range(first, first + 20):
        assert_everything_is_true(tmp_path, seed)
