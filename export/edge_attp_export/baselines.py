"""`edge-attp-export baselines`: what a model must beat on a prepared set, and what must not work.

Classifiers of a few hundred numbers per clip, in the same folds as the networks, without any network. The controls
see nothing of the content: what they can tell, encoders and sources give away.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, List, NamedTuple, Optional, Sequence

import numpy as np

from .protocol import Plan, Trial, add_plan_arguments, plan_of
from .results import Row, table, write_results
from .workers import add_jobs_argument, in_processes

if TYPE_CHECKING:  # PyTorch, OpenCV and the native core: imported late
    from .clip_statistics import Statistics
    from .data.prepared import ClipEntry, Prepared

Features = Callable[[Sequence["Statistics"]], np.ndarray]


class Method(NamedTuple):
    """features: from the statistics of all clips to float64 (N, F). classifier: "logistic" or "forest"."""

    name: str
    kind: str
    classifier: str
    features: Features


def _each(part: Callable[[Statistics], np.ndarray]) -> Features:
    return lambda clips: np.array([part(clip) for clip in clips])


def _source(clips: Sequence[Statistics]) -> np.ndarray:
    from .clip_statistics import of_source

    return np.array([of_source(clip.source) for clip in clips])


def _encoder(clips: Sequence[Statistics]) -> np.ndarray:
    """The encoder's name counts as well: a column for each that occurs."""
    from .clip_statistics import of_encoder

    names = [str(clip.source.get("encoder", "")) for clip in clips]
    known = sorted(set(names))
    one_hot = np.array([[float(name == one) for one in known] for name in names])
    return np.concatenate([one_hot, [of_encoder(clip.source) for clip in clips]], 1)


# "all sizes of the copies" is a control only in part: at equal quality, motion costs bytes.
METHODS = (
    Method("motion, logistic regression", "baseline", "logistic", _each(lambda clip: clip.motion)),
    Method(
        "motion and residual, logistic regression",
        "baseline",
        "logistic",
        _each(lambda clip: np.concatenate([clip.motion, clip.residual])),
    ),
    Method(
        "by place and time, whole, forest", "baseline", "forest", _each(lambda clip: clip.whole)
    ),
    Method(
        "by place and time, region, forest", "baseline", "forest", _each(lambda clip: clip.region)
    ),
    Method(
        "by place and time, both, forest",
        "baseline",
        "forest",
        _each(lambda clip: np.concatenate([clip.whole, clip.region])),
    ),
    Method("sizes, lengths and rates of the sources", "control", "forest", _source),
    Method("encoders of the sources", "control", "forest", _encoder),
    Method("picture types of the copies", "control", "forest", _each(lambda clip: clip.types)),
    Method(
        "key picture sizes of the copies", "control", "forest", _each(lambda clip: clip.key_sizes)
    ),
    Method(
        "all sizes of the copies",
        "control",
        "forest",
        _each(lambda clip: np.concatenate([clip.key_sizes, clip.sizes])),
    ),
)


def add_arguments(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "baselines",
        help="what a model must beat on a prepared set",
        description="Accuracy of the largest class and of classifiers of statistics of motion vectors, residuals "
        "and containers. Rows in brackets see nothing of the content: what they can tell, encoders and sources "
        "give away.",
    )
    parser.add_argument("prepared", type=Path, metavar="PREPARED", help="folder that prepare wrote")
    parser.add_argument(
        "--class",
        dest="classes",
        action="append",
        default=[],
        metavar="CLASS",
        help="a class of PREPARED, such as fight=push+kick; may be repeated (default: its labels)",
    )
    add_plan_arguments(parser)
    add_jobs_argument(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    from .data.classes import with_classes
    from .data.prepared import load_prepared

    prepared = with_classes(load_prepared(options.prepared), options.classes)
    plan = plan_of(options, prepared)
    results = plan.results(measure(prepared, plan, options.jobs))
    for line in table(results):
        print(line)
    if options.out:
        write_results(options.out, results)


def measure(prepared: Prepared, plan: Plan, jobs: Optional[int] = None) -> List[Row]:
    """The largest class, then METHODS."""
    from .logistic import one_thread

    known = _Known(prepared, plan.tested, jobs)
    rows = [plan.row("the largest class", "baseline", known.shares)]
    with one_thread():
        for method in METHODS:
            known.choose(method)
            features = known.x.shape[1]
            rows.append(plan.row(method.name, method.kind, known.answer, features=features))
    return rows


class _Known:
    """The statistics of every clip, and the features of the method that is being measured."""

    def __init__(self, prepared: Prepared, tested: Prepared, jobs: Optional[int]) -> None:
        from .clip_statistics import statistics

        folders = {one.folder: one for one in (prepared, tested)}
        self._classes = len(prepared.labels)
        self._number = {label: index for index, label in enumerate(prepared.labels)}
        self._place: Dict[Path, int] = {}
        clips: List[Statistics] = []
        for one in folders.values():
            paths = [
                (entry.name, one.cached(entry.name), one.video(entry.name)) for entry in one.clips
            ]
            for name, found in in_processes(statistics, paths, jobs):
                self._place[one.cached(name)] = len(clips)
                clips.append(found)
        self._clips = clips
        self._prepared = prepared
        self.x = np.zeros((0, 0))
        self._classifier = ""

    def choose(self, method: Method) -> None:
        self.x, self._classifier = method.features(self._clips), method.classifier

    def answer(self, trial: Trial) -> np.ndarray:
        """Fit the method to the clips of a trial, and answer for its test clips."""
        x, y = self._rows(self._prepared, trial.fitted), self._rows(trial.tested, trial.test)
        labels = self._labels(trial.fitted)
        if self._classifier == "forest":
            from .forest import fit_forest

            return fit_forest(x, labels, self._classes, trial.seed).probabilities(y)
        from .logistic import chosen_strength, fit

        groups = [entry.group for entry in trial.fitted]
        strength = chosen_strength(x, labels, self._classes, groups, trial.seed)
        scores = fit(x, labels, self._classes, strength).scores(y)
        return np.asarray(scores.softmax(1).numpy())

    def shares(self, trial: Trial) -> np.ndarray:
        """The shares of the classes among the clips of a trial."""
        counts = np.bincount(self._labels(trial.fitted), minlength=self._classes)
        return np.tile(counts / counts.sum(), (len(trial.test), 1))

    def _labels(self, entries: Sequence[ClipEntry]) -> np.ndarray:
        return np.array([self._number[entry.label] for entry in entries])

    def _rows(self, prepared: Prepared, entries: Sequence[ClipEntry]) -> np.ndarray:
        return self.x[[self._place[prepared.cached(entry.name)] for entry in entries]]
