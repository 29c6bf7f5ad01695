"""`edge-attp inspect` on HEVC: the coding tree, NAL unit types and sub-layers that the encoder was told to use."""

import json

import numpy as np
import pytest

from edge_attp.bitstream import CompressedVideo
from edge_attp.cli import main
from rigs import media

pytestmark = pytest.mark.needs_av

OPTIONS = dict(keyint=10, min_keyint=10, bframes=3, b_pyramid=1, open_gop=1, scenecut=0)
CLIP = media.Clip(
    *("moving", 160, 96, 30),
    codec="libx265",
    container="mp4",
    pix_fmt="yuv420p10le",
    options=media.x265(ctu=32, min_cu_size=8, **OPTIONS),
)


@pytest.fixture(scope="module")
def path(clips):
    return str(clips.path(CLIP))


@pytest.fixture
def report(capsys, path):
    assert main(["inspect", path, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_json_says_what_the_encoder_did(report):
    stream = report["stream"]
    assert (stream["codec"], stream["profile"], stream["bit_depth"]) == ("hevc", "Main 10", 10)
    assert (stream["width"], stream["height"], stream["block_px"]) == (160, 96, 32)
    assert report["pictures"] == 30 and report["gop"]["count"] == 3
    assert report["nal_units"]["CRA"] == 2 and report["nal_units"]["RASL_N"] > 0
    assert report["sub_layers"] == [30]
    integrity = report["integrity"]
    assert (integrity["damaged"], integrity["skipped_pictures"]) == (0, 0)


def test_shares_of_the_coding_tree_add_up(report):
    assert sorted(report["coding"]) == ["B", "I", "P"]
    for kind, coding in report["coding"].items():
        assert sum(coding["coding_units"].values()) == pytest.approx(1)
        assert sum(coding["luma_transforms"].values()) == pytest.approx(1)
        assert coding["coding_units"]["64"] == 0, "coding tree units are of 32"
        if kind == "I":
            assert coding["merged"] == coding["bi_predicted"] == 0
        else:
            assert 0 < coding["merged"] <= 1
    assert report["coding"]["P"]["bi_predicted"] == 0 < report["coding"]["B"]["bi_predicted"]


def test_coding_counts_cover_every_picture(path):
    """Coding units tile the picture: 160x96 is whole coding tree units."""
    with CompressedVideo(path) as video:
        for picture in video:
            counts = picture.coding_counts
            sides = (8, 16, 32, 64)
            areas = [n * side * side for n, side in zip(counts.coding_units, sides)]
            assert sum(areas) == 160 * 96
            assert counts.coding_tree_units == 5 * 3
            assert sum(picture.mode_counts) == 20 * 12
            assert counts.merged <= counts.prediction_units >= counts.bi_predicted


def test_text_names_everything(capsys, path):
    assert main(["inspect", path]) == 0
    lines = {line[:12].strip(): line[13:] for line in capsys.readouterr().out.splitlines()}
    assert lines["codec"].startswith("HEVC Main 10, level ")
    assert "160x96, 10 bits, coding tree units of 32, 25 pictures per second" in lines["size"]
    assert "2 CRA" in lines["NAL units"]
    assert " % merged, " in lines["B coding"] and "merged" not in lines["I coding"]


@pytest.mark.not_pyav10  # Debian's x265 of its time makes no temporal layers
def test_sub_layers_are_counted(clips, capsys):
    options = media.x265(temporal_layers=3, **dict(OPTIONS, open_gop=0))
    path = clips.path(CLIP._replace(options=options, pix_fmt="yuv420p"))
    assert main(["inspect", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["sub_layers"]) > 1 and sum(found["sub_layers"]) == 30
    assert main(["inspect", str(path)]) == 0
    assert f"\nsub-layers   {len(found['sub_layers'])}, of " in capsys.readouterr().out


def test_skipped_pictures_are_told(clips, capsys, tmp_path):
    """A stream that begins at its first CRA picture: before it, in each GOP, come its parameter sets."""
    data = clips.path(CLIP._replace(container="265")).read_bytes()
    vps = b"\0\0\1\x40\1"
    path = tmp_path / "joined.265"
    path.write_bytes(data[data.index(vps, 10) :])
    assert main(["inspect", str(path)]) == 0
    out = capsys.readouterr().out
    assert "integrity    ok, RASL pictures skipped: 1\n" in out


@pytest.mark.needs_cv2
def test_png_shows_motion_and_residual(path, tmp_path):
    import cv2

    drawn_path = str(tmp_path / "picture.png")
    assert main(["inspect", path, "--picture", "8", "--png", drawn_path]) == 0
    drawn = cv2.imread(drawn_path)
    assert drawn.shape[1] >= 2 * 640 and drawn.std() > 10


def test_dump_holds_ten_bits(path, tmp_path, capsys):
    dumped = str(tmp_path / "arrays.npz")
    assert main(["inspect", path, "--limit", "5", "--dump", dumped]) == 0
    with np.load(dumped) as arrays, CompressedVideo(path) as video:
        for picture, _ in zip(video, range(5)):
            prefix = f"{picture.decode_index}/"
            np.testing.assert_array_equal(arrays[prefix + "mv"], picture.motion.mv)
            np.testing.assert_array_equal(arrays[prefix + "y"], picture.residual.y)
