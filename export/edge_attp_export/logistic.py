"""Logistic regression on a few numbers per clip: what a network must beat. Knows no video."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Iterator, NamedTuple, Optional, Sequence

import numpy as np
import torch
from torch.nn import functional

# Strengths of L2: factors of half the squared norm of the weights, added to the mean cross-entropy.
STRENGTHS = (10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
FOLDS = 5
STEPS = 200


class Line(NamedTuple):
    """Scores of a clip x are ((x - mean) / scale) @ weights + bias. float64 tensors (F), (F, C), (C)."""

    mean: torch.Tensor
    scale: torch.Tensor
    weights: torch.Tensor
    bias: torch.Tensor

    def scores(self, x: np.ndarray) -> torch.Tensor:
        """x: (N, F). Returns (N, C)."""
        return (torch.from_numpy(x) - self.mean) / self.scale @ self.weights + self.bias


@contextmanager
def one_thread() -> Iterator[None]:
    """For `fit` on few clips, where distributing the work takes longer than doing it."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def fit(
    x: np.ndarray,
    labels: np.ndarray,
    classes: int,
    strength: float,
    shares: Optional[np.ndarray] = None,
) -> Line:
    """Minimise the loss by L-BFGS. x: float64 (N, F), standardised here. labels: class numbers (N). shares: of each
    clip in the loss, float64 (N), sum 1; None for equal ones."""
    inputs, targets = torch.from_numpy(x), torch.from_numpy(labels)
    counts = torch.from_numpy(np.full(len(x), 1 / len(x)) if shares is None else shares)
    mean, scale = inputs.mean(0), inputs.std(0, correction=0)
    scale[scale < 1e-9] = 1  # constant features carry no information
    inputs = (inputs - mean) / scale
    weights = torch.zeros(x.shape[1], classes, dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(classes, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights, bias], max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        each = functional.cross_entropy(inputs @ weights + bias, targets, reduction="none")
        value = counts @ each + 0.5 * strength * weights.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    return Line(mean, scale, weights.detach(), bias.detach())


def balanced(labels: np.ndarray) -> np.ndarray:
    """Shares of clips, float64 (N), so that each class that occurs has the same, however many clips it has."""
    numbers = np.bincount(labels)
    shares: np.ndarray = 1.0 / (np.count_nonzero(numbers) * numbers[labels])
    return shares


def chosen_strength(
    x: np.ndarray, labels: np.ndarray, classes: int, groups: Sequence[str], seed: int
) -> float:
    """The strength with the least cross-entropy on groups left out of the fit."""
    fold_of = folds(groups, seed)
    losses = [
        sum(_loss_left_out(x, labels, classes, strength, fold_of == k) for k in range(FOLDS))
        for strength in STRENGTHS
    ]
    return STRENGTHS[int(np.argmin(losses))]


def folds(groups: Sequence[str], seed: int) -> np.ndarray:
    """The fold of each clip, int (N): groups in random order, each into the smallest fold."""
    names, sizes = np.unique(np.array(groups), return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    filled = np.zeros(FOLDS, int)
    fold_of = {}
    for index in order:
        fold = int(filled.argmin())
        fold_of[names[index]] = fold
        filled[fold] += sizes[index]
    return np.array([fold_of[name] for name in groups])


def _loss_left_out(
    x: np.ndarray, labels: np.ndarray, classes: int, strength: float, left_out: np.ndarray
) -> float:
    """Sum of the cross-entropy of the clips left out."""
    if not left_out.any() or left_out.all():
        return 0.0
    scores = fit(x[~left_out], labels[~left_out], classes, strength).scores(x[left_out])
    targets = torch.from_numpy(labels[left_out])
    return float(functional.cross_entropy(scores, targets, reduction="sum"))
