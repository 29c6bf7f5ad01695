"""How many live streams are sustained: the search, with copies that answer by script, and real runs of a
stand-in video. How fast anything is is no matter here."""

import pytest

from doubles import tiny_pack
from doubles.fake_video import FakeVideo
from edge_attp.bench.runs import Setup
from edge_attp.bench.streams import MOST_TRIALS, SLACK_S, Copies, measure_streams
from edge_attp.engine import load_pack, open_backend
from edge_attp.errors import SourceError
from edge_attp.pipeline import Options, reader
from edge_attp.recognition import Verdict

pytestmark = [pytest.mark.needs_onnxruntime, pytest.mark.needs_onnx]

RATE = 25.0
PICTURES, SCORED = 100, 98


def verdict(seconds=1.0, scored=SCORED):
    return Verdict(None, 2, PICTURES, scored, 0, seconds, True)


class Scripted(Copies):
    """Copies whose live streams take what seconds(copies) says; without a clock, all of them together
    take free_s."""

    def __init__(self, seconds, scored=SCORED, batch=3, free_s=1.0):
        self.batch, self.frame_rate, self._free_s = batch, RATE, free_s
        self._options = Options()
        self._seconds, self._scored = seconds, scored
        self.live_runs = []

    def run(self, copies, options=None):
        if options is None:
            return [verdict()] * copies, self._free_s
        assert options.realtime and not options.wait
        self.live_runs.append(copies)
        slowest = verdict(self._seconds(copies), self._scored)
        return [verdict(4.0)] * (copies - 1) + [slowest], 9.0


def search(copies, count=2):
    return measure_streams([copies], count, lambda line: None)


def test_what_the_throughput_feeds_is_tried_first():
    found = search(Scripted(lambda copies: 4.0))
    assert found.copies == 2 and found.throughputs == ((3, 200, 196),)
    assert found.estimated == found.sustained == 8
    assert [trial.copies for trial in found.trials] == [8]
    assert found.allowed_s == PICTURES / RATE + SLACK_S and found.least_scored == 0.99


def test_fewer_are_tried_until_all_keep_up():
    """Room for five: each trial that is late says how many would have been in time."""
    copies = Scripted(lambda copies: 4.0 * max(1.0, copies / 5.0))
    found = search(copies)
    assert copies.live_runs == [8, 5] and found.sustained == 5
    assert [trial.is_sustained for trial in found.trials] == [False, True]
    assert found.trials[0].slowest_s == pytest.approx(6.4)


def test_the_faster_batch_is_taken():
    fast, slow = Scripted(lambda copies: 4.0, batch=8, free_s=0.5), Scripted(None, batch=1)
    found = measure_streams([slow, fast], 2, lambda line: None)
    assert [one.batch for one in found.throughputs] == [8, 1]
    assert fast.live_runs == [16] and slow.live_runs == [] and found.estimated == 16


def test_late_by_a_little_is_one_stream_less():
    late = Scripted(lambda copies: 4.25 if copies < 7 else 4.26)
    assert search(late).sustained == 6 and late.live_runs == [8, 7, 6]


def test_pictures_that_were_not_scored_are_no_stream():
    found = search(Scripted(lambda copies: 4.0, scored=97))
    assert (
        found.trials[0].scored_share == pytest.approx(97 / 98)
        and found.trials[0].is_sustained is False
    )
    assert len(found.trials) == MOST_TRIALS and found.sustained == 0


def test_the_search_ends():
    never = Scripted(lambda copies: 1000.0)
    assert search(never).sustained == 0 and never.live_runs == [8]


def test_not_even_one():
    """50 pictures a second of one would do; of a third of that nothing is tried."""
    slow = Scripted(lambda copies: 4.0)
    slow.frame_rate = 300.0
    assert search(slow)[4:] == (0, PICTURES / 300.0 + SLACK_S, 0.99, (), 0)


@pytest.mark.parametrize("rate, scored", [(None, SCORED), (RATE, 0)])
def test_a_video_that_cannot_be_live(rate, scored):
    copies = Scripted(lambda copies: 4.0)
    copies.frame_rate = rate
    copies.run = lambda count: ([verdict(scored=scored)] * count, 1.0)
    with pytest.raises(SourceError, match="frame rate and pictures to score"):
        search(copies)


@pytest.fixture
def setup(monkeypatch, tmp_path):
    """setup(fail) of a video of 12 pictures at 100 a second."""
    pack = load_pack(tiny_pack.write(tmp_path / "tiny"))

    def new(fail=None):
        monkeypatch.setattr(
            reader,
            "CompressedVideo",
            lambda *a, **k: FakeVideo("KPBBPBKPBBPB", rate=100, fail=fail).open(*a, **k),
        )
        return Setup("v", pack, Options(), lambda **chosen: open_backend("onnxruntime", 1))

    return new


def test_copies_run_through_one_session(setup):
    setup = setup()
    copies = Copies(setup, setup.open_backend(), 2)
    said = []
    found = measure_streams([copies], 3, said.append)
    assert (found.copies, copies.batch, found.frame_rate) == (3, 2, 100)
    assert said[0] == "3 copies, batch 2, run 1 of 3" and "live streams" in said[3]
    throughput = found.throughputs[0]
    assert throughput.pictures_per_s / throughput.scored_per_s == pytest.approx(12 / 10)
    live = copies.try_live(2, 10)
    assert live.scored_share == 1.0 and live.slowest_s >= 0.11  # the last picture is due then


def test_what_ends_a_copy_is_raised(setup):
    setup = setup(SourceError("gone"))
    copies = Copies(setup, setup.open_backend(), 1)
    with pytest.raises(SourceError, match="gone"):
        copies.run(2)
