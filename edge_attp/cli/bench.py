"""`edge-attp bench`: measures the pipeline on this machine."""

import argparse
import os
import sys
from typing import Any, Callable, Dict, List, Optional, Tuple

from edge_attp.cli.arguments import count
from edge_attp.errors import EngineError, UsageError

TARGET = 40.0  # pictures a second, the paper's on a Jetson TX2
MAX_REGRESS_PERCENT = 10.0
CHECK_FAILED = 6
SUBJECTS = ("threads", "buffers", "batch")
AUTO = 0  # of --streams
MOST_COPIES = 32  # of --streams auto, while the throughput is measured


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of this command."""
    parser.description = (
        "Measures the whole of `run` on a video: time of each stage, pictures per second, processor "
        "time and memory, pipelined and one stage after the other. The result goes to stdout or to a "
        "file, the verdict to stderr."
    )
    parser.epilog = (
        "Exit code: 0 measured; 6 if --target was given and not reached, or if the run is more than "
        "--max-regress worse than --baseline. --platform auto checks the settings of a Jetson TX2 "
        "where it runs on one; tx2 elsewhere also estimates, from the graphs, what a TX2 would do "
        "(needs the onnx package); host only measures. No setting of the machine is changed. A number of "
        "live streams is claimed after so many copies ran at the video's own pace and all kept up."
    )
    add = parser.add_argument
    add(
        "--platform",
        choices=("auto", "host", "tx2"),
        default="auto",
        help="what to check and estimate, see below",
    )
    add("--video", metavar="FILE", help="what to recognise (default: the demo clip of a checkout)")
    add("--pack", metavar="DIR", help="model pack (default: as for run)")
    add("--backend", choices=("auto", "onnxruntime", "tensorrt"), default="auto", help="engine")
    add("--threads", type=count, metavar="N", help="of engine and parser, as for run")
    add("--repeat", type=count, default=5, metavar="N", help="runs after the warm-up (default 5)")
    add(
        "--streams",
        type=_copies,
        metavar="N|auto",
        help="also run N copies at once, and find how many live streams are sustained",
    )
    add(
        "--batch",
        type=count,
        metavar="N",
        help="of --streams, pictures to run at once "
        "(default: 1 or one of each copy, by measurement)",
    )
    add(
        "--compare",
        type=_subjects,
        default=(),
        metavar="WHAT,...",
        help="also measure each choice of {}".format(", ".join(SUBJECTS)),
    )
    add("--limit", type=count, metavar="N", help="read N pictures only")
    add("--target", type=_rate, metavar="FPS", help="pictures per second to reach (40)")
    add("--baseline", metavar="FILE", help="a result in JSON to compare p50 total and rate with")
    add("--max-regress", type=_rate, metavar="PERCENT", help="that is accepted (default 10)")
    add("-o", "--output", metavar="FILE", help="write the result here")
    add("--format", choices=("md", "json", "csv"), help="of it (default: FILE's ending, or md)")
    add("--plot", metavar="FILE.png", help="also draw the stage times")


def main(args: argparse.Namespace) -> int:
    """Runs the command; returns the exit code."""
    from edge_attp import bench, log

    log.configure()
    _check(args)
    baseline = _baseline(args)
    report = _measured(args)
    if args.output:
        with open(args.output, "w", encoding="utf-8") as file:
            file.write(bench.render(report, _format(args)))
    else:
        sys.stdout.write(bench.render(report, _format(args)))
    if args.plot:
        from edge_attp.bench.plot import save

        save(report, args.plot)
    reached = _says_target(report["target"], args.target is not None)
    kept = _says_changes(report, baseline, args.max_regress or MAX_REGRESS_PERCENT)
    return 0 if reached and kept else CHECK_FAILED


def _check(args: argparse.Namespace) -> None:
    """What would fail after minutes of measuring fails at once."""
    for option, path in (("--output", args.output), ("--plot", args.plot)):
        folder = os.path.dirname(path or "") or "."
        if not os.path.isdir(folder):
            raise UsageError(f"{option} {path}: there is no folder {folder}")
    if args.batch and args.streams is None:
        raise UsageError("--batch is for several copies at once: add --streams")
    if args.plot:
        from edge_attp.sinks.draw import opencv

        opencv()


def _baseline(args: argparse.Namespace) -> Optional[Dict[str, Any]]:
    from edge_attp.bench import read_baseline

    if args.max_regress is not None and not args.baseline:
        raise UsageError("--max-regress needs a --baseline to compare with")
    return read_baseline(args.baseline) if args.baseline else None


def _measured(args: argparse.Namespace) -> Dict[str, Any]:
    from edge_attp import bench
    from edge_attp.engine import default_pack, load_pack
    from edge_attp.pipeline import Options
    from edge_attp.platforms import detect, tx2

    is_checked = args.platform != "host" and tx2.is_tx2(detect())
    pack = load_pack(args.pack or default_pack())
    graphs = _layers(pack) if args.platform == "tx2" and not is_checked else None
    options = Options(threads=args.threads or 1, limit=args.limit)
    setup = bench.Setup(args.video or bench.demo_clip(), pack, options, _opener(args, pack))
    for subject in args.compare:
        bench.check_subject(subject, setup)
    found = bench.measure(setup, args.repeat, _progress)
    board = detect()  # warm, and with its clocks where work has put them
    remarks = tx2.remarks(board) if is_checked else []
    report = bench.build(found, pack, board, options, args.target or TARGET, remarks)
    if graphs:
        bench.add_tx2_estimate(report, graphs)
    _add_what_was_asked(args, setup, report)
    _progress("")
    return report


def _add_what_was_asked(args: argparse.Namespace, setup: Any, report: Dict[str, Any]) -> None:
    from edge_attp import bench

    if args.streams is not None:
        bench.add_streams(report, _streams(args, setup, report))
    compared = [bench.compare_choices(what, setup, args.repeat, _progress) for what in args.compare]
    bench.add_choices(report, compared)


def _opener(args: argparse.Namespace, pack: Any) -> Callable[..., Any]:
    """open_backend with what the command line says, but for what is named."""
    from edge_attp.engine import open_backend

    def opener(threads: Optional[int] = args.threads, buffers: Optional[str] = None) -> Any:
        return open_backend(args.backend, threads, pack, buffers)

    return opener


def _streams(args: argparse.Namespace, setup: Any, report: Dict[str, Any]) -> Any:
    from edge_attp.bench import Copies, measure_streams

    count = args.streams
    if count == AUTO:
        rate = report["video"]["frame_rate"] or TARGET
        fits = int(report["pictures_per_s"]["pipelined"] / rate)
        count = min(max(fits, 2), MOST_COPIES)
    backend = setup.open_backend()
    tried = [Copies(setup, backend, n) for n in ([args.batch] if args.batch else [1, count])]
    by_batch = {copies.batch: copies for copies in tried}  # the engine may take less than was asked
    return measure_streams(list(by_batch.values()), count, _progress)


def _layers(pack: Any) -> Dict[str, List[Any]]:
    """Both graphs, before anything is measured: without onnx there is no need to."""
    from edge_attp.platforms.layers import read_layers

    try:
        return {name: read_layers(path) for name, path in pack.graphs.items()}
    except EngineError as error:
        raise EngineError(f"--platform tx2 away from a TX2: {error}") from None


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K" + text)
        sys.stderr.flush()


def _format(args: argparse.Namespace) -> str:
    ending = os.path.splitext(args.output or "")[1].lstrip(".")
    return args.format or (ending if ending in ("json", "csv") else "md")


def _says_target(target: Dict[str, Any], is_wanted: bool) -> bool:
    from edge_attp.log import logger

    logger.info(
        "%.2f times as fast as the target of %g pictures/s",
        target["margin"],
        target["pictures_per_s"],
    )
    return target["is_reached"] or not is_wanted


def _says_changes(
    report: Dict[str, Any], baseline: Optional[Dict[str, Any]], accepted: float
) -> bool:
    from edge_attp.bench import compare, differences
    from edge_attp.log import logger

    if baseline is None:
        return True
    for text in differences(report, baseline):
        logger.warning("not the same as the baseline: %s", text)
    changes = compare(report, baseline)
    for change in changes:
        way = "worse" if change.worse_percent > 0 else "better"
        logger.info(
            "%s: %.2f, was %.2f: %.1f %% %s%s",
            change.name,
            change.now,
            change.before,
            abs(change.worse_percent),
            way,
            ", more than is accepted" if change.worse_percent > accepted else "",
        )
    return all(change.worse_percent <= accepted for change in changes)


def _copies(text: str) -> int:
    return AUTO if text == "auto" else count(text)


def _subjects(text: str) -> Tuple[str, ...]:
    names = tuple(text.split(","))
    for name in names:
        if name not in SUBJECTS or names.count(name) > 1:
            raise argparse.ArgumentTypeError(
                "got {!r}, expected some of {} with commas between".format(
                    text, ", ".join(SUBJECTS)
                )
            )
    return names


def _rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a number above 0")
    return value
