"""Runs a video through the pipeline several times and keeps what the clock and the system said.

The pipeline is the one of `edge-attp run`, reader thread and all, with a sink that only counts. Every
run opens the video and the graphs anew; opening is timed apart.
"""

import os
import resource
import sys
import time
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

from edge_attp.engine import Backend, Pack
from edge_attp.errors import SourceError, UsageError
from edge_attp.pipeline import Options, recognise
from edge_attp.recognition import Result, Verdict
from edge_attp.sinks import Header, Sink
from edge_attp.timing import Clock, StageTimes

__all__ = ["WARM_UP", "Measurement", "Repetition", "demo_clip", "measure"]

WARM_UP = 1  # whole runs that are not counted


class Repetition(NamedTuple):
    """One run. seconds: from the first byte of the video to the last result; cpu_s: processor time of
    all threads in that time; load_s: opening graphs and video before it."""

    stages: Dict[str, StageTimes]
    pictures: int
    scored: int
    seconds: float
    cpu_s: float
    load_s: float


class Measurement(NamedTuple):
    """All counted runs. kinds: pictures of each kind, "I", "P" and "B". peak_rss_bytes: of this process
    since it began."""

    header: Header
    kinds: Dict[str, int]
    repetitions: Tuple[Repetition, ...]
    peak_rss_bytes: int


def demo_clip() -> str:
    """The clip of a source checkout. UsageError where the package is installed without one."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    path = os.path.join(os.path.dirname(package), "examples", "demo.mp4")
    if not os.path.isfile(path):
        raise UsageError(
            "there is no demo clip beside this installation: name a video with --video"
        )
    return path


def measure(
    video: str,
    pack: Pack,
    backend: Backend,
    options: Options,
    repeat: int,
    progress: Callable[[str], None],
) -> Measurement:
    """Runs the video WARM_UP + repeat times; progress gets a line before each run.

    SourceError if not two pictures could be scored: then there is no time between them.
    """
    repetitions: List[Repetition] = []
    for number in range(WARM_UP + repeat):
        progress("warm-up" if number < WARM_UP else "run %d of %d" % (number, repeat))
        meter = _Meter()
        repetitions.append(_run(video, pack, backend, options, meter))
    counted = tuple(repetitions[WARM_UP:])
    assert meter.header is not None
    return Measurement(meter.header, meter.kinds, counted, _peak_rss_bytes())


def _run(video: str, pack: Pack, backend: Backend, options: Options, meter: "_Meter") -> Repetition:
    clock, begin_s = Clock(), time.monotonic()
    verdict = recognise(video, pack, backend, [meter], options, clock)
    if verdict.scored < 2:
        raise SourceError(
            "%s: %d pictures were scored, and measuring takes two; name a longer video with P or B "
            "pictures" % (video, verdict.scored)
        )
    return Repetition(
        stages=clock.summary(),
        pictures=verdict.pictures,
        scored=verdict.scored,
        seconds=verdict.seconds,
        cpu_s=meter.cpu_s,
        load_s=meter.start_s - begin_s,
    )


class _Meter(Sink):
    """Counts pictures and the processor time between start and finish."""

    def __init__(self) -> None:
        self.header: Optional[Header] = None
        self.kinds: Dict[str, int] = {}
        self.start_s = self.cpu_s = 0.0

    def start(self, header: Header) -> None:
        self.header = header
        self.start_s = time.monotonic()
        self.cpu_s = -time.process_time()

    def picture(self, result: Result) -> None:
        self.kinds[result.kind] = self.kinds.get(result.kind, 0) + 1

    def finish(self, verdict: Verdict) -> None:
        self.cpu_s += time.process_time()


def _peak_rss_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
