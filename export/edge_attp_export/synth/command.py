"""`edge-attp-export synth`: arguments, worker processes, progress. Nothing here draws."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import sys
import time
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, List, TextIO

from edge_attp.errors import EdgeAttpError, UsageError

if TYPE_CHECKING:  # drawing needs OpenCV and PyAV: imported late
    from .dataset import Clip

INTERVAL_S = 0.2


def add_arguments(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "synth",
        help="draw the synthetic action set",
        description="Draw the synthetic action set: ten classes, five pairs that differ by motion "
        "only. What is there already is kept.",
    )
    parser.add_argument("out", type=Path, metavar="OUT_DIR", help="folder to write")
    parser.add_argument(
        "--clips",
        type=_whole(5, 9999),  # five: each split has one
        default=60,
        help="of each class: 3/5 train, 1/5 val, 1/5 test (default 60)",
    )
    parser.add_argument(
        "--pictures", type=_whole(10, 3000), default=60, help="of each clip (default 60)"
    )
    parser.add_argument("--seed", type=_whole(0, 2**32 - 1), default=0, help="(default 0)")
    parser.add_argument(
        "--photographs",
        type=Path,
        metavar="DIR",
        help="pictures to use as backgrounds, instead of drawn ones",
    )
    parser.add_argument(
        "--jobs", type=_whole(1, 1024), help="processes (default: one for each processor)"
    )
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
            f"synth needs {error.name}, not installed: pip install opencv-python-headless av"
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
        written = _draw(out, todo, options.jobs or _processors())
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


def _draw(out: Path, todo: List[Clip], jobs: int) -> int:
    """Draw the clips in worker processes; return the bytes written."""
    from .dataset import make_clip

    if not todo:
        return 0
    # Spawned: the same on every system, and no thread of OpenCV is lost in a fork.
    pool = ProcessPoolExecutor(
        min(jobs, len(todo)), multiprocessing.get_context("spawn"), _start_worker
    )
    progress = _Progress(len(todo), sys.stderr)
    written = 0
    try:
        futures: List[Future[int]] = [pool.submit(make_clip, out, clip) for clip in todo]
        for future in as_completed(futures):
            written += future.result()
            progress.step()
    except BrokenProcessPool as error:
        raise EdgeAttpError(
            "a worker process was killed, perhaps for want of memory: try fewer --jobs; "
            "clips that are done are kept"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)
        progress.close()
    return written


def _start_worker() -> None:
    import cv2

    cv2.setNumThreads(1)  # one process for each processor is enough
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent: it ends the workers


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Progress:
    """One line that is rewritten a few times a second, on a terminal only."""

    def __init__(self, total: int, stream: TextIO) -> None:
        self._total = total
        self._stream = stream if stream.isatty() else None
        self._done = 0
        self._begin = self._shown = time.monotonic()

    def step(self) -> None:
        """Count one more."""
        self._done += 1
        now = time.monotonic()
        if self._stream is None or now - self._shown < INTERVAL_S:
            return
        self._shown = now
        speed = self._done / (now - self._begin)
        left = (self._total - self._done) / speed
        filled = 30 * self._done // self._total
        bar = "#" * filled + "." * (30 - filled)
        self._stream.write(
            f"\r\033[K[{bar}] {self._done} of {self._total} clips, {speed:.1f}/s, {left:.0f} s left"
        )
        self._stream.flush()

    def close(self) -> None:
        """Clear the line."""
        if self._stream is not None:
            self._stream.write("\r\033[K")
            self._stream.flush()


def _whole(low: int, high: int) -> Callable[[str], int]:
    """Return a parser of whole numbers from low to high."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text} is not a whole number from {low} to {high}")
        return value

    return parse
