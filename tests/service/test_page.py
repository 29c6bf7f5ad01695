"""The files of the page, and the messages that it receives: events in JSON, and pictures."""

import json
import re
import threading
import time

import numpy as np
import pytest
from health_state import TOKEN, Client, make_event, make_state, make_stream

from doubles.fake_video import Picture
from edge_attp.service import feed, health

pytestmark = pytest.mark.needs_cv2

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def state():
    return make_state(make_stream("door"), make_stream(EVIL))


@pytest.fixture
def client(state, monkeypatch):
    monkeypatch.setattr(health, "PERIOD_S", 0.02)
    with Client(state) as made:
        yield made


class Listener:
    """Reads server-sent events."""

    def __init__(self, client):
        self.connection = client.open("/events")
        self.response = self.connection.getresponse()

    def next(self):
        """(kind, values) of the next message."""
        lines = []
        while True:
            line = self.response.readline().decode("utf-8")
            assert line, "the service has hung up"
            if line == "\n" and any(read.startswith("data") for read in lines):
                kind, data = lines[-2:]
                return kind[len("event: ") :].strip(), json.loads(data[len("data: ") :])
            lines.append(line)

    def until(self, kind):
        while True:
            told, values = self.next()
            if told == kind:
                return values

    def close(self):
        self.response.close()
        self.connection.close()


@pytest.mark.parametrize(
    "path, content_type",
    [("/", "text/html"), ("/page.js", "text/javascript"), ("/page.css", "text/css")],
)
def test_files(client, path, content_type):
    status, headers, body = client.get(path)
    assert status == 200 and headers["Content-Type"].startswith(content_type) and body


def test_the_page_asks_for_nothing_from_elsewhere(client):
    _, _, html = client.get("/")
    for path in re.findall(r'(?:src|href)="([^"]+)"', html.decode("utf-8")):
        status, _, body = client.get("/" + path)
        assert status in (200, 501), path
        assert path == "icon.svg" or b"http" not in body or not path.startswith("page"), path
    assert b"<script>" not in html and b"style=" not in html and b"onload" not in html


def test_status(client, state):
    listener = Listener(client)
    assert listener.response.headers["Content-Type"] == "text/event-stream"
    status = listener.until("status")
    assert status["problems"] == [] and [one["name"] for one in status["streams"]] == ["door", EVIL]
    door = status["streams"][0]
    assert door["state"] == "running" and door["top"][0] == ["wave", 0.75]
    assert door["stages"] == {"parse": [2, pytest.approx(0.006)]}
    state.streams()[0].status.pictures = 500
    while listener.until("status")["streams"][0]["pictures"] != 500:
        pass
    listener.close()


def test_problems_are_told(client, state):
    state.is_ready = False
    listener = Listener(client)
    assert listener.until("status")["problems"] == ["no stream has been opened yet"]
    listener.close()


def test_an_error_is_told_without_the_password(client, state):
    state.streams()[0].error = OSError("rtsp://admin:hunter2@10.0.0.5/live: refused")
    listener = Listener(client)
    told = listener.until("status")["streams"][0]["error"]
    assert told == "rtsp://***@10.0.0.5/live: refused"
    listener.close()


def test_events_come_once_and_in_order(client, state):
    state.add_event(make_event("before"))
    listener = Listener(client)
    first = listener.until("event")
    assert (first["label"], first["stream"], first["number"]) == ("before", "door", 1)
    assert first["box"] is None
    state.add_event(make_event("line\nbreak", stream=EVIL))
    state.add_event(make_event("third")._replace(box=(8, 16, 40, 60)))
    assert listener.until("event")["label"] == "line\nbreak"
    third = listener.until("event")
    assert third["label"] == "third" and third["box"] == [8, 16, 40, 60]
    assert listener.next()[0] == "status"
    listener.close()


def test_viewers_are_bounded_and_places_given_back(client, monkeypatch):
    monkeypatch.setattr(feed, "MAX_VIEWERS", 2)
    listeners = [Listener(client) for _ in range(2)]
    for listener in listeners:
        listener.until("status")
    status, headers, _ = client.get("/events")
    assert status == 503 and headers["Retry-After"]
    for listener in listeners:
        listener.close()
    deadline = time.monotonic() + 5
    while client.get("/events", "HEAD")[0] == 503 and time.monotonic() < deadline:
        time.sleep(0.05)
    again = Listener(client)
    again.until("status")
    again.close()


def test_nothing_is_put_together_while_nobody_looks(client, state, monkeypatch):
    asked = []
    monkeypatch.setattr(feed, "_describe_stream", lambda *_: asked.append(1))
    time.sleep(0.2)
    assert not asked


def test_stop_ends_the_messages(state):
    with Client(state) as client:
        listener = Listener(client)
        listener.until("status")
    threading.Timer(5, listener.connection.close).start()
    while listener.response.readline():
        pass


def test_pictures(client, state, monkeypatch):
    live = client.server.live_view(EVIL)
    assert live is client.server.live_view(EVIL)
    monkeypatch.setattr("edge_attp.sinks.live_view.FIRST_WAIT_S", 0.05)
    path = "/streams/%3Cscript%3Ealert(1)%3C%2Fscript%3E/picture.jpg?t=1"
    assert client.get(path)[0] == 503
    live.observe(Picture("K", 0, 0, 25), np.zeros((20, 20, 3), np.uint8))
    status, headers, body = client.get(path)
    assert status == 200 and headers["Content-Type"] == "image/jpeg" and body[:2] == b"\xff\xd8"
    assert client.get("/streams/other/picture.jpg")[0] == 404


def test_without_the_page(state):
    with Client(state, page=False) as client:
        assert client.server.live_view("door") is None
        for path in ("/", "/events", "/page.js"):
            assert client.get(path)[0] == 404
        assert client.get("/healthz")[0] == 200


def test_with_the_token(state):
    with Client(state, "0.0.0.0:0", token=TOKEN) as client:
        cookie = client.get("/?token=" + TOKEN)[1]["Set-Cookie"].split(";")[0]
        for path in ("/", "/page.js", "/icon.svg"):
            assert client.get(path, Cookie=cookie)[0] == 200
            assert client.get(path)[0] == 401
