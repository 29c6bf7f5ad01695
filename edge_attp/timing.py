"""The one clock: how long each stage took, under names that are the same everywhere.

`total` is the time from one scored picture to the next, so 1 / total is the rate that the pipeline delivers.
Stages overlap, so it is shorter than their sum.
"""

import threading
import time
from collections import deque
from itertools import islice
from typing import Deque, Dict, List, NamedTuple, Optional

__all__ = ["STAGES", "Clock", "StageTimes", "StageTotal"]

STAGES = (
    "demux",
    "parse",
    "decode_key",
    "regions",
    "tensors",
    "upload",
    "appearance",
    "motion",
    "score",
    "sink",
    "total",
)
TARGET_MS = 25.0  # 40 pictures a second
_KEPT = 20000  # newest durations per stage: a run without end must not grow


class StageTimes(NamedTuple):
    """One stage: how often it ran since the start; mean and percentiles of its newest runs in milliseconds."""

    runs: int
    mean_ms: float
    p50_ms: float
    p90_ms: float
    p99_ms: float


class StageTotal(NamedTuple):
    """One stage since the start: how often it ran, and for how long in all."""

    runs: int
    seconds: float


class Clock:
    """Collects the durations of stages. Any thread may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._durations: Dict[str, Deque[float]] = {name: deque(maxlen=_KEPT) for name in STAGES}
        self._counts = dict.fromkeys(STAGES, 0)
        self._seconds = dict.fromkeys(STAGES, 0.0)

    def stage(self, name: str) -> "_Running":
        """`with clock.stage("parse"): ...` measures and records one run of a stage."""
        return _Running(self, name)

    def record(self, name: str, seconds: float) -> None:
        """Records one run of a stage. KeyError unless name is one of STAGES."""
        with self._lock:
            self._durations[name].append(seconds)
            self._counts[name] += 1
            self._seconds[name] += seconds

    def last_ms(self, name: str) -> float:
        """The newest duration of a stage in milliseconds, 0 before the first."""
        with self._lock:
            durations = self._durations[name]
            return 1000.0 * durations[-1] if durations else 0.0

    def totals(self) -> Dict[str, StageTotal]:
        """The stages that ran, in the order of STAGES. Much faster than summary()."""
        with self._lock:
            return {
                name: StageTotal(runs, self._seconds[name])
                for name, runs in self._counts.items()
                if runs
            }

    def summary(self, newest: Optional[int] = None) -> Dict[str, StageTimes]:
        """The stages that ran, in the order of STAGES. newest: how many of the last runs of each count, by
        default all that are kept."""
        with self._lock:
            counts = dict(self._counts)
            durations = {
                name: list(islice(reversed(values), newest))
                for name, values in self._durations.items()
                if values
            }
        return {name: _times(counts[name], sorted(durations[name])) for name in durations}


class _Running:
    def __init__(self, clock: Clock, name: str) -> None:
        self._clock = clock
        self._name = name

    def __enter__(self) -> None:
        self._start = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._clock.record(self._name, time.monotonic() - self._start)


def _times(runs: int, ordered: List[float]) -> StageTimes:
    mean_ms = 1000.0 * sum(ordered) / len(ordered)
    return StageTimes(runs, mean_ms, *(_percentile(ordered, share) for share in (50, 90, 99)))


def _percentile(ordered: List[float], share: int) -> float:
    """Nearest-rank percentile of sorted seconds, in milliseconds."""
    rank = max(1, -(-len(ordered) * share // 100))
    return 1000.0 * ordered[rank - 1]
