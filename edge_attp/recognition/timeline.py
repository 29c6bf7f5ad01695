"""From the logits of single pictures, in decoding order, to what a video shows, in display order."""

from typing import Any, List, Optional, Sequence, Tuple

import numpy as np

from edge_attp.recognition.events import DEFAULT, EventDetector, Smoother, Thresholds
from edge_attp.recognition.order import DisplayOrder
from edge_attp.recognition.records import Event, Result, Scores
from edge_attp.recognition.scores import VideoMean, score
from edge_attp.recognition.times import DisplayTimes, Untimed

__all__ = ["Timeline"]

Shown = List[Tuple[Result, List[Event]]]


class Timeline:
    """Puts pictures in order, gives them times, smooths their scores, finds events, takes the mean.

    interval_s, jump_s: see DisplayTimes; a picture is shown for interval_s.
    """

    def __init__(
        self,
        labels: Sequence[str],
        stream: str,
        interval_s: float,
        thresholds: Thresholds = DEFAULT,
        jump_s: float = float("inf"),
    ) -> None:
        self._interval_s = interval_s
        self._order = DisplayOrder()
        self._times = DisplayTimes(interval_s, jump_s)
        self._mean = VideoMean()
        self._smoother = Smoother()
        self._smoothed: Optional[np.ndarray] = None
        self._events = EventDetector(labels, stream, thresholds)
        self._start_s, self._end_s = float("inf"), 0.0

    def add(
        self,
        result: Result,
        poc: int,
        starts_sequence: bool,
        time_s: Optional[float],
        logits: Optional[np.ndarray],
        step: int = 1,
        is_shown: bool = True,
    ) -> Shown:
        """A picture in decoding order, logits None if it was not scored (see DisplayOrder.push). time_s,
        step: see Untimed. is_shown: False for one that only has its place in the order.

        Returns the pictures that can be shown now, each with the events that end there.
        """
        if logits is not None:
            self._mean.add(result.gop, logits)
        entry = Untimed((result, logits), time_s, step) if is_shown else None
        return self._show_next(self._order.push(poc, starts_sequence, entry))

    def flush(self) -> Shown:
        """All pictures that are held back."""
        shown = self._show_next(self._order.flush())
        return shown + self._show_all(self._times.flush())

    def end(self) -> List[Event]:
        """Ends all events."""
        return self._events.finish()

    @property
    def gops(self) -> int:
        """GOPs with at least one scored picture."""
        return self._mean.gops

    def scores(self) -> Optional[Scores]:
        """The video's scores so far: see VideoMean. None if nothing was scored and shown."""
        logits = self._mean.logits()
        if logits is None or self._smoothed is None:
            return None
        return score(logits, self._start_s, self._end_s)

    def _show_next(self, ready: List[Optional[Untimed]]) -> Shown:
        return self._show_all(self._times.add([entry for entry in ready if entry is not None]))

    def _show_all(self, timed: List[Tuple[Any, float]]) -> Shown:
        return [self._show(result, logits, start_s) for (result, logits), start_s in timed]

    def _show(
        self, result: Result, logits: Optional[np.ndarray], start_s: float
    ) -> Tuple[Result, List[Event]]:
        end_s = start_s + self._interval_s
        scores: Optional[Scores] = None
        events: List[Event] = []
        if logits is not None:
            scores = score(logits, start_s, end_s)
            self._smoothed = self._smoother.add(scores)
            events = self._events.add(self._smoothed, start_s, end_s)
            self._start_s = min(self._start_s, start_s)
            self._end_s = max(self._end_s, end_s)
        shown = result._replace(
            start_s=start_s, end_s=end_s, scores=scores, smoothed=self._smoothed
        )
        return shown, events
