"""Eq. (1) on random streams written by hand: reference handling, weights and direct modes that encoders do not use."""

import pytest

from streamwriter.h264.random_stream import RandomStream
from truth import equation

pytestmark = pytest.mark.needs_av

PICTURES = 24
TOOLS = {
    "P and B": {},
    "P only": {"b_slices": False},
    "gaps in frame_num": {"b_slices": False, "gaps": True},
    "gaps, POC type 2": {"b_slices": False, "gaps": True, "poc_type": 2},
    "POC type 1": {"poc_type": 1},
    "POC type 2": {"poc_type": 2},
    "no direct_8x8_inference": {"inference": 0},
    "explicit weights": {"weighting": ((1, 1),)},
    "explicit weights in P only": {"weighting": ((1, 0),)},
    "implicit weights": {"weighting": ((0, 2),)},
    "implicit weights, POC type 1, no inference": {
        "weighting": ((0, 2),),
        "poc_type": 1,
        "inference": 0,
    },
    # Not with implicit weights among them, which FFmpeg takes from the first slice for all.
    "weighted and other slices in a picture": {"weighting": ((0, 0), (1, 1), (1, 0), (0, 1))},
    "bottom fields of their own POC": {"bottom": True, "weighting": ((0, 2),)},
    "bottom fields, POC type 1": {"bottom": True, "poc_type": 1},
    "Extended profile without its tools": {"profile_idc": 88},
    "short-term only": {"long_term": False, "weighting": ((0, 2),)},
    "one macroblock wide": {"size": (1, 5)},
    "CABAC": {"cabac": True},
    "CABAC, P only": {"cabac": True, "b_slices": False},
    "CABAC, no direct_8x8_inference": {"cabac": True, "inference": 0, "weighting": ((0, 2),)},
    "CABAC, explicit weights": {"cabac": True, "weighting": ((1, 1),)},
}


def assert_true(folder, seed, tools):
    path = folder / f"{seed}.264"
    path.write_bytes(RandomStream(seed, **TOOLS[tools]).write(PICTURES))
    report = equation.check_stream(path)
    assert report.ok and report.pictures == PICTURES, f"seed {seed}: {report}"
    return report


@pytest.mark.parametrize("tools", sorted(TOOLS))
def test_written_streams_are_true(tmp_path, tools, instruction_sets):
    reports = [assert_true(tmp_path, seed, tools) for seed in range(6)]
    for path in tmp_path.iterdir():
        instruction_sets.assert_equal(path)
    assert sum(report.blocks for report in reports) > 1000
    assert sum(report.pcm_blocks for report in reports) > 1000
    if "weights" in tools:
        assert sum(report.weighted_blocks for report in reports) > 1000


@pytest.mark.slow
@pytest.mark.parametrize("tools", sorted(TOOLS))
def test_many_written_streams_are_true(tmp_path, tools):
    for seed in range(6, 60):
        assert_true(tmp_path, seed, tools)


def test_idr_pictures_of_the_same_number_are_still_several(tmp_path):
    """Simple encoders never change idr_pic_id (7.4.1.2.4 wants it): a macroblock sent again begins a new picture."""
    stream = RandomStream(0).write(1)
    slices = stream[stream.index(b"\x00\x00\x00\x01\x25") :]
    path = tmp_path / "same.264"
    path.write_bytes(stream + 4 * slices)
    report = equation.check_stream(path)
    assert report.ok and report.pictures == 5, str(report)
