"""What an option may hold: argument types, and options that have a new name."""

import argparse
import re
import sys
from typing import Any, Optional, Sequence, Tuple, Union

from edge_attp.choices import (
    COMPARABLE,
    MOST_BATCH,
    MOST_PARSE_THREADS,
    MOST_REGIONS,
    MOST_THREADS,
)

__all__ = [
    "AS_MEASURED",
    "Renamed",
    "batch_size",
    "count",
    "instance_name",
    "parse_thread_count",
    "positive",
    "scoring_interval",
    "anchor_distance",
    "comparison_subjects",
    "probability",
    "region_count",
    "stream_count",
    "thread_count",
    "whole",
]

AS_MEASURED = 0  # of --streams: "auto"
_INSTANCE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*$")


def count(text: str) -> int:
    """A whole number above 0."""
    return _counted(text)


def batch_size(text: str) -> int:
    """--batch: 1 to MOST_BATCH."""
    return _counted(text, high=MOST_BATCH)


def parse_thread_count(text: str) -> int:
    """--parse-threads: 1 to MOST_PARSE_THREADS."""
    return _counted(text, high=MOST_PARSE_THREADS)


def thread_count(text: str) -> int:
    """--threads: 1 to MOST_THREADS."""
    return _counted(text, high=MOST_THREADS)


def _counted(text: str, words: str = "", high: Optional[int] = None) -> int:
    """A whole number above 0. words: what else may be written in its place."""
    value = int(text) if text.isdigit() else 0
    if value < 1 or (high is not None and value > high):
        number = "a whole number " + ("above 0" if high is None else f"from 1 to {high}")
        raise argparse.ArgumentTypeError(f"got {text!r}, expected {words}{number}")
    return value


def whole(text: str) -> int:
    """A whole number, 0 or more."""
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a whole number, 0 or more")
    return int(text)


def positive(text: str) -> float:
    """A number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a number above 0")
    return value


def probability(text: str) -> float:
    """--threshold: a number above 0 and at most 1."""
    value = positive(text)
    if value > 1:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a number above 0 and at most 1")
    return value


def scoring_interval(text: str) -> int:
    """--every: 1 for "picture", 0 for "gop", or N."""
    words = {"picture": 1, "gop": 0}
    return words[text] if text in words else _counted(text, "picture, gop or ")


def anchor_distance(text: str) -> Optional[int]:
    """--anchor: None for "keyframe", or N."""
    return None if text == "keyframe" else _counted(text, "keyframe or ")


def region_count(text: str) -> int:
    """--regions: 0 for "off", or N."""
    return 0 if text == "off" else _counted(text, "off or ", MOST_REGIONS)


def stream_count(text: str) -> int:
    """--streams: AS_MEASURED for "auto", or N."""
    return AS_MEASURED if text == "auto" else _counted(text, "auto or ")


def comparison_subjects(text: str) -> Tuple[str, ...]:
    """--compare: different words of COMPARABLE, separated by commas."""
    names = tuple(text.split(","))
    for name in names:
        if name not in COMPARABLE or names.count(name) > 1:
            raise argparse.ArgumentTypeError(
                f"got {text!r}, expected some of {', '.join(COMPARABLE)}, separated by commas"
            )
    return names


def instance_name(text: str) -> str:
    """What systemd takes behind the @ of a unit."""
    if _INSTANCE_NAME.match(text) is None:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected letters, digits and . _ - only")
    return text


class Renamed(argparse.Action):
    """An old name of an option or an argument: still works, is not shown by --help, and names its successor.

    successor: the option that has taken its place, whose value it sets.
    """

    def __init__(self, option_strings: Sequence[str], dest: str, successor: str, **others: Any):
        super().__init__(option_strings, dest, help=argparse.SUPPRESS, **others)
        self._successor = successor
        self._has_warned = False

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Union[str, Sequence[Any], None],
        option_string: Optional[str] = None,
    ) -> None:
        if values is None:  # an argument that was left out
            return
        setattr(namespace, self._successor.lstrip("-").replace("-", "_"), values)
        if not self._has_warned:
            old = option_string or f"the argument {self.metavar}"
            print(f"{parser.prog}: {old} is now called {self._successor}", file=sys.stderr)
            self._has_warned = True
