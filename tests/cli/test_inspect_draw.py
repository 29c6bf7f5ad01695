"""Drawing: arrows point where blocks move, tints mark intra blocks, heat follows the residual."""

from types import SimpleNamespace

import numpy as np
import pytest

from edge_attp.cli import main
from edge_attp.sinks import draw

pytestmark = pytest.mark.needs_cv2

SIZE = (320, 256)  # 80 x 64 blocks


def motion(flow_x, flow_y, mode=1):
    shape = (64, 80)
    flow = np.stack([np.full(shape, flow_x), np.full(shape, flow_y)]).astype(np.float32)
    return draw.Marks(np.full(shape, mode in (1, 2)), np.full(shape, mode, np.uint8), flow)


def strongest_colour(drawn):
    """The most frequent colour that is neither canvas nor outline: (r, g, b)."""
    pixels = drawn.reshape(-1, 3)
    bright = pixels[pixels.max(axis=1) > 200]
    colours, counts = np.unique(bright, axis=0, return_counts=True)
    return colours[counts.argmax()].tolist()


def test_a_still_picture_has_no_arrows():
    drawn = draw.draw_motion(None, motion(0, 0), SIZE)
    assert drawn.shape == (256, 320, 3) and drawn.dtype == np.uint8
    assert (drawn == draw.CANVAS).all()


def test_colour_is_direction():
    right = strongest_colour(draw.draw_motion(None, motion(4, 0), SIZE))
    left = strongest_colour(draw.draw_motion(None, motion(-4, 0), SIZE))
    assert right[0] > 220 and right[1] < 100 and right[2] < 100  # red
    assert left[0] < 100 and left[1] > 220 and left[2] > 220  # cyan


def test_length_is_speed():
    slow = draw.draw_motion(None, motion(1, 0), SIZE)
    fast = draw.draw_motion(None, motion(6, 0), SIZE)
    coloured = [(drawn.max(axis=2) > 200).sum() for drawn in (slow, fast)]
    assert coloured[1] > 2 * coloured[0]


def test_arrow_heads_are_where_blocks_go():
    down = draw.draw_motion(None, motion(0, 5), SIZE, spacing=64)
    wide = (down[:64, :64].max(axis=2) > 150).sum(axis=1) >= 4  # one arrow; its head is wide
    assert wide.any() and np.nonzero(wide)[0].min() > 32


def test_intra_is_tinted_and_skip_is_not():
    intra = draw.draw_motion(None, motion(0, 0, mode=0), SIZE)
    skip = draw.draw_motion(None, motion(0, 0, mode=2), SIZE)
    assert (intra != draw.CANVAS).any(axis=2).all()
    assert (skip == draw.CANVAS).all()


def test_background_is_resized_and_kept_unchanged():
    background = np.full((30, 40, 3), 200, np.uint8)
    drawn = draw.draw_motion(background, motion(0, 0), SIZE)
    assert drawn.shape == (256, 320, 3) and 100 < drawn.mean() < 200
    assert (background == 200).all()


def test_heat_follows_the_residual_of_all_planes():
    y = np.zeros((33, 45), np.int16)
    u = np.zeros((17, 23), np.int16)
    v = u.copy()
    y[:8, :8] = -40
    v[16, 22] = 20
    drawn = draw.draw_residual(SimpleNamespace(y=y, u=u, v=v))
    assert drawn.shape == (33, 45, 3)
    assert drawn[0, 0].sum() > drawn[32, 44].sum() > drawn[20, 20].sum()


def test_heat_is_a_share_of_the_sample_range():
    y = np.full((16, 16), 20, np.int16)
    half = np.zeros((8, 8), np.int16)
    eight = draw.draw_residual(SimpleNamespace(y=y, u=half, v=half))
    ten = draw.draw_residual(SimpleNamespace(y=4 * y, u=half, v=half), bit_depth=10)
    np.testing.assert_allclose(ten.astype(int), eight.astype(int), atol=2)
    assert (draw.legend(1400, bit_depth=10) != draw.legend(1400)).any()  # it says 128+


@pytest.mark.parametrize("width", [40, 200, 700, 1400])
def test_legend_fits_every_width(width):
    strip = draw.legend(width, "B picture 12")
    assert strip.shape == (draw.LEGEND_HEIGHT, width, 3)
    assert (strip[:, -1] == draw.CANVAS).all()  # nothing is cut at the edge


def test_compose_puts_the_legend_below():
    left = np.zeros((100, 150, 3), np.uint8)
    both = draw.compose(left, left, "P picture 3")
    alone = draw.compose(left, None)
    assert both.shape == (100 + draw.LEGEND_HEIGHT, 304, 3)
    assert alone.shape == (100 + draw.LEGEND_HEIGHT, 150, 3)


@pytest.mark.parametrize("option", ["--dump", "--png"])
def test_the_input_is_not_written_over(option, tmp_path, capsys):
    clip = tmp_path / "clip.png"
    clip.write_bytes(b"a video")
    more = ["--picture", "0"] if option == "--png" else []
    assert main(["inspect", str(clip), option, str(clip)] + more) == 2
    assert "that is the input; name another file" in capsys.readouterr().err
    assert clip.read_bytes() == b"a video"


def test_a_drawing_is_a_png(capsys):
    assert main(["inspect", "clip.mp4", "--picture", "0", "--png", "picture.jpg"]) == 2
    assert "--png picture.jpg: the name must end in .png" in capsys.readouterr().err
