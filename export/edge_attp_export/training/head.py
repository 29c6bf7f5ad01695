"""The classifiers of frozen networks, fitted at once: logistic regression on the mean features of clips.

The scores of a clip are the mean of its pictures' scores, and classifiers are linear: so a line through the means of
clips is a classifier of pictures. Steps on single pictures come to less, because most pictures of a clip do not tell.
"""

from __future__ import annotations

from typing import List, Sequence, Tuple

import numpy as np
import torch
from torch import nn

from ..attp import ATTP
from ..data.loader import Batch
from ..logistic import balanced, fit, one_thread


def fit_head(
    model: ATTP, batches: Sequence[Batch], strength: float, is_balanced: bool = False
) -> None:
    """Set the classifiers of `model` from feature maps. batches: each holds whole draws of clips; strength: of L2.
    is_balanced: each class counts as much, however many clips it has."""
    names = list(model.architecture.networks)
    classes = model.architecture.classes
    x, labels = _means(names, batches)
    with one_thread():
        shares = balanced(labels) if is_balanced else None
        line = fit(x, labels, classes, strength, shares)
    weights = line.weights / line.scale[:, None]
    bias = line.bias - line.mean @ weights
    begin = 0
    with torch.no_grad():
        for name in names:
            classifier = model.classifiers[name]
            assert isinstance(classifier, nn.Linear)
            end = begin + classifier.in_features
            classifier.weight.copy_(weights[begin:end].T)
            classifier.bias.copy_(bias / len(names))
            begin = end


def _means(names: Sequence[str], batches: Sequence[Batch]) -> Tuple[np.ndarray, np.ndarray]:
    """Features float64 (draws, F), the networks' side by side, and class numbers (draws,)."""
    rows: List[np.ndarray] = []
    labels: List[int] = []
    for batch in batches:
        maps = [batch.maps[name].float().mean(2) for name in names]
        features = torch.cat(maps, 1).double().cpu().numpy()
        # A mirrored picture may belong to another class than the rest of its clip.
        kinds = np.stack([batch.clips.numpy(), batch.labels.numpy()], 1)
        for kind in np.unique(kinds, axis=0):
            rows.append(features[(kinds == kind).all(1)].mean(0))
            labels.append(int(kind[1]))
    return np.stack(rows), np.array(labels)
