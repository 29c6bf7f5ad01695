"""Optical flow and vectors mean the same: for a pan, both are the pan. And the other readings of B pictures."""

import cv2
import numpy as np
import pytest

from edge_attp.bitstream import CompressedVideo
from edge_attp.errors import UsageError
from edge_attp_export.b_frames import network_flow
from edge_attp_export.optical_flow import optical_flow
from rigs.media import Clip, texture, x264

pytestmark = [pytest.mark.needs_av, pytest.mark.needs_cv2, pytest.mark.needs_torch]

VELOCITY = (3, -2)
MARGIN = 32  # pixels at each side that the pan has uncovered, or is about to
METHODS = ["dis", "farneback"] + (["tvl1"] if hasattr(cv2, "optflow") else [])


def pan(**parameters):
    """A panned photograph, encoded finely enough for the encoder to find its motion."""
    exact = dict({"me": "esa", "subme": 7, "scenecut": 0, "ref": 1, "b_adapt": 0}, **parameters)
    options = x264(qp=6, preset="medium", **exact)
    return Clip("pan", 192, 160, 8, velocity=VELOCITY, options=options)


def middle(flow):
    """Median over the inner part of a flow, (x, y); its grid is that of the pictures or of 4x4 blocks."""
    margin = MARGIN * flow.shape[2] // 192
    return np.median(flow[:, margin:-margin, margin:-margin], axis=(1, 2))


def pictures(clips, clip):
    with CompressedVideo(str(clips.path(clip)), residual=False) as video:
        return [picture for picture in video if picture.kind != "I"]


@pytest.fixture(scope="module")
def with_b(clips):
    """P and B pictures whose references lie one to three pictures away, on both sides."""
    found = pictures(clips, pan(bframes=2, b_pyramid="none"))
    assert {picture.kind for picture in found} == {"P", "B"}
    return found


@pytest.mark.parametrize("method", METHODS)
def test_optical_flow_of_a_pan_is_the_pan(method):
    first, second = (planes[0] for planes in pan().draw()[:2])
    flow = optical_flow(first, second, method)
    assert flow.shape == (2, 160, 192) and flow.dtype == np.float32
    np.testing.assert_allclose(middle(flow), VELOCITY, atol=0.1)
    in_colour = optical_flow(first[..., None].repeat(3, 2), second[..., None].repeat(3, 2), method)
    np.testing.assert_allclose(middle(in_colour), VELOCITY, atol=0.1)


def test_vectors_of_the_same_pan_are_the_pan(with_b):
    for picture in with_b:
        np.testing.assert_allclose(middle(network_flow(picture)), VELOCITY, atol=0.1)


@pytest.mark.parametrize("method", METHODS)
def test_optical_flow_lies_on_the_grid_of_the_current_picture(method):
    """A photograph stretched by a tenth: what is at x now was at x / 1.1, so it has moved by x - x / 1.1."""
    wide = np.clip(texture(160, 192), 0, 255).astype(np.uint8)
    rows, columns = np.mgrid[0:160, 0:192].astype(np.float32)
    stretched = cv2.remap(wide, columns / np.float32(1.1), rows, cv2.INTER_LINEAR)
    right, down = optical_flow(wide, stretched, method)
    for x in (40, 80, 120):
        near = np.s_[32:-32, x - 2 : x + 3]
        assert np.median(right[near]) == pytest.approx(x - x / 1.1, abs=0.3)
        assert np.median(down[near]) == pytest.approx(0, abs=0.1)


def test_without_b_pictures_and_with_one_reference_all_models_agree(clips):
    for picture in pictures(clips, pan(bframes=0)):
        flow = network_flow(picture)
        for model in ("as-p", "ignore"):
            np.testing.assert_array_equal(network_flow(picture, model), flow)


def test_as_p_takes_the_forward_list_at_its_face(with_b):
    """The distance of 1 to 3 pictures is not divided out, and blocks with only a backward vector seem still."""
    factors = set()
    for picture in with_b:
        flow, motion = network_flow(picture, "as-p"), picture.motion
        assert flow.dtype == np.float32 and flow.shape == motion.flow().shape
        forward = motion.reference[0] >= 0
        assert not flow[:, ~forward].any()
        moving = np.median(flow[:, forward], axis=1)
        factors.add(round(moving[0] / VELOCITY[0], 1))
        assert moving[1] / VELOCITY[1] == pytest.approx(moving[0] / VELOCITY[0], abs=0.2)
    assert {1.0, 2.0, 3.0} <= factors


def test_ignore_leaves_b_pictures_out(with_b):
    for picture in with_b:
        flow = network_flow(picture, "ignore")
        if picture.kind == "B":
            assert flow is None
        else:
            np.testing.assert_array_equal(flow, picture.motion.flow())


def test_unknown_models_and_methods_are_named(with_b):
    picture = np.zeros((32, 32), np.uint8)
    with pytest.raises(UsageError, match="optical flow 'pwc': choose one of dis, farneback, tvl1"):
        optical_flow(picture, picture, "pwc")
    with pytest.raises(UsageError, match="b_frames 'wrong': choose one of correct, as-p, ignore"):
        network_flow(with_b[0], "wrong")


def test_tvl1_says_what_to_install(monkeypatch):
    monkeypatch.delattr(cv2, "optflow", raising=False)
    picture = np.zeros((32, 32), np.uint8)
    with pytest.raises(UsageError, match="install opencv-contrib-python-headless"):
        optical_flow(picture, picture, "tvl1")


@pytest.mark.parametrize(
    ("previous", "current", "message"),
    [
        (np.zeros((32, 32), np.uint8), np.zeros((32, 48), np.uint8), "different shapes"),
        (np.zeros((32, 32)), np.zeros((32, 32)), "expected uint8"),
    ],
    ids=["shape", "dtype"],
)
def test_other_arrays_are_refused(previous, current, message):
    with pytest.raises(ValueError, match=message):
        optical_flow(previous, current)
