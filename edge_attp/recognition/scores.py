"""Logits to probabilities, and the mean of a video as the paper takes it."""

from typing import Callable, List, Optional, Sequence, Tuple

import numpy as np

from edge_attp.recognition.records import RegionLogits, ScoredRegion, VideoScores

__all__ = [
    "Activation",
    "VideoMean",
    "rank_regions",
    "score_idle",
    "score_region",
    "score_video",
    "sigmoid",
    "softmax",
    "top",
]

Activation = Callable[
    [np.ndarray], np.ndarray
]  # logits (classes,) to probabilities, float32 (classes,)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities, float32 (classes,), of logits (classes,)."""
    exponentials = np.exp(logits.astype(np.float64) - logits.max())
    probabilities: np.ndarray = (exponentials / exponentials.sum()).astype(np.float32)
    return probabilities


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Probabilities, float32 (classes,), of logits (classes,) of labels that do not exclude each other."""
    probabilities: np.ndarray = (1.0 / (1.0 + np.exp(-logits.astype(np.float64)))).astype(
        np.float32
    )
    return probabilities


def score_region(said: RegionLogits, activation: Activation = softmax) -> ScoredRegion:
    """The scores of a region; the logits are copied to float32."""
    logits = np.array(said.logits, np.float32)
    return ScoredRegion(said.region, logits, activation(logits))


def score_idle(label: int, classes: int) -> ScoredRegion:
    """The scores of a whole picture in which nothing moves: probability 1 for this label, logits of 0 and -inf."""
    logits = np.full(classes, -np.inf, np.float32)
    logits[label] = 0.0
    return ScoredRegion(None, logits, softmax(logits))


def rank_regions(
    regions: Sequence[ScoredRegion], background: Sequence[int]
) -> Tuple[ScoredRegion, ...]:
    """The regions of a picture, the one that speaks for the picture first.

    That is the whole picture if it was scored, else the region with the highest probability of any label that is
    not in `background` (their places in the list of labels), else the first region; so it is of equal ones. The others
    keep their order.
    """
    if len(regions) < 2:
        return tuple(regions)

    def weight(scored: ScoredRegion) -> float:
        if scored.region is None:
            return 2.0
        return float(np.delete(scored.probabilities, background).max()) if background else 0.0

    first = max(regions, key=weight)
    return (first, *[scored for scored in regions if scored is not first])


def score_video(
    logits: np.ndarray, start_s: float, end_s: float, activation: Activation = softmax
) -> VideoScores:
    """The scores of a video whose mean logits these are; they are copied to float32."""
    logits = np.array(logits, np.float32)
    return VideoScores(logits, activation(logits), start_s, end_s)


def top(probabilities: np.ndarray, labels: Sequence[str], count: int) -> List[Tuple[str, float]]:
    """The `count` most probable labels, best first; of equals, the first in the list of labels."""
    order = np.argsort(-probabilities, kind="mergesort")[:count]
    return [(labels[index], float(probabilities[index])) for index in order]


class VideoMean:
    """Mean of the logits over the scored pictures of each GOP, then over the GOPs.

    In the paper's protocol (section 4.1) each GOP gives one sampled picture; here a GOP counts once,
    however many of its pictures were scored.
    """

    def __init__(self) -> None:
        self._gop: Optional[int] = None
        self._gop_sum = np.zeros(0)
        self._gop_pictures = 0
        self._closed_sum = np.zeros(0)
        self._closed = 0

    def add_logits(self, gop: int, logits: np.ndarray) -> None:
        """Takes the logits (classes,) of one picture. gop: its number; all pictures of a GOP come before those of the
        next."""
        if gop != self._gop:
            self._closed_sum = self._sum_of_means()
            self._closed = self.gops
            self._gop, self._gop_pictures = gop, 0
            self._gop_sum = np.zeros(len(logits))
        self._gop_sum += logits
        self._gop_pictures += 1

    @property
    def gops(self) -> int:
        """GOPs with at least one scored picture."""
        return self._closed + (self._gop_pictures > 0)

    def logits(self) -> Optional[np.ndarray]:
        """The mean so far, float64 (classes,); None if nothing was scored."""
        return self._sum_of_means() / self.gops if self.gops else None

    def _sum_of_means(self) -> np.ndarray:
        if not self._gop_pictures:
            return self._closed_sum
        mean = self._gop_sum / self._gop_pictures
        return mean + self._closed_sum if self._closed else mean
