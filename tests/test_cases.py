"""Files as people have them (tests/cases, its README says how they were made), through the whole program.

FFmpeg says which pictures a file has and when they are shown, the truth test that every vector and residual is right.
"""

import json
import logging
from pathlib import Path

import av
import numpy as np
import pytest

from doubles import tiny_pack
from doubles.recorder import Recorder
from edge_attp import cli
from edge_attp.bitstream import CompressedVideo
from edge_attp.engine import load_pack, open_backend
from edge_attp.pipeline import Options, recognise
from truth import equation, playback

pytestmark = [
    pytest.mark.needs_av,
    pytest.mark.not_pyav10,
    pytest.mark.needs_onnxruntime,
    pytest.mark.needs_onnx,
]

FOLDER = Path(__file__).resolve().parent / "cases"
CASES = sorted(path.name for path in FOLDER.iterdir() if path.suffix != ".md")
RATES = {"vps_timing_10fps.265": 10}  # all others: 25 pictures a second
# Before the recovery point; FFmpeg does not show them.
DAMAGED = {"recovery_sei_every_picture.264": 12}
PAN = (-3.0, -1.0)  # of all files, in samples a picture, as coded
# Pictures that show what the one before shows, which is no reference.
STANDS_STILL = {"poc_type2_mixed_nonref.264": (4, 7, 10)}


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return tiny_pack.write(tmp_path_factory.mktemp("cases") / "tiny")


@pytest.fixture(scope="module")
def recognised(pack):
    """recognised(name): what the pipeline tells a sink of this file."""
    found = {}

    def look_up(name):
        if name not in found:
            found[name] = Recorder()
            backend = open_backend(threads=1)
            recognise(str(FOLDER / name), load_pack(pack), backend, [found[name]], Options())
        return found[name]

    return look_up


def expected_times(name, pictures):
    """FFmpeg's, and where they are missing or in disorder, those of a steady rate."""
    times_s = playback.played(FOLDER / name).times_s
    rate = RATES.get(name, 25)
    return [n / rate for n in range(pictures)] if times_s is None else times_s


def test_the_files_are_small():
    assert len(CASES) == 18
    assert sum((FOLDER / name).stat().st_size for name in CASES) < 200_000


@pytest.mark.parametrize("name", CASES)
def test_pictures_and_times_are_those_of_ffmpeg(recognised, name):
    results = recognised(name).results
    whole = [result for result in results if result.integrity == "ok"]
    assert len(results) - len(whole) == DAMAGED.get(name, 0)
    assert len(whole) == playback.played(FOLDER / name).pictures
    starts = [result.start_s for result in results]
    assert starts == pytest.approx(expected_times(name, len(results)), abs=1e-3)
    assert all(result.end_s > result.start_s for result in results)
    assert recognised(name).verdict.is_complete


@pytest.mark.parametrize("name", CASES)
def test_truth(name):
    report = equation.check_stream(FOLDER / name, transcode=False)
    wrong = (report.mismatches, report.unmatched, report.broken_off)
    assert wrong == (0, 0, ""), str(report)
    assert report.damaged == DAMAGED.get(name, 0)
    assert report.damaged or not report.lost_references
    assert report.blocks and report.intra_blocks


@pytest.mark.parametrize("name", CASES)
def test_run_ends_well(pack, capsys, name):
    command = ["run", str(FOLDER / name), "--model", pack, "--format", "jsonl", "--no-transcode"]
    if name in DAMAGED:  # it has no key picture
        command += ["--anchor", "12"]
    assert cli.main(command) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    starts = [record["start_s"] for record in records if record["type"] == "picture"]
    rate = RATES.get(name, 25)
    assert all(one < other for one, other in zip(starts, starts[1:]))
    assert 0 <= starts[0] <= (2 + DAMAGED.get(name, 0)) / rate
    assert records[0]["width"] * records[0]["height"] == 96 * 64
    assert records[-1]["complete"]


