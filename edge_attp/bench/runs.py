"""Runs a video through the pipeline several times, and records times and memory.

The pipeline is that of `edge-attp run`, threads included, with a sink that only counts. Between these runs it
runs with all stages in one thread, one after the other. Each run opens the video and the graphs again;
opening is timed separately.
"""

import os
import resource
import sys
import time
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

from edge_attp.engine import Backend, Pack
from edge_attp.errors import SourceError, UsageError
from edge_attp.pipeline import Options, recognise
from edge_attp.protocols import Protocol
from edge_attp.recognition import ScoredPicture, Verdict
from edge_attp.sinks import Header, Sink
from edge_attp.timing import Clock, StageTimes

__all__ = [
    "WARM_UP",
    "Measurement",
    "OpenBackend",
    "Repetition",
    "Setup",
    "demo_clip",
    "measure",
    "pictures_per_s",
]

WARM_UP = 1  # whole runs that are not counted


class OpenBackend(Protocol):
    """edge_attp.engine.open_backend with the rest chosen; either argument may be left out."""

    def __call__(self, threads: Optional[int] = ..., buffers: Optional[str] = ...) -> Backend: ...


class Setup(NamedTuple):
    """What to measure."""

    video: str
    pack: Pack
    options: Options
    open_backend: OpenBackend


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
    """All counted runs; `sequential` are those in one thread. kinds: pictures of each kind, "I", "P" and
    "B". peak_rss_bytes: of this process since it started. device_bytes: how much less memory is free on
    the device since the backend was opened, None for a device without memory of its own."""

    header: Header
    kinds: Dict[str, int]
    repetitions: Tuple[Repetition, ...]
    sequential: Tuple[Repetition, ...]
    peak_rss_bytes: int
    device_bytes: Optional[int]


def demo_clip() -> str:
    """The clip in the repository. UsageError if the package is installed outside it."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    path = os.path.join(os.path.dirname(package), "examples", "demo.mp4")
    if not os.path.isfile(path):
        raise UsageError(
            "the demo clip comes with the repository, not with an installation: name a video with --video"
        )
    return path


def measure(setup: Setup, repeat: int, progress: Callable[[str], None]) -> Measurement:
    """Runs the video WARM_UP + repeat times, and as often in one thread.

    progress is called with a line of text before each pair of runs. SourceError if fewer than two pictures
    could be scored: then there is no time between them.
    """
    backend = setup.open_backend()
    in_one_thread = setup._replace(options=setup.options._replace(overlap=False))
    repetitions: List[Repetition] = []
    sequential: List[Repetition] = []
    meter = _Meter()
    for number in range(WARM_UP + repeat):
        progress("warm-up" if number < WARM_UP else f"run {number} of {repeat}")
        sequential.append(_run(in_one_thread, backend, _Meter()))
        meter = _Meter()
        repetitions.append(_run(setup, backend, meter))
    assert meter.header is not None
    return Measurement(
        header=meter.header,
        kinds=meter.kinds,
        repetitions=tuple(repetitions[WARM_UP:]),
        sequential=tuple(sequential[WARM_UP:]),
        peak_rss_bytes=_peak_rss_bytes(),
        device_bytes=backend.device_memory_bytes(),
    )


def pictures_per_s(setup: Setup, backend: Backend) -> float:
    """Scored pictures per second of one run."""
    run = _run(setup, backend, _Meter())
    return run.scored / run.seconds


def _run(setup: Setup, backend: Backend, meter: "_Meter") -> Repetition:
    video, pack, options, _ = setup
    clock, begin_s = Clock(), time.monotonic()
    verdict = recognise(video, pack, backend, [meter], options, clock)
    if verdict.scored < 2:
        raise SourceError(
            f"{video}: {verdict.scored} pictures were scored, and measuring takes two: name a longer video "
            "with P or B pictures"
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
    """Counts pictures and the processor time between begin and finish."""

    def __init__(self) -> None:
        self.header: Optional[Header] = None
        self.kinds: Dict[str, int] = {}
        self.start_s = self.cpu_s = 0.0

    def begin(self, header: Header) -> None:
        self.header = header
        self.start_s = time.monotonic()
        self.cpu_s = -time.process_time()

    def picture(self, picture: ScoredPicture) -> None:
        self.kinds[picture.kind] = self.kinds.get(picture.kind, 0) + 1

    def finish(self, verdict: Verdict) -> None:
        self.cpu_s += time.process_time()


def _peak_rss_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
