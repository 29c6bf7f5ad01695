"""The pipeline with packs that look at no key pictures, and with those that add up the scores of two networks."""

import logging

import numpy as np
import pytest

from doubles import tiny_pack
from doubles.fake_video import FLOW_STEP, KEY_STEP, RESIDUAL_STEP, FakeVideo
from doubles.recorder import Recorder, Watcher, no_threads_left
from edge_attp.engine import load_pack, open_backend
from edge_attp.log import logger
from edge_attp.pipeline import EVERY_GOP, Job, Options, Session, reader, views
from edge_attp.regions import Found
from edge_attp.timing import Clock
from edge_attp.types import Region

pytestmark = pytest.mark.needs_onnx

GRID = 0.5  # flow in pixels of the 10 x 10 grid, out of a picture of 20 x 20


class CountingVideo(FakeVideo):
    """decoded: key pictures and anchors that were, by decode_index. asked: planes of residuals that were."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.decoded, self.asked = [], set()

    def _rgb(self, picture):
        self.decoded.append(picture.decode_index)
        return super()._rgb(picture)

    def _pictures(self):
        for picture in super()._pictures():
            picture.residual = WatchedResidual(picture.residual, self.asked)
            yield picture


class WatchedResidual:
    """Notes which planes are looked at."""

    def __init__(self, residual, asked):
        self._residual, self._asked = residual, asked

    def __getattr__(self, name):
        self._asked.add(name)
        return getattr(self._residual, name)


@pytest.fixture(scope="module")
def pack_of(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packs")
    packs = {
        kind: load_pack(tiny_pack.write(folder / kind, kind=kind)) for kind in ("motion", "late")
    }
    return packs.__getitem__


@pytest.fixture
def go(monkeypatch):
    """go(video, pack, **options): a recorder of what a session made of it."""

    def go(video, pack, recorder=None, observers=(), batch=1, **options):
        monkeypatch.setattr(reader, "CompressedVideo", video.open)
        recorder, clock = recorder or Recorder(), Clock()
        session = Session(pack, open_backend(threads=1), batch)
        job = Job("fake", lambda: [recorder], Options(**options), "", clock, observers)
        stream = session.submit(job)
        session.run()
        recorder.stages = clock.summary()
        if stream.error is not None:
            raise stream.error
        return recorder

    yield go
    assert no_threads_left()


def motion_scores(index):
    return tiny_pack.expected_motion(FLOW_STEP * index * GRID, RESIDUAL_STEP * index)


def check_motion(recorder, indices):
    assert sorted(recorder.scored) == list(indices)
    for index in indices:
        np.testing.assert_allclose(recorder.scored[index], motion_scores(index), rtol=1e-5)


def test_without_appearance_no_key_picture_is_decoded(go, pack_of):
    video = CountingVideo("KPBKPB")
    recorder = go(video, pack_of("motion"))
    check_motion(recorder, [1, 2, 4, 5])
    assert video.decoded == [] and video.asked == {"y"}
    assert not {"decode_key", "appearance"} & set(recorder.stages)
    assert [r.gop for r in recorder.results] == [0, 0, 0, 1, 1, 1]
    assert recorder.verdict.gops == 2


def test_the_first_group_does_not_wait_for_the_second_key_picture(go, pack_of):
    """By the time picture 12 is read, one that would have waited for picture 13 has been shown."""
    shown = []

    def note(index):
        if index == 12:
            shown.extend(recorder.results)

    recorder = Recorder()
    go(CountingVideo("K" + "P" * 12 + "KP", slow=note), pack_of("motion"), recorder, overlap=False)
    assert len(shown) > 4 and shown[1].decisive is not None


def test_pictures_before_the_first_key_picture_are_scored(go, pack_of):
    """As after an open GOP whose key picture is broken or was cut off."""
    video = CountingVideo("PBKPD")
    recorder = go(video, pack_of("motion"))
    check_motion(recorder, [0, 1, 3])
    assert [r.gop for r in recorder.results] == [-1, -1, 0, 0, 0]
    before, after = (motion_scores(0) + motion_scores(1)) / 2, motion_scores(3)
    np.testing.assert_allclose(recorder.verdict.scores.logits, (before + after) / 2, rtol=1e-5)
    assert recorder.verdict.gops == 2


def test_a_key_picture_that_cannot_be_decoded_begins_a_group_all_the_same(go, pack_of):
    recorder = go(CountingVideo("KPKP", broken_keys=(0, 2)), pack_of("motion"))
    check_motion(recorder, [1, 3])
    assert [r.is_key for r in recorder.results] == [True, False, True, False]


def test_an_observer_still_gets_key_pictures(go, pack_of):
    video, watcher = CountingVideo("KPKP"), Watcher()
    check_motion(go(video, pack_of("motion"), observers=[watcher]), [1, 3])
    assert video.decoded == [0, 2]


def test_anchors_are_left_out_with_a_warning(go, pack_of, caplog):
    video = CountingVideo("KPPPP")
    logger.addHandler(caplog.handler)
    try:
        with caplog.at_level(logging.WARNING):
            recorder = go(video, pack_of("motion"), anchor=2)
    finally:
        logger.removeHandler(caplog.handler)
    check_motion(recorder, [1, 2, 3, 4])
    assert video.decoded == [] and video.opened_with["anchor"] is None
    assert "anchor 2 is of no use: the model tiny looks at no key pictures" in caplog.text


def test_one_picture_of_each_group_is_enough_here_too(go, pack_of):
    video = CountingVideo("KPPKPP")
    check_motion(go(video, pack_of("motion"), every=EVERY_GOP), [2, 5])
    assert video.sampled and video.decoded == []


def test_why_nothing_was_scored_does_not_speak_of_key_pictures(go, pack_of, caplog):
    logger.addHandler(caplog.handler)
    try:
        go(CountingVideo("KDD"), pack_of("motion"))
    finally:
        logger.removeHandler(caplog.handler)
    assert "nothing was scored: every P and B picture is damaged" in caplog.text


def test_ten_bits_are_scaled_like_eight(go, pack_of):
    video = CountingVideo("KP")
    video.bit_depth = 10
    expected = tiny_pack.expected_motion(FLOW_STEP * GRID, RESIDUAL_STEP / 4)
    np.testing.assert_allclose(go(video, pack_of("motion")).scored[1], expected, rtol=1e-5)


class OneRegion:
    """Finds the same region in every picture from the second one on."""

    def __init__(self, *_, **__):
        self._seen = 0

    def add_picture(self, picture):
        self._seen += 1
        return Found((Region(1, 8, 0, 8, (9, 1, 15, 7), 0.5),) if self._seen > 1 else (), None)


def test_regions_need_no_key_picture_either(go, pack_of, monkeypatch):
    monkeypatch.setattr(views, "RegionFinder", OneRegion)
    video = CountingVideo("PPPKP")
    recorder = go(video, pack_of("motion"), regions=1)
    assert [r.decode_index for r in recorder.results if r.is_idle] == [0]
    found = {r.decode_index: r.decisive for r in recorder.results if r.regions}
    assert sorted(found) == [1, 2, 4] and video.decoded == [] and video.asked == {"y"}
    for index, scored in found.items():
        flow = FLOW_STEP * index * 10 / 8
        expected = tiny_pack.expected_motion(flow, RESIDUAL_STEP * index)
        np.testing.assert_allclose(scored.logits, expected, rtol=1e-5)
        assert scored.region.side_px == 8


def late_scores(index, key, neighbour):
    keys = KEY_STEP * (key + 1), KEY_STEP * (neighbour + 1)
    return tiny_pack.expected_late(keys, FLOW_STEP * index * GRID, RESIDUAL_STEP * index)


@pytest.mark.parametrize(
    "pattern, neighbours", [("KPBKP", {1: (0, 3), 2: (0, 3), 4: (3, 0)}), ("KP", {1: (0, 0)})]
)
def test_late_fusion_adds_the_mean_of_both_key_pictures_scores(go, pack_of, pattern, neighbours):
    video = CountingVideo(pattern)
    recorder = go(video, pack_of("late"))
    assert sorted(recorder.scored) == sorted(neighbours) and video.asked == {"y"}
    for index, (key, neighbour) in neighbours.items():
        np.testing.assert_allclose(
            recorder.scored[index], late_scores(index, key, neighbour), rtol=1e-5
        )