def pans(video):
    """By decode_index, the median flow of the blocks that move."""
    found = {}
    for picture in video:
        moves = (picture.motion.reference >= 0).any(0)
        if picture.kind != "I" and picture.integrity == "ok":
            found[picture.decode_index] = np.median(picture.motion.flow()[:, moves], axis=1)
    return found


@pytest.mark.parametrize("name", [name for name in CASES if name != "vfr.mkv"])
def test_flow_is_the_pan(name):
    with CompressedVideo(str(FOLDER / name)) as video:
        found = pans(video)
    for index in STANDS_STILL.get(name, ()):  # moves as far in two pictures
        assert found.pop(index) == pytest.approx(np.array(PAN) / 2, abs=0.13)
    assert len(found) > 5
    np.testing.assert_allclose(list(found.values()), [PAN] * len(found), atol=0.26)


def test_a_turned_video_is_upright_where_a_person_looks(recognised):
    path = str(FOLDER / "rotated90.mp4")
    assert playback.played(path).rotation_deg == 90
    with CompressedVideo(path) as coded, CompressedVideo(path, oriented=True) as upright:
        assert (coded.rotation_deg, coded.width, coded.height) == (90, 96, 64)
        assert (upright.width, upright.height) == (64, 96)
        for one, other in zip(coded, upright):
            turned = np.rot90(one.residual.y, -1)
            np.testing.assert_array_equal(other.residual.y, turned)
            if one.is_random_access:
                rgb = coded.decode_key(one)
                np.testing.assert_array_equal(upright.decode_key(other), np.rot90(rgb, -1))
        for x, y in pans(upright).values():
            assert (x, y) == pytest.approx((-PAN[1], PAN[0]), abs=0.26)
    header = recognised("rotated90.mp4").header
    assert (header.width, header.height) == (64, 96)


def test_pictures_that_an_edit_list_hides_are_parsed_and_not_reported(recognised):
    with CompressedVideo(str(FOLDER / "trimmed_by_edit_list.mp4")) as video:
        assert [picture.is_shown for picture in video] == [False] * 3 + [True] * 5
    results = recognised("trimmed_by_edit_list.mp4").results
    assert [result.decode_index for result in results] == [3, 4, 5, 6, 7]
    assert results[0].start_s == 0


def test_an_unknown_matrix_gives_pictures_and_one_warning(pack, caplog):
    path = str(FOLDER / "matrix_ictcp.mp4")
    with caplog.at_level(logging.WARNING, logger="edge-attp"), CompressedVideo(path) as video:
        keys = [video.decode_key(picture) for picture in video if picture.is_random_access]
    assert len(keys) > 1 and all(key.shape == (64, 96, 3) and key.std() > 10 for key in keys)
    assert len([record for record in caplog.records if "matri" in record.getMessage()]) == 1


def test_the_track_that_ffmpeg_takes():
    with CompressedVideo(str(FOLDER / "thumbnail_track_first.mp4")) as video:
        assert video.codec == "h264" and len(list(video)) == 24


def test_a_rate_that_only_the_vps_tells():
    with CompressedVideo(str(FOLDER / "vps_timing_10fps.265")) as video:
        assert video.frame_rate == 10


@pytest.mark.needs_cv2
@pytest.mark.parametrize("name", ["vfr.mkv", "thumbnail_track_first.mp4", "rotated90.mp4"])
def test_overlay(pack, tmp_path, name):
    """It keeps the times, takes the same track, and shows what is upright upright."""
    overlay = tmp_path / "overlay.mp4"
    command = ["run", str(FOLDER / name), "--model", pack, "--overlay", str(overlay)]
    assert cli.main(command) == 0
    source = playback.played(FOLDER / name)
    drawn = playback.played(overlay)
    assert drawn.times_s == pytest.approx(source.times_s, abs=2e-3)
    with av.open(str(overlay)) as container:
        length_s = float(container.duration / av.time_base)
    expected_s = 2.0 if name == "vfr.mkv" else source.pictures / 25
    assert length_s == pytest.approx(expected_s, abs=0.041)
