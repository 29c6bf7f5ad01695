"""Which performer is seen in which split: no two splits share one."""

from __future__ import annotations

from collections import defaultdict
from typing import Dict, List, Sequence, Tuple

import numpy as np

from .actions import action_of
from .captures import Capture

TRAIN, VAL, TEST = SPLITS = ("train", "val", "test")
# What it is worth that a split has an action, at least this long; beside it, shares of the captures count little.
_WORTH = {TRAIN: 4.0, VAL: 1.9, TEST: 2.0}
_ENOUGH_S = 3.0
_UNEVEN = 4.0
_SHARE = {TRAIN: 0.6, VAL: 0.2, TEST: 0.2}


def deal(captures: Sequence[Capture]) -> Dict[str, List[Capture]]:
    """Distribute performers, and with them the captures, to train, val and test.

    As many actions as possible are in every split, and the splits are near three fifths, a fifth and a fifth of the
    captures. Captures without a performer are in train: they may show anyone. The same captures are always dealt
    alike.
    """
    performers = sorted({capture.performer for capture in captures if capture.performer})
    cast = dict.fromkeys(performers, TRAIN)
    cast[""] = TRAIN
    best = _worth(captures, cast)
    while True:
        moves = [(name, split) for name in performers for split in SPLITS if cast[name] != split]
        worths = [_worth(captures, {**cast, name: split}) for name, split in moves]
        if not worths or max(worths) <= best + 1e-9:
            break
        best = max(worths)
        name, split = moves[int(np.argmax(worths))]
        cast[name] = split
    dealt: Dict[str, List[Capture]] = {split: [] for split in SPLITS}
    for capture in captures:
        dealt[cast[capture.performer]].append(capture)
    return dealt


def _worth(captures: Sequence[Capture], cast: Dict[str, str]) -> float:
    seconds: Dict[Tuple[str, str], float] = defaultdict(float)
    counts = dict.fromkeys(SPLITS, 0)
    for capture in captures:
        split = cast[capture.performer]
        counts[split] += 1
        if action_of(capture):
            seconds[action_of(capture), split] += capture.seconds
    uneven = sum(abs(counts[split] / len(captures) - _SHARE[split]) for split in SPLITS)
    return (
        sum(_WORTH[split] * min(length / _ENOUGH_S, 1.0) for (_, split), length in seconds.items())
        - _UNEVEN * uneven
    )
