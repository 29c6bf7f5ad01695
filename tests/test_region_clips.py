"""Regions of real streams: what the networks are shown is cut out of the upright picture, whoever else is busy."""

import json
from collections import namedtuple

import numpy as np
import pytest

from doubles import tiny_pack
from doubles.recorder import Recorder
from edge_attp import cli
from edge_attp.bitstream import CompressedVideo
from edge_attp.bitstream.orientation import UPRIGHT, Orientation
from edge_attp.engine import load_pack, open_backend
from edge_attp.pipeline import Job, Options, Session
from edge_attp.regions import RegionFinder
from edge_attp.tensors import fill_flow, fill_residual
from rigs import media, turned

pytestmark = [pytest.mark.needs_av, pytest.mark.needs_onnx]

WIDTH, HEIGHT, PICTURES, BODY_PX = 160, 112, 40, 32
CODED = media.x264(bframes=2, keyint=10, scenecut=0)
WAYS = [UPRIGHT, Orientation(90, False), Orientation(180, True)]


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packs") / "tiny"
    return load_pack(tiny_pack.write(folder, view="region", background=["residual"]))


Planes = namedtuple("Planes", "y u v")


def scene():
    """A body that walks to the right for a second, then stands."""
    ground, skin = (np.clip(media.texture(HEIGHT, WIDTH, seed), 0, 255) for seed in (3, 9))
    chroma = np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8)
    for number in range(PICTURES):
        luma, x = ground.copy(), 8 + 4 * min(number, 24)
        luma[40 : 40 + BODY_PX, x : x + BODY_PX] = skin[:BODY_PX, :BODY_PX]
        yield luma.astype(np.uint8), chroma, chroma


@pytest.fixture(scope="module")
def clip_of(tmp_path_factory):
    """clip_of(orientation): the scene in an MP4 file that is to be turned so."""
    folder, pictures = tmp_path_factory.mktemp("turned"), list(scene())

    def clip_of(orientation):
        path = folder / f"{turned.ALL.index(orientation)}.mp4"
        if not path.exists():
            coded = [[turned.coded(orientation, p) for p in planes] for planes in pictures]
            drawn = media.encode(coded, folder / "drawn.mp4", "libx264", CODED, "mp4")
            turned.with_matrix(drawn, path, turned.matrix(turned.TERMS[orientation]))
        return str(path)

    return clip_of


def recognise_all(paths, pack, batch=1, **options):
    recorders = [Recorder() for _ in paths]
    with Session(pack, open_backend(threads=1), batch) as session:
        streams = [
            session.submit(Job(path, lambda r=r: [r], Options(**options), name=str(number)))
            for number, (path, r) in enumerate(zip(paths, recorders))
        ]
        session.run()
    assert [stream.error for stream in streams] == [None] * len(paths)
    return recorders


