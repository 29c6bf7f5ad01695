"""`edge-attp-export synth`: arguments and printing. `dataset` does the work."""

from __future__ import annotations

import argparse
import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from edge_attp.errors import EdgeAttpError, UsageError

from ..workers import add_jobs_argument, in_processes, whole


def add_arguments(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "synth",
        help="draw the synthetic action set",
        description="Draw the synthetic action set: ten classes in five pairs that differ only by "
        "motion. Existing clips are kept.",
    )
    parser.add_argument("out", type=Path, metavar="OUT_DIR", help="folder to write")
    parser.add_argument(
        "--clips",
        type=whole(5, 9999),  # five: each split has one
        default=60,
        help="of each class: 3/5 train, 1/5 val, 1/5 test (default 60)",
    )
    parser.add_argument(
        "--pictures", type=whole(10, 3000), default=60, help="of each clip (default 60)"
    )
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
    try:
        from . import dataset
    except ModuleNotFoundError as error:
        raise UsageError(
            f"synth needs {error.name}: pip install opencv-python-headless av"
        ) from error
    begin = time.monotonic()
    parameters = dataset.Parameters(
        options.clips, options.pictures, options.seed, options.photographs
    )
    out = Path(os.path.abspath(options.out))
    try:
        out.mkdir(parents=True, exist_ok=True)
        planned = dataset.plan(parameters)
        todo = dataset.missing(out, planned, options.force)
        written = sum(in_processes(partial(dataset.make_clip, out), todo, options.jobs))
        dataset.describe(out, parameters, planned)
    except EdgeAttpError:
        raise
    except OSError as error:
        raise UsageError(f"{out}: cannot write the set: {error.strerror}") from error
    seconds = time.monotonic() - begin
    kept = len(planned) - len(todo)
    print(
        f"wrote {options.out}: {len(todo)} clips of {len(planned)}, {kept} kept; "
        f"{written / 1e6:.1f} MB, {seconds:.1f} s, {len(todo) / seconds:.2f} clips/s",
        file=sys.stderr,
    )
