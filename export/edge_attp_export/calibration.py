"""Probabilities that are right as often as they say: one temperature that divides the logits of a model.

Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, section 4.2: the temperature that minimises
the negative log-likelihood of held-out answers. It changes no answer. What is fitted is the verdict on a clip as the
runtime takes it, the softmax of its mean logits. What that does to single pictures, which events follow, is reported.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

import numpy as np

from edge_attp.errors import UsageError

from .picture_answers import PictureAnswers
from .results import Results, Row, softmax
from .significance import interval_of

LEAST, MOST = 0.1, 10.0  # temperatures; beyond, the answers say nothing about their probability
BINS = 10
_STEPS = 20  # of the bisection: the temperature is then known to five digits
_PARTS = 10


class Reliability(NamedTuple):
    """Answers in bins of equal numbers, by their probability.

    stated: mean probability, right: share of right answers, both float (B). counts: int (B).
    """

    stated: np.ndarray
    right: np.ndarray
    counts: np.ndarray

    @property
    def error(self) -> float:
        """The expected calibration error: mean distance of stated and right, over the answers."""
        return float(np.average(np.abs(self.stated - self.right), weights=self.counts))

    def chance(self, seeds: int) -> float:
        """The error that would be left if all probabilities were right, because the answers are few.

        seeds: how many answers each clip has given; as they are much alike, they count as one.
        """
        deviations = np.sqrt(self.stated * (1 - self.stated) * seeds / self.counts)
        return float(np.sqrt(2 / np.pi) * np.average(deviations, weights=self.counts))


class Quality(NamedTuple):
    """How good probabilities are. loss: mean negative log-likelihood of the truth, in nats."""

    loss: float
    reliability: Reliability


class OfPictures(NamedTuple):
    """What the temperature of the clips does to single pictures. own_temperature: the best for them."""

    before: Quality
    after: Quality
    own_temperature: float


class Calibration(NamedTuple):
    """low, high: 95 % interval of the temperature, over groups. before: of the model as it is. after: with temperatures
    that were fitted without the clip's group. pictures: None where they are not known."""

    temperature: float
    low: float
    high: float
    clips: int
    seeds: int
    before: Quality
    after: Quality
    pictures: Optional[OfPictures] = None


def fit_temperature(logits: np.ndarray, truth: np.ndarray) -> float:
    """The temperature, from LEAST to MOST, with the least negative log-likelihood.

    logits: (M, C). truth: classes (M).
    """
    right = logits[np.arange(len(truth)), truth]

    def slope(temperature: float) -> float:
        """Of the loss over the inverse temperature, in which it is convex."""
        return float((softmax(logits / temperature) * logits).sum() - right.sum())

    low, high = np.log(LEAST), np.log(MOST)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(np.exp(middle)) > 0 else (low, middle)
    return float(np.exp((low + high) / 2))


def quality(logits: np.ndarray, truth: np.ndarray) -> Quality:
    """logits: (M, C). truth: classes (M)."""
    probabilities = softmax(logits)
    of_truth = probabilities[np.arange(len(truth)), truth]
    loss = float(-np.log(np.maximum(of_truth, np.finfo(float).tiny)).mean())
    return Quality(loss, reliability(probabilities.max(1), probabilities.argmax(1) == truth))


def reliability(stated: np.ndarray, is_right: np.ndarray) -> Reliability:
    """stated: the probability of each answer (M). is_right: bool (M)."""
    order = np.argsort(stated, kind="stable")
    bins = [places for places in np.array_split(order, BINS) if len(places)]
    return Reliability(
        np.array([stated[places].mean() for places in bins]),
        np.array([is_right[places].mean() for places in bins]),
        np.array([len(places) for places in bins]),
    )


def calibrate(results: Results, row: Row, answers: Optional[PictureAnswers] = None) -> Calibration:
    """The calibration of the model of a row. answers: for the pictures of the same clips and seeds; with them, verdicts
    leave out what the runtime leaves out, and clips in which nothing moves.

    Raises UsageError for a row that is not a model's, and for answers that belong to other clips.
    """
    if row.kind != "model":
        raise UsageError(f"{results.set}: the row '{row.name}' is a {row.kind}, not a model")
    scores = row.scores() if answers is None else _verdicts(results, row, answers)
    moves = np.isfinite(scores).all((0, 2))
    scores, truth = scores[:, moves], results.truth[moves]
    groups = [group for group, does in zip(results.groups, moves) if does]
    seeds, clips, classes = scores.shape

    def fitted(places: np.ndarray) -> float:
        return fit_temperature(
            scores[:, places].reshape(-1, classes), np.tile(truth[places], seeds)
        )

    every, everywhere = np.tile(truth, seeds), np.arange(clips)
    temperature = fitted(everywhere)
    low, high = interval_of(fitted, groups)
    unseen = _unseen(fitted, groups)[None, :, None]
    found = Calibration(
        temperature,
        low,
        high,
        clips,
        seeds,
        quality(scores.reshape(-1, classes), every),
        quality((scores / unseen).reshape(-1, classes), every),
    )
    if answers is None:
        return found
    return found._replace(pictures=_of_pictures(results, seeds, answers, temperature))


