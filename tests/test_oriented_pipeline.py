"""A scene that is coded turned goes through the pipeline, and onto the overlay, like the same scene coded upright."""

import av
import cv2
import numpy as np
import pytest

from doubles import tiny_pack
from edge_attp.bitstream import CompressedVideo
from edge_attp.bitstream.orientation import UPRIGHT, Orientation
from edge_attp.engine import load_pack, open_backend
from edge_attp.pipeline import Options, recognise, views
from edge_attp.recognition import Event
from edge_attp.sinks.clips import ClipSink
from edge_attp.sinks.live_view import LiveView
from edge_attp.sinks.overlay import OverlaySink
from edge_attp.sources.recorder import PacketRing, RecordedSource
from edge_attp.tensors import fill_residual
from rigs import media, turned

pytestmark = [pytest.mark.needs_av, pytest.mark.needs_cv2, pytest.mark.needs_onnx]

VELOCITY = (2, 1)
SIZE = (96, 64)
CODED = media.x264(qp=4, bframes=1, b_adapt=0, me="esa", scenecut=0, keyint=6, ref=1)
PLAIN = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return load_pack(tiny_pack.write(tmp_path_factory.mktemp("packs") / "tiny"))


@pytest.fixture(scope="module")
def file_of(tmp_path_factory):
    """file_of(orientation): the scene in an MP4 file that is to be turned so."""
    folder, scene = tmp_path_factory.mktemp("turned"), media.pan(SIZE[0], SIZE[1], 9, VELOCITY)

    def file_of(orientation):
        path = folder / f"{turned.ALL.index(orientation)}.mp4"
        if not path.exists():
            pictures = [[turned.coded(orientation, p) for p in planes] for planes in scene]
            drawn = media.encode(pictures, folder / "drawn.mp4", "libx264", CODED, "mp4")
            turned.with_matrix(drawn, path, turned.matrix(turned.TERMS[orientation]))
        return str(path)

    return file_of


@pytest.fixture
def run(pack, monkeypatch):
    """run(path, sinks): what was written into the network's inputs, by name of the function that did."""

    def run(path, *sinks, observers=()):
        written = {}
        with monkeypatch.context() as patch:
            for name in ("fill_rgb", "fill_flow", "fill_residual"):
                fill, place = getattr(views, name), 2 if name == "fill_flow" else 1

                def keep(*arguments, fill=fill, place=place, name=name):
                    fill(*arguments)
                    written.setdefault(name, []).append(arguments[place].copy())

                patch.setattr(views, name, keep)
            recognise(
                path, pack, open_backend(threads=1), list(sinks), Options(), observers=observers
            )
        return written

    return run


@pytest.mark.parametrize("orientation", turned.TURNED, ids=str)
def test_network_inputs_are_those_of_the_upright_clip(run, file_of, orientation):
    path = file_of(orientation)
    inputs, expected = run(path), run(file_of(UPRIGHT))
    assert {name: len(made) for name, made in inputs.items()} == {
        name: len(made) for name, made in expected.items()
    }
    for rgb, upright in zip(inputs["fill_rgb"], expected["fill_rgb"]):
        assert np.abs(rgb - upright).max() < 0.02 < upright.std()
    for flow, upright in zip(inputs["fill_flow"], expected["fill_flow"]):
        assert np.median(np.abs(flow - upright)) < 1e-6
        for plane, speed, side in zip(flow, VELOCITY, SIZE):
            assert np.median(plane) == pytest.approx(speed * 10 / side * tiny_pack.FLOW_SCALE)
    assert len(inputs["fill_residual"]) == len(_residuals(path, orientation))
    for made, planes in zip(inputs["fill_residual"], _residuals(path, orientation)):
        out = np.empty_like(made)
        fill_residual(planes, out, (10, 10), *PLAIN)
        np.testing.assert_array_equal(made, out)


class Planes:
    def __init__(self, residual, orientation):
        for name in "yuv":
            setattr(self, name, turned.shown(orientation, getattr(residual, name)))


def _residuals(path, orientation):
    with CompressedVideo(path) as video:
        return [Planes(p.residual, orientation) for p in video if p.kind != "I"]


def test_the_overlay_is_upright(run, file_of, tmp_path):
    films = []
    for which in (UPRIGHT, Orientation(90, True)):
        target = str(tmp_path / "overlay.mp4")
        run(file_of(which), OverlaySink(target))
        with av.open(target) as container:
            films.append([f.to_ndarray(format="rgb24") for f in container.decode(video=0)])
    assert len(films[0]) == len(films[1]) == 9
    for upright, made in zip(*films):
        assert made.shape == upright.shape
        picture = np.abs(made[60:-60, :864].astype(int) - upright[60:-60, :864])
        assert picture.mean() < 8 and upright[60:-60, :864].std() > 20


EVENT = Event("walk", 0.9, 0.0, 0.1, 0.0, "turned", "1", "end")


class EventClips(ClipSink):
    """Sees an event in the first picture."""

    def picture(self, picture):
        if not picture.decode_index:
            self.event(EVENT)
        super().picture(picture)


def test_clips_of_events_keep_the_matrix(run, file_of, tmp_path):
    orientation, ring = Orientation(270, False), PacketRing()
    run(RecordedSource(file_of(orientation), ring), EventClips(str(tmp_path / "clips"), ring))
    (path,) = (tmp_path / "clips").iterdir()
    with CompressedVideo(str(path)) as clip:
        assert (clip.rotation_deg, clip.is_mirrored) == orientation
        assert clip.display_matrix == turned.matrix(turned.TERMS[orientation])
        assert (clip.width, clip.height) == SIZE[::-1] and len(list(clip)) == 9


def test_the_live_picture_is_upright(run, file_of):
    pictures = []
    for which in (UPRIGHT, Orientation(270, False)):
        view = LiveView()
        view.close = lambda: None  # what was seen last stays
        run(file_of(which), observers=[view])
        pictures.append(cv2.imdecode(np.frombuffer(view.jpeg(), np.uint8), cv2.IMREAD_COLOR))
    upright, made = pictures
    assert made.shape == upright.shape == (540, 810, 3)
    assert np.abs(made.astype(int) - upright).mean() < 8 < upright.std()
