"""Every command, option and help text of `edge-attp`.

Imports the standard library and constants alone, so --help works on a bare Python. The completion scripts
and the manual page in packaging/ are generated from these parsers by `make manual`.
"""

import argparse
import sys
from typing import Callable, List, NamedTuple

from edge_attp import __version__
from edge_attp.choices import (
    BACKENDS,
    COMPARABLE,
    NO_MODEL,
    PRECISIONS,
    REPORT_FORMATS,
    TARGET_PER_S,
    WORKSPACE_MIB,
)
from edge_attp.cli.arguments import (
    Renamed,
    anchor_distance,
    batch_size,
    comparison_subjects,
    count,
    instance_name,
    parse_thread_count,
    positive,
    probability,
    region_count,
    scoring_interval,
    stream_count,
    thread_count,
    whole,
)

__all__ = ["COMMANDS", "Command", "MAX_REGRESS_PERCENT", "new_parser", "parse_command_line"]

MAX_REGRESS_PERCENT = 10.0
EXAMPLES = """examples:
  edge-attp run clip.mp4                recognise what happens in a file
  edge-attp run rtsp://camera/stream1   or in front of a camera
  edge-attp inspect clip.mp4            show what its bitstream holds
  edge-attp doctor                      check this machine

`edge-attp COMMAND --help` describes each command."""
DUMP = """
--dump writes an .npz file for numpy.load(). It holds, for every picture N in decoding order, as coded:
  N/mv         int16 (2, H4, W4, 2)  vectors x, y in quarter luma samples, lists 0 and 1
  N/reference  int32 (2, H4, W4)     decode_index of the reference, -1 unused, -2 never received
  N/mode       uint8 (H4, W4)        0 intra, 1 inter, 2 skip, 3 pcm, 4 missing
  N/flow       float32 (2, H4, W4)   motion in luma pixels per picture interval, x, y
  N/y, N/u, N/v  int16               coded residual
and one entry per picture in decode_index, poc, pts, kind, is_reference, is_random_access, damaged.
"""

Parser = argparse.ArgumentParser


class Command(NamedTuple):
    """One command: edge_attp/cli/NAME.py has its main(args), which returns the exit code."""

    name: str
    summary: str
    add_arguments: Callable[[Parser], None]


