"""Smoothing over time, and events with a start and an end."""

import uuid
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from edge_attp.recognition.records import Box, Event

__all__ = ["EventDetector", "Smoother", "Thresholds"]

START, END = 0.6, 0.4  # where neither the user nor the model says anything


class Thresholds(NamedTuple):
    """Smoothed probabilities from which on an event starts, and below which it ends, as the user wants them.

    start: None leaves it to the model, see levels(). end: None takes 0.4, or two thirds of the start if that is less.
    Events shorter than shortest_s are not reported.
    """

    start: Optional[float] = None
    end: Optional[float] = None
    shortest_s: float = 0.2

    def levels(self, learned: Optional[float] = None) -> Tuple[float, float]:
        """Start and end for a label for which the model has `learned` where to start; without that, 0.6 is taken.

        ValueError unless 0 < end <= start <= 1; an end above what the model has learned is lowered to it.
        """
        start, end = self.start, self.end
        if start is None:
            start = START if learned is None else learned
            end = None if end is None else min(end, start)
        if end is None:
            end = min(END, 2 * start / 3)
        if not 0.0 < end <= start <= 1.0:
            raise ValueError(
                f"thresholds: got start {start:g} and end {end:g}, expected 0 < end <= start <= 1"
            )
        return start, end


DEFAULT = Thresholds()
NOTHING: Mapping[str, float] = {}


class Smoother:
    """Exponential moving average of probabilities: what lies `half_life_s` back weighs half as much.

    Steps may be uneven; a step back in time counts as none.
    """

    def __init__(self, half_life_s: float = 0.5) -> None:
        self._half_life_s = half_life_s
        self._mean: Optional[np.ndarray] = None
        self._time_s = 0.0

    def smooth(self, probabilities: np.ndarray, start_s: float) -> np.ndarray:
        """The average, float32 (classes,), with those of the picture shown at start_s in it."""
        if self._mean is None:
            self._mean = probabilities.astype(np.float32)
            self._time_s = start_s
            return self._mean
        step_s = max(start_s - self._time_s, 0.0)
        keep = np.float32(0.5 ** (step_s / self._half_life_s))
        self._mean = keep * self._mean + (1 - keep) * probabilities
        self._time_s = max(self._time_s, start_s)
        return self._mean


class _OpenEvent:
    """An event that has not ended."""

    def __init__(self, start_s: float) -> None:
        self.id = uuid.uuid4().hex
        self.start_s = self.end_s = self.peak_s = start_s
        self.score = 0.0
        self.box: Optional[Box] = None


class EventDetector:
    """Hysteresis per label: an event starts and ends at the levels of its label, see Thresholds.

    learned: by label, where the model starts events. ValueError for thresholds that make no sense.
    """

    def __init__(
        self,
        labels: Sequence[str],
        stream: str = "",
        thresholds: Thresholds = DEFAULT,
        learned: Mapping[str, float] = NOTHING,
    ) -> None:
        levels = [thresholds.levels(learned.get(label)) for label in labels]
        self._labels = labels
        self._stream = stream
        self._starts, self._ends = np.array(levels, np.float32).reshape(-1, 2).T
        self._shortest_s = thresholds.shortest_s
        self._open: Dict[int, _OpenEvent] = {}

    def detect(
        self, smoothed: np.ndarray, start_s: float, end_s: float, box: Optional[Box] = None
    ) -> List[Event]:
        """Takes the smoothed probabilities, (classes,), of the picture shown from start_s to end_s, and where in it
        something moves; returns the events that it ends."""
        ended: List[Event] = []
        for index in sorted(self._open):
            if smoothed[index] < self._ends[index]:
                ended += self._end_event(index)
        for index in np.nonzero(smoothed >= self._starts)[0].tolist():
            if index not in self._open:
                self._open[index] = _OpenEvent(start_s)
        for index, event in self._open.items():
            event.end_s = max(event.end_s, end_s)
            if smoothed[index] > event.score:
                event.score, event.peak_s = float(smoothed[index]), start_s
                event.box = box
        return ended

    def end_all(self) -> List[Event]:
        """Ends the events that are still open, and returns them."""
        ended: List[Event] = []
        for index in sorted(self._open):
            ended += self._end_event(index)
        return ended

    def _end_event(self, index: int) -> List[Event]:
        event = self._open.pop(index)
        if event.end_s - event.start_s < self._shortest_s:
            return []
        return [
            Event(
                label=self._labels[index],
                score=event.score,
                start_s=event.start_s,
                end_s=event.end_s,
                peak_s=event.peak_s,
                stream=self._stream,
                id=event.id,
                phase="end",
                box=event.box,
            )
        ]
