"""Compares a benchmark with an earlier one. Knows records only."""

import json
from typing import Any, Iterator, List, NamedTuple, Tuple, cast

from edge_attp.bench.record import FORMAT, READABLE, Report
from edge_attp.errors import UsageError

__all__ = ["Change", "compare_reports", "different_conditions", "read_baseline"]

# What must be equal for a comparison to mean something.
CONDITIONS = (
    ("machine",),
    ("backend",),
    ("pack", "name"),
    ("pack", "precision"),
    ("video", "file"),
    ("video", "pictures"),
    ("settings", "threads"),
)
# Value, its name for people, and whether more is worse.
COMPARED = (
    (("total", "p50_ms"), "total p50, ms", True),
    (("pictures_per_s", "pipelined"), "pictures/s", False),
)


class Change(NamedTuple):
    """One value before and now. worse_percent is negative if it got better."""

    name: str
    before: float
    now: float
    worse_percent: float


def read_baseline(path: str) -> Report:
    """Reads a stored benchmark. UsageError if the file is not one, or has another version."""
    try:
        with open(path, encoding="utf-8") as file:
            report = json.load(file)
    except (OSError, ValueError) as error:
        raise UsageError(f"--baseline {path}: cannot be read: {error}") from None
    if not isinstance(report, dict) or report.get("format") != FORMAT:
        raise UsageError(
            f"--baseline {path}: not a benchmark; write one with --format json -o FILE"
        )
    if report.get("version") not in READABLE:
        raise UsageError(
            f"--baseline {path}: has version {report.get('version')}, expected one of "
            f"{', '.join(map(str, READABLE))}: measure it again with this version"
        )
    for keys, _, _ in COMPARED:
        value = _value(report, keys)
        if not isinstance(value, (int, float)) or not value > 0:
            raise UsageError(f"--baseline {path}: {'.'.join(keys)} is missing")
    return cast(Report, report)


def compare_reports(now: Report, before: Report) -> List[Change]:
    """How the compared values changed."""
    changes = []
    for keys, name, is_more_worse in COMPARED:
        was, is_now = _value(before, keys), _value(now, keys)
        change = 100.0 * (is_now - was) / was
        changes.append(Change(name, was, is_now, change if is_more_worse else -change))
    return changes


def different_conditions(now: Report, before: Report) -> Iterator[str]:
    """The conditions that differ, one line each: they make two benchmarks hard to compare."""
    for keys in CONDITIONS:
        was, is_now = _value(before, keys), _value(now, keys)
        if was != is_now:
            yield f"{'.'.join(keys)} was {was} and is {is_now}"


def _value(report: object, keys: Tuple[str, ...]) -> Any:
    """None if it is missing; a stored record may be of any form."""
    for key in keys:
        report = report.get(key) if isinstance(report, dict) else None
    return report
