"""Events that begin in quiet video: counting them at each threshold, what a count proves, choosing a threshold."""

from __future__ import annotations

import math
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from edge_attp.recognition import Thresholds

# Thresholds that are tried, rising.
GRID: Tuple[float, ...] = (*(round(0.05 + 0.01 * n, 2) for n in range(95)), 0.995, 0.998, 0.999)
CONFIDENCE = 0.95  # of the bound on a rate, one-sided
_HALVINGS = 60


class Track(NamedTuple):
    """What events are taken from, picture by picture in display order.

    start_s, end_s: when each is shown, float (P). smoothed: probabilities, float32 (P, C).
    """

    start_s: np.ndarray
    end_s: np.ndarray
    smoothed: np.ndarray

    def from_second(self, second: float) -> Track:
        """Without what is shown before."""
        return Track(*(values[self.start_s >= second] for values in self))


def events(track: Track, label: int, start: float) -> np.ndarray:
    """When events of a label begin and end, float (E, 2), with this threshold: as EventDetector finds them."""
    thresholds = Thresholds(start=start)
    probability = track.smoothed[:, label]
    start, end = (np.float32(level) for level in thresholds.levels())
    # At most one event begins in a stretch, and it ends with the stretch.
    stretch = np.cumsum(probability < end)
    above = np.flatnonzero(probability >= start)
    stretches, first = np.unique(stretch[above], return_index=True)
    last = np.searchsorted(stretch, stretches, "right") - 1
    found = np.stack([track.start_s[above[first]], track.end_s[last]], 1)
    return np.asarray(found[found[:, 1] - found[:, 0] >= thresholds.shortest_s])


class Quiet(NamedTuple):
    """Quiet video that was scored.

    counts: int (V, L, len(GRID)), the events in each video, of each label that may raise some, at each threshold.
    seconds, distinct_seconds: of each video, float (V); the latter without repetitions.
    """

    names: Tuple[str, ...]
    labels: Tuple[str, ...]
    counts: np.ndarray
    seconds: np.ndarray
    distinct_seconds: np.ndarray

    def of(self, label: str) -> Quiet:
        """One label alone."""
        place = self.labels.index(label)
        return self._replace(labels=(label,), counts=self.counts[:, [place]])

    @property
    def hours(self) -> float:
        return float(self.seconds.sum()) / 3600

    def rate(self, at: Dict[str, float]) -> Rate:
        """False events with these thresholds, by label."""
        places = [GRID.index(at[label]) for label in self.labels]
        in_video = self.counts[:, range(len(places)), places].sum(1)
        share = self.distinct_seconds / self.seconds
        distinct_hours = float(self.distinct_seconds.sum()) / 3600
        count = int(in_video.sum())
        worst = [self.names[n] for n in np.argsort(-in_video, kind="stable")[:3] if in_video[n]]
        return Rate(
            count,
            count / self.hours,
            most_per_hour(count, self.hours),
            most_per_hour(math.ceil(float((in_video * share).sum()) - 1e-9), distinct_hours),
            worst,
        )


class Rate(NamedTuple):
    """False events. most_per_hour: with 95 % certainty the rate is at most this, if all of the video counts as new;
    most_distinct_per_hour: if repetitions count once. worst: the videos with most of them."""

    events: int
    per_hour: float
    most_per_hour: float
    most_distinct_per_hour: float
    worst: List[str]


def most_per_hour(count: int, hours: float, confidence: float = CONFIDENCE) -> float:
    """The rate of a Poisson process at which so few events in so many hours would have a chance of 1 - confidence."""
    low, high = 0.0, 2.0 * count + 20
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_most(count, middle) > 1 - confidence else (low, middle)
    return high / hours


def _at_most(count: int, mean: float) -> float:
    """The chance of `count` or fewer."""
    number = np.arange(count + 1)
    logarithms = np.concatenate([[0.0], np.cumsum(np.log(number[1:]))])
    return float(np.exp(number * math.log(mean) - mean - logarithms).sum())


def choose(
    quiet: Quiet, per_hour: float, least: float, is_certain: bool
) -> Optional[Dict[str, float]]:
    """The least thresholds, from `least` on, at which all labels together raise at most `per_hour` events an hour.

    The same for all labels at first; then each is lowered as far as that adds no event. is_certain: it is the bound on
    the rate that may not be more, not the rate that was seen. None if no threshold is high enough.
    """
    counts = quiet.counts.sum(0)
    candidates = [place for place, threshold in enumerate(GRID) if threshold >= least]
    fits = [_fits(int(counts[:, n].sum()), quiet.hours, per_hour, is_certain) for n in candidates]
    if not fits or not fits[-1]:
        return None
    lowest = max((n for n, fit in enumerate(fits) if not fit), default=-1) + 1
    chosen = {}
    for label, own in zip(quiet.labels, counts[:, candidates]):
        more = (n for n in range(lowest) if own[n] != own[lowest])
        chosen[label] = GRID[candidates[max(more, default=-1) + 1]]
    return chosen


def _fits(count: int, hours: float, per_hour: float, is_certain: bool) -> bool:
    return (most_per_hour(count, hours) if is_certain else count / hours) <= per_hour


def quiet_of(
    tracks: Sequence[Track], names: Sequence[str], distinct: Sequence[float], labels: Dict[str, int]
) -> Quiet:
    """Count the events in each video. distinct: the share of each that does not repeat. labels: their numbers."""
    counts = np.array(
        [
            [[len(events(track, number, start)) for start in GRID] for number in labels.values()]
            for track in tracks
        ]
    )
    seconds = np.array([float(track.end_s.max() - track.start_s.min()) for track in tracks])
    return Quiet(tuple(names), tuple(labels), counts, seconds, seconds * np.array(distinct))
