"""Splits that are made rather than stored: the folds of a cross-validation, and all clips.

A fold is named like a split of the set and can stand wherever one can: "3/10" tests on the third of ten folds of
whole groups, "3/10:2" on the third of another division, with seed 2. "all" trains on every clip and tests on none.
"""

from __future__ import annotations

import re
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from edge_attp.errors import UsageError

from .prepared import ClipEntry

ALL = "all"
_FOLD = re.compile(r"([1-9]\d*)/([1-9]\d*)(?::(\d+))?")


class Fold(NamedTuple):
    """number: of `folds`, from 1. seed: of the division."""

    number: int
    folds: int
    seed: int = 0

    @property
    def split(self) -> str:
        """Its name as a split."""
        return f"{self.number}/{self.folds}:{self.seed}"


def fold_named(split: str) -> Optional[Fold]:
    """The fold that a split's name stands for; None for a split that a set stores."""
    match = _FOLD.fullmatch(split)
    if match is None:
        return None
    number, count, seed = (int(text or 0) for text in match.groups())
    if not 1 <= number <= count or count < 2:
        raise UsageError(f"split '{split}': expected a fold from 1/{count} to {count}/{count}")
    return Fold(number, count, seed)


def divide_fold(
    entries: Sequence[ClipEntry], fold: Fold
) -> Tuple[List[ClipEntry], List[ClipEntry]]:
    """Clips to train on, and clips to test on."""
    fold_of = fold_of_groups(entries, fold.folds, fold.seed)
    tested = [fold_of[entry.group] == fold.number for entry in entries]
    return (
        [entry for entry, is_tested in zip(entries, tested) if not is_tested],
        [entry for entry, is_tested in zip(entries, tested) if is_tested],
    )


def fold_of_groups(entries: Sequence[ClipEntry], count: int, seed: int) -> Dict[str, int]:
    """The fold, from 1, of each group.

    The largest groups come first, those of equal size in random order, and each goes where its labels are rarest:
    folds are about equal in clips of each label. Raises UsageError for fewer groups than folds.
    """
    labels = sorted({entry.label for entry in entries})
    counts: Dict[str, np.ndarray] = {}
    for entry in entries:
        counts.setdefault(entry.group, np.zeros(len(labels)))[labels.index(entry.label)] += 1
    if len(counts) < count:
        raise UsageError(f"{count} folds need as many groups, and the set has {len(counts)}")
    names = np.array(sorted(counts))
    drawn = names[np.random.default_rng(seed).permutation(len(names))]
    filled = np.zeros((count, len(labels)))
    fold_of = {}
    for name in sorted(drawn.tolist(), key=lambda name: -counts[name].sum()):
        after = filled + counts[name]
        loads = np.square(after).sum(1) - np.square(filled).sum(1)
        fold = int(np.lexsort((filled.sum(1), loads))[0])
        filled[fold] += counts[name]
        fold_of[name] = fold + 1
    return fold_of
