"""Shared by commands that process many clips: worker processes, progress line, arguments."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import sys
import time
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Callable, List, Optional, Sequence, TextIO, TypeVar

from edge_attp.errors import EdgeAttpError

INTERVAL_S = 0.2

Job = TypeVar("Job")
Result = TypeVar("Result")


def add_jobs_argument(parser: argparse.ArgumentParser) -> None:
    """Declare --jobs."""
    parser.add_argument(
        "--jobs", type=whole(1, 1024), help="processes (default: one per processor)"
    )


def whole(low: int, high: int) -> Callable[[str], int]:
    """A parser of whole numbers from low to high, for an argument."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text} is not a whole number from {low} to {high}")
        return value

    return parse


def in_processes(
    function: Callable[[Job], Result], jobs: Sequence[Job], processes: Optional[int]
) -> List[Result]:
    """Call `function` for each of `jobs` in worker processes; return the results as they arrive.

    processes: None for one per processor. An exception of `function`, or an interruption, ends the
    work after the running jobs. Raises EdgeAttpError if a process was killed.
    """
    if not jobs:
        return []
    # Spawned: the same on every system, and a fork would lose OpenCV's threads.
    pool = ProcessPoolExecutor(
        min(processes or _processors(), len(jobs)),
        multiprocessing.get_context("spawn"),
        _start_worker,
    )
    progress = _Progress(len(jobs), sys.stderr)
    results: List[Result] = []
    try:
        futures: List[Future[Result]] = [pool.submit(function, job) for job in jobs]
        for future in as_completed(futures):
            results.append(future.result())
            progress.step()
    except BrokenProcessPool as error:
        raise EdgeAttpError(
            "a worker process was killed, perhaps for lack of memory: try fewer --jobs; "
            "finished clips are kept"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)
        progress.close()
    return results


def _start_worker() -> None:
    import cv2

    cv2.setNumThreads(1)  # the processes already use every processor
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends the workers


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Progress:
    """A line that is rewritten a few times per second, on a terminal only."""

    def __init__(self, total: int, stream: TextIO) -> None:
        self._total = total
        self._stream = stream if stream.isatty() else None
        self._done = 0
        self._begin = self._shown = time.monotonic()

    def step(self) -> None:
        """Count one more clip."""
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
