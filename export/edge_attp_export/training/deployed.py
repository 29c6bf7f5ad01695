"""Compares the deployed path, a model pack in `edge_attp` on whole files, with PyTorch."""

from __future__ import annotations

from typing import List, NamedTuple

import numpy as np

from edge_attp.engine import load_pack, open_backend
from edge_attp.errors import ModelError, SourceError
from edge_attp.pipeline import Options, recognise

from ..data.loader import ClipSamples
from ..data.prepared import Prepared
from .scoring import ClipScores


class Agreement(NamedTuple):
    """largest_difference: between deployed and PyTorch's logits of any clip. spread: standard
    deviation of the logits over the classes, mean over the clips. same_answer: share of clips."""

    clips: int
    top1: float
    same_answer: float
    largest_difference: float
    spread: float


def deployed_scores(
    pack_folder: str, prepared: Prepared, samples: ClipSamples, labels: np.ndarray
) -> ClipScores:
    """Verdicts of `edge-attp run` on the videos themselves, every P and B picture scored.

    Raises ModelError for a pack with other classes, SourceError for a video in which nothing could be
    scored.
    """
    pack = load_pack(pack_folder)
    if pack.labels != prepared.labels:
        raise ModelError(f"{pack_folder}: its labels differ from those of {prepared.folder}")
    backend = open_backend("auto", None)
    rows: List[np.ndarray] = []
    for entry in samples.entries:
        video = prepared.video(entry.name)
        verdict = recognise(str(video), pack, backend, [], Options())
        scores = verdict.scores
        if scores is None:
            raise SourceError(f"{video}: nothing was scored")
        rows.append(scores.logits.astype(np.float64))
    return ClipScores(np.arange(len(rows)), np.array(rows), labels)


def agreement(torch_scores: ClipScores, deployed: ClipScores) -> Agreement:
    ours, theirs = torch_scores.logits, deployed.logits
    return Agreement(
        clips=len(ours),
        top1=deployed.top1,
        same_answer=float((ours.argmax(1) == theirs.argmax(1)).mean()),
        largest_difference=float(np.abs(ours - theirs).max()),
        spread=float(ours.std(1).mean()),
    )
