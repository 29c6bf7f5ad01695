"""`edge-attp-export errors`: a sheet of the clips that a model answers wrongly, to see what they have in common."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, List, NamedTuple, Tuple

import numpy as np

from edge_attp.errors import UsageError

from . import figures
from .results import Results, Row, read_row
from .workers import whole

if TYPE_CHECKING:  # these need OpenCV
    from .data.cache import Clip
    from .data.prepared import Prepared

SHOWN = 3  # key pictures of a clip
LINE = 3  # pixels
COLOUR = (255, 210, 0)


class Wrong(NamedTuple):
    """A clip with a wrong answer. probability: of the answer, mean over the seeds. seeds: how many are wrong."""

    name: str
    group: str
    label: str
    answer: str
    probability: float
    seeds: int


def add_arguments(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "errors",
        help="draw the clips that a model answers wrongly",
        description="A sheet of the clips that a cross-validated model answers wrongly, the surest answers first: key "
        "pictures with the region that was looked at, true label, answer and its probability.",
    )
    parser.add_argument("results", metavar="RESULTS.json[:ROW]")
    parser.add_argument(
        "prepared", type=Path, metavar="PREPARED", help="the prepared set of the results"
    )
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="SHEET.png")
    parser.add_argument(
        "--most", type=whole(1, 1000), default=60, metavar="N", help="clips to show (default 60)"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    from .data.prepared import load_prepared

    results, row = read_row(options.results)
    prepared = load_prepared(options.prepared)
    wrong = wrong_clips(results, row)
    total = f"{len(wrong)} of {len(results.clips)} clips are answered wrongly"
    print(total)
    if wrong:
        shown = wrong[: options.most]
        pictures = [strip(prepared, one.name, _sees_region(row)) for one in shown]
        title = total if len(shown) == len(wrong) else f"{total}; the {len(shown)} surest"
        captions = [caption(one, len(row.probabilities)) for one in shown]
        figures.sheet(options.out, pictures, captions, f"{results.set}, {row.name}: {title}")


def wrong_clips(results: Results, row: Row) -> List[Wrong]:
    """The clips whose mean over the seeds gives a wrong answer, the surest answers first."""
    mean = row.probabilities.mean(0)
    answers = mean.argmax(1)
    misses = (row.probabilities.argmax(2) != results.truth).sum(0)
    found = [
        Wrong(
            clip.name,
            clip.group,
            results.labels[clip.label],
            results.labels[answer],
            float(mean[number, answer]),
            int(misses[number]),
        )
        for number, (clip, answer) in enumerate(zip(results.clips, answers))
        if answer != clip.label
    ]
    return sorted(found, key=lambda one: -one.probability)


def caption(one: Wrong, seeds: int) -> str:
    """Two lines below the pictures."""
    group = "" if one.group == one.name else f" (group {one.group})"
    return (
        f"{one.name}{group}\n{one.label}, answered {one.answer} {one.probability:.2f}, "
        f"{one.seeds} of {seeds} seeds"
    )


def strip(prepared: Prepared, name: str, with_region: bool) -> np.ndarray:
    """Key pictures of a clip side by side, RGB uint8 (H, SHOWN * W, 3), the last one again where there are fewer.

    Raises UsageError if the set does not have the clip.
    """
    if not prepared.cached(name).exists():
        raise UsageError(f"{prepared.folder}: has no clip {name}: the results are of another set")
    clip = prepared.clip(name)
    gops = [round(place) for place in np.linspace(0, clip.gops - 1, SHOWN)]
    pictures: List[np.ndarray] = [clip.key(gop) for gop in gops]
    if with_region:
        pictures = [_framed(picture, clip, gop) for picture, gop in zip(pictures, gops)]
    return np.asarray(np.concatenate(pictures, axis=1))


def _framed(picture: np.ndarray, clip: Clip, gop: int) -> np.ndarray:
    """With a frame around the region of the first picture of the GOP."""
    index = next((n for n, entry in enumerate(clip.pictures) if entry.gop == gop), None)
    if index is None:
        return picture
    framed: np.ndarray = picture.copy()
    x, y, side = clip.moment(index).square
    for rows, columns in _borders(x, y, side):
        framed[rows, columns] = COLOUR
    return framed


def _borders(x: int, y: int, side: int) -> List[Tuple[slice, slice]]:
    across, down = slice(x, x + side), slice(y, y + side)
    return [
        (slice(y, y + LINE), across),
        (slice(y + side - LINE, y + side), across),
        (down, slice(x, x + LINE)),
        (down, slice(x + side - LINE, x + side)),
    ]


def _sees_region(row: Row) -> bool:
    recipe = row.about.get("recipe", {})
    return bool(recipe.get("data", {}).get("view") == "region")
