"""The last part of a stream: order, smoothing, events and sinks, in a thread of its own.

Takes pictures with their logits in decoding order. Knows nothing of sources and networks.
"""

import queue
import threading
import time
from concurrent.futures import Future
from typing import Callable, List, NamedTuple, Optional, Sequence, Tuple, Union

from edge_attp.bitstream.source import ASSUMED_RATE
from edge_attp.log import logger
from edge_attp.pipeline.options import StreamStatus
from edge_attp.recognition import (
    Activation,
    Event,
    PictureLogits,
    ScoredPicture,
    Thresholds,
    Timeline,
    Verdict,
    top,
)
from edge_attp.sinks import Header, Sink
from edge_attp.types import StreamStats

__all__ = ["Conclusion", "Writer"]

SHOWN_LABELS = 3  # in the status


class Conclusion(NamedTuple):
    """How a stream ended. with_verdict: the sinks get one. explanation: why nothing was scored, for people, in case
    nothing was; None if nobody needs one."""

    stats: StreamStats
    is_complete: bool
    with_verdict: bool
    explanation: Optional[str]


class _Opening(NamedTuple):
    """The source is open. begun: done when all sinks have begun."""

    header: Header
    begun: "Future[None]"


_Message = Union[_Opening, PictureLogits, Conclusion]


class Writer:
    """Hands the results to the sinks and closes them in the end; nothing else calls them.

    `wake` is called when it has caught up, and at the end. `failure` is what a sink raised: nothing is written
    after it.
    """

    def __init__(
        self,
        sinks: Sequence[Sink],
        status: StreamStatus,
        thresholds: Thresholds,
        activation: Activation,
        wake: Callable[[], None],
    ) -> None:
        self._sinks = sinks
        self._status = status
        self._clock = status.clock
        self._thresholds = thresholds
        self._activation = activation
        self._wake = wake
        self._header: Optional[Header] = None
        self._timeline: Optional[Timeline] = None
        self._scored = self._idle = 0
        self._started_s = time.monotonic()
        self.failure: Optional[BaseException] = None
        self.verdict: Optional[Verdict] = None
        self.is_over = False
        self._queue: "queue.Queue[_Message]" = queue.Queue()
        self._thread: Optional[threading.Thread] = None

    def start_thread(self) -> None:
        """From now on, calls the sinks in a thread of its own instead of the caller's."""
        self._thread = threading.Thread(target=self._work, name="edge-attp-writer", daemon=True)
        self._thread.start()

    def begin_sinks(self, header: Header) -> None:
        """Returns when all sinks have begun. Raises what one of them raised."""
        opening = _Opening(header, Future())
        self._post(opening)
        opening.begun.result()

    @property
    def backlog(self) -> int:
        return self._queue.qsize()

    def write_picture(self, picture: PictureLogits) -> None:
        """Takes the next picture in decoding order."""
        self._post(picture)

    def conclude(self, conclusion: Conclusion) -> None:
        """After the last picture: ends the events, gives the verdict, closes the sinks."""
        self._post(conclusion)

    def join_thread(self, timeout_s: float) -> None:
        if self._thread is not None:
            self._thread.join(timeout=timeout_s)

    def _post(self, message: _Message) -> None:
        if self._thread is None:
            self._handle(message)
        else:
            self._queue.put(message)

    def _work(self) -> None:
        while not self.is_over:
            self._handle(self._queue.get())
            if self.is_over or self.failure is not None or not self._queue.qsize():
                self._wake()

    def _handle(self, message: _Message) -> None:
        try:
            if isinstance(message, _Opening):
                self._begin(message)
            elif isinstance(message, Conclusion):
                self._conclude(message)
            elif self.failure is None:
                self._write(message)
        except BaseException as error:  # whatever it is, the session must hear of it
            self.failure = self.failure or error
        finally:
            if isinstance(message, Conclusion):
                self._close()

    def _begin(self, opening: _Opening) -> None:
        header = opening.header
        try:
            interval_s = 1.0 / float(header.frame_rate or ASSUMED_RATE)
            self._timeline = Timeline(
                header.labels,
                header.stream,
                interval_s,
                self._thresholds,
                header.jump_s,
                header.background,
                self._activation,
                header.thresholds,
            )
            self._header = header
            for sink in self._sinks:
                sink.begin(header)
            self._started_s = time.monotonic()
        except BaseException as error:
            opening.begun.set_exception(error)
        else:
            opening.begun.set_result(None)

    def _write(self, picture: PictureLogits) -> None:
        assert self._timeline is not None
        self._scored += bool(picture.regions)
        self._idle += picture.is_idle
        with self._clock.stage("score"):
            shown = self._timeline.add_picture(picture)
        self._show(shown)

    def _show(self, shown: List[Tuple[ScoredPicture, List[Event]]]) -> None:
        assert self._header is not None
        for picture, events in shown:
            with self._clock.stage("sink"):
                for sink in self._sinks:
                    sink.picture(picture)
                self._report(events)
            if picture.smoothed is not None:
                self._status.top = top(picture.smoothed, self._header.labels, SHOWN_LABELS)

    def _report(self, events: List[Event]) -> None:
        for event in events:
            self._status.events += 1
            for sink in self._sinks:
                sink.event(event)

    def _conclude(self, conclusion: Conclusion) -> None:
        if self._timeline is None or self._header is None or self.failure is not None:
            return
        self._show(self._timeline.show_remaining())
        self._report(self._timeline.end_events())
        verdict = Verdict(
            scores=self._timeline.video_scores(),
            gops=self._timeline.gops,
            pictures=conclusion.stats.pictures - conclusion.stats.hidden,
            scored=self._scored,
            damaged=conclusion.stats.damaged,
            seconds=time.monotonic() - self._started_s,
            is_complete=conclusion.is_complete,
            idle=self._idle,
        )
        self.verdict = verdict
        if conclusion.with_verdict:
            for sink in self._sinks:
                sink.finish(verdict)
        if not (verdict.scored or verdict.idle) and conclusion.explanation:
            logger.warning(
                "%s: nothing was scored: %s", self._header.source, conclusion.explanation
            )

    def _close(self) -> None:
        for sink in self._sinks:
            try:
                sink.close()
            except BaseException as error:
                self.failure = self.failure or error
        self.is_over = True
