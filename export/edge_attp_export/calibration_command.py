"""`edge-attp-export calibration`, and what `export --calibration` does."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Tuple

from edge_attp.errors import UsageError

from . import figures
from .calibration import Calibration, as_json, calibrate, lines
from .picture_answers import beside, read_answers
from .results import Results, Row, read_row, results_path

if TYPE_CHECKING:  # PyTorch is imported late
    from .checkpoints import Checkpoint

PLOT = "reliability.png"
_OF_THE_RECIPE = ("model", "input", "objective")  # tables that make another model


class Measured(NamedTuple):
    """A calibration and where it comes from."""

    results: Results
    row: Row
    calibration: Calibration

    def draw(self, path: Path) -> None:
        """The reliability plot. Raises UsageError."""
        found = self.calibration
        parts = {"before": found.before.reliability, "after": found.after.reliability}
        title = f"{found.clips} held-out clips, {found.seeds} seeds"
        figures.reliability(path, parts, title)


def add_arguments(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "calibration",
        help="how far probabilities can be believed",
        description="The temperature that makes the probabilities of a cross-validated model right as often as they "
        "say, and their expected calibration error before and after. `export --calibration` puts it into a pack.",
    )
    parser.add_argument("results", metavar="RESULTS.json[:ROW]")
    parser.add_argument("-o", "--out", type=Path, metavar="FILE.png", help="draw the reliability")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    found = read_calibration(options.results)
    for line in lines(found.calibration):
        print(line)
    if options.out:
        found.draw(options.out)


def read_calibration(text: str) -> Measured:
    """The calibration of RESULTS.json[:ROW]. Raises UsageError."""
    results, row = read_row(text)
    answers = read_answers(beside(results_path(text)))
    return Measured(results, row, calibrate(results, row, answers))


def calibrated(checkpoint: Checkpoint, found: Measured) -> Checkpoint:
    """The checkpoint with what is known of its calibration; its parameters are unchanged.

    Raises UsageError if the results have other labels; says on stderr if they are of another recipe.
    """
    if found.results.labels != checkpoint.labels:
        theirs, ours = (", ".join(labels) for labels in (found.results.labels, checkpoint.labels))
        raise UsageError(f"{found.results.set}: results for {theirs}; the model has {ours}")
    recipes = found.row.about.get("recipe", {}), checkpoint.training.get("config", {})
    for name, held_out, own in differences(*recipes):
        print(
            f"the calibration is that of another recipe: {name} {held_out!r}, not {own!r}",
            file=sys.stderr,
        )
    said = {"calibration": as_json(found.calibration, found.results)}
    return checkpoint._replace(accuracy={**checkpoint.accuracy, **said})


def differences(one: Dict[str, Any], other: Dict[str, Any]) -> List[Tuple[str, Any, Any]]:
    """Settings of two recipes that make another model: (name, of one, of the other)."""
    found = []
    for table in _OF_THE_RECIPE:
        first, second = one.get(table, {}), other.get(table, {})
        for key in first.keys() & second.keys():
            if first[key] != second[key]:
                found.append((f"{table}.{key}", first[key], second[key]))
    return sorted(found)
