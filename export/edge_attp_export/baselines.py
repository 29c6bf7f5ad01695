"""`edge-attp-export baselines`: what a model must beat on a prepared set, without any network."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from edge_attp.errors import UsageError

from .files import write_json
from .workers import add_jobs_argument, in_processes, whole

if TYPE_CHECKING:  # PyTorch, OpenCV and the native core: imported late
    from .clip_statistics import Statistics
    from .data.prepared import ClipEntry, Prepared

FORMAT_VERSION = 1

# Features of a logistic regression. The last three come from the container only. "picture types" and
# "sizes of key pictures" should do no better than the majority class: if they do, encoder or sources
# give the class away. "all sizes" depends on the content again: at equal quality, motion costs bytes.
VARIANTS: Dict[str, Callable[[Statistics], np.ndarray]] = {
    "motion vectors": lambda clip: clip.motion,
    "residual energy": lambda clip: clip.residual,
    "motion vectors + residual energy": lambda clip: np.concatenate([clip.motion, clip.residual]),
    "picture types": lambda clip: clip.types,
    "sizes of key pictures": lambda clip: clip.key_sizes,
    "all sizes": lambda clip: np.concatenate([clip.key_sizes, clip.sizes]),
}


class Baseline(NamedTuple):
    """Top-1 on the test clips, as shares of 1: per seed, mean, deviation, and 95 % interval.

    A seed assigns groups to the folds that choose the strength of L2. The interval resamples the
    test clips by whole groups. strengths: those chosen.
    """

    name: str
    features: int
    top1: float
    deviation: float
    low: float
    high: float
    seeds: List[float]
    strengths: List[float]


class Part(NamedTuple):
    """Clips to fit or to test: class numbers (N), groups, and statistics of each."""

    labels: np.ndarray
    groups: List[str]
    clips: List[Statistics]


def add_arguments(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "baselines",
        help="what a model must beat on a prepared set",
        description="Top-1 of the majority class and of logistic regressions on statistics of motion "
        "vectors, residuals and packets, fitted on the training and validation clips of a split.",
    )
    parser.add_argument("prepared", type=Path, metavar="PREPARED", help="folder that prepare wrote")
    parser.add_argument("--split", default="1", help="(default 1)")
    parser.add_argument("--seeds", type=whole(1, 1000), default=5, help="(default 5)")
    parser.add_argument("-o", "--out", type=Path, metavar="FILE", help="also write JSON")
    add_jobs_argument(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    from .data.prepared import load_prepared

    prepared = load_prepared(options.prepared)
    train, test = parts(prepared, options.split, options.jobs)
    found = measure(train, test, len(prepared.labels), options.seeds)
    for line in _table(found, len(train.groups), len(test.groups)):
        print(line)
    if options.out:
        _write(options, found, len(train.groups), len(test.groups))


def parts(prepared: Prepared, split: str, jobs: Optional[int] = None) -> Tuple[Part, Part]:
    """Clips to fit ("train" and "val") and clips to test. Raises UsageError without test clips."""
    from .clip_statistics import statistics
    from .data.division import divide

    division = divide(prepared, split, validation=0, seed=0)
    fitted = [*division.train, *division.val]
    if not division.test:
        raise UsageError(f"{prepared.folder}: split '{split}' has no test clips")
    paths = [
        (entry.name, prepared.cached(entry.name), prepared.video(entry.name))
        for entry in [*fitted, *division.test]
    ]
    known = dict(in_processes(statistics, paths, jobs))
    number = {label: index for index, label in enumerate(prepared.labels)}

    def part(entries: Sequence[ClipEntry]) -> Part:
        return Part(
            np.array([number[entry.label] for entry in entries]),
            [entry.group for entry in entries],
            [known[entry.name] for entry in entries],
        )

    return part(fitted), part(division.test)


def measure(train: Part, test: Part, classes: int, seeds: int) -> List[Baseline]:
    """The majority class of `train`, then VARIANTS."""
    from .logistic import one_thread

    majority = np.bincount(train.labels, minlength=classes).argmax()
    found = [_baseline("majority class", 0, [test.labels == majority], [], test)]
    with one_thread():
        for name, features in VARIANTS.items():
            x, y = (np.array([features(clip) for clip in part.clips]) for part in (train, test))
            found.append(_regression(name, x, y, train, test, classes, seeds))
    return found


def _regression(
    name: str,
    x: np.ndarray,
    y: np.ndarray,
    train: Part,
    test: Part,
    classes: int,
    seeds: int,
) -> Baseline:
    from .logistic import chosen_strength, fit

    strengths = [
        chosen_strength(x, train.labels, classes, train.groups, seed) for seed in range(seeds)
    ]
    answers = {
        strength: fit(x, train.labels, classes, strength).scores(y).argmax(1).numpy()
        for strength in set(strengths)
    }
    hits = [answers[strength] == test.labels for strength in strengths]
    return _baseline(name, x.shape[1], hits, strengths, test)


def _baseline(
    name: str, features: int, hits: Sequence[np.ndarray], strengths: List[float], test: Part
) -> Baseline:
    from .logistic import interval

    seeds = [float(one.mean()) for one in hits]
    low, high = interval(np.mean(hits, 0), test.groups)
    return Baseline(
        name, features, float(np.mean(seeds)), float(np.std(seeds)), low, high, seeds, strengths
    )


def _table(found: Sequence[Baseline], fitted: int, tested: int) -> List[str]:
    head = f"{'baseline':<34}{'features':>8}{'top-1':>8}{'seeds':>9}  95 % interval"
    rows = [
        f"{row.name:<34}{row.features:>8}{row.top1:>8.3f}{'+-':>4}{row.deviation:.3f}"
        f"  {row.low:.3f} to {row.high:.3f}"
        for row in found
    ]
    return [f"fitted on {fitted} clips, tested on {tested}", head, *rows]


def _write(
    options: argparse.Namespace, found: Sequence[Baseline], fitted: int, tested: int
) -> None:
    content = {
        "format_version": FORMAT_VERSION,
        "set": options.prepared.resolve().name,
        "split": options.split,
        "train_clips": fitted,
        "test_clips": tested,
        "baselines": [row._asdict() for row in found],
    }
    try:
        write_json(options.out, content)
    except OSError as error:
        raise UsageError(f"{options.out}: cannot be written: {error.strerror}") from error
