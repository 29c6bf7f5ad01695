"""The last part of a stream: order, smoothing, events and sinks, in a thread of its own.

Takes pictures with their logits in decoding order. Knows nothing of sources and networks.
"""

import queue
import threading
import time
import uuid
from typing import Any, Callable, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from edge_attp.log import logger
from edge_attp.pipeline.options import StreamStatus
from edge_attp.pipeline.reader import ASSUMED_RATE, Item
from edge_attp.recognition import Event, Result, Thresholds, Timeline, Verdict, top
from edge_attp.sinks import Header, Sink
from edge_attp.types import StreamStats

__all__ = ["Conclusion", "Writer"]

SHOWN_LABELS = 3  # in the status


class Conclusion(NamedTuple):
    """How a stream ended. is_told: the sinks get a verdict. why_nothing: the reason if nothing was
    scored, None if nobody needs one."""

    stats: StreamStats
    is_complete: bool
    is_told: bool
    why_nothing: Optional[str]


class _Picture(NamedTuple):
    item: Item
    logits: Optional[np.ndarray]


class Writer:
    """Hands results to the sinks, and closes them in the end. `wake` is called when it has caught up,
    and at the end. `failure` is what a sink raised: nothing is written after it."""

    def __init__(
        self,
        sinks: Sequence[Sink],
        status: StreamStatus,
        thresholds: Thresholds,
        wake: Callable[[], None],
    ) -> None:
        self._sinks = sinks
        self._status = status
        self._clock = status.clock
        self._thresholds = thresholds
        self._wake = wake
        self._header: Optional[Header] = None
        self._timeline: Optional[Timeline] = None
        self._scored = 0
        self._started_s = time.monotonic()
        self.failure: Optional[BaseException] = None
        self.verdict: Optional[Verdict] = None
        self.is_over = False
        self._queue: "queue.Queue[Any]" = queue.Queue()
        self._thread: Optional[threading.Thread] = None

    def start(self) -> None:
        """From now on in a thread of its own; without it, in that of the caller."""
        self._thread = threading.Thread(target=self._work, name="edge-attp-writer", daemon=True)
        self._thread.start()

    def begin(self, header: Header) -> None:
        """Before the first picture, in the reading thread: starts the sinks."""
        interval_s = 1.0 / float(header.frame_rate or ASSUMED_RATE)
        self._timeline = Timeline(
            header.labels, header.stream, interval_s, self._thresholds, header.jump_s
        )
        self._header = header
        for sink in self._sinks:
            sink.start(header)
        self._started_s = time.monotonic()

    @property
    def backlog(self) -> int:
        return self._queue.qsize()

    def put(self, item: Item, logits: Optional[np.ndarray]) -> None:
        """A picture, in decoding order; logits None if it was not scored."""
        self._post(_Picture(item, logits))

    def conclude(self, conclusion: Conclusion) -> None:
        """After the last picture: events end, the verdict is told, the sinks are closed."""
        self._post(conclusion)

    def join(self, timeout_s: float) -> None:
        if self._thread is not None:
            self._thread.join(timeout=timeout_s)

    def _post(self, message: Any) -> None:
        if self._thread is None:
            self._take(message)
        else:
            self._queue.put(message)

    def _work(self) -> None:
        while not self.is_over:
            self._take(self._queue.get())
            if self.is_over or self.failure is not None or not self._queue.qsize():
                self._wake()

    def _take(self, message: Any) -> None:
        try:
            if isinstance(message, Conclusion):
                self._conclude(message)
            elif self.failure is None:
                self._write(message)
        except BaseException as error:  # whatever it is, the session must hear of it
            self.failure = self.failure or error
        finally:
            if isinstance(message, Conclusion):
                self._close()

    def _write(self, picture: _Picture) -> None:
        assert self._timeline is not None
        item, logits = picture
        self._scored += logits is not None
        result = item.result._replace(note=item.notes)
        with self._clock.stage("score"):
            shown = self._timeline.add(
                result,
                item.poc,
                item.starts_sequence,
                item.time_s,
                logits,
                item.step,
                item.is_shown,
            )
        self._show(shown)

    def _show(self, shown: List[Tuple[Result, List[Event]]]) -> None:
        assert self._header is not None
        for result, events in shown:
            with self._clock.stage("sink"):
                for number, sink in enumerate(self._sinks):
                    note = result.note[number] if result.note else None
                    sink.picture(result._replace(note=note))
                self._report(events)
            if result.smoothed is not None:
                self._status.top = top(result.smoothed, self._header.labels, SHOWN_LABELS)

    def _report(self, events: List[Event]) -> None:
        for event in events:
            self._status.events += 1
            event = event._replace(id=uuid.uuid4().hex)
            for sink in self._sinks:
                sink.event(event)

    def _conclude(self, conclusion: Conclusion) -> None:
        if self._timeline is None or self.failure is not None:
            return
        self._show(self._timeline.flush())
        self._report(self._timeline.end())
        verdict = Verdict(
            scores=self._timeline.scores(),
            gops=self._timeline.gops,
            pictures=conclusion.stats.pictures - conclusion.stats.hidden,
            scored=self._scored,
            damaged=conclusion.stats.damaged,
            seconds=time.monotonic() - self._started_s,
            is_complete=conclusion.is_complete,
        )
        self.verdict = verdict
        if conclusion.is_told:
            for sink in self._sinks:
                sink.finish(verdict)
        if not verdict.scored and conclusion.why_nothing and self._header is not None:
            logger.warning(
                "%s: nothing was scored: %s", self._header.source, conclusion.why_nothing
            )

    def _close(self) -> None:
        for sink in self._sinks:
            try:
                sink.close()
            except BaseException as error:
                self.failure = self.failure or error
        self.is_over = True
