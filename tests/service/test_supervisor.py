"""How streams are kept running: restarts, pauses, replacement, series. The tests set the time."""

import logging
import threading
import time

import pytest
from fake_session import FakeSession

from edge_attp.errors import CorruptStream, SourceError, UsageError
from edge_attp.pipeline import Job
from edge_attp.service import supervisor as service_supervisor
from edge_attp.service.state import EventSink, ServiceState
from edge_attp.service.supervisor import Plan, Supervisor, Work
from edge_attp.sinks import Sink


class CountingSink(Sink):
    def __init__(self):
        self.count = 0

    def event(self, event):
        self.count += 1

    def counters(self):
        return {"sent": self.count, "spool_waiting": 1}


class World:
    """A supervisor over a fake session, and its clock."""

    def __init__(self):
        self.time_s = 100.0
        self.session = FakeSession()
        self.state = ServiceState("camera.toml")
        self.supervisor = Supervisor(self.session, self.state, lambda: self.time_s)

    def follow(self, *plans):
        self.supervisor.follow_plans(plans)
        self.supervisor.tend_streams()

    def tick(self, seconds=0.0):
        self.time_s += seconds
        self.supervisor.tend_streams()

    def wait(self, is_true):
        """Ticks until other threads have done their part."""
        until_s = time.monotonic() + 5.0
        while not is_true():
            assert time.monotonic() < until_s
            self.tick()
            time.sleep(0.001)

    @property
    def started(self):
        return [stream.source for stream in self.session.streams]


def plan(name, source="x.mp4", **more):
    def work():
        return Work(Job(source, list, name=name))

    return Plan(name, (name, source), work, **more)


@pytest.fixture
def world():
    return World()


@pytest.fixture(autouse=True)
def pauses_without_chance(monkeypatch):
    make = service_supervisor.Backoff
    monkeypatch.setattr(
        service_supervisor, "Backoff", lambda longest_s: make(longest_s, lambda: 0.0)
    )


def test_a_file_is_read_once(world):
    world.follow(plan("a"))
    assert not world.supervisor.is_done
    world.session.streams[0].end()
    world.tick()
    world.tick(3600.0)
    assert world.started == ["x.mp4"] and world.state.restarts == {}
    world.wait(lambda: world.supervisor.is_done)


def test_what_fails_is_started_again_after_pauses_that_double_up_to_a_minute(world):
    world.follow(plan("a"))
    starts = []
    for _ in range(10):
        world.session.newest("a").end(SourceError("gone"))
        world.tick()
        count, failed_s = len(world.started), world.time_s
        while len(world.started) == count:
            world.tick(0.125)
        starts.append(world.time_s - failed_s)
    assert starts[:4] == [0.5, 1.0, 2.0, 4.0]
    assert starts[-2:] == [60.0, 60.0]
    assert world.state.restarts == {"a": 10}


def test_a_minute_of_success_makes_the_next_pause_short_again(world):
    world.follow(plan("a"))
    for lasted_s, pause_s in ((0.0, 0.5), (59.0, 1.0), (60.0, 0.5)):
        world.tick(lasted_s)
        world.session.newest("a").end(SourceError("gone"))
        world.tick()
        count = len(world.started)
        world.tick(pause_s - 0.01)
        assert len(world.started) == count
        world.tick(0.01)
        assert len(world.started) == count + 1
        world.tick()


def test_each_failure_is_logged_once_until_it_changes(world, caplog):
    caplog.set_level(logging.INFO, "edge_attp")
    world.follow(plan("a"))
    world.session.opens = False
    for error in ("gone", "gone", "gone", "denied", "gone"):
        world.session.newest("a").end(SourceError(error))
        world.tick()
        world.tick(60.0)
    world.session.newest("a").open()
    world.tick()
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        "a: gone; trying again",
        "a: denied; trying again",
        "a: gone; trying again",
        "a: works again",
    ]


