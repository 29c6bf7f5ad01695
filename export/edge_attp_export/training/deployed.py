"""Compares the deployed path, a model pack in `edge_attp` on whole files, with PyTorch."""

from __future__ import annotations

from typing import List, NamedTuple

import numpy as np

from edge_attp.engine import Pack, open_backend
from edge_attp.errors import ModelError, SourceError
from edge_attp.pipeline import Options, recognise
from edge_attp.recognition import score_idle

from ..data.loader import ClipSamples
from ..data.prepared import Prepared
from .evaluation import picture_answers
from .scoring import ClipScores


class Agreement(NamedTuple):
    """idle: clips in which nothing moves, where both have the pack's background label. largest_difference: between
    deployed and PyTorch's logits of any clip. spread: standard deviation of the logits over the classes, mean over the
    other clips. same_answer: share of clips."""

    clips: int
    idle: int
    top1: float
    same_answer: float
    largest_difference: float
    spread: float


def deployed_scores(
    pack: Pack, prepared: Prepared, samples: ClipSamples, labels: np.ndarray
) -> ClipScores:
    """Verdicts of `edge-attp run` on the videos themselves, every P and B picture scored in which something moves, or
    every one if the pack sees whole pictures. A clip in which nothing moves has logits of 0 and -inf.

    Raises ModelError for a pack with other classes, SourceError for a video in which nothing could be
    scored.
    """
    if pack.labels != prepared.labels:
        raise ModelError(f"{pack.folder}: its labels differ from those of {prepared.folder}")
    backend = open_backend("auto", None)
    rows: List[np.ndarray] = []
    for entry in samples.entries:
        video = prepared.video(entry.name)
        verdict = recognise(str(video), pack, backend, [], Options())
        scores = verdict.scores
        if scores is None and verdict.idle:
            raise SourceError(
                f"{video}: nothing moves in it, and {pack.folder} has no label for that: export --background"
            )
        if scores is None:
            raise SourceError(f"{video}: nothing was scored")
        rows.append(scores.logits.astype(np.float64))
    return ClipScores(np.arange(len(rows)), np.array(rows), labels)


def as_on_device(scores: ClipScores, samples: ClipSamples, pack: Pack) -> ClipScores:
    """PyTorch's scores of clips, of the pictures that a device scores: where only a region is seen, those in which
    something moves. scores: of every picture of `samples`. A clip in which nothing moves is as in deployed_scores().
    """
    idle = np.full(len(pack.labels), np.nan)
    if pack.background:
        idle = score_idle(pack.labels.index(pack.background[0]), len(pack.labels)).logits
    verdicts = [clip.verdict() for clip in picture_answers(scores, samples).clips()[0]]
    logits = np.array([idle if verdict is None else verdict for verdict in verdicts], np.float64)
    return scores._replace(logits=logits)


def agreement(torch_scores: ClipScores, deployed: ClipScores) -> Agreement:
    """Compares what as_on_device() and deployed_scores() gave. Raises SourceError if nothing moves in any clip."""
    ours, theirs = torch_scores.logits, deployed.logits
    is_idle = np.isinf(theirs).any(1)
    if is_idle.all():
        raise SourceError("nothing moves in any clip, so that nothing can be compared")
    with np.errstate(invalid="ignore"):  # of equal infinities
        differences = np.where(ours == theirs, 0.0, np.abs(ours - theirs))
    return Agreement(
        clips=len(ours),
        idle=int(is_idle.sum()),
        top1=deployed.top1,
        same_answer=float((ours.argmax(1) == theirs.argmax(1)).mean()),
        largest_difference=float(differences.max()),
        spread=float(ours[~is_idle].std(1).mean()),
    )
