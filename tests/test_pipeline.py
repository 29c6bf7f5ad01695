"""The pipeline from pictures to the verdict, with a stand-in for the source and a model worked out by
hand; real streams are in tests/cli/test_run_*.py."""

import _thread
import threading
import time

import numpy as np
import pytest

from doubles import tiny_pack
from doubles.fake_video import FLOW_STEP, KEY_STEP, RESIDUAL_STEP, FakeVideo
from doubles.recorder import Recorder, Watcher, no_threads_left
from edge_attp.engine import load_pack, open_backend
from edge_attp.errors import CorruptStream, EngineError, SourceError, UsageError
from edge_attp.log import logger
from edge_attp.pipeline import EVERY_GOP, Options, networks, reader, recognise, scorer, session
from edge_attp.sinks import Sink
from edge_attp.sinks.base import MOST_EARLY, EarlyData
from edge_attp.timing import STAGES, Clock

pytestmark = pytest.mark.needs_onnx

# Flow in pixels of the 10 x 10 grid, out of a picture of 20 x 20.
GRID = 0.5


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return load_pack(tiny_pack.write(tmp_path_factory.mktemp("packs") / "tiny"))


@pytest.fixture
def go(monkeypatch, pack):
    """go(video, **options) runs a fake video; returns the recorder."""

    def run(video, clock=None, sinks=(), observers=(), backend=None, pack=pack, **options):
        monkeypatch.setattr(reader, "CompressedVideo", video.open)
        recorder = Recorder()
        run.recorder = recorder
        everything = [recorder] + list(sinks)
        backend = backend or open_backend(threads=1)
        verdict = recognise("fake", pack, backend, everything, Options(**options), clock, observers)
        assert verdict is recorder.verdict and recorder.closed == 1 and video.closed
        return recorder

    return run


def logits(index, key, neighbour):
    """What the tiny model says of picture `index` with these two key pictures."""
    keys = KEY_STEP * (key + 1), KEY_STEP * (neighbour + 1)
    return tiny_pack.expected(keys, FLOW_STEP * index * GRID, RESIDUAL_STEP * index)


def check(recorder, expected):
    """expected: {decode_index: (key, neighbour)}."""
    assert sorted(recorder.scored) == sorted(expected)
    for index, (key, neighbour) in expected.items():
        np.testing.assert_allclose(
            recorder.scored[index], logits(index, key, neighbour), rtol=1e-5, err_msg=str(index)
        )


def test_first_gop_takes_the_next_key_picture_and_others_the_previous(go):
    recorder = go(FakeVideo("KPBKPBKP"))
    check(recorder, {1: (0, 3), 2: (0, 3), 4: (3, 0), 5: (3, 0), 7: (6, 3)})
    assert [r.gop for r in recorder.results] == [0, 0, 0, 1, 1, 1, 2, 2]
    assert [r.is_key for r in recorder.results] == [k == "K" for k in "KPBKPBKP"]


def test_a_single_gop_takes_its_own_key_picture_twice(go):
    check(go(FakeVideo("KPP")), {1: (0, 0), 2: (0, 0)})


def test_ten_bits_are_scaled_like_eight(go):
    video = FakeVideo("KPP")
    video.bit_depth = 10
    recorder = go(video)
    assert recorder.header.bit_depth == 10
    for index in (1, 2):
        expected = tiny_pack.expected(
            (KEY_STEP, KEY_STEP), FLOW_STEP * index * GRID, RESIDUAL_STEP * index * 255 / 1023
        )
        np.testing.assert_allclose(recorder.scored[index], expected, rtol=1e-5)


def test_pictures_before_a_key_picture_in_display_order_are_of_its_gop(go):
    """As in open GOPs: the B pictures follow the key picture in decoding order only."""
    recorder = go(FakeVideo("KPBRBBP", pocs=[0, 4, 2, 12, 8, 10, 16]))
    check(recorder, {1: (0, 3), 2: (0, 3), 4: (3, 0), 5: (3, 0), 6: (3, 0)})
    assert [r.decode_index for r in recorder.results] == [0, 2, 1, 4, 5, 3, 6]
    assert [r.gop for r in recorder.results] == [0, 0, 0, 1, 1, 1, 1]


