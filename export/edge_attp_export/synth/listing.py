"""What all drawn sets do with their files: find the missing ones, list them, and say with what they were drawn."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, Optional, Protocol, Sequence, TypeVar

import av
import cv2
import numpy as np

from edge_attp.errors import UsageError

from .clips import recipe_of
from .photographs import Photograph

Recipe = Dict[str, Any]


class Drawn(Protocol):
    """A file to draw."""

    def recipe(self) -> Recipe:
        """Everything that determines its pictures."""


T = TypeVar("T", bound=Drawn)


def missing(
    planned: Sequence[T],
    place: Callable[[T], Path],
    replace: bool,
    explain: Callable[[Recipe, Recipe], str],
) -> List[T]:
    """Return what is not in its place.

    A file that was made by another recipe raises UsageError, which explain(found, wanted) completes, or is made
    again with `replace`.
    """
    wanted = []
    for one in planned:
        found = recipe_of(place(one))
        if found == one.recipe():
            continue
        if found is not None and not replace:
            raise UsageError(f"{place(one)}: {explain(found, one.recipe())}")
        wanted.append(one)
    return wanted


def difference(found: Recipe, wanted: Recipe, version: str, command: str) -> str:
    """Say how a clip was made otherwise. version: the key that every recipe of `command` has."""
    advice = "choose another folder, or --force to draw such clips again"
    if version not in found:
        return f"was not made by {command}; {advice}"
    name = next(name for name in wanted if found.get(name) != wanted[name])
    shown = "version" if name == version else name
    return f"was made with {shown} {found.get(name)}, not {wanted[name]}; {advice}"


def background(photograph: Optional[Photograph], seed: int) -> str:
    """Return the identity of a background: the photograph's digest, or the seed of the drawing."""
    return f"photograph-{photograph.sha256[:16]}" if photograph else f"drawn-{seed}"


def table(rows: Iterable[Dict[str, Any]]) -> str:
    """Return rows of equal keys as CSV."""
    text = io.StringIO()
    writer: Any = None
    for row in rows:
        if writer is None:
            writer = csv.DictWriter(text, list(row), lineterminator="\n")
            writer.writeheader()
        writer.writerow(row)
    return text.getvalue()


def drawn_with() -> Dict[str, str]:
    """The versions of the libraries on which the pictures depend."""
    return {"numpy": np.__version__, "opencv": cv2.__version__, "av": av.__version__}
