"""`edge-attp build`: builds TensorRT engines of a model pack on this device."""

import argparse
import sys
import threading
import time
from contextlib import contextmanager
from typing import Iterator

from edge_attp.engine import default_pack, load_pack
from edge_attp.engine.builder import EngineBuilder, Plan
from edge_attp.engine.engine_cache import EngineCache, EngineKey, remove_files, stale_files
from edge_attp.engine.tensorrt_platform import open_platform
from edge_attp.log import configure, logger

INTERVAL_S = 1.0


def main(args: argparse.Namespace) -> int:
    """Runs the command; returns the exit code."""
    configure()
    pack = load_pack(args.model or default_pack())
    platform = open_platform()
    cache = EngineCache(args.cache)
    builder = EngineBuilder(platform, cache, args.workspace)
    if platform.plugin is None:
        logger.info("no plugin library: the scoring is built from standard layers")
    for name, graph in pack.graphs.items():
        plan = builder.plan_engine(graph, args.precision, args.batch)
        if args.dry_run:
            _print_plan(name, plan)
        elif plan.fault is None and not args.force:
            print(f"{name}: {plan.path} already exists")
        else:
            with _elapsed(f"{name}: building in {args.precision}, which takes minutes"):
                seconds = builder.build_engine(plan)
            print(f"{name}: {plan.path} built in {seconds:.0f} s")
    if args.clean:
        _clean(cache, platform.key(pack.graphs["motion"]), args.dry_run)
    return 0


def _clean(cache: EngineCache, here: EngineKey, is_dry: bool) -> None:
    files = stale_files(cache, here)
    if not is_dry:
        remove_files(files)
    for file in files:
        verb = "would be removed" if is_dry else "removed"
        print(f"{file.path} {verb}, {file.size_bytes / 1e6:.1f} MB: {file.reason}")


def _print_plan(name: str, plan: Plan) -> None:
    print(f"{name}: {plan.path}")
    for field, value in plan.key._asdict().items():
        print(f"  {field:9} {value}")
    print(f"  {'state':9} {plan.fault or 'exists'}")


@contextmanager
def _elapsed(text: str) -> Iterator[None]:
    """Shows on stderr what is going on and, on a terminal, for how long."""
    is_terminal = sys.stderr.isatty()
    print(text, end="" if is_terminal else "\n", file=sys.stderr, flush=True)
    done = threading.Event()
    ticker = threading.Thread(target=_tick, args=(text, done), daemon=True)
    if is_terminal:
        ticker.start()
    try:
        yield
    finally:
        done.set()
        if is_terminal:
            ticker.join()
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def _tick(text: str, done: threading.Event) -> None:
    started = time.monotonic()
    while not done.wait(INTERVAL_S):
        minutes, seconds = divmod(int(time.monotonic() - started), 60)
        print(f"\r{text}: {minutes}:{seconds:02d}", end="", file=sys.stderr, flush=True)