def test_a_live_source_does_not_wait(go):
    check(go(FakeVideo("KPKPKP"), wait=False), {1: (0, 0), 3: (2, 0), 5: (4, 2)})


def test_a_very_long_first_gop_stops_waiting(go, monkeypatch):
    monkeypatch.setattr(scorer, "MAX_WAITING", 3)
    check(go(FakeVideo("KPPPPKP")), {1: (0, 0), 2: (0, 0), 3: (0, 0), 4: (0, 0), 6: (5, 0)})


def test_verdict_is_the_mean_over_gops_of_the_mean_over_pictures(go):
    verdict = go(FakeVideo("KPPPKP")).verdict
    first = np.mean([logits(i, 0, 4) for i in (1, 2, 3)], axis=0)
    mean = (first + logits(5, 4, 0)) / 2
    np.testing.assert_allclose(verdict.scores.logits, mean, rtol=1e-5)
    assert verdict.scores.probabilities.sum() == pytest.approx(1)
    assert (verdict.gops, verdict.pictures, verdict.scored, verdict.damaged) == (2, 6, 4, 0)
    assert verdict.is_complete and verdict.pictures_per_second > 0


def test_every_n_begins_anew_in_each_gop(go):
    recorder = go(FakeVideo("KPBPPPKPPPP"), every=3)
    assert sorted(recorder.scored) == [1, 4, 7, 10]


def test_every_gop_reads_sparsely(go):
    video = FakeVideo("KPPKPP")
    check(go(video, every=EVERY_GOP), {2: (0, 3), 5: (3, 0)})
    assert video.sampled


def test_every_gop_takes_several_of_a_long_one(go, monkeypatch):
    monkeypatch.setattr(reader, "GOP_PICTURES", 3)
    recorder = go(FakeVideo("KPBPPBPPKPP"), every=EVERY_GOP)
    assert sorted(recorder.scored) == [3, 6, 7, 10]
    recorder = go(FakeVideo("KPBPPBPPKPP"), observers=[Watcher(True)], every=EVERY_GOP)
    assert sorted(recorder.scored) == [1, 4, 7, 9], "the first of each, where all are parsed"


def test_every_gop_reads_all_for_an_observer_that_needs_every_picture(go):
    video, watcher = FakeVideo("KPPKPP"), Watcher(needs_every_picture=True)
    check(go(video, observers=[watcher], every=EVERY_GOP), {1: (0, 3), 4: (3, 0)})
    assert not video.sampled
    assert [index for index, _ in watcher.seen] == list(range(6))


def test_an_observer_that_does_not_need_them_sees_what_is_read(go):
    video, watcher = FakeVideo("KPPKPP"), Watcher()
    check(go(video, observers=[watcher], every=EVERY_GOP), {2: (0, 3), 5: (3, 0)})
    assert video.sampled and [index for index, _ in watcher.seen] == [0, 2, 3, 5]


def test_observers_see_pictures_and_decoded_key_pictures(go):
    watcher = Watcher()
    recorder = go(FakeVideo("KPKP", broken_keys=[2]), observers=[watcher])
    assert watcher.seen == [(0, KEY_STEP), (1, None), (2, None), (3, None)]
    assert watcher.header is recorder.header and watcher.closed == 1
    assert watcher.threads == {"edge-attp-reader"}


def test_hidden_pictures_are_not_observed(go):
    class Hiding(FakeVideo):
        def _pictures(self):
            for picture in super()._pictures():
                picture.is_shown = picture.decode_index > 1
                yield picture

    watcher = Watcher()
    go(Hiding("KPPKP"), observers=[watcher])
    assert [index for index, _ in watcher.seen] == [2, 3, 4]


class Joining(Recorder):
    """A sink that joins what its observer has prepared with the results. log: all that happens, in order."""

    def __init__(self, log, limit=MOST_EARLY):
        super().__init__()
        self.joined, self.early, self.log = [], EarlyData(limit), log
        self.observer = self.Preparing(log=log)
        self.observer.early = self.early

    class Preparing(Watcher):
        def observe(self, picture, key_rgb):
            super().observe(picture, key_rgb)
            self.early.keep(picture.decode_index, f"of {picture.decode_index}")

    def begin(self, header):
        super().begin(header)
        self.log.append(("sink", "begin"))

    def picture(self, picture):
        super().picture(picture)
        self.log.append(("sink", picture.decode_index))
        self.joined.append((picture.decode_index, self.early.take(picture.decode_index)))


