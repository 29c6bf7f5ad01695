"""What the service knows of itself, for the health page and its metrics.

The main loop writes; any thread may read. Nothing here acts on anything.
"""

import itertools
import threading
import time
from collections import deque
from typing import Callable, Deque, Dict, List, NamedTuple, Optional, Sequence, Tuple

from edge_attp import __version__
from edge_attp.log import logger
from edge_attp.pipeline import Stream
from edge_attp.recognition import Event
from edge_attp.sinks import Sink

__all__ = ["GAUGES", "EventSink", "SeenEvent", "ServiceState"]

_KEPT_EVENTS = 100
# Counters of sinks that say how things are, not what happened: they go with the sink.
GAUGES = ("spool_waiting",)

NamedSink = Tuple[str, Sink]


class SeenEvent(NamedTuple):
    """number: counts all events of this process. time_s: of the wall clock, when it was reported."""

    number: int
    time_s: float
    event: Event


class ServiceState:
    """is_ready: the engine runs, and a source is open or all have been tried. progress: of the session,
    None while there is none. restarts: how often each stream was started again."""

    version = __version__

    def __init__(self, config_path: str) -> None:
        self.config_path = config_path
        self.started_s = time.time()
        self.is_ready = False
        self.progress: Optional[int] = None
        self.stream_count = 0  # of the configuration
        self.restarts: Dict[str, int] = {}
        self.recent_events: Deque[SeenEvent] = deque(maxlen=_KEPT_EVENTS)
        self.streams: Callable[[], Sequence[Stream]] = list  # the newest of each name
        self._numbers = itertools.count(1)
        self._sinks: List[NamedSink] = []
        self._closed: Dict[str, Dict[str, int]] = {}  # sums of sinks that are gone
        self._lock = threading.Lock()

    def add_event(self, event: Event) -> None:
        """Adds an event, from any thread."""
        with self._lock:
            self.recent_events.append(SeenEvent(next(self._numbers), time.time(), event))

    def add_sinks(self, named: Sequence[NamedSink]) -> None:
        """Adds the sinks of a stream that begins, with their names."""
        with self._lock:
            self._sinks += named

    def drop_sinks(self, named: Sequence[NamedSink]) -> None:
        """Removes the sinks of a stream that has ended; what they counted stays."""
        with self._lock:
            gone = {id(sink) for _, sink in named}
            for name, sink in self._sinks:
                if id(sink) in gone:
                    counters = sink.counters()
                    _add(self._closed, name, {k: counters[k] for k in counters if k not in GAUGES})
            self._sinks = [pair for pair in self._sinks if id(pair[1]) not in gone]

    def sink_counters(self) -> Dict[str, Dict[str, int]]:
        """What all sinks have counted since the start, by the name of the sink."""
        with self._lock:
            sums: Dict[str, Dict[str, int]] = {}
            for name, counters in self._closed.items():
                _add(sums, name, counters)
            for name, sink in self._sinks:
                _add(sums, name, sink.counters())
            return sums


class EventSink(Sink):
    """Adds events to the state and the log."""

    def __init__(self, state: ServiceState) -> None:
        self._state = state

    def event(self, event: Event) -> None:
        self._state.add_event(event)
        logger.info(
            "%s: %s, %.0f %%, from %.1f to %.1f s",
            event.stream,
            event.label,
            100.0 * event.score,
            event.start_s,
            event.end_s,
        )


def _add(sums: Dict[str, Dict[str, int]], name: str, counters: Dict[str, int]) -> None:
    own = sums.setdefault(name, {})
    for counter, value in counters.items():
        own[counter] = own.get(counter, 0) + value
