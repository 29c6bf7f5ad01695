"""`edge-attp-export synth`: arguments and printing. `dataset` and `bodies.dataset` do the work."""

from __future__ import annotations

import argparse
import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, List, Tuple

from edge_attp.errors import EdgeAttpError, UsageError

from ..data.prepare import picture_size
from ..workers import add_jobs_argument, in_processes, whole

if TYPE_CHECKING:  # these need OpenCV and PyAV, so they are imported late
    from .bodies import dataset as bodies_dataset

_NICE = 15  # a set of people takes hours


def add_arguments(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "synth",
        help="draw a synthetic action set",
        description="Draw the synthetic action set: ten classes in five pairs that differ only by "
        "motion. Or, with --bodies, people who move as others did before motion capture. Existing "
        "clips are kept.",
    )
    parser.add_argument("out", type=Path, metavar="OUT_DIR", help="folder to write")
    parser.add_argument(
        "--bodies",
        type=Path,
        metavar="MOTION_DIR",
        help="folder of captured motion: draw people who do general actions",
    )
    parser.add_argument(
        "--clips",
        type=whole(5, 9999),  # five: each split has one
        default=60,
        help="of each class: 3/5 train, 1/5 val, 1/5 test (default 60)",
    )
    parser.add_argument(
        "--pictures", type=whole(10, 3000), help="of each clip (default 60; not with --bodies)"
    )
    parser.add_argument(
        "--seconds", type=_seconds, help="of each clip (default 2; only with --bodies)"
    )
    parser.add_argument("--size", type=picture_size, help="(default 340x256; only with --bodies)")
    parser.add_argument("--seed", type=whole(0, 2**32 - 1), default=0, help="(default 0)")
    parser.add_argument(
        "--photographs",
        type=Path,
        metavar="DIR",
        help="photographs to use as backgrounds instead of drawn ones",
    )
    add_jobs_argument(parser)
    parser.add_argument(
        "--force", action="store_true", help="replace clips that were made with other parameters"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Draw what is missing, then write the manifest."""
    _check(options)
    begin = time.monotonic()
    out = Path(os.path.abspath(options.out))
    try:
        make = _draw_bodies if options.bodies else _draw_figures
        planned, drawn, written = make(options, out)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"synth needs {error.name}: pip install opencv-python-headless av"
        ) from error
    except EdgeAttpError:
        raise
    except OSError as error:
        raise UsageError(f"{out}: cannot write the set: {error.strerror}") from error
    seconds = time.monotonic() - begin
    print(
        f"wrote {options.out}: {drawn} clips of {planned}, {planned - drawn} kept; "
        f"{written / 1e6:.1f} MB, {seconds:.1f} s, {drawn / seconds:.2f} clips/s",
        file=sys.stderr,
    )


def _check(options: argparse.Namespace) -> None:
    """Raise UsageError for options of the other set."""
    if options.bodies and options.pictures is not None:
        raise UsageError("--pictures does not go with --bodies, whose rates vary: use --seconds")
    for name in ("seconds", "size"):
        if not options.bodies and getattr(options, name) is not None:
            raise UsageError(f"--{name} needs --bodies")


def _draw_figures(options: argparse.Namespace, out: Path) -> Tuple[int, int, int]:
    """Draw the ten classes; return how many clips there are, how many are new, and their bytes."""
    from . import dataset

    parameters = dataset.Parameters(
        options.clips, options.pictures or 60, options.seed, options.photographs
    )
    out.mkdir(parents=True, exist_ok=True)
    planned = dataset.plan(parameters)
    todo = dataset.missing(out, planned, options.force)
    written = in_processes(partial(dataset.make_clip, out), todo, options.jobs)
    dataset.describe(out, parameters, planned)
    return len(planned), len(todo), sum(written)


def _draw_bodies(options: argparse.Namespace, out: Path) -> Tuple[int, int, int]:
    """Draw people; return how many clips there are, how many are new, and their bytes."""
    from .bodies import dataset

    width, height = options.size or (340, 256)
    parameters = dataset.Parameters(
        Path(os.path.abspath(options.bodies)),
        options.clips,
        options.seconds or 2.0,
        width,
        height,
        options.seed,
        options.photographs,
    )
    planned = dataset.plan(parameters)
    os.nice(_NICE)
    out.mkdir(parents=True, exist_ok=True)
    dataset.prepare(out, parameters)
    todo = _mixed(dataset.missing(out, planned, options.force))
    written = in_processes(partial(dataset.make_clip, out), todo, options.jobs)
    dataset.describe(out, parameters, planned)
    return len(planned), len(todo), sum(written)


def _mixed(todo: List[bodies_dataset.Clip]) -> List[bodies_dataset.Clip]:
    """The first clips of all classes first, so that a part of the set is balanced, too."""
    return sorted(todo, key=lambda clip: clip.path.name)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.5 <= value <= 60:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds from 0.5 to 60")
    return value