def test_a_file_that_ends_in_the_same_error_each_time_is_given_up(world, caplog):
    world.follow(plan("a", is_file=True), plan("camera"))
    for _ in range(5):
        for name in ("a", "camera"):
            world.session.newest(name).end(SourceError("a.mp4: is cut short"))
        world.tick()
        world.tick(60.0)
        world.tick(60.0)
    assert (world.started.count("x.mp4"), world.state.restarts) == (5 + 6, {"a": 4, "camera": 5})
    assert "a: a.mp4: is cut short; giving up after the same error 5 times" in caplog.text
    assert not world.supervisor.is_done


def test_a_file_that_cannot_be_opened_may_still_come(world):
    world.session.opens = False
    world.follow(plan("missing", is_file=True), plan("broken", is_file=True))
    for _ in range(9):
        world.session.newest("missing").end(SourceError("x.mp4: No such file or directory"))
        world.session.newest("broken").end(CorruptStream("x.mp4: is no video"))
        world.tick()
        world.tick(60.0)
        world.tick(60.0)
    assert world.state.restarts == {"missing": 9, "broken": 4}


def test_other_errors_in_between_are_no_repetition(world):
    world.follow(plan("a", is_file=True))
    for attempt in range(12):
        world.session.newest("a").end(SourceError(f"x.mp4: error {attempt // 4}"))
        world.tick()
        world.tick(60.0)
    assert world.state.restarts == {"a": 12}


def test_one_that_fails_does_not_hold_up_another(world):
    world.follow(plan("a"), plan("b"))
    world.session.newest("a").end(SourceError("gone"))
    world.tick()
    assert not world.session.newest("b").is_stopped
    assert [stream.name for stream in world.supervisor.streams] == ["a", "b"]


def test_equal_plans_go_on_and_others_are_replaced(world):
    world.follow(plan("same"), plan("changed"), plan("gone"))
    same, changed, gone = world.session.streams
    world.follow(plan("same"), plan("changed", "y.mp4"), plan("new"))
    world.wait(lambda: len(world.started) == 5)
    assert not same.is_stopped and changed.is_stopped and gone.is_stopped
    assert sorted(world.started[3:]) == ["x.mp4", "y.mp4"]
    assert [stream.name for stream in world.supervisor.streams] == ["same", "changed", "new"]


def test_a_replacement_waits_until_the_old_one_has_ended(world):
    """Its files may still be open."""
    world.follow(plan("a"))
    old = world.session.newest("a")
    old.stop = lambda: None  # it takes its time
    world.follow(plan("a", "y.mp4"))
    world.tick(10.0)
    assert world.started == ["x.mp4"]
    old.end()
    world.wait(lambda: world.started == ["x.mp4", "y.mp4"])


def test_a_plan_is_closed_once_when_its_last_stream_has_ended(world):
    closed = []
    made = plan("a", close=lambda: closed.append(world.session.newest("a").status.state))
    world.follow(made)
    world.session.newest("a").end(SourceError("gone"))
    world.tick()
    world.tick(60.0)
    old = world.session.newest("a")
    old.stop = lambda: None  # it takes its time
    world.supervisor.stop_streams()
    world.tick()
    assert closed == [] and not world.supervisor.is_done
    old.end()
    world.tick()
    world.wait(lambda: world.supervisor.is_done)
    assert closed == ["ended"]


def test_a_plan_that_takes_long_to_close_does_not_hold_up_the_loop(world):
    may_close = threading.Event()
    world.follow(plan("a", close=may_close.wait), plan("b"))
    world.supervisor.follow_plans([plan("a", "y.mp4"), plan("b")])
    world.tick()
    world.session.newest("b").end(SourceError("gone"))
    world.tick()
    assert world.state.restarts == {"b": 1}
    assert "y.mp4" not in world.started
    may_close.set()
    world.wait(lambda: "y.mp4" in world.started)