def _verdicts(results: Results, row: Row, answers: PictureAnswers) -> np.ndarray:
    """The logits of each clip as the runtime takes them, float (S, N, C); NaN where nothing moves."""
    seeds, clips, classes = row.probabilities.shape
    answers.check([clip.name for clip in results.clips], seeds)
    found = np.full((seeds, clips, classes), np.nan)
    for seed, pictures in enumerate(answers.clips()):
        for number, clip in enumerate(pictures):
            verdict = clip.verdict()
            if verdict is not None:
                found[seed, number] = verdict
    return found


def _unseen(fitted: Callable[[np.ndarray], float], groups: Sequence[str]) -> np.ndarray:
    """For each clip, the temperature of clips of other groups, float (N); those of a tenth of the groups share one."""
    names, group_of = np.unique(np.array(groups), return_inverse=True)
    parts = group_of % min(_PARTS, len(names))
    found = np.ones(len(parts))
    for part in np.unique(parts):
        others = np.flatnonzero(parts != part)
        found[parts == part] = fitted(others if len(others) else np.arange(len(parts)))
    return found


def _of_pictures(
    results: Results, seeds: int, answers: PictureAnswers, temperature: float
) -> OfPictures:
    is_seen = ~answers.pictures.is_idle
    logits = answers.pictures.logits[is_seen].astype(float)
    truth = np.repeat(np.tile(results.truth, seeds), answers.counts.ravel())[is_seen]
    after = quality(logits / temperature, truth)
    return OfPictures(quality(logits, truth), after, fit_temperature(logits, truth))


def as_json(found: Calibration, results: Results) -> Dict[str, Any]:
    """What model.json and the card say of it."""
    said: Dict[str, Any] = {
        "what": "the verdict on a clip, the softmax of its mean logits; its own temperature is 1 now",
        "temperature": round(found.temperature, 4),
        "interval": [round(found.low, 3), round(found.high, 3)],
        "held_out": f"{found.clips} clips of {results.set}, {found.seeds} seeds",
        **_before_after(found.before, found.after),
    }
    chance = found.after.reliability.chance(found.seeds)
    said["expected_calibration_error"]["by_chance_alone"] = round(chance, 4)
    if found.pictures is not None:
        before, after, own = found.pictures
        said["single_pictures"] = {**_before_after(before, after), "own_temperature": round(own, 3)}
    return said


def _before_after(before: Quality, after: Quality) -> Dict[str, Dict[str, float]]:
    pair = {"before": before, "after": after}
    return {
        "expected_calibration_error": {k: round(q.reliability.error, 4) for k, q in pair.items()},
        "negative_log_likelihood": {k: round(q.loss, 4) for k, q in pair.items()},
    }


def lines(found: Calibration) -> List[str]:
    """For a terminal."""
    at_limit = not LEAST * 1.001 < found.temperature < MOST / 1.001
    said = [
        f"temperature {found.temperature:.3f} ({found.low:.3f} to {found.high:.3f}), "
        f"{found.clips} clips, {found.seeds} seeds",
        _line("clips", found.before, found.after)
        + f"; by chance alone the error would be {found.after.reliability.chance(found.seeds):.3f}",
    ]
    if found.pictures is not None:
        before, after, own = found.pictures
        said.append(
            f"{_line('single pictures', before, after)}; their own temperature is {own:.3f}"
        )
    if at_limit:
        said.append(
            "the temperature is at its limit: the answers are all right, or no better than chance"
        )
    return said


def _line(what: str, before: Quality, after: Quality) -> str:
    return (
        f"{what}: expected calibration error {before.reliability.error:.3f} before, "
        f"{after.reliability.error:.3f} after; log-likelihood {-before.loss:.3f}, {-after.loss:.3f}"
    )
