"""What every sink and every observer looks like, and the header that both begin with."""

import os
import threading
from collections import OrderedDict
from fractions import Fraction
from typing import Dict, Generic, Mapping, NamedTuple, Optional, Tuple, TypeVar

import numpy as np

from edge_attp.bitstream import Picture
from edge_attp.bitstream.orientation import UPRIGHT, Matrix, Orientation
from edge_attp.errors import UsageError
from edge_attp.recognition import Event, ScoredPicture, Verdict
from edge_attp.timing import Clock

__all__ = ["MOST_EARLY", "EarlyData", "Header", "Observer", "Sink"]

# Pictures of a stream that were observed and have no result yet, at most: those of a first GOP that wait for the
# second key picture (300), and what lies in queues and in the reordering (less than 100).
MOST_EARLY = 512
Data = TypeVar("Data")


class Header(NamedTuple):
    """What is known before the first picture.

    source: its address, without passwords. frame_rate: pictures per second, None if unknown. clock: goes on
    being updated. stream: the name of the job, by default that of the source. jump_s, track: see
    CompressedVideo. orientation: how pictures, which are upright here, were turned; display_matrix: the
    container's, for sinks that pass on the stream itself. background: labels that say that nothing of interest
    happens. regions: how many are scored at most, 0 where the whole picture is. thresholds: see Pack.
    """

    source: str
    width: int
    height: int
    frame_rate: Optional[Fraction]
    model: str
    is_trained: bool
    labels: Tuple[str, ...]
    backend: str
    clock: Clock
    bit_depth: int = 8
    stream: str = ""
    jump_s: float = float("inf")
    orientation: Orientation = UPRIGHT
    display_matrix: Optional[Matrix] = None
    track: int = 0
    background: Tuple[str, ...] = ()
    regions: int = 0
    thresholds: Mapping[str, float] = {}


class Observer:
    """Sees pictures early: in decoding order, before they are scored. All methods are called in the reading thread,
    so whatever they take the stream waits for.

    needs_every_picture: nothing is left out even where few pictures are scored.
    """

    needs_every_picture = False

    def begin(self, header: Header) -> None:
        """Called once for each stream, before its first picture."""

    def observe(self, picture: Picture, key_rgb: Optional[np.ndarray]) -> None:
        """Called with each picture that is shown.

        key_rgb: RGB uint8 (height, width, 3) where the picture was decoded as a key picture, else None. It may
        be kept but not written to.
        """

    def close(self) -> None:
        """Called after begin(), when nothing more is read; results may still come."""


class EarlyData(Generic[Data]):
    """What an observer has prepared of pictures, until their results come. Any thread may use it.

    limit: of more pictures than that, the oldest data is dropped.
    """

    def __init__(self, limit: int = MOST_EARLY) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._by_index: "OrderedDict[int, Data]" = OrderedDict()

    def __len__(self) -> int:
        return len(self._by_index)

    def keep(self, decode_index: int, data: Data) -> None:
        """Keeps the data of a picture."""
        with self._lock:
            self._by_index[decode_index] = data
            if len(self._by_index) > self._limit:
                self._by_index.popitem(last=False)

    def take(self, decode_index: int) -> Optional[Data]:
        """Gives the data of a picture away: None if there is none, or if it was taken before."""
        with self._lock:
            return self._by_index.pop(decode_index, None)


class Sink:
    """Takes results in display order. All methods but counters() are called in one thread, the writer's.

    observer: sees the pictures before the sink gets their results, for sinks that need more than results.
    """

    observer: Optional[Observer] = None

    def begin(self, header: Header) -> None:
        """Called once, before anything else and before the first picture is read. What it raises ends the
        stream."""

    def picture(self, picture: ScoredPicture) -> None:
        """Called with every picture that is shown, scored or not."""

    def event(self, event: Event) -> None:
        """Called with every event, when it has ended."""

    def finish(self, verdict: Verdict) -> None:
        """Called once at the end, also of a run that was interrupted."""

    def close(self) -> None:
        """Always called last, also after an error in any sink; may be called twice."""

    def counters(self) -> Dict[str, int]:
        """What has happened so far, by name, for the metrics of a service. Any thread may ask."""
        return {}


def refuse_input(option: str, path: str, source: str) -> None:
    """UsageError if the file that an option names is the video that is being read."""
    if os.path.exists(path) and os.path.exists(source) and os.path.samefile(path, source):
        raise UsageError(f"{option} {path}: that is the input; name another file")
