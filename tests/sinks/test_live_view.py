"""The live picture costs nothing while nobody looks, and shows key picture and motion to who does."""

import threading
import time
from fractions import Fraction

import cv2
import numpy as np
import pytest

from doubles.fake_video import Picture
from edge_attp.sinks import Header, live_view
from edge_attp.sinks.live_view import LiveView
from edge_attp.timing import Clock

pytestmark = pytest.mark.needs_cv2

KEY = np.full((20, 20, 3), (0, 250, 0), np.uint8)


@pytest.fixture
def sink(monkeypatch):
    monkeypatch.setattr(live_view, "FIRST_WAIT_S", 0.05)
    monkeypatch.setattr(live_view, "INTERVAL_S", 0.0)
    made = LiveView()
    made.begin(Header("fake", 40, 20, Fraction(25), "tiny", True, ("a",), "x", Clock()))
    return made


class Untouched(Picture):
    """A picture whose motion nobody may ask for."""

    @property
    def motion(self):
        raise AssertionError("parsed for nobody")

    @motion.setter
    def motion(self, value):
        pass


def decoded(jpeg):
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]


def moving(index=20):
    return Picture("P", index, index, 25)


def test_nothing_is_kept_of_pictures_while_nobody_looks(sink):
    for index in range(5):
        sink.observe(Untouched("P", index, index, 25), None)
    assert sink.jpeg() is None


def test_the_key_picture_is_there_at_the_first_look(sink):
    sink.observe(Untouched("K", 0, 0, 25), KEY)
    picture = decoded(sink.jpeg())
    assert picture.shape == (480, 960, 3)  # 40 x 20, fitted in
    red, green, blue = picture.reshape(-1, 3).mean(axis=0)
    assert green > 100 > max(red, blue)


def test_motion_is_drawn_over_the_key_picture(sink):
    pictures = []
    for key in (KEY, 255 - KEY):
        sink.observe(Picture("K", 0, 0, 25), key)
        still = decoded(sink.jpeg())
        sink.observe(moving(), None)
        pictures.append(decoded(sink.jpeg()).astype(int))
        assert (np.abs(pictures[-1] - still) > 60).mean() > 0.05  # arrows
    assert (np.abs(pictures[0] - pictures[1]) > 30).mean() > 0.05  # and what is behind them


def test_motion_without_a_key_picture(sink):
    assert sink.jpeg() is None
    sink.observe(moving(), None)
    assert decoded(sink.jpeg()).max() > 150


def test_the_first_look_waits_for_a_picture(sink, monkeypatch):
    monkeypatch.setattr(live_view, "FIRST_WAIT_S", 10.0)
    found = []
    looker = threading.Thread(target=lambda: found.append(sink.jpeg()))
    looker.start()
    while looker.is_alive():
        sink.observe(moving(), None)
        time.sleep(0.01)
    assert found[0]


def test_drawn_once_for_all_who_look(sink, monkeypatch):
    drawn = []
    monkeypatch.setattr(live_view, "_encode", lambda view, size: drawn.append(view) or b"jpeg")
    sink.jpeg()
    sink.observe(moving(), None)
    for _ in range(3):
        assert sink.jpeg() == b"jpeg"
    assert len(drawn) == 1
    sink.observe(moving(), None)
    sink.jpeg()
    assert len(drawn) == 2


def test_a_few_pictures_a_second(sink, monkeypatch):
    monkeypatch.setattr(live_view, "INTERVAL_S", 60.0)
    sink.jpeg()
    sink.observe(moving(), None)
    first = sink.jpeg()
    sink.observe(Untouched("P", 1, 1, 25), None)
    assert first == sink.jpeg()


def test_who_stops_looking_costs_nothing_again(sink, monkeypatch):
    monkeypatch.setattr(live_view, "LOOKED_AT_S", 0.05)
    sink.jpeg()
    sink.observe(moving(), None)
    time.sleep(0.1)
    sink.observe(Untouched("P", 1, 1, 25), None)


def test_started_again(sink):
    sink.observe(Untouched("K", 0, 0, 25), KEY)
    sink.close()
    assert sink.jpeg() is None
    sink.begin(Header("fake", 20, 20, None, "tiny", True, ("a",), "x", Clock()))
    sink.observe(Picture("K", 0, 0, 25), KEY)
    assert decoded(sink.jpeg()).shape == (540, 540, 3)
