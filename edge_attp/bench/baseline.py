"""Compares a benchmark with an earlier one. Knows records only (see report)."""

import json
from typing import Any, Iterator, List, NamedTuple, Tuple

from edge_attp.bench.report import FORMAT, READABLE, Report
from edge_attp.errors import UsageError

__all__ = ["Change", "compare", "differences", "read_baseline"]

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
    """One value then and now. worse_percent: below 0 if it became better."""

    name: str
    before: float
    now: float
    worse_percent: float


def read_baseline(path: str) -> Report:
    """Reads a stored benchmark. UsageError if it is none, or of another version."""
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
            "--baseline {}: has version {}, expected one of {}: measure it again with this version".format(
                path, report.get("version"), ", ".join(map(str, READABLE))
            )
        )
    for keys, _, _ in COMPARED:
        value = _value(report, keys)
        if not isinstance(value, (int, float)) or not value > 0:
            raise UsageError("--baseline {}: {} is missing".format(path, ".".join(keys)))
    return report


def compare(now: Report, before: Report) -> List[Change]:
    """How the compared values changed."""
    changes = []
    for keys, name, is_more_worse in COMPARED:
        was, is_now = _value(before, keys), _value(now, keys)
        change = 100.0 * (is_now - was) / was
        changes.append(Change(name, was, is_now, change if is_more_worse else -change))
    return changes


def differences(now: Report, before: Report) -> Iterator[str]:
    """What makes two benchmarks hard to compare, for people."""
    for keys in CONDITIONS:
        was, is_now = _value(before, keys), _value(now, keys)
        if was != is_now:
            yield "{} was {} and is {}".format(".".join(keys), was, is_now)


def _value(report: Any, keys: Tuple[str, ...]) -> Any:
    """None where there is none."""
    for key in keys:
        report = report.get(key) if isinstance(report, dict) else None
    return report
