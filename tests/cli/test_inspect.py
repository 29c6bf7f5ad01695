"""`edge-attp inspect` on the demo clip, whose encoder options are known."""

import json
import os

import numpy as np
import pytest

from edge_attp.bitstream import CompressedVideo
from edge_attp.bitstream.orientation import Orientation
from edge_attp.cli import main
from edge_attp.sinks import draw
from rigs import turned

pytestmark = pytest.mark.needs_av

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DEMO = os.path.join(ROOT, "examples", "demo.mp4")


def report(capsys, *arguments):
    assert main(["inspect", DEMO, "--json"] + list(arguments)) == 0
    return json.loads(capsys.readouterr().out)


def test_json_says_what_the_encoder_did(capsys):
    found = report(capsys)
    assert (found["format"], found["version"]) == ("edge-attp-inspect", 1)
    stream = found["stream"]
    assert (stream["codec"], stream["profile"]) == ("h264", "High")
    assert (stream["width"], stream["height"], stream["frame_rate"]) == (340, 256, 25.0)
    assert found["pictures"] == 150 and found["kinds"]["I"] == 3
    assert found["gop"]["count"] == 3 and found["gop"]["longest"] == 50
    assert "B" in found["gop"]["pattern"] and "b" in found["gop"]["pattern"]  # a pyramid
    assert found["integrity"]["damaged"] == 0 == found["integrity"]["damaged_nal_units"]


def test_motion_is_that_of_the_walk(capsys):
    # The ground passes at 1.9 px a picture while the figure walks; hills and sky are slower.
    motion = report(capsys, "--limit", "45")["motion"]
    assert 0.5 < motion["mean_px"] < 1.9
    assert 1.7 < motion["p95_px"] < 4.0


def test_limit_reads_no_more(capsys):
    assert report(capsys, "--limit", "7")["pictures"] == 7


def test_text_names_everything(capsys):
    assert main(["inspect", DEMO]) == 0
    lines = capsys.readouterr().out.splitlines()
    for word in ("codec", "pattern", "I blocks", "motion", "references", "integrity"):
        assert any(line.startswith(word) for line in lines), word
    for word in ("NAL units", "sub-layers", "I coding"):  # these are of HEVC
        assert not any(line.startswith(word) for line in lines), word


def test_it_says_how_players_turn_the_picture(tmp_path, capsys):
    orientation = Orientation(90, True)
    nine = turned.matrix(turned.TERMS[orientation])
    path = str(turned.with_matrix(DEMO, tmp_path / "turned.mp4", nine))
    assert main(["inspect", path, "--limit", "3"]) == 0
    assert "340x256, mirrored and turned 90 degrees clockwise" in capsys.readouterr().out
    assert main(["inspect", path, "--limit", "3", "--json"]) == 0
    stream = json.loads(capsys.readouterr().out)["stream"]
    assert (stream["width"], stream["height"]) == (340, 256)
    assert (stream["rotation_deg"], stream["is_mirrored"]) == orientation
    assert stream["display_matrix"] == list(nine)
    assert main(["inspect", DEMO, "--limit", "3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["stream"]["display_matrix"] is None


@pytest.mark.needs_cv2
def test_png_is_upright(tmp_path):
    import cv2

    sizes = []
    for orientation in (Orientation(0, False), Orientation(270, False)):
        nine = turned.matrix(turned.TERMS[orientation])
        path = str(turned.with_matrix(DEMO, tmp_path / "turned.mp4", nine))
        drawn = str(tmp_path / "picture.png")
        assert main(["inspect", path, "--picture", "0", "--png", drawn]) == 0
        picture = cv2.imread(drawn)[: -draw.LEGEND_HEIGHT]
        sizes.append(picture.shape[:2])
    assert sizes == [(512, 2 * 680 + 4), (3 * 340, 2 * 3 * 256 + 4)]


@pytest.mark.needs_cv2
def test_png_shows_motion_and_residual(tmp_path):
    import cv2

    path = str(tmp_path / "picture.png")
    assert main(["inspect", DEMO, "--picture", "30", "--png", path]) == 0
    drawn = cv2.imread(path)
    assert drawn.shape[1] >= 2 * 340 and drawn.std() > 10


def test_dump_holds_every_array(tmp_path, capsys):
    path = str(tmp_path / "arrays.npz")
    assert main(["inspect", DEMO, "--limit", "5", "--dump", path]) == 0
    with np.load(path) as arrays, CompressedVideo(DEMO) as video:
        assert arrays["decode_index"].tolist() == [0, 1, 2, 3, 4]
        assert arrays["kind"][0] == "I"
        for picture, _ in zip(video, range(5)):
            prefix = f"{picture.decode_index}/"
            for name in ("mv", "reference", "mode"):
                np.testing.assert_array_equal(arrays[prefix + name], getattr(picture.motion, name))
            np.testing.assert_array_equal(arrays[prefix + "flow"], picture.motion.flow())
            for name in ("y", "u", "v"):
                expected = getattr(picture.residual, name)
                np.testing.assert_array_equal(arrays[prefix + name], expected)


@pytest.mark.parametrize(
    "arguments, code, words",
    [
        ([DEMO, "--picture", "3"], 2, "--png"),
        ([DEMO, "--picture", "3", "--png", "x.png", "--json"], 2, "leave out"),
        ([DEMO, "--picture", "900", "--png", "x.png"], 2, "has 150"),
        ([DEMO, "--dump", os.path.join("no", "such", "folder.npz")], 2, "cannot be written"),
        ([DEMO, "--picture", "3", "--png", os.path.join("no", "x.png")], 2, "cannot be written"),
        (["missing.mp4"], 3, "missing.mp4"),
    ],
)
def test_errors_are_one_line(capsys, arguments, code, words):
    assert main(["inspect"] + arguments) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert words in captured.err and len(captured.err.strip().splitlines()) == 1
