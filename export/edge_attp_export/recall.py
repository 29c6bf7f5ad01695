"""What a threshold leaves of what is to be found: events in held-out clips, as the runtime would find them."""

from __future__ import annotations

from typing import List, NamedTuple, Optional, Sequence

import numpy as np

from edge_attp.recognition import Smoother

from .false_events import Track, events
from .picture_answers import ClipPictures, PictureAnswers
from .results import Results, Row, softmax
from .significance import interval

PICTURE_S = 0.04


class Recall(NamedTuple):
    """found: share of the clips of a label in which an event of it begins, with its 95 % interval over groups. others:
    share of all other clips in which one begins."""

    found: float
    low: float
    high: float
    others: float


class HeldOut:
    """The answers of a cross-validation, with the temperature of the pack.

    background: number of the label of idle pictures, None if the pack names none. answers: for single pictures; without
    them, an event is taken to begin where the probability of the whole clip reaches the threshold. Raises UsageError if
    they belong to other results.
    """

    def __init__(
        self,
        results: Results,
        row: Row,
        answers: Optional[PictureAnswers],
        temperature: float,
        background: Optional[int],
    ) -> None:
        self._results = results
        self._clips = softmax(row.scores() / temperature)
        self._tracks: Optional[List[List[Track]]] = None
        if answers is not None:
            answers.check([clip.name for clip in results.clips], len(self._clips))
            self._tracks = [
                [_track(clip, temperature, background) for clip in seed] for seed in answers.clips()
            ]

    @property
    def description(self) -> str:
        seeds, clips, _ = self._clips.shape
        how = "smoothed single pictures" if self._tracks else "whole clips"
        return f"{clips} clips of {self._results.set}, {seeds} seeds, by {how}"

    def recall(self, label: int, threshold: float) -> Recall:
        """Of a label with this threshold."""
        hits = self._hits(label, threshold).mean(0)
        is_of_label = self._results.truth == label
        groups = [group for group, own in zip(self._results.groups, is_of_label) if own]
        low, high = interval(hits[is_of_label], groups)
        return Recall(float(hits[is_of_label].mean()), low, high, float(hits[~is_of_label].mean()))

    def _hits(self, label: int, threshold: float) -> np.ndarray:
        """Whether an event begins, float (S, N)."""
        if self._tracks is None:
            return (self._clips[:, :, label] >= threshold).astype(float)
        return np.array(
            [[len(events(track, label, threshold)) > 0 for track in seed] for seed in self._tracks],
            float,
        )


def _track(clip: ClipPictures, temperature: float, background: Optional[int]) -> Track:
    """Smooth the pictures of a clip. Each stands for the time until the next: not all have been scored."""
    probabilities = softmax(clip.logits.astype(float) / temperature).astype(np.float32)
    idle = np.zeros(probabilities.shape[1], np.float32)
    if background is not None:
        idle[background] = 1.0
    probabilities[clip.is_idle] = idle
    smoother = Smoother()
    times: List[float] = clip.times_s.astype(float).tolist()
    smoothed = [smoother.smooth(one, time_s) for one, time_s in zip(probabilities, times)]
    return Track(np.array(times), _ends(times), np.array(smoothed, np.float32))


def _ends(times: Sequence[float]) -> np.ndarray:
    steps = np.diff(times)
    last = float(np.median(steps)) if len(steps) else PICTURE_S
    return np.array([*times[1:], times[-1] + last])
