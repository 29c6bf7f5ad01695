"""Results of a cross-validation: what each row answered for each clip, and its figures, as JSON.

Probabilities are kept for every clip, so that rows of different files can be compared clip by clip.
"""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from edge_attp.errors import UsageError

from .files import write_json
from .significance import Paired, area_under_roc, interval, interval_of, paired

FORMAT_VERSION = 2
KINDS = ("model", "baseline", "control")
_DIGITS = 1000  # probabilities are written in thousandths
_LOGIT_DIGITS = 100


class Clip(NamedTuple):
    """A clip that was tested. label: its class number."""

    name: str
    label: int
    group: str


class Row(NamedTuple):
    """The answers of one method. kind: "control" for what must not work.

    probabilities: float (S, N, C), for each seed, clip and class, from a model that never saw the clip's group.
    about: what to know about it, such as the number of features. logits: those of the probabilities, if there are any.
    """

    name: str
    kind: str
    probabilities: np.ndarray
    about: Dict[str, Any]
    logits: Optional[np.ndarray] = None

    def scores(self) -> np.ndarray:
        """The logits or, without them, logarithms of the probabilities, which were rounded: (S, N, C)."""
        if self.logits is not None:
            return self.logits
        return np.asarray(np.log(np.maximum(self.probabilities, 0.5 / _DIGITS)))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities of logits (..., C)."""
    odds = np.exp(logits - logits.max(-1, keepdims=True))
    return np.asarray(odds / odds.sum(-1, keepdims=True))


class Results(NamedTuple):
    """set: name of the prepared set. protocol: how clips were divided. encoder: how they were transcoded."""

    set: str
    protocol: Dict[str, Any]
    encoder: Dict[str, Any]
    labels: Tuple[str, ...]
    clips: Tuple[Clip, ...]
    rows: Tuple[Row, ...]

    @property
    def truth(self) -> np.ndarray:
        """Class numbers (N)."""
        return np.array([clip.label for clip in self.clips])

    @property
    def groups(self) -> List[str]:
        return [clip.group for clip in self.clips]

    def row(self, name: Optional[str]) -> Row:
        """The row of that name, or the only one. Raises UsageError."""
        found = [row for row in self.rows if name in (None, row.name)]
        if len(found) != 1:
            names = ", ".join(row.name for row in self.rows)
            raise UsageError(f"{self.set}: choose one of the rows: {names}")
        return found[0]


def figures_of(row: Row, results: Results) -> Dict[str, Any]:
    """Accuracy over the seeds with its interval, confusion matrix summed over seeds, and, for two classes, the area
    under the ROC curve."""
    truth, classes = results.truth, len(results.labels)
    answers = row.probabilities.argmax(2)
    hits = answers == truth
    seeds = hits.mean(1)
    low, high = interval(hits.mean(0), results.groups)
    confusion = np.zeros((classes, classes), int)
    np.add.at(confusion, (np.broadcast_to(truth, answers.shape), answers), 1)
    found: Dict[str, Any] = {
        "accuracy": _rounded(seeds.mean()),
        "deviation": _rounded(seeds.std()),
        "low": _rounded(low),
        "high": _rounded(high),
        "seeds": [_rounded(one) for one in seeds],
    }
    if classes == 2:
        found["area_under_roc"] = _roc(row, results)
    found["confusion"] = confusion.tolist()
    return found


def _roc(row: Row, results: Results) -> Dict[str, Any]:
    """The mean over seeds, and the interval of that mean."""
    is_second = results.truth == 1

    def area(clips: np.ndarray) -> float:
        each = [area_under_roc(one[clips, 1], is_second[clips]) for one in row.probabilities]
        return float(np.mean(each))

    low, high = interval_of(area, results.groups)
    value = area(np.arange(len(is_second)))
    return {"value": _rounded(value), "low": _rounded(low), "high": _rounded(high)}


def compared(first: Results, first_row: Row, second: Results, second_row: Row) -> Paired:
    """Paired comparison of two rows on the same clips, each answering with its mean over seeds.

    Raises UsageError if labels or clips differ.
    """
    order = {clip.name: number for number, clip in enumerate(second.clips)}
    if first.labels != second.labels or order.keys() != {clip.name for clip in first.clips}:
        raise UsageError("the results are of different clips or classes")
    places = [order[clip.name] for clip in first.clips]
    ours = first_row.probabilities.mean(0).argmax(1) == first.truth
    theirs = second_row.probabilities.mean(0)[places].argmax(1) == first.truth
    return paired(ours, theirs, first.groups)


def read_row(text: str) -> Tuple[Results, Row]:
    """FILE.json or FILE.json:ROW. Raises UsageError."""
    _, is_named, name = text.rpartition(".json:")
    results = read_results(results_path(text))
    return results, results.row(name if is_named else None)


def results_path(text: str) -> Path:
    """The file of FILE.json or FILE.json:ROW."""
    path, is_named, _ = text.rpartition(".json:")
    return Path(path + ".json" if is_named else text)


def table(results: Results) -> List[str]:
    """Lines for a terminal."""
    lines = [f"{'':<44}{'accuracy':>9}{'seeds':>9}  95 % interval"]
    for row in results.rows:
        found = figures_of(row, results)
        roc = found.get("area_under_roc")
        more = f"  ROC {roc['value']:.3f}" if roc else ""
        name = f"({row.name})" if row.kind == "control" else row.name
        lines.append(
            f"{name:<44}{found['accuracy']:>9.3f}{'+-':>4}{found['deviation']:.3f}"
            f"  {found['low']:.3f} to {found['high']:.3f}{more}"
        )
    return lines


def write_results(path: Path, results: Results) -> None:
    """Raises UsageError if the file cannot be written."""
    content = {
        "format_version": FORMAT_VERSION,
        "set": results.set,
        "machine": _machine(),
        "protocol": results.protocol,
        "encoder": results.encoder,
        "labels": list(results.labels),
        "clips": [f"{clip.label}\t{clip.group}\t{clip.name}" for clip in results.clips],
        "rows": [
            {
                "name": row.name,
                "kind": row.kind,
                "about": row.about,
                **figures_of(row, results),
                **_answers_of(row),
            }
            for row in results.rows
        ],
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, content, indent=1)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error


def read_results(path: Path) -> Results:
    """Read what write_results() wrote. Raises UsageError with file and reason."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format_version"] != FORMAT_VERSION:
            raise UsageError(
                f"{path}: results of format {content['format_version']}: measure again"
            )
        return Results(
            content["set"],
            content["protocol"],
            content["encoder"],
            tuple(content["labels"]),
            tuple(_clip(line) for line in content["clips"]),
            tuple(_row(row) for row in content["rows"]),
        )
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path}: holds no results ({error})") from error


