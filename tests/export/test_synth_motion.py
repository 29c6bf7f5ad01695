"""The synthetic set through the real parser: the motion of the classes is in the bitstream."""

from fractions import Fraction

import av
import numpy as np
import pytest
from synth_worlds import background, still

from edge_attp.bitstream import CompressedVideo
from edge_attp_export.synth import scene

pytestmark = [pytest.mark.needs_av, pytest.mark.needs_cv2, pytest.mark.needs_torch]

PICTURES = 15
ENCODER = {"preset": "medium", "crf": "20", "bf": "2", "g": "60"}


def flows(path, label, world):
    """Flow of the clip's P and B pictures after x264, float (pictures, 2, h, w), and their kinds."""
    seed, traits = world
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options=ENCODER)
        stream.width, stream.height, stream.pix_fmt = 340, 256, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 25)
        for index, picture in enumerate(
            scene.render(label, traits, seed, background(seed), PICTURES)
        ):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with CompressedVideo(str(path)) as video:
        found = [(p.kind, p.motion.flow()) for p in video if p.kind != "I"]
    return np.stack([flow for _, flow in found]), "".join(kind for kind, _ in found)


def moving(flow):
    """The flow of moving blocks, float (2, blocks)."""
    flat = np.moveaxis(flow, 1, 0).reshape(2, -1)
    return flat[:, np.hypot(*flat) > 0.5]


@pytest.mark.parametrize("label, sign", [("walk left", -1), ("walk right", 1)])
@pytest.mark.parametrize("facing", (-1, 1))
def test_a_walker_moves_where_its_label_says_whichever_way_it_faces(tmp_path, label, sign, facing):
    world = still(label, facing=facing, x=0.0)
    flow, kinds = flows(tmp_path / "a.mp4", label, world)
    assert {"P", "B"} <= set(kinds)
    speed = 1.8 + 1.6 * world[1].speed
    assert np.median(moving(flow)[0]) == pytest.approx(sign * speed, rel=0.35)


@pytest.mark.parametrize("label, sign", [("drive forward", 1), ("drive backward", -1)])
@pytest.mark.parametrize("facing", (-1, 1))
def test_forward_is_where_the_front_is(tmp_path, label, sign, facing):
    world = still(label, facing=facing, x=0.0)
    flow, _ = flows(tmp_path / "a.mp4", label, world)
    speed = 1.8 + 1.6 * world[1].speed
    assert np.median(moving(flow)[0]) == pytest.approx(sign * facing * speed, rel=0.35)


@pytest.mark.parametrize("label, sign", [("crouch", 1), ("stand up", -1)])
def test_a_crouch_goes_down_and_standing_up_goes_up(tmp_path, label, sign):
    flow, _ = flows(tmp_path / "a.mp4", label, still(label))
    assert sign * np.mean(moving(flow)[1]) > 0.5


def test_a_quick_wave_is_quicker(tmp_path):
    slow, quick = (
        np.abs(flows(tmp_path / f"{label}.mp4", label, still(label))[0]).mean()
        for label in ("wave slowly", "wave quickly")
    )
    assert quick > 1.5 * slow


@pytest.mark.parametrize("label, sign", [("open door", 1), ("close door", -1)])
@pytest.mark.parametrize("variant", (0, 1))
def test_the_leaves_of_a_door_part_as_it_opens(tmp_path, label, sign, variant):
    world = still(label, variant=variant, x=0.0)
    flow, _ = flows(tmp_path / "a.mp4", label, world)
    middle = flow.shape[3] // 2
    left, right = moving(flow[:, :, :, :middle]), moving(flow[:, :, :, middle:])
    assert sign * (np.mean(right[0]) - np.mean(left[0])) > 0.6


def test_a_pan_moves_the_background_the_other_way(tmp_path):
    flow, _ = flows(tmp_path / "a.mp4", "crouch", still("crouch", pan=30.0))
    # The middle of all pictures: a pan bends, but comes to its whole travel.
    assert np.median(flow[:, 0]) == pytest.approx(-30.0 / (PICTURES - 1), rel=0.4)
