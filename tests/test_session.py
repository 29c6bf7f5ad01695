"""Several streams through one session, with stand-ins for the sources and a model worked out by hand."""

import threading
import time

import numpy as np
import pytest

from doubles import tiny_pack
from doubles.fake_video import FakeVideo
from doubles.recorder import Recorder, no_threads_left
from edge_attp.engine import load_pack, open_backend
from edge_attp.errors import SourceError
from edge_attp.pipeline import Job, Options, Session, networks, reader
from edge_attp.recognition import Thresholds
from edge_attp.sinks import Sink

pytestmark = pytest.mark.needs_onnx

PATTERN = "KPBBPBBKPBBPBB"
WAIT_S = 10.0


class Endless(FakeVideo):
    """Goes on until its stream is stopped."""

    def __init__(self, pattern="P"):
        super().__init__("K" + pattern * 100000, slow=lambda index: time.sleep(0.001))


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return load_pack(tiny_pack.write(tmp_path_factory.mktemp("packs") / "tiny"))


@pytest.fixture
def make(monkeypatch, pack):
    """make(videos, batch) gives a session whose sources are these fake videos, by name."""

    def new(videos, **options):
        monkeypatch.setattr(
            reader, "CompressedVideo", lambda source, **o: videos[source].open(source, **o)
        )
        return Session(pack, open_backend(threads=1), **options)

    yield new
    assert no_threads_left()


def submit(session, source, *sinks, **options):
    return session.submit(Job(source, lambda: sinks, Options(**options)))


def in_background(session):
    thread = threading.Thread(target=session.run, args=(False,))
    thread.start()
    return thread


def wait_until(condition):
    deadline_s = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline_s, "waited in vain"
        time.sleep(0.002)


def alone(make, pattern):
    recorder = Recorder()
    session = make({"a": FakeVideo(pattern)})
    submit(session, "a", recorder)
    session.run()
    return recorder


@pytest.mark.parametrize("batch", [1, 3, 8])
def test_streams_give_what_each_gives_alone(make, batch):
    patterns = {"a": PATTERN, "b": "KPPPPKPPPP", "c": "PKP", "d": "KK"}
    recorders = {name: Recorder() for name in patterns}
    session = make({name: FakeVideo(p) for name, p in patterns.items()}, batch=batch)
    streams = [submit(session, name, recorders[name]) for name in patterns]
    session.run()
    assert [stream.error for stream in streams] == [None] * 4
    assert [stream.status.state for stream in streams] == ["ended"] * 4
    for name, pattern in patterns.items():
        single, recorder = alone(make, pattern), recorders[name]
        assert [r.decode_index for r in recorder.results] == [
            r.decode_index for r in single.results
        ]
        assert recorder.closed == 1 and recorder.verdict.is_complete
        assert sorted(recorder.scored) == sorted(single.scored)
        for index, values in single.scored.items():
            np.testing.assert_allclose(recorder.scored[index], values, rtol=1e-6)


def test_streams_take_turns(make, monkeypatch):
    """However many pictures of the first are ready, each stream gets every third place."""
    order, start = [], networks.Networks.start_motion

    def watched(self, pictures):
        order.append(float(pictures[0].inputs["flow"].max()) > 0)
        return start(self, pictures)

    monkeypatch.setattr(networks.Networks, "start_motion", watched)
    names = "abc"
    videos = {name: FakeVideo("K" + "P" * 40) for name in names}
    taken = []

    class Noting(Sink):
        def __init__(self, name):
            self.name = name

        def picture(self, picture):
            taken.append(self.name)
            time.sleep(0.001)

    session = make(videos)
    for name in names:
        submit(session, name, Noting(name), wait=False)
    session.run()
    counts, widest = dict.fromkeys(names, 0), 0
    for name in taken[20:-40]:
        counts[name] += 1
        widest = max(widest, max(counts.values()) - min(counts.values()))
    assert len(order) == 120 and all(order)
    assert widest <= 2 * networks.QUEUED_PICTURES


def test_a_stream_that_fails_leaves_the_others_alone(make):
    good, bad, unopened = Recorder(), Recorder(), Recorder()
    videos = {"good": FakeVideo(PATTERN), "bad": FakeVideo("KPKP", fail=SourceError("cut short"))}
    session = make(videos)
    streams = [submit(session, n, r) for n, r in (("good", good), ("bad", bad), ("x", unopened))]
    session.run()
    assert good.verdict.is_complete and streams[0].error is None
    assert str(streams[1].error) == "cut short" and streams[1].status.state == "failed"
    assert not bad.verdict.is_complete and sorted(bad.scored) == [1, 3]
    assert isinstance(streams[2].error, KeyError) and unopened.closed == 1


def test_a_sink_that_fails_ends_its_stream_only(make):
    class Broken(Sink):
        def picture(self, picture):
            raise OSError("disk full")

    good = Recorder()
    session = make({"a": FakeVideo("K" + "P" * 50), "b": FakeVideo(PATTERN)})
    broken, whole = submit(session, "a", Broken()), submit(session, "b", good)
    session.run()
    assert str(broken.error) == "disk full" and whole.error is None
    assert good.verdict.is_complete