def new_parser() -> Parser:
    """The parser of the whole command line."""
    parser = Parser(
        prog="edge-attp",
        description="Recognises actions in H.264 and HEVC video without decoding it.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version="edge-attp " + __version__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    commands.required = True  # a parameter only from Python 3.7 on
    for name, summary, add_arguments in COMMANDS:
        command = commands.add_parser(name, help=summary, add_help=name != "export")
        command.set_defaults(parser=command)
        add_arguments(command)
    return parser


def parse_command_line(arguments: List[str]) -> argparse.Namespace:
    """Exits with 2 if the arguments are wrong; `rest` holds those of export, which has a parser of its own."""
    parser = new_parser()
    if not arguments:
        parser.print_help(sys.stderr)
        sys.exit(2)
    args, rest = parser.parse_known_args(arguments)
    if args.command == "export":
        args.rest = rest
    elif rest:
        args.parser.error("unrecognized arguments: " + " ".join(rest))
    return args


def _add_run(parser: Parser) -> None:
    parser.description = (
        "Recognises what happens in videos. Results go to stdout: a line for each scored picture, a line "
        "for each event, and a verdict on each whole video. Several inputs share one engine and run side "
        "by side."
    )
    parser.add_argument(
        "inputs",
        metavar="INPUT",
        nargs="+",
        help="file, URL or camera; H.264 and HEVC are parsed as they are, other codecs are transcoded",
    )
    add = parser.add_argument_group("results").add_argument
    add(
        "--format",
        choices=("text", "jsonl", "csv"),
        default="text",
        help="format of the results (default: text)",
    )
    add("--top", type=count, default=3, metavar="N", help="labels to show (default: 3)")
    add(
        "--overlay",
        metavar="OUT.mp4",
        help="write a video that shows motion, residual, scores and timing; with several inputs, OUT must "
        "contain {stream}, which stands for the name of the input",
    )
    add(
        "--threshold",
        type=probability,
        metavar="P",
        help="probability from which on an event starts (default: what the model says of the label, else 0.6)",
    )
    add("--timing", action="store_true", help="print the time that each stage takes on stderr")
    add = parser.add_argument_group("what is read and scored").add_argument
    add(
        "--every",
        type=scoring_interval,
        default=1,
        metavar="picture|N|gop",
        help="score every P and B picture (default), one in N, or one per group of pictures (one in 12 of "
        "a longer group), in which case the others are not even parsed",
    )
    add(
        "--regions",
        type=region_count,
        metavar="off|N",
        help="score up to N regions in which something moves, and nothing where nothing does; off scores the "
        "whole picture (default: what the model was trained for)",
    )
    add(
        "--anchor",
        type=anchor_distance,
        metavar="keyframe|N",
        help="where appearance comes from: the key pictures of the stream (default), or also a decoded "
        "picture wherever N pictures have passed without a key picture; of no use to a model without appearance",
    )
    add("--limit", type=count, metavar="N", help="stop after N pictures")
    _add_track(add)
    add("--no-transcode", action="store_true", help="refuse codecs other than H.264 and HEVC")
    add = parser.add_argument_group("model and engine").add_argument
    _add_model(add, f'"{NO_MODEL}" reports what moves, and where, without a network; ')
    _add_backend(add)
    add(
        "--batch",
        type=batch_size,
        metavar="N",
        help="largest number of pictures for the engine to take at once (default: the number of inputs)",
    )
    _add_threads(add)
    _add_parse_threads(add)


def _add_inspect(parser: Parser) -> None:
    parser.description = "Shows what a stream holds: pictures, motion, residual, damage."
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = DUMP
    add = parser.add_argument
    add("input", metavar="INPUT", help="file or URL of an H.264 or HEVC stream")
    add("--json", action="store_true", help="print JSON instead of text")
    add("--limit", type=count, metavar="N", help="stop after N pictures")
    _add_track(add)
    _add_parse_threads(add)
    add(
        "--threads",
        dest="old",
        action=Renamed,
        successor="--parse-threads",
        type=parse_thread_count,
    )
    add("--dump", metavar="OUT.npz", help="write the arrays of every picture")
    add("--picture", type=int, metavar="N", help="draw picture N (in decoding order, from 0)")
    add("--png", metavar="OUT.png", help="where to write the drawing of --picture")


def _add_serve(parser: Parser) -> None:
    parser.description = (
        "Watches the cameras, files and folders named in a configuration file and reports events to its "
        "sinks. SIGHUP reloads the file. SIGTERM and Ctrl-C stop the service once the results of what it "
        "has read are written."
    )
    parser.epilog = "To begin: edge-attp serve --example > camera.toml"
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--config", metavar="FILE", help="configuration file (TOML)")
    source.add_argument(
        "--example", action="store_true", help="print a commented configuration and exit"
    )
    parser.add_argument(
        "--check-config",
        action="store_true",
        help="say what would run and exit; the exit code is 2 if the configuration is wrong",
    )


def _add_service(parser: Parser) -> None:
    parser.description = (
        "Runs `edge-attp serve` under systemd as edge-attp@NAME, with the configuration file "
        "/etc/edge-attp/NAME.toml."
    )
    add = parser.add_argument
    add("action", choices=("install", "uninstall", "status"))
    add("--name", type=instance_name, default="main", help="name of the instance (default: main)")
    add(
        "--config",
        metavar="FILE",
        help="install: configuration file to copy to /etc/edge-attp/NAME.toml",
    )
    add("--no-start", action="store_true", help="install: start at the next boot, not now")
    add(
        "--root",
        metavar="DIR",
        default="/",
        help="install, uninstall: root of the system to change, for disk images (default: /)",
    )


def _add_build(parser: Parser) -> None:
    parser.description = (
        "Builds TensorRT engines from the graphs of a model pack, on the device that will run them, and "
        "stores them for `run --backend tensorrt`. This takes minutes. An engine that already fits this "
        "device and its software is not built again."
    )
    add = parser.add_argument
    _add_model(add)
    add("old", metavar="PACK", nargs="?", action=Renamed, successor="--model")
    add(
        "--precision",
        choices=PRECISIONS,
        default=PRECISIONS[0],
        help=f"precision of the engines (default: {PRECISIONS[0]})",
    )
    add(
        "--workspace",
        type=count,
        default=WORKSPACE_MIB,
        metavar="MIB",
        help="memory that kernels may use besides the tensors "
        f"(default: {WORKSPACE_MIB}; a Jetson shares its memory between CPU and GPU)",
    )
    add(
        "--batch",
        type=batch_size,
        default=1,
        metavar="N",
        help="largest batch, which is also the one that runs fastest (default: 1)",
    )
    add("--dry-run", action="store_true", help="show keys and paths without building anything")
    add("--force", action="store_true", help="build again even if a fitting engine exists")
    add(
        "--clean",
        action="store_true",
        help="afterwards, remove engines that this device and its software cannot use",
    )
    add(
        "--cache",
        metavar="DIR",
        help="folder of engines (default: $EDGE_ATTP_CACHE, where `run` looks too, or ~/.cache/edge-attp)",
    )


def _add_bench(parser: Parser) -> None:
    parser.description = (
        "Measures everything that `run` does with a video: the time of each stage, pictures per second, "
        "processor time and memory, both pipelined and one stage after the other. The result goes to "
        "stdout or to a file, the verdict to stderr. No setting of the machine is changed."
    )
    parser.epilog = (
        "Exit code: 0 if measured; 6 if --target was given and missed, or if the result is more than "
        "--max-regress worse than --baseline. On a Jetson TX2, --platform auto checks its settings. "
        "Elsewhere, --platform tx2 also estimates from the graphs what a TX2 would do (this needs the onnx "
        "package), and --platform host only measures. --streams calls a number of live streams sustained "
        "only after that many copies have run at the pace of the video and all have kept up."
    )
    add = parser.add_argument
    add(
        "--platform",
        choices=("auto", "host", "tx2"),
        default="auto",
        help="what to check and estimate, see below (default: auto)",
    )
    add(
        "--video",
        metavar="FILE",
        help="video to recognise (default: the demo clip of the repository)",
    )
    _add_model(add)
    add("--pack", dest="old", action=Renamed, successor="--model")
    _add_backend(add)
    _add_threads(add)
    _add_parse_threads(add)
    add(
        "--repeat",
        type=count,
        default=5,
        metavar="N",
        help="number of runs after the warm-up (default: 5)",
    )
    add(
        "--streams",
        type=stream_count,
        metavar="N|auto",
        help="also run N copies at once, and find out how many live streams are sustained",
    )
    add(
        "--batch",
        type=batch_size,
        metavar="N",
        help="with --streams, largest number of pictures for the engine to take at once "
        "(default: 1 or the number of copies, whichever is faster)",
    )
    add(
        "--compare",
        type=comparison_subjects,
        default=(),
        metavar="WHAT,...",
        help=f"also measure each choice of {', '.join(COMPARABLE)}",
    )
    add("--limit", type=count, metavar="N", help="stop after N pictures")
    add(
        "--target",
        type=positive,
        metavar="FPS",
        help="pictures per second to reach, or exit with code 6 "
        f"(default: {TARGET_PER_S:g}, which is only reported)",
    )
    add("--baseline", metavar="FILE", help="earlier result in JSON to compare with")
    add(
        "--max-regress",
        type=positive,
        metavar="PERCENT",
        help="how much worse than --baseline the median total and the rate may be "
        f"(default: {MAX_REGRESS_PERCENT:g})",
    )
    add("-o", "--output", metavar="FILE", help="write the result to FILE instead of stdout")
    add(
        "--format",
        choices=REPORT_FORMATS,
        help="format of the result (default: by the suffix of --output, otherwise md)",
    )
    add("--plot", metavar="FILE.png", help="also draw the stage times")


def _add_doctor(parser: Parser) -> None:
    parser.description = (
        "Checks the board, its settings, the native core, the inference engines, cameras and the service. "
        "Each line says PASS, INFO (a fact), SKIP (absent by design), WARN or FAIL, and how to fix what is "
        "wrong. Nothing is changed."
    )
    parser.epilog = "Exit code: 0, or 6 if anything FAILs."
    parser.add_argument("--json", action="store_true", help="print JSON, as bug reports need it")
    parser.add_argument(
        "--config", metavar="FILE", help="also check this configuration of the service"
    )


def _add_export(parser: Parser) -> None:
    """Nothing: every argument, --help included, belongs to the other package."""


Add = Callable[..., argparse.Action]


def _add_model(add: Add, more: str = "") -> None:
    add(
        "--model",
        metavar="DIR",
        help=f"folder of the model pack; {more}the default comes with the program",
    )


def _add_backend(add: Add) -> None:
    add(
        "--backend",
        choices=BACKENDS,
        default=BACKENDS[0],
        help="inference engine (default: auto, which is TensorRT where `edge-attp build` has built engines "
        "of the model, otherwise ONNX Runtime)",
    )


def _add_threads(add: Add) -> None:
    add(
        "--threads",
        type=thread_count,
        metavar="N",
        help="CPU threads of the engine (default: measured, the fewest that are fast)",
    )


def _add_parse_threads(add: Add) -> None:
    add(
        "--parse-threads",
        type=parse_thread_count,
        default=1,
        metavar="N",
        help="threads of the bitstream parser (default: 1)",
    )


def _add_track(add: Add) -> None:
    add(
        "--track",
        type=whole,
        metavar="N",
        help="video track to read, counted from 0 as `inspect` lists them (default: FFmpeg's choice, "
        "which prefers tracks marked as default and avoids covers and thumbnails)",
    )


COMMANDS = (
    Command("run", "recognise what happens in a video", _add_run),
    Command("inspect", "show what a video stream holds", _add_inspect),
    Command("serve", "watch cameras and files as a service", _add_serve),
    Command("service", "install, remove or show the service under systemd", _add_service),
    Command("build", "build TensorRT engines of a model pack on this device", _add_build),
    Command("bench", "measure the pipeline on this machine", _add_bench),
    Command("doctor", "check this machine and say how to fix what is wrong", _add_doctor),
    Command("export", "write a model pack (needs PyTorch)", _add_export),
)
