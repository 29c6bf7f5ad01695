"""`edge-attp bench`: measures the pipeline on this machine."""

import argparse
import os
import sys
from typing import Dict, List, Optional

from edge_attp import bench, platforms
from edge_attp.bench.plot import save_plot
from edge_attp.bench.record import Target
from edge_attp.choices import TARGET_PER_S
from edge_attp.cli import CHECK_FAILED
from edge_attp.cli.arguments import AS_MEASURED
from edge_attp.cli.parsers import MAX_REGRESS_PERCENT
from edge_attp.engine import Backend, Pack, default_pack, load_pack, open_backend
from edge_attp.errors import MissingEngine, UsageError
from edge_attp.log import configure, logger
from edge_attp.pipeline import Options
from edge_attp.platforms import tx2
from edge_attp.platforms.layers import Layer, read_layers
from edge_attp.sinks import draw
from edge_attp.sinks.base import refuse_input

MOST_COPIES = 32  # of --streams auto, while the throughput is measured


def main(args: argparse.Namespace) -> int:
    """Runs the command; returns the exit code."""
    configure()
    _check(args)
    baseline = bench.read_baseline(args.baseline) if args.baseline else None
    report = _measure(args)
    if args.output:
        with open(args.output, "w", encoding="utf-8") as file:
            file.write(bench.render(report, _format(args)))
    else:
        sys.stdout.write(bench.render(report, _format(args)))
    if args.plot:
        save_plot(report, args.plot)
    is_fast_enough = _report_target(report["target"], args.target is not None)
    accepted_percent = args.max_regress or MAX_REGRESS_PERCENT
    is_kept = baseline is None or _report_changes(report, baseline, accepted_percent)
    return 0 if is_fast_enough and is_kept else CHECK_FAILED


def _check(args: argparse.Namespace) -> None:
    """Fails now for what would fail after minutes of measuring."""
    for option, path in (("--output", args.output), ("--plot", args.plot)):
        folder = os.path.dirname(path or "") or "."
        if not os.path.isdir(folder):
            raise UsageError(f"{option} {path}: the folder {folder} does not exist")
        if path and args.video:
            refuse_input(option, path, args.video)
    if args.batch and args.streams is None:
        raise UsageError("--batch applies to several copies at once: add --streams")
    if args.max_regress is not None and not args.baseline:
        raise UsageError("--max-regress needs a --baseline to compare with")
    if args.plot:
        draw.opencv()


def _measure(args: argparse.Namespace) -> bench.Report:
    is_checked = args.platform != "host" and tx2.is_tx2(platforms.detect())
    pack = load_pack(args.model or default_pack())
    graphs = _layers(pack) if args.platform == "tx2" and not is_checked else None
    options = Options(parse_threads=args.parse_threads, limit=args.limit)
    setup = bench.Setup(args.video or bench.demo_clip(), pack, options, _opener(args, pack))
    for subject in args.compare:
        bench.check_subject(subject, setup)
    found = bench.measure(setup, args.repeat, _progress)
    board = platforms.detect()  # warm, and with its clocks where work has put them
    remarks = tx2.remarks(board) if is_checked else []
    target = args.target or TARGET_PER_S
    report = bench.new_report(found, pack, board, options, target, remarks)
    if graphs:
        bench.add_tx2_estimate(report, graphs)
    if args.streams is not None:
        bench.add_streams(report, _measure_streams(args, setup, report))
    compared = [bench.compare_choices(what, setup, args.repeat, _progress) for what in args.compare]
    bench.add_choices(report, compared)
    _progress("")
    return report


def _opener(args: argparse.Namespace, pack: Pack) -> bench.OpenBackend:
    """open_backend with the choices of the command line."""

    def opener(threads: Optional[int] = args.threads, buffers: Optional[str] = None) -> Backend:
        return open_backend(args.backend, threads, pack, buffers)

    return opener


def _measure_streams(
    args: argparse.Namespace, setup: bench.Setup, report: bench.Report
) -> bench.Streams:
    count = args.streams
    if count == AS_MEASURED:
        rate = report["video"]["frame_rate"] or TARGET_PER_S
        fits = int(report["pictures_per_s"]["pipelined"] / rate)
        count = min(max(fits, 2), MOST_COPIES)
    backend = setup.open_backend()
    batches = [args.batch] if args.batch else [1, count]
    tried = [bench.Copies(setup, backend, batch) for batch in batches]
    by_batch = {copies.batch: copies for copies in tried}  # the engine may take fewer than asked
    return bench.measure_streams(list(by_batch.values()), count, _progress)


def _layers(pack: Pack) -> Dict[str, List[Layer]]:
    """The layers of each graph, read before anything is measured: without onnx, measuring would be in vain."""
    try:
        return {name: read_layers(path) for name, path in pack.graphs.items()}
    except MissingEngine as error:
        raise MissingEngine(f"--platform tx2 on another machine: {error}") from None


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K" + text)
        sys.stderr.flush()


def _format(args: argparse.Namespace) -> str:
    suffix = os.path.splitext(args.output or "")[1].lstrip(".")
    return args.format or (suffix if suffix in ("json", "csv") else "md")


def _report_target(target: Target, is_wanted: bool) -> bool:
    logger.info(
        "%.2f times as fast as the target of %g pictures/s",
        target["margin"],
        target["pictures_per_s"],
    )
    return target["is_reached"] or not is_wanted


def _report_changes(report: bench.Report, baseline: bench.Report, accepted_percent: float) -> bool:
    for text in bench.different_conditions(report, baseline):
        logger.warning("not the same as the baseline: %s", text)
    changes = bench.compare_reports(report, baseline)
    for change in changes:
        logger.info(
            "%s: %.2f, was %.2f: %.1f %% %s%s",
            change.name,
            change.now,
            change.before,
            abs(change.worse_percent),
            "worse" if change.worse_percent > 0 else "better",
            ", more than is accepted" if change.worse_percent > accepted_percent else "",
        )
    return all(change.worse_percent <= accepted_percent for change in changes)