def test_a_slow_sink_holds_up_its_stream_only(make):
    free = threading.Event()

    class Stuck(Sink):
        def picture(self, picture):
            free.wait(WAIT_S)

    quick = Recorder()
    session = make({"slow": FakeVideo("K" + "P" * 60), "quick": FakeVideo("K" + "P" * 200)})
    slow = submit(session, "slow", Stuck(), wait=False)
    submit(session, "quick", quick, wait=False)
    thread = in_background(session)
    wait_until(lambda: quick.verdict is not None)
    assert slow.status.scored <= 2 * networks.QUEUED_PICTURES
    free.set()
    session.stop()
    thread.join()


def test_stop_finishes_what_was_read(make):
    recorder = Recorder()
    session = make({"a": Endless()})
    stream = submit(session, "a", recorder, wait=False)
    thread = in_background(session)
    wait_until(lambda: stream.status.scored > 20)
    session.stop()
    thread.join(WAIT_S)
    assert not thread.is_alive() and stream.error is None
    assert not recorder.verdict.is_complete and recorder.closed == 1
    assert len(recorder.scored) == stream.status.scored == recorder.verdict.scored


def test_one_stream_can_be_stopped(make):
    session = make({"a": Endless(), "b": Endless()})
    first, second = submit(session, "a", wait=False), submit(session, "b", wait=False)
    thread = in_background(session)
    wait_until(lambda: first.status.scored and second.status.scored)
    first.stop()
    wait_until(lambda: first.status.state == "ended")
    before = second.status.scored
    wait_until(lambda: second.status.scored > before + 5)
    session.stop()
    thread.join()


def test_a_job_may_follow_another(make):
    ended, session = [], None

    def on_end(stream):
        ended.append(stream.name)
        if stream.name == "a":
            submit(session, "b")

    session = make({"a": FakeVideo("KP"), "b": FakeVideo("KP")}, on_end=on_end)
    submit(session, "a")
    session.run()
    assert ended == ["a", "b"]


def test_jobs_may_come_while_it_runs(make):
    recorder = Recorder()
    session = make({"a": FakeVideo("KPKP")})
    thread = in_background(session)
    wait_until(lambda: session.progress)
    submit(session, "a", recorder)
    wait_until(lambda: recorder.closed and not session.streams)
    assert recorder.verdict.scored == 2
    session.stop()
    thread.join()


def test_progress_stands_still_only_while_the_engine_does(make, monkeypatch):
    from edge_attp.pipeline import session as module

    monkeypatch.setattr(module, "IDLE_S", 0.01)
    session = make({"a": FakeVideo("K" + "P" * 100)})
    thread = in_background(session)
    wait_until(lambda: session.progress > 3)  # with nothing to do
    hung, start = threading.Event(), networks.Networks.start_motion

    def hang(self, pictures):
        hung.wait(WAIT_S)
        return start(self, pictures)

    monkeypatch.setattr(networks.Networks, "start_motion", hang)
    stream = submit(session, "a", wait=False)
    wait_until(lambda: stream.status.state == "running")
    time.sleep(0.1)
    before = session.progress
    time.sleep(0.2)
    assert session.progress == before
    hung.set()
    wait_until(lambda: session.progress > before)
    session.stop()
    thread.join()


def test_status_tells_where_a_stream_stands(make):
    recorder = Recorder()
    session = make({"a": FakeVideo("KPDPKP")})
    thresholds = Thresholds(0.01, 0.01, 0.0)
    stream = session.submit(
        Job("a", lambda: [recorder], Options(thresholds=thresholds), name="the door")
    )
    assert stream.status.state == "opening"
    session.run()
    status = stream.status
    assert (status.pictures, status.scored, status.damaged) == (6, 3, 1)
    assert (status.width, status.height, status.frame_rate) == (20, 20, 25)
    assert status.events == len(recorder.events) == 3
    assert {event.stream for event in recorder.events} == {recorder.header.stream} == {"the door"}
    assert recorder.header.source == "a"
    assert [label for label, _ in status.top] != [] and status.last_scored_s is not None
    assert status.source_counters() == {}
    assert status.clock.summary()["motion"].runs == 3


def test_an_event_has_one_id_for_all_sinks(make):
    one, other = Recorder(), Recorder()
    session = make({"a": FakeVideo("KPPPKPPP")})
    thresholds = Thresholds(0.01, 0.01, 0.0)
    session.submit(Job("a", lambda: [one, other], Options(thresholds=thresholds)))
    session.run()
    ids = [event.id for event in one.events]
    assert ids == [event.id for event in other.events]
    assert len(set(ids)) == len(ids) == 3 and all(ids)


def test_what_make_sinks_raises_is_the_submitters(make):
    def broken():
        raise ValueError("no such sink")

    session = make({})
    with pytest.raises(ValueError, match="no such sink"):
        session.submit(Job("a", broken))
    session.run()


def test_sinks_of_jobs_that_never_ran_are_closed(make):
    recorder = Recorder()
    with pytest.raises(ZeroDivisionError), make({"a": FakeVideo("KP")}) as session:
        submit(session, "a", recorder)
        raise ZeroDivisionError
    assert recorder.closed == 1 and recorder.verdict is None


def test_a_batch_is_no_larger_than_the_engine_can(make):
    assert make({}, batch=4).batch == 4
    huge = make({}, batch=10**6)
    assert huge.batch < 10**6