def test_one_that_was_stopped_is_not_started_again(world):
    world.follow(plan("a"))
    world.supervisor.stop_streams()
    world.session.newest("a").end(SourceError("stopped"))
    world.tick(3600.0)
    assert world.started == ["x.mp4"]
    world.wait(lambda: world.supervisor.is_done)


def test_a_series_goes_on_after_each_work_broken_or_not(world, caplog):
    clips = ["1.mp4", "2.mp4", None, "3.mp4"]

    def next_clip():
        clip = clips.pop(0) if clips else None
        return None if clip is None else Work(Job(clip, list, name="folder"))

    world.follow(Plan("folder", (), next_clip, is_series=True))
    world.session.streams[0].end(SourceError("1.mp4: is cut short"))
    world.tick()
    world.tick()
    world.session.streams[1].end()
    world.tick()
    assert world.started == ["1.mp4", "2.mp4"]
    world.tick()
    assert world.supervisor.is_settled
    world.tick()
    assert world.started == ["1.mp4", "2.mp4", "3.mp4"]
    assert "folder: 1.mp4: is cut short; continuing with the next clip" in caplog.text
    assert world.state.restarts == {}
    assert not world.supervisor.is_done


def test_settled_when_one_is_open_or_all_were_tried(world):
    world.session.opens = False
    world.follow(plan("a"), plan("b"))
    world.tick()
    assert not world.supervisor.is_settled
    a, b = world.session.streams
    a.end(SourceError("gone"))
    world.tick()
    assert not world.supervisor.is_settled
    # A camera tries again by itself and stays in "opening".
    b.status.source_counters = lambda: {"connection_failures": 1}
    world.tick()
    assert world.supervisor.is_settled


def test_settled_at_the_first_that_is_open(world):
    world.session.opens = False
    world.follow(plan("a"), plan("b"))
    world.session.newest("b").open()
    world.tick()
    assert world.supervisor.is_settled


def test_counters_of_sinks_outlive_them(world):
    def work():
        sink = CountingSink()
        return Work(Job("x", lambda: [sink, EventSink(world.state)], name="a"), [("mqtt", sink)])

    world.follow(Plan("a", (), work))
    for _ in range(2):
        world.session.newest("a").report()
        world.session.newest("a").report()
        world.session.newest("a").end(SourceError("gone"))
        world.tick()
        world.tick(60.0)
    world.session.newest("a").report()
    assert world.state.sink_counters() == {"mqtt": {"sent": 5, "spool_waiting": 1}}
    assert len(world.state._sinks) == 1
    assert [seen.number for seen in world.state.recent_events] == [1, 2, 3, 4, 5]


def test_the_newest_events_are_kept(world):
    world.follow(Plan("a", (), lambda: Work(Job("x", lambda: [EventSink(world.state)], name="a"))))
    for index in range(150):
        world.session.newest("a").report(str(index))
    numbers = [seen.number for seen in world.state.recent_events]
    assert numbers == list(range(51, 151))
    assert world.state.recent_events[-1].event.label == "149"


def test_a_sink_that_can_never_be_made_ends_the_start(world):
    def impossible():
        raise UsageError("mqtt needs paho-mqtt")

    with pytest.raises(UsageError):
        world.follow(Plan("a", (), impossible))


def test_so_does_one_that_can_never_be_started(world):
    world.session.opens = False
    world.follow(plan("a"))
    world.session.newest("a").end(UsageError("the spool is in use"))
    with pytest.raises(UsageError):
        world.tick()


def test_after_the_start_it_is_a_failure_like_others(world):
    attempts = []

    def impossible():
        attempts.append(1)
        raise UsageError("mqtt needs paho-mqtt")

    world.state.is_ready = True
    world.follow(Plan("a", (), impossible))
    world.tick(0.5)
    assert len(attempts) == 2 and world.state.restarts == {"a": 2}
    assert world.supervisor.is_settled