def test_a_sink_joins_what_its_observer_saw_before(go):
    log, order = [], [0, 2, 1, 4, 5, 3]
    sinks = Joining(log), Joining([])
    go(FakeVideo("KPBPBB", pocs=[0, 4, 2, 12, 8, 10]), sinks=sinks)
    for sink in sinks:
        assert sink.joined == [(index, f"of {index}") for index in order]
        assert len(sink.early) == 0
    assert log[:2] == [("sink", "begin"), ("observer", "begin")]
    assert log.count(("observer", "close")) == 1
    for index in order:
        assert log.index(("observer", index)) < log.index(("sink", index))


def test_what_waits_for_a_first_gop_fits_into_early_data(go):
    """The longest wait there is: nothing is dropped before its result comes."""
    pattern = "K" + "PB" * 400
    pocs = [0] + [2 * index + 2 * (index % 2) * 2 for index in range(1, 801)]
    sink, most = Joining([]), []
    keep = sink.early.keep

    def measured(*arguments):
        keep(*arguments)
        most.append(len(sink.early))

    sink.early.keep = measured
    go(FakeVideo(pattern, pocs=pocs), sinks=[sink])
    assert len(sink.joined) == 801 and None not in [data for _, data in sink.joined]
    assert scorer.MAX_WAITING < max(most) < MOST_EARLY


def test_an_observer_that_fails_ends_the_run(go):
    class Broken(Watcher):
        def observe(self, picture, key_rgb):
            super().observe(picture, key_rgb)
            if picture.decode_index == 3:
                raise OSError("no room")

    watcher = Broken()
    with pytest.raises(OSError, match="no room"):
        go(FakeVideo("K" + "P" * 100), observers=[watcher], wait=False)
    assert watcher.closed == 1 and go.recorder.closed == 1
    assert not go.recorder.verdict.is_complete and len(watcher.seen) == 4


@pytest.mark.parametrize("overlap", [True, False])
def test_a_sink_that_cannot_begin_ends_the_run_before_anything_is_read(go, overlap):
    class Refusing(Sink):
        def begin(self, header):
            raise UsageError("that is the input")

    video, watcher = FakeVideo("K" + "P" * 100), Watcher()
    with pytest.raises(UsageError, match="that is the input"):
        go(video, sinks=[Refusing()], observers=[watcher], overlap=overlap)
    recorder = go.recorder
    assert recorder.header is not None and recorder.closed == 1
    assert recorder.results == [] and recorder.verdict is None
    assert video.threads == set() and video.closed and watcher.seen == []
    assert no_threads_left()


def test_sinks_are_called_in_the_writers_thread_only(go):
    class Noting(Sink):
        def __init__(self):
            self.threads = set()

        def note(self, *_):
            self.threads.add(threading.current_thread().name)

        begin = picture = event = finish = close = note

    sink = Noting()
    go(FakeVideo("KPKP"), sinks=[sink])
    assert sink.threads == {"edge-attp-writer"}


def test_without_overlap_everything_happens_in_one_thread(go):
    video = FakeVideo("KPBBPBBKPBB")
    alone = go(video, overlap=False)
    assert video.threads == {threading.current_thread().name}
    beside = go(FakeVideo("KPBBPBBKPBB"))
    assert [r.decode_index for r in alone.results] == [r.decode_index for r in beside.results]
    for index, values in beside.scored.items():
        np.testing.assert_array_equal(values, alone.scored[index])


@pytest.mark.parametrize("overlap", [True, False])
def test_what_only_goes_to_wait_is_no_reason_to_sleep(go, monkeypatch, overlap):
    monkeypatch.setattr(session, "IDLE_S", 60.0)
    began_s = time.monotonic()
    assert go(FakeVideo("K" + "P" * 60), overlap=overlap).verdict.scored == 60
    assert time.monotonic() - began_s < 30.0


def test_in_real_time_pictures_come_at_their_rate(go):
    slow = go(FakeVideo("K" + "P" * 20, rate=100), realtime=True).verdict.seconds
    assert slow >= 0.2


