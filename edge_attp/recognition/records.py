"""What recognition hands on. Immutable; times are in seconds from the start of the stream."""

from typing import Any, NamedTuple, Optional

import numpy as np

__all__ = ["Event", "Result", "Scores", "Verdict"]


class Scores(NamedTuple):
    """Scores of a picture or a whole video, float32 (classes,) each."""

    logits: np.ndarray
    probabilities: np.ndarray
    start_s: float
    end_s: float


class Event(NamedTuple):
    """A label that held for a while. `score` is its highest smoothed probability, at `peak_s`. `id` is
    given when the event is reported, the same to every sink; "" before."""

    label: str
    score: float
    start_s: float
    end_s: float
    peak_s: float
    stream: str
    id: str = ""


class Result(NamedTuple):
    """One picture, in display order. `scores` is None where the picture was not scored, `smoothed`
    (probabilities, float32 (classes,)) None as long as nothing was. `gop` counts from 0, -1 before
    the first key picture. `pts` is the container's; `start_s`, `end_s` are seconds from the first picture
    shown. `packet`: number of the packet in which it came. `note` is what a sink asked to be kept of the
    picture."""

    decode_index: int
    pts: Optional[int]
    start_s: float
    end_s: float
    kind: str
    is_key: bool
    integrity: str
    gop: int
    scores: Optional[Scores]
    smoothed: Optional[np.ndarray]
    note: Any
    packet: int = -1


class Verdict(NamedTuple):
    """What the whole video came to. `scores` is None if no picture was scored; `is_complete` is False
    if the run ended early."""

    scores: Optional[Scores]
    gops: int
    pictures: int
    scored: int
    damaged: int
    seconds: float
    is_complete: bool

    @property
    def pictures_per_second(self) -> float:
        """Pictures of the video, scored or not, per second of work."""
        return self.pictures / self.seconds if self.seconds > 0 else 0.0
