"""How sure a result is: intervals by bootstrap over groups, paired tests, area under ROC. Knows no video.

Clips of a group (a source, an actor) resemble each other, so whole groups are drawn: with 300 clips from 60 sources
there are 60 independent observations rather than 300.
"""

from __future__ import annotations

from math import comb
from typing import Callable, List, NamedTuple, Sequence, Tuple

import numpy as np

DRAWS = 2000
LIMITS = (2.5, 97.5)  # percentiles of a 95 % interval


class Paired(NamedTuple):
    """Second result minus first, as a share of 1, with its 95 % interval.

    first_only, second_only: clips that only one of them has right. p: of McNemar's exact test, two-sided, which
    takes clips as independent; the interval does not.
    """

    difference: float
    low: float
    high: float
    first_only: int
    second_only: int
    p: float


def interval(hits: np.ndarray, groups: Sequence[str], seed: int = 0) -> Tuple[float, float]:
    """95 % bootstrap interval of the mean of `hits` (N), drawing whole groups."""
    names, group_of = np.unique(np.array(groups), return_inverse=True)
    sums = np.bincount(group_of, hits, len(names))
    sizes = np.bincount(group_of, minlength=len(names))
    drawn = np.random.default_rng(seed).integers(len(names), size=(DRAWS, len(names)))
    means = sums[drawn].sum(1) / sizes[drawn].sum(1)
    low, high = np.percentile(means, LIMITS)
    return float(low), float(high)


def interval_of(
    statistic: Callable[[np.ndarray], float], groups: Sequence[str], seed: int = 0
) -> Tuple[float, float]:
    """The same for any statistic of the clips whose indices it is given; draws for which it is NaN are left out."""
    names, group_of = np.unique(np.array(groups), return_inverse=True)
    members = [np.flatnonzero(group_of == number) for number in range(len(names))]
    random = np.random.default_rng(seed)
    found: List[float] = []
    for _ in range(DRAWS):
        drawn = random.integers(len(names), size=len(names))
        found.append(statistic(np.concatenate([members[number] for number in drawn])))
    low, high = np.nanpercentile(found, LIMITS)
    return float(low), float(high)


def area_under_roc(scores: np.ndarray, positive: np.ndarray) -> float:
    """The share of pairs of a positive and a negative clip that `scores` (N) put in order, ties counting half.

    positive: bool (N). NaN if all clips are of one kind.
    """
    values, ranks = np.unique(scores, return_inverse=True)
    above = np.bincount(ranks[positive], minlength=len(values)).astype(float)
    below = np.bincount(ranks[~positive], minlength=len(values)).astype(float)
    if not above.sum() or not below.sum():
        return float("nan")
    lower = np.cumsum(below) - below
    return float((above * (lower + below / 2)).sum() / (above.sum() * below.sum()))


def paired(first: np.ndarray, second: np.ndarray, groups: Sequence[str], seed: int = 0) -> Paired:
    """Compare two results on the same clips. first, second: bool (N), whether the answer was right."""
    gained = second.astype(float) - first.astype(float)
    low, high = interval(gained, groups, seed)
    only = int((first & ~second).sum()), int((second & ~first).sum())
    return Paired(float(gained.mean()), low, high, *only, mcnemar(*only))


def mcnemar(first_only: int, second_only: int) -> float:
    """The chance of a split at least as uneven as this among the clips on which two results differ."""
    different = first_only + second_only
    tail = sum(comb(different, count) for count in range(min(first_only, second_only) + 1))
    return min(float(2 * tail / 2**different), 1.0)