def test_anchors_stand_in_for_missing_key_pictures(go):
    recorder = go(FakeVideo("KPPPPPPPP"), anchor=3)
    first, second, third = (0, 3), (3, 0), (6, 3)
    expected = {1: first, 2: first, 3: second, 4: second, 5: second, 6: third, 7: third, 8: third}
    check(recorder, expected)  # an anchor is a P picture, and scored as one


def test_key_pictures_are_anchors_too(go):
    recorder = go(FakeVideo("KPPPKPPPPP"), anchor=3)
    keys = [r.decode_index for r in recorder.results if r.is_key]
    assert keys == [0, 3, 4, 7]


def test_results_come_in_display_order(go):
    #                     K  P  B  B  P  B  B  K  P
    video = FakeVideo("KPBBPBBKP", pocs=[0, 6, 2, 4, 12, 8, 10, 0, 2])
    recorder = go(video)
    assert [r.decode_index for r in recorder.results] == [0, 2, 3, 1, 5, 6, 4, 7, 8]
    times = [r.start_s for r in recorder.results]
    np.testing.assert_allclose(times, np.arange(9) / 25)
    assert all(r.end_s - r.start_s == pytest.approx(0.04) for r in recorder.results)


def test_what_cannot_be_scored_is_left_out_and_counted(go):
    recorder = go(FakeVideo("PPKPDIPKP"))
    check(recorder, {3: (2, 7), 6: (2, 7), 8: (7, 2)})
    assert len(recorder.results) == 9
    assert recorder.verdict.damaged == 1
    assert [r.gop for r in recorder.results[:2]] == [-1, -1]


def test_a_broken_key_picture_begins_no_gop(go):
    check(go(FakeVideo("KPKPKP", broken_keys=[2])), {1: (0, 4), 3: (0, 4), 5: (4, 0)})


@pytest.mark.parametrize(
    "pattern, reason",
    [
        ("KKK", "intra pictures hold no motion"),
        ("PPP", "--anchor N decodes others"),
        ("KDD", "is damaged"),
    ],
)
def test_nothing_to_score_comes_with_the_reason(go, caplog, monkeypatch, pattern, reason):
    monkeypatch.setattr(logger, "propagate", True)
    verdict = go(FakeVideo(pattern)).verdict
    assert verdict.scores is None and verdict.gops == 0 and verdict.pictures == 3
    (message,) = caplog.messages
    assert message.startswith("fake: nothing was scored") and reason in message


def test_limit_is_in_pictures_read(go):
    assert go(FakeVideo("KPPPPPPP"), limit=4).verdict.pictures == 4


def test_two_runs_give_the_same(go):
    video = "KPBBPBB" * 6
    first, second = go(FakeVideo(video)), go(FakeVideo(video))
    assert [r.decode_index for r in first.results] == [r.decode_index for r in second.results]
    for index, values in first.scored.items():
        np.testing.assert_array_equal(values, second.scored[index])
    told = [[event._replace(id="") for event in run.events] for run in (first, second)]
    assert told[0] == told[1]


def test_events_are_reported(go, tmp_path):
    # The residual grows from picture to picture until its score outweighs the key picture's.
    loud = load_pack(tiny_pack.write(tmp_path / "loud", gain=20.0))
    recorder = go(FakeVideo("K" + "P" * 40, rate=10), pack=loud)
    first, event = recorder.events
    assert first.label == "appearance" and first.end_s < event.peak_s
    assert event.label == "residual" and event.stream == "fake"
    assert 0.3 < event.start_s < 3.0 and event.end_s == pytest.approx(4.1)
    assert 0.9 < event.score <= 1.0 and event.peak_s == pytest.approx(4.0)


def test_options_reach_the_source(go):
    video = FakeVideo("KP")
    go(video, parse_threads=2, transcode=False, anchor=7, track=1)
    assert video.opened_with == dict(
        source="fake",
        residual=True,
        threads=2,
        transcode=False,
        anchor=7,
        oriented=True,
        track=1,
    )


def test_header_says_what_runs(go):
    header = go(FakeVideo("KP")).header
    assert header.labels == tuple(tiny_pack.LABELS) and header.model == "tiny"
    assert not header.is_trained and header.backend.startswith("ONNX Runtime")
    assert (header.width, header.height, header.frame_rate) == (20, 20, 25)


