"""How the clips of a set are divided, the same for networks and for what they must beat.

Each clip is tested by a model that has seen no clip of its group; the answers of all folds are pooled. A seed divides
anew, and seeds the training.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, List, NamedTuple, Union

import numpy as np

from edge_attp.errors import UsageError

from .results import Clip, Results, Row
from .workers import whole

if TYPE_CHECKING:  # these need OpenCV and PyTorch
    from .data.prepared import ClipEntry, Prepared

LEAVE_ONE_OUT = "group"


class Trial(NamedTuple):
    """One training: the clips to fit, and the clips of `tested` to answer for. split: names them, as a split.

    tested_here: whether the clips to fit are of the same set.
    """

    seed: int
    split: str
    fitted: List[ClipEntry]
    test: List[ClipEntry]
    tested: Prepared
    tested_here: bool = True


class Plan(NamedTuple):
    """The trainings of a result, seed by seed.

    description: for people. tested: the set that the test clips belong to.
    """

    trials: List[List[Trial]]
    description: Dict[str, Any]
    tested: Prepared

    def clips(self) -> List[Clip]:
        """Every clip that is tested, by name."""
        number = {label: index for index, label in enumerate(self.tested.labels)}
        entries = [entry for trial in self.trials[0] for entry in trial.test]
        return sorted(Clip(entry.name, number[entry.label], entry.group) for entry in entries)

    def row(self, name: str, kind: str, answer: Callable[[Trial], np.ndarray], **about: Any) -> Row:
        """The row of the probabilities (test clips, classes) that `answer` gives for each trial."""
        return Row(name, kind, self.pooled(answer), about)

    def pooled(self, answer: Callable[[Trial], np.ndarray]) -> np.ndarray:
        """What `answer` gives for the test clips of each trial, (clips, ...), for each seed and clip: (S, N, ...)."""
        return np.array([self._pooled(trials, answer) for trials in self.trials])

    def _pooled(self, trials: List[Trial], answer: Callable[[Trial], np.ndarray]) -> np.ndarray:
        found: Dict[str, np.ndarray] = {}
        for trial in trials:
            found.update(zip((entry.name for entry in trial.test), answer(trial)))
        return np.array([found[clip.name] for clip in self.clips()])

    def results(self, rows: List[Row]) -> Results:
        prepared = self.tested
        name = prepared.folder.resolve().name
        clips = tuple(self.clips())
        return Results(
            name, self.description, prepared.encoder, prepared.labels, clips, tuple(rows)
        )


def add_plan_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how to divide, and where to write."""
    parser.add_argument(
        "--folds",
        type=_folds,
        metavar="N",
        help="test every clip, in N folds of whole groups; 'group' leaves out one group at a time",
    )
    parser.add_argument("--split", default="1", help="of the set, without --folds (default 1)")
    parser.add_argument("--seeds", type=whole(1, 1000), default=3, help="(default 3)")
    parser.add_argument(
        "--on", type=Path, metavar="OTHER", help="train on all clips, test on this prepared set"
    )
    parser.add_argument(
        "--on-class",
        action="append",
        default=[],
        metavar="CLASS",
        help="a class of OTHER, such as fight=push+kick; may be repeated; other clips are left out",
    )
    parser.add_argument("-o", "--out", type=Path, metavar="FILE", help="also write JSON")


def plan_of(options: argparse.Namespace, prepared: Prepared) -> Plan:
    """The plan that the arguments describe. Raises UsageError if there is nothing to test."""
    from .data.classes import with_classes
    from .data.prepared import load_prepared

    if options.on is not None:
        other = with_classes(load_prepared(options.on), options.on_class)
        return _transfer(prepared, other, options.seeds)
    if not options.folds:
        return _stored_split(prepared, options.split, options.seeds)
    folds = options.folds
    if folds == LEAVE_ONE_OUT:
        folds = len({entry.group for entry in prepared.clips})
    return _folded(prepared, folds, options.seeds)


def _folded(prepared: Prepared, folds: int, seeds: int) -> Plan:
    from .data.folds import Fold, divide_fold

    trials = []
    for seed in range(seeds):
        named = [Fold(number + 1, folds, seed) for number in range(folds)]
        divided = [(fold.split, *divide_fold(prepared.clips, fold)) for fold in named]
        trials.append([Trial(seed, split, fit, test, prepared) for split, fit, test in divided])
    return Plan(trials, {"folds": folds, "by": "group", "seeds": seeds}, prepared)


def _stored_split(prepared: Prepared, split: str, seeds: int) -> Plan:
    from .data.division import divide

    train, val, test = divide(prepared, split, 0, 0)
    if not test:
        raise UsageError(f"{prepared.folder}: split '{split}' has no test clips")
    trials = [[Trial(seed, split, [*train, *val], test, prepared)] for seed in range(seeds)]
    return Plan(trials, {"split": split, "seeds": seeds}, prepared)


def _transfer(prepared: Prepared, other: Prepared, seeds: int) -> Plan:
    from .data.folds import ALL

    if other.labels != prepared.labels:
        wanted, given = (", ".join(one.labels) for one in (prepared, other))
        raise UsageError(
            f"{other.folder}: expected the classes {wanted}, got {given}: see --on-class"
        )
    fitted, test = list(prepared.clips), list(other.clips)
    trials = [[Trial(seed, ALL, fitted, test, other, False)] for seed in range(seeds)]
    name = prepared.folder.resolve().name
    return Plan(trials, {"trained_on": f"all clips of {name}", "seeds": seeds}, other)


def _folds(text: str) -> Union[int, str]:
    return text if text == LEAVE_ONE_OUT else whole(2, 1000)(text)
