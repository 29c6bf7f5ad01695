"""`edge-attp run`: recognises what happens in a video."""

import argparse
import re
import sys
from typing import Any, List, Optional

from edge_attp.cli.arguments import count

LIVE = re.compile(r"(rtsps?|rtmps?|rtp|udp|srt)://|/dev/video", re.IGNORECASE)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of this command."""
    parser.description = (
        "Recognises what happens in a video. Results go to stdout: a line per scored picture, a line "
        "per event, and the verdict for the whole video."
    )
    add = parser.add_argument
    add(
        "input",
        metavar="INPUT",
        help="file or URL; H.264 and HEVC are read as they are, the rest is transcoded",
    )
    add("--model", metavar="DIR", help="model pack (default: the one that comes with the program)")
    add("--backend", choices=("auto", "onnxruntime", "tensorrt"), default="auto", help="engine")
    add("--format", choices=("text", "jsonl", "csv"), default="text", help="of the results")
    add("--top", type=count, default=3, metavar="N", help="labels to show (default 3)")
    add(
        "--every",
        type=_every,
        default=1,
        metavar="picture|N|gop",
        help="score every P and B picture (default), one in N, or one of each group of pictures",
    )
    add(
        "--anchor",
        type=_anchor,
        metavar="keyframe|N",
        help="where appearance comes from: the key pictures of the stream (default), or also a "
        "decoded picture wherever there was no key picture for N pictures",
    )
    add("--overlay", metavar="OUT.mp4", help="draw motion, residual, scores and timing")
    add("--timing", action="store_true", help="print the time of each stage on stderr")
    add(
        "--threads",
        type=count,
        metavar="N",
        help="of engine and parser (default: all cores, and 1)",
    )
    add("--limit", type=count, metavar="N", help="read N pictures only")
    add("--no-transcode", action="store_true", help="refuse what is neither H.264 nor HEVC")


def main(args: argparse.Namespace) -> int:
    """Runs the command; returns the exit code."""
    from edge_attp import log
    from edge_attp.engine import default_pack, load_pack, open_backend
    from edge_attp.pipeline import Options, recognise
    from edge_attp.timing import Clock

    log.configure()
    pack = load_pack(args.model or default_pack())
    if not pack.trained:
        log.logger.warning(
            "the model %s is NOT TRAINED: its labels and scores mean nothing. It shows that "
            "everything runs; name a trained pack with --model.",
            pack.name,
        )
    backend = open_backend(args.backend, args.threads, pack)
    clock = Clock()
    options = Options(
        every=args.every,
        anchor=args.anchor,
        threads=args.threads or 1,
        limit=args.limit,
        transcode=not args.no_transcode,
        wait=LIVE.match(args.input) is None,
    )
    try:
        recognise(args.input, pack, backend, _sinks(args), options, clock)
    finally:
        if args.timing and clock.summary():
            _print_timing(clock)
    return 0


def _sinks(args: argparse.Namespace) -> List[Any]:
    from edge_attp.sinks import CsvSink, JsonLinesSink, ProgressSink, TextSink

    if args.format == "jsonl":
        sinks: List[Any] = [JsonLinesSink(sys.stdout, args.top, args.timing)]
    elif args.format == "csv":
        sinks = [CsvSink(sys.stdout, args.top)]
    else:
        sinks = [TextSink(sys.stdout, args.top)]
    if args.overlay:
        from edge_attp.sinks.overlay import OverlaySink

        sinks.append(OverlaySink(args.overlay))
    # Lines of results on the same terminal show the progress by themselves.
    if sys.stderr.isatty() and not sys.stdout.isatty():
        sinks.append(ProgressSink(sys.stderr))
    return sinks


def _print_timing(clock: Any) -> None:
    from edge_attp.timing import TARGET_MS

    summary = clock.summary()
    lines = ["%-12s %8s %9s %9s %9s %9s" % ("stage, ms", "runs", "mean", "p50", "p90", "p99")]
    for name, times in summary.items():
        lines.append("%-12s %8d %9.3f %9.3f %9.3f %9.3f" % ((name,) + tuple(times)))
    if "total" in summary:
        total = summary["total"].mean_ms
        lines.append(
            "total is %.1f ms a scored picture, %.1f pictures/s; the target is %.0f ms: %s"
            % (total, 1000.0 / total, TARGET_MS, _margin(TARGET_MS / total))
        )
    print("\n".join(lines), file=sys.stderr)


def _margin(ratio: float) -> str:
    return "%.1f times as fast" % ratio if ratio >= 1 else "%.2f of what is needed" % ratio


def _every(text: str) -> int:
    words = {"picture": 1, "gop": 0}
    return words[text] if text in words else count(text)


def _anchor(text: str) -> Optional[int]:
    return None if text == "keyframe" else count(text)
