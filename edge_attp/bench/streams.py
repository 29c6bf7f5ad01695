"""Several copies of a video in one session: pictures per second, and live streams sustained.

A number of live streams counts as sustained only after that many copies have run at the pace of the video, as
cameras would deliver it, and every one of them has kept up.
"""

import time
from statistics import median
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from edge_attp.bench.runs import Setup
from edge_attp.engine import Backend
from edge_attp.errors import SourceError
from edge_attp.pipeline import Job, Options, Session
from edge_attp.recognition import Verdict

__all__ = ["Copies", "Streams", "Throughput", "Trial", "measure_streams"]

RUNS = 3
MOST_TRIALS = 6
SLACK_S = 0.25  # how long after its last picture is due a stream may end
LEAST_SCORED = 0.99  # of what is scored without a clock


class Trial(NamedTuple):
    """Copies at the pace of the video. slowest_s: until the last one ended. scored_share: the lowest of all
    copies, of what is scored when they run as fast as they can."""

    copies: int
    slowest_s: float
    scored_share: float
    is_sustained: bool


class Throughput(NamedTuple):
    """Copies as fast as they can. batch: the largest number of pictures run at once. pictures_per_s: of all
    copies together; scored_per_s: those that are scored."""

    batch: int
    pictures_per_s: float
    scored_per_s: float


class Streams(NamedTuple):
    """How many live streams are sustained, and how that was found.

    throughputs: of `copies` copies, medians of `runs` runs, best first; the trials use the batch of the first.
    frame_rate: of one stream. estimated: streams that the best throughput would feed. allowed_s and
    least_scored: limits that every stream of a trial must keep. sustained: copies of the last trial if it
    succeeded, otherwise 0.
    """

    copies: int
    runs: int
    throughputs: Tuple[Throughput, ...]
    frame_rate: float
    estimated: int
    allowed_s: float
    least_scored: float
    trials: Tuple[Trial, ...]
    sustained: int


class Copies:
    """Runs copies of a video through one session, repeatedly. batch: pictures to run at once."""

    def __init__(self, setup: Setup, backend: Backend, batch: int) -> None:
        self._video = setup.video
        self._options = setup.options
        self._session = Session(setup.pack, backend, batch)
        self.batch = self._session.batch
        self.frame_rate: Optional[float] = None

    def run(self, copies: int, options: Optional[Options] = None) -> Tuple[List[Verdict], float]:
        """The verdicts of all copies, and the seconds until the last one ended. Raises the error of a copy."""
        jobs = [
            Job(self._video, list, options or self._options, f"copy {number + 1}")
            for number in range(copies)
        ]
        begin_s = time.monotonic()
        streams = [self._session.submit(job) for job in jobs]
        self._session.run()
        seconds = time.monotonic() - begin_s
        for stream in streams:
            if stream.error is not None:
                raise stream.error
        rate = streams[0].status.frame_rate
        self.frame_rate = None if rate is None else float(rate)
        return [stream.verdict for stream in streams if stream.verdict is not None], seconds

    def scored_per_s(self, copies: int) -> float:
        """Scored pictures per second of one run."""
        verdicts, seconds = self.run(copies)
        return sum(verdict.scored for verdict in verdicts) / seconds

    def try_live(self, copies: int, scored: int) -> Trial:
        """One run at the pace of the video. scored: pictures that one copy scores as fast as it can."""
        # The first group of pictures of a camera does not wait for the second one.
        verdicts, _ = self.run(copies, self._options._replace(realtime=True, wait=False))
        slowest_s = max(verdict.seconds for verdict in verdicts)
        share = min(verdict.scored for verdict in verdicts) / scored
        is_sustained = slowest_s <= self.allowed_s(verdicts[0].pictures) and share >= LEAST_SCORED
        return Trial(copies, slowest_s, share, is_sustained)

    def allowed_s(self, pictures: int) -> float:
        """How long a live stream of this many pictures may take."""
        assert self.frame_rate is not None
        return pictures / self.frame_rate + SLACK_S


def measure_streams(
    candidates: Sequence[Copies], count: int, progress: Callable[[str], None]
) -> Streams:
    """Runs `count` copies RUNS times as fast as they can, then as many live ones as that throughput would
    feed, and fewer until all keep up.

    candidates: batches, of which the one with the highest throughput is taken. progress is called with a line of
    text before each run. SourceError if the video has no frame rate or no picture of it is scored.
    """
    seconds: Dict[Copies, List[float]] = {copies: [] for copies in candidates}
    for number in range(RUNS):
        for copies in candidates:
            progress(f"{count} copies, batch {copies.batch}, run {number + 1} of {RUNS}")
            verdicts, took_s = copies.run(count)
            seconds[copies].append(took_s)
    one, rate = verdicts[0], copies.frame_rate
    if not rate or not one.scored:
        raise SourceError("--streams needs a video with a frame rate and pictures to score")
    ordered = sorted(candidates, key=lambda copies: median(seconds[copies]))
    found = tuple(_throughput(copies, one, count / median(seconds[copies])) for copies in ordered)
    estimated = int(found[0].pictures_per_s / rate)
    trials = _trials(ordered[0], estimated, one, progress)
    return Streams(
        copies=count,
        runs=RUNS,
        throughputs=found,
        frame_rate=rate,
        estimated=estimated,
        allowed_s=ordered[0].allowed_s(one.pictures),
        least_scored=LEAST_SCORED,
        trials=trials,
        sustained=trials[-1].copies if trials and trials[-1].is_sustained else 0,
    )


def _throughput(copies: Copies, one: Verdict, copies_per_s: float) -> Throughput:
    return Throughput(copies.batch, copies_per_s * one.pictures, copies_per_s * one.scored)


def _trials(
    copies: Copies, estimated: int, one: Verdict, progress: Callable[[str], None]
) -> Tuple[Trial, ...]:
    """Goes down from the estimate, in steps as large as the delay of the previous trial."""
    trials: List[Trial] = []
    count = estimated
    while count >= 1 and len(trials) < MOST_TRIALS:
        progress(f"{count} live streams")
        trials.append(copies.try_live(count, one.scored))
        if trials[-1].is_sustained:
            break
        fits = int(count * copies.allowed_s(one.pictures) / trials[-1].slowest_s)
        count = min(count - 1, fits)
    return tuple(trials)