def _clip(line: str) -> Clip:
    label, group, name = line.split("\t")
    return Clip(name, int(label), group)


def _answers_of(row: Row) -> Dict[str, Any]:
    """Probabilities in thousandths, logits in hundredths."""
    found = {"probabilities": _written(row.probabilities * _DIGITS)}
    if row.logits is not None:
        found["logits"] = _written(row.logits * _LOGIT_DIGITS)
    return found


def _row(content: Dict[str, Any]) -> Row:
    logits = content.get("logits")
    return Row(
        content["name"],
        content["kind"],
        _read(content["probabilities"]) / _DIGITS,
        content["about"],
        None if logits is None else _read(logits) / _LOGIT_DIGITS,
    )


def _written(values: np.ndarray) -> List[List[str]]:
    """A line per clip: a figure per class keeps the file short, and a change of one clip a change of one line."""
    return [[" ".join(f"{value:.0f}" for value in clip) for clip in seed] for seed in values]


def _read(seeds: Sequence[Sequence[str]]) -> np.ndarray:
    return np.array([[line.split() for line in seed] for seed in seeds]).astype(float)


def _rounded(value: float) -> float:
    return round(float(value), 4)


def _machine() -> str:
    """Processor and system, without the name of the computer."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [
                line.partition(":")[2].strip() for line in file if line.startswith("model name")
            ]
    except OSError:
        names = []
    return f"{len(names)} x {names[0]}" if names else platform.processor() or platform.machine()
