"""`edge-attp build`: makes TensorRT engines of a model pack on this device."""

import argparse
import sys
import threading
import time
from contextlib import contextmanager
from typing import Any, Iterator

from edge_attp.cli.arguments import count

INTERVAL_S = 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of this command."""
    parser.description = (
        "Builds TensorRT engines of both graphs of a model pack on this device, where they are kept for "
        "`run --backend tensorrt`. This takes minutes. An engine that is there and fits this device and "
        "software is not built again."
    )
    add = parser.add_argument
    add(
        "pack",
        metavar="PACK",
        nargs="?",
        help="model pack (default: the one that comes with the program)",
    )
    add("--precision", choices=("fp16", "fp32"), default="fp16", help="(default fp16)")
    add(
        "--workspace",
        type=count,
        default=512,
        metavar="MIB",
        help="memory that kernels may use beside the tensors (default 512)",
    )
    add(
        "--batch",
        type=count,
        default=1,
        metavar="N",
        help="largest batch, and the one that is fastest (default 1)",
    )
    add("--dry-run", action="store_true", help="show keys and paths, build nothing")
    add("--force", action="store_true", help="build again what is there")
    add(
        "--clean",
        action="store_true",
        help="then remove engines that this device and software cannot use",
    )
    add(
        "--cache",
        metavar="DIR",
        help="folder of engines (default: $EDGE_ATTP_CACHE, where `run` looks, or ~/.cache/edge-attp)",
    )


def main(args: argparse.Namespace) -> int:
    """Runs the command; returns the exit code."""
    from edge_attp import log
    from edge_attp.engine import default_pack, load_pack
    from edge_attp.engine.builder import EngineBuilder
    from edge_attp.engine.engine_cache import EngineCache
    from edge_attp.engine.tensorrt_platform import open_platform

    log.configure()
    pack = load_pack(args.pack or default_pack())
    platform = open_platform()
    cache = EngineCache(args.cache)
    builder = EngineBuilder(platform, cache, args.workspace)
    if platform.plugin is None:
        log.logger.info("no plugin library: the scoring is built from standard layers")
    for name, graph in pack.graphs.items():
        plan = builder.plan(graph, args.precision, args.batch)
        if args.dry_run:
            _show(name, plan)
        elif plan.fault is None and not args.force:
            print(f"{name}: {plan.path} is there")
        else:
            with _elapsed(f"{name}: building in {args.precision}, which takes minutes"):
                seconds = builder.build(plan)
            print(f"{name}: {plan.path} built in {seconds:.0f} s")
    if args.clean:
        _clean(cache, platform.key(pack.graphs["motion"]), args.dry_run)
    return 0


def _clean(cache: Any, here: Any, is_dry: bool) -> None:
    from edge_attp.engine.engine_cache import remove_files, stale_files

    files = stale_files(cache, here)
    if not is_dry:
        remove_files(files)
    for file in files:
        verb = "would be removed" if is_dry else "removed"
        print(f"{file.path} {verb}, {file.size_bytes / 1e6:.1f} MB: {file.reason}")


def _show(name: str, plan: Any) -> None:
    print(f"{name}: {plan.path}")
    for field, value in plan.key._asdict().items():
        print(f"  {field!s:9} {value}")
    print("  {!s:9} {}".format("state", "there" if plan.fault is None else plan.fault))


@contextmanager
def _elapsed(text: str) -> Iterator[None]:
    """Says on stderr what goes on; on a terminal also for how long."""
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