def test_a_source_that_fails_gives_what_was_found_and_then_the_error(go):
    with pytest.raises(SourceError, match="cut short"):
        go(FakeVideo("KPKPP", fail=SourceError("cut short")))
    recorder = go.recorder
    check(recorder, {1: (0, 2), 3: (2, 0), 4: (2, 0)})
    assert not recorder.verdict.is_complete and recorder.closed == 1


def test_a_source_without_pictures_gives_no_verdict(go):
    with pytest.raises(CorruptStream):
        go(FakeVideo("", fail=CorruptStream("nothing")))
    assert go.recorder.verdict is None and go.recorder.closed == 1


def test_interrupt_gives_what_was_found(go):
    class Interrupting(Sink):
        def picture(self, picture):
            if picture.decode_index == 4:
                _thread.interrupt_main()  # as Ctrl-C does

    video = FakeVideo("KPKP" + "P" * 200)
    with pytest.raises(KeyboardInterrupt):
        go(video, sinks=[Interrupting()])
    assert {1, 3}.issubset(go.recorder.scored)
    assert go.recorder.verdict is not None and not go.recorder.verdict.is_complete
    assert video.closed and go.recorder.closed == 1
    assert no_threads_left()


def test_interrupt_does_not_wait_for_what_is_not_scored_yet(go, monkeypatch):
    def interrupt(index):
        if index == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        # Raised in the reader here, it takes the same way as one in the caller's thread.
        go(FakeVideo("K" + "P" * 40, slow=interrupt))
    assert go.recorder.scored == {} and go.recorder.verdict.pictures == 20


def test_buffers_of_a_long_first_gop_are_given_back():
    class Graph:
        def allocate_buffers(self):
            return object()

    pool = networks.Pool(Graph())
    taken = {pool.take_buffers() for _ in range(100)}
    for buffers in taken:
        pool.return_buffers(buffers)
    again = {pool.take_buffers() for _ in range(100)}
    assert len(taken & again) == networks.QUEUED_PICTURES


def test_a_sink_that_fails_ends_the_run(go):
    class Broken(Sink):
        def picture(self, picture):
            time.sleep(0.1)  # until the reader waits for room
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        go(FakeVideo("KP" + "P" * 100), sinks=[Broken()])
    assert go.recorder.closed == 1
    assert no_threads_left()


def test_an_engine_that_fails_ends_the_run(go):
    class Failing:
        def __init__(self):
            self.inner, self.runs = open_backend(threads=1), 0

        def describe(self):
            return "failing"

        def load_graph(self, path):
            graph = self.inner.load_graph(path)
            start = graph.start_run

            def fail_later(batch):
                self.runs += 1
                if self.runs > 5:
                    raise EngineError("out of order")
                return start(batch)

            graph.start_run = fail_later
            return graph

    with pytest.raises(EngineError, match="out of order"):
        go(FakeVideo("KPPPPPPPP"), backend=Failing(), wait=False)
    assert go.recorder.closed == 1


def test_the_source_is_read_in_a_thread_of_its_own(go):
    video = FakeVideo("KPPP")
    go(video)
    assert video.threads == {"edge-attp-reader"}


def test_stages_stay_a_few_pictures_ahead(go):
    read, lead = [0], []

    class Slow(Sink):
        def picture(self, picture):
            lead.append(read[0] - picture.decode_index)

    video = FakeVideo("K" + "P" * 100, slow=lambda index: read.__setitem__(0, index))
    go(video, sinks=[Slow()], wait=False)
    assert max(lead) <= 2 * networks.QUEUED_PICTURES + scorer.LOOK_AHEAD + 3


def test_every_stage_is_timed(go):
    clock = Clock()
    go(FakeVideo("KPBKPB"), clock=clock)
    summary = clock.summary()
    assert list(summary) == [name for name in STAGES if name in summary]
    runs = {name: times.runs for name, times in summary.items()}
    assert runs == {
        "demux": 7,
        "parse": 7,  # six pictures, and the end
        "decode_key": 2,
        "tensors": 6,
        "appearance": 2,
        "motion": 4,
        "score": 6,
        "sink": 6,
        "total": 3,
    }
    assert summary["demux"].p50_ms == pytest.approx(1.0)
    assert all(t.p50_ms <= t.p90_ms <= t.p99_ms for t in summary.values())