def by_hand(path):
    """(decode_index, region or None, flow and residual scores) of each P and B picture, cut out here."""
    found = []
    with CompressedVideo(path, oriented=True) as video:
        finder = RegionFinder(video.width, video.height, video.bit_depth, video.frame_rate)
        for picture in video:
            regions = finder.add_picture(picture).regions
            if picture.kind == "I":
                continue
            if not regions:
                found.append((picture.decode_index, None, None))
                continue
            x, y, side = regions[0].x_px, regions[0].y_px, regions[0].side_px
            flow = picture.motion.flow()[:, y // 4 : (y + side) // 4, x // 4 : (x + side) // 4]
            found.append((picture.decode_index, regions[0], scores_of(flow, picture, x, y, side)))
    return found


def scores_of(flow, picture, x, y, side):
    """What the tiny model says of the flow and the residual of this square."""
    planes = Planes(
        picture.residual.y[y : y + side, x : x + side],
        *(
            plane[y // 2 : (y + side) // 2, x // 2 : (x + side) // 2]
            for plane in (picture.residual.u, picture.residual.v)
        ),
    )
    flow_input, residual_input = np.empty((2, 8, 8), np.float32), np.empty((3, 8, 8), np.float32)
    fill_flow(flow, (side, side), flow_input, (10, 10), tiny_pack.FLOW_SCALE)
    fill_residual(planes, residual_input, (10, 10), (0.0,) * 3, (1.0,) * 3)
    return flow_input.mean(), residual_input.mean()


@pytest.mark.parametrize("orientation", WAYS, ids=str)
def test_windows_are_cut_out_of_the_upright_picture(clip_of, pack, orientation):
    path = clip_of(orientation)
    (recorder,) = recognise_all([path], pack)
    found = {r.decode_index: r for r in recorder.results}
    expected = by_hand(path)
    assert sum(region is not None for _, region, _ in expected) > 20
    for index, region, said in expected:
        if region is None:
            assert found[index].is_idle
            continue
        scored = found[index].decisive
        assert scored.region == region
        np.testing.assert_allclose(scored.logits[1:], said, rtol=1e-3, atol=1e-5)
        assert 0.2 < scored.logits[0] < 2


def test_something_walks_upright_wherever_the_camera_hangs(clip_of, pack):
    for orientation in WAYS:
        (recorder,) = recognise_all([clip_of(orientation)], pack)
        walking = [r.decisive for r in recorder.results[8:24] if r.decisive is not None]
        boxes = [scored.region.box for scored in walking if scored.region is not None]
        assert len(boxes) > 10 and boxes[-1][0] > boxes[0][0] + 20
        assert all(top > 20 and bottom < 92 for _, top, _, bottom in boxes)


def digest(recorder):
    return [
        (r.decode_index, r.is_idle, [(s.region, s.logits.tobytes()) for s in r.regions])
        for r in recorder.results
    ]


@pytest.mark.parametrize("regions", [1, 3])
def test_threads_change_nothing(clip_of, pack, regions):
    path = clip_of(UPRIGHT)
    (expected,) = recognise_all([path], pack, regions=regions)
    for options in ({"parse_threads": 3}, {"overlap": False}, {"parse_threads": 2, "wait": False}):
        (recorder,) = recognise_all([path], pack, regions=regions, **options)
        assert digest(recorder) == digest(expected)


def test_streams_side_by_side_change_nothing(clip_of, pack):
    paths = [clip_of(way) for way in WAYS]
    together = recognise_all(paths, pack, batch=1)
    for path, recorder in zip(paths, together):
        assert digest(recorder) == digest(recognise_all([path], pack)[0])


def test_sampling_scores_fewer_of_the_same_pictures(clip_of, pack):
    path = clip_of(UPRIGHT)
    (every,) = recognise_all([path], pack)
    (third,) = recognise_all([path], pack, every=3)
    flows = {r.decode_index: r.decisive for r in every.results if r.decisive}
    chosen = [r for r in third.results if r.decisive]
    assert 0 < len(chosen) <= len(flows) / 2
    for result in chosen:
        assert result.decisive.region == flows[result.decode_index].region


def test_the_command_line(clip_of, capfd):
    path = clip_of(UPRIGHT)
    assert cli.main(["run", path, "--regions", "2", "--format", "jsonl", "--limit", "30"]) == 0
    records = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    pictures = [record for record in records if record["type"] == "picture"]
    assert records[0]["regions"] == 2 and any("regions" in record for record in pictures)
    idle = [record for record in pictures if record.get("idle")]
    assert all(record["top"][0] == {"label": "noFight", "probability": 1.0} for record in idle)
    assert records[-1].get("idle", 0) == len(idle)
    assert cli.main(["run", path, "--regions", "off", "--format", "jsonl", "--limit", "30"]) == 0
    whole = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert "regions" not in whole[0]
    assert not any({"regions", "idle", "box"} & set(record) for record in whole)


def test_the_command_line_without_a_model(clip_of, capfd):
    path = clip_of(UPRIGHT)
    assert cli.main(["run", path, "--model", "none", "--format", "jsonl"]) == 0
    records = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    events = [record for record in records if record["type"] == "event"]
    assert records[0]["model"] == "none" and records[0]["labels"] == ["motion"]
    assert [event["label"] for event in events] == ["motion"]
    left, top, right, bottom = events[0]["box"]
    assert left < right and top < 40 + BODY_PX and bottom > 40
    assert cli.main(["run", path, "--model", "none", "--regions", "off"]) == 2
    assert "leave out --regions off" in capfd.readouterr().err
