"""`edge-attp-export quiet`: arguments and printing. `plan` does the work."""

from __future__ import annotations

import argparse
import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from edge_attp.errors import UsageError

from ..workers import add_jobs_argument, in_processes, whole


def add_arguments(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "quiet",
        help="make long quiet surveillance videos",
        description="Make long videos in which nothing deserves an alarm, for `thresholds` to count false alarms on: "
        "drawn scenes, and loops of quiet clips. Existing files are kept.",
    )
    parser.add_argument("out", type=Path, metavar="OUT_DIR", help="folder to write")
    parser.add_argument(
        "--minutes", type=whole(0, 10**5), default=120, help="of drawn scenes (default 120)"
    )
    parser.add_argument(
        "--each", type=whole(1, 600), default=2, metavar="MINUTES", help="of a scene (default 2)"
    )
    parser.add_argument(
        "--loops",
        type=Path,
        nargs="+",
        default=[],
        metavar="VIDEO",
        help="quiet clips to repeat; best some that the model was not trained on",
    )
    parser.add_argument(
        "--repeats", type=whole(1, 10**4), default=12, help="of each clip (default 12)"
    )
    parser.add_argument("--seed", type=whole(0, 2**32 - 1), default=0, help="(default 0)")
    add_jobs_argument(parser)
    parser.add_argument(
        "--force", action="store_true", help="replace files that were made in another way"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Make what is missing, then write quiet.json."""
    try:
        from . import plan
    except ModuleNotFoundError as error:
        raise UsageError(
            f"quiet needs {error.name}: pip install opencv-python-headless av"
        ) from error
    begin_s = time.monotonic()
    out = Path(os.path.abspath(options.out))
    items = plan.plan(
        60.0 * options.minutes, 60.0 * options.each, options.loops, options.repeats, options.seed
    )
    if not items:
        raise UsageError("nothing to make: --minutes 0, and no --loops")
    try:
        out.mkdir(parents=True, exist_ok=True)
        todo = plan.missing(out, items, options.force)
        pictures = sum(in_processes(partial(plan.make, out), todo, options.jobs))
        files = plan.describe(out, items, options.seed)
    except OSError as error:
        raise UsageError(f"{out}: cannot be written: {error.strerror}") from error
    seconds = time.monotonic() - begin_s
    whole_s, distinct_s = sum(f.seconds for f in files), sum(f.distinct_seconds for f in files)
    print(
        f"wrote {options.out}: {len(files)} videos, {len(files) - len(todo)} of them kept; {whole_s / 60:.1f} "
        f"minutes, of which {distinct_s / 60:.1f} are distinct; {pictures / seconds:.0f} pictures/s",
        file=sys.stderr,
    )
