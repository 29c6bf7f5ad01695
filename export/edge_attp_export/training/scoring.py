"""Scores of whole clips by the paper's protocol: the mean over the pictures of a GOP, then over GOPs."""

from __future__ import annotations

from collections import defaultdict
from contextlib import AbstractContextManager
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Sequence, Tuple, TypeVar

import numpy as np
import torch
from torch import nn

from edge_attp.recognition import VideoMean

from ..attp import ATTP
from ..data.loader import Batch
from ..data.prepared import ClipEntry
from .processes import Processes

Module = TypeVar("Module", bound=nn.Module)
Autocast = Callable[[], "AbstractContextManager[Any]"]


class ClipScores(NamedTuple):
    """numbers: indices of the clips, int64 (M). logits: float64 (M, classes). labels: (M). pictures: for each clip, the
    logits of each picture that was scored, float64 (P, classes); empty if they were not kept."""

    numbers: np.ndarray
    logits: np.ndarray
    labels: np.ndarray
    pictures: Tuple[np.ndarray, ...] = ()

    @property
    def top1(self) -> float:
        return float((self.logits.argmax(1) == self.labels).mean())

    @property
    def loss(self) -> float:
        """Mean cross-entropy of the clips."""
        shifted = self.logits - self.logits.max(1, keepdims=True)
        log_sum = np.log(np.exp(shifted).sum(1))
        return float((log_sum - shifted[np.arange(len(self.labels)), self.labels]).mean())

    def by_name(self, entries: Sequence[ClipEntry]) -> Dict[str, List[float]]:
        """The logits of each clip, by its name; `entries` are those that `numbers` index."""
        return {
            entries[number].name: [round(float(value), 5) for value in row]
            for number, row in zip(self.numbers, self.logits)
        }


def clip_scores(
    model: ATTP, batches: Iterable[Batch], where: Processes, autocast: Autocast
) -> ClipScores:
    """Scores of every clip in `batches`; a batch has all samples of a clip, GOP by GOP."""
    model.eval()
    means: Dict[int, VideoMean] = defaultdict(VideoMean)
    pictures: Dict[int, List[np.ndarray]] = defaultdict(list)
    labels: Dict[int, int] = {}
    for batch in batches:
        moved = batch.to(where.device)
        with torch.no_grad(), autocast():
            scores = model.outputs(moved.inputs).parts.sum(0).double().cpu().numpy()
        for clip, gop, label, row in zip(
            batch.clips.tolist(), batch.gops.tolist(), batch.labels.tolist(), scores
        ):
            means[clip].add_logits(gop, row)
            pictures[clip].append(row)
            labels[clip] = label
    own = {
        clip: (mean.logits(), labels[clip], np.array(pictures[clip]))
        for clip, mean in means.items()
    }
    everyone: Dict[int, Any] = {}
    for part in where.gathered(own):
        everyone.update(part)  # the share of a process may be padded with clips of others
    numbers = sorted(everyone)
    rows: List[Any] = [everyone[clip] for clip in numbers]
    logits, classes, each = zip(*rows)
    return ClipScores(np.array(numbers), np.array(logits), np.array(classes), each)


def in_fast_layout(module: Module) -> Module:
    """The module itself, its kernels in the memory layout that suits convolutions, which run in that of their
    kernels: a training step takes two thirds of the time on a CPU."""
    for parameter in module.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return module


def confusion(scores: ClipScores, classes: int) -> np.ndarray:
    """int64 (classes, classes): a row per true class, a column per predicted class."""
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (scores.labels, scores.logits.argmax(1)), 1)
    return counts
