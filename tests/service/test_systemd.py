"""What systemd hears, on a socket that stands in for its own; and the watchdog that decides on it."""

import os
import socket
import time
import uuid

import pytest

from edge_attp.pipeline import StreamStatus
from edge_attp.service.state import ServiceState
from edge_attp.service.systemd import (
    StatusLine,
    Watchdog,
    notify,
    notify_ready,
    notify_reloading,
    watchdog_interval_s,
)
from edge_attp.timing import Clock


@pytest.fixture(params=["file", "abstract"])
def manager(request, tmp_path, monkeypatch):
    """The socket of a service manager, in the file system or with a name of its own."""
    path = str(tmp_path / "notify") if request.param == "file" else "@" + uuid.uuid4().hex
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.settimeout(5.0)
        receiver.bind(path.replace("@", "\0", 1))
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        yield receiver


def test_fields_become_lines(manager):
    assert notify(READY=1, STATUS="two streams\nrun")
    assert manager.recv(4096).split(b"\n") == [b"READY=1", b"STATUS=two streams run"]


def test_reload_begins_with_the_time_and_ends_with_ready(manager):
    notify_reloading()
    first = dict(line.split(b"=") for line in manager.recv(4096).split(b"\n"))
    assert first[b"RELOADING"] == b"1" and int(first[b"MONOTONIC_USEC"]) > 0
    notify_ready("fine")
    assert manager.recv(4096) == b"READY=1\nSTATUS=fine"


def test_without_a_manager_nothing_happens(monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not notify(READY=1)


def test_a_manager_that_is_gone_does_no_harm(tmp_path, monkeypatch):
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    assert not notify(READY=1)


def test_a_manager_that_does_not_read_does_not_hold_the_service_up(manager):
    began_s = time.monotonic()
    assert not all(notify(STATUS="x" * 1000) for _ in range(10000))
    assert time.monotonic() - began_s < 5.0


@pytest.mark.parametrize(
    "environment, interval_s",
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_interval_of_the_watchdog(environment, interval_s):
    assert watchdog_interval_s(environment) == interval_s


class Fed:
    def __init__(self, interval_s):
        self.time_s, self.times_s = 0.0, []
        self.watchdog = Watchdog(interval_s, lambda: self.times_s.append(self.time_s), self.now)

    def now(self):
        return self.time_s

    def run(self, seconds, progress):
        """Ticks four times a second; progress(time_s) is what the engine says."""
        for _ in range(int(seconds * 4)):
            self.time_s += 0.25
            self.watchdog.report_progress(progress(self.time_s))


def test_fed_in_time_while_there_is_progress():
    fed = Fed(8.0)
    fed.run(20.0, lambda time_s: time_s)
    assert fed.times_s == [2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 18.0, 20.0]


def test_not_fed_by_time_alone():
    fed = Fed(8.0)
    fed.run(30.0, lambda time_s: min(time_s, 5.0))
    assert fed.times_s == [2.0, 4.0, 6.0]


def test_slow_progress_is_fed_as_soon_as_it_is_seen():
    fed = Fed(8.0)
    fed.run(16.0, lambda time_s: time_s // 5)
    assert fed.times_s == [2.0, 5.0, 10.0, 15.0]


def test_never_fed_where_nobody_asks():
    fed = Fed(None)
    fed.run(20.0, lambda time_s: time_s)
    assert fed.times_s == []


class Stream:
    def __init__(self, state, scored):
        self.status = StreamStatus(Clock())
        self.status.state, self.status.scored = state, scored


def test_status_line():
    time_s = [0.0]
    state = ServiceState("camera.toml")
    state.stream_count = 3
    streams = [Stream("running", 0), Stream("failed", 0)]
    state.streams = lambda: streams
    status = StatusLine(state, lambda: time_s[0])
    assert status.text() == "1 of 3 streams running"
    for scored, rate in ((100, "10.0"), (150, "5.0")):
        time_s[0] += 10.0
        streams[0].status.scored = scored
        status.send_when_due()
        assert status.text() == f"1 of 3 streams running, scoring {rate} pictures/s"
    streams[0].status.scored = 0  # it was started again
    time_s[0] += 10.0
    status.send_when_due()
    assert status.text() == "1 of 3 streams running"
