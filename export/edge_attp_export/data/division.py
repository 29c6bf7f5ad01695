"""Divides the clips of a prepared set into training, validation and test."""

from __future__ import annotations

from collections import defaultdict
from typing import Dict, List, NamedTuple, Set

import numpy as np

from edge_attp.errors import UsageError

from .folds import ALL, divide_fold, fold_named
from .prepared import ClipEntry, Prepared


class Division(NamedTuple):
    train: List[ClipEntry]
    val: List[ClipEntry]
    test: List[ClipEntry]


def divide(prepared: Prepared, split: str, validation: float, seed: int) -> Division:
    """The parts of split `split`, one that the set stores or one of `folds`.

    If there are no "val" clips, a share `validation` of the training clips of each label becomes
    them: whole groups, drawn at random. Raises UsageError for a split that does not exist or has no
    training clips.
    """
    parts = _parts(prepared, split)
    if not parts["val"] and validation > 0:
        held = _held_out(parts["train"], validation, seed)
        parts["val"] = [entry for entry in parts["train"] if entry.group in held]
        parts["train"] = [entry for entry in parts["train"] if entry.group not in held]
    return Division(parts["train"], parts["val"], parts["test"])


def _parts(prepared: Prepared, split: str) -> Dict[str, List[ClipEntry]]:
    fold = fold_named(split)
    if fold is not None:
        train, test = divide_fold(prepared.clips, fold)
        return {"train": train, "val": [], "test": test}
    if split == ALL:
        return {"train": list(prepared.clips), "val": [], "test": []}
    parts: Dict[str, List[ClipEntry]] = {"train": [], "val": [], "test": []}
    known: Set[str] = set()
    for entry in prepared.clips:
        known.update(entry.splits)
        if split in entry.splits:
            parts[entry.splits[split]].append(entry)
    if not parts["train"]:
        stored = ", ".join(sorted(known))
        raise UsageError(
            f"{prepared.folder}: split '{split}' has no training clips; the set has the splits {stored}, "
            f"and there are folds such as 1/10, and {ALL}"
        )
    return parts


def _held_out(entries: List[ClipEntry], share: float, seed: int) -> Set[str]:
    """Groups that together have about `share` of the clips of each label."""
    random = np.random.default_rng(seed)
    groups: Dict[str, Set[str]] = defaultdict(set)
    sizes: Dict[str, int] = defaultdict(int)
    for entry in entries:
        groups[entry.label].add(entry.group)
        sizes[entry.group] += 1
    held: Set[str] = set()
    for label in sorted(groups):
        wanted = share * sum(entry.label == label for entry in entries)
        names = sorted(groups[label])
        for index in random.permutation(len(names))[:-1]:  # one group always stays for training
            if sum(sizes[name] for name in groups[label] & held) + sizes[names[index]] <= wanted:
                held.add(names[index])
    return held
