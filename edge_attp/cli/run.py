"""`edge-attp run`: recognises what happens in a video."""

import argparse
import os
import sys
import threading
from typing import Any, List, Optional, Sequence, TextIO

from edge_attp.cli.arguments import add_track, count
from edge_attp.errors import EdgeAttpError, UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of this command."""
    parser.description = (
        "Recognises what happens in videos. Results go to stdout: a line per scored picture, a line "
        "per event, and the verdict for each whole video. Several inputs run side by side through one "
        "engine, in turn."
    )
    add = parser.add_argument
    add(
        "inputs",
        metavar="INPUT",
        nargs="+",
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
        help="score every P and B picture (default), one in N, or, parsing nothing else, one of each "
        "group of pictures and of each 12 in a longer one",
    )
    add(
        "--anchor",
        type=_anchor,
        metavar="keyframe|N",
        help="where appearance comes from: the key pictures of the stream (default), or also a "
        "decoded picture wherever there was no key picture for N pictures",
    )
    add(
        "--overlay",
        metavar="OUT.mp4",
        help="draw motion, residual, scores and timing; of several inputs, {stream} in OUT is the name",
    )
    add(
        "--batch",
        type=count,
        metavar="N",
        help="pictures that the engine takes at once at most (default: as many as inputs)",
    )
    add("--timing", action="store_true", help="print the time of each stage on stderr")
    add(
        "--threads",
        type=count,
        metavar="N",
        help="of engine and parser (default: all cores, and 1)",
    )
    add("--limit", type=count, metavar="N", help="read N pictures only")
    add_track(parser)
    add("--no-transcode", action="store_true", help="refuse what is neither H.264 nor HEVC")


def main(args: argparse.Namespace) -> int:
    """Runs the command; returns the exit code."""
    from edge_attp import log
    from edge_attp.engine import default_pack, load_pack, open_backend
    from edge_attp.pipeline import Session
    from edge_attp.sinks import write_csv_header

    log.configure()
    names = _names(args.inputs)
    _check_overlay(args, names)
    pack = load_pack(args.model or default_pack())
    if not pack.trained:
        log.logger.warning(
            "the model %s is NOT TRAINED: its labels and scores mean nothing. It shows that "
            "everything runs; name a trained pack with --model.",
            pack.name,
        )
    batch = args.batch or len(args.inputs)
    backend = open_backend(args.backend, args.threads, pack, batch=batch)
    out: Any = _Shared(sys.stdout)
    if args.format == "csv" and len(names) > 1:
        write_csv_header(out)
    with Session(pack, backend, batch) as session:
        streams = [session.submit(_job(args, *pair, out)) for pair in zip(args.inputs, names)]
        try:
            session.run()
        finally:
            if args.timing:
                _print_timings(streams)
    return _exit_code(streams)


def _names(inputs: Sequence[str]) -> List[str]:
    """What results call each input: nothing for a single one, else the file's name, or the whole input
    where two would be called the same."""
    from edge_attp.log import without_password

    if len(inputs) == 1:
        return [""]
    whole = [without_password(path) for path in inputs]
    short = [os.path.splitext(os.path.basename(path))[0] for path in whole]
    names = [name if name and short.count(name) == 1 else path for name, path in zip(short, whole)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"{twice[0]}: is there twice; name each input once")
    return names


def _check_overlay(args: argparse.Namespace, names: Sequence[str]) -> None:
    if args.overlay and len(names) > 1 and "{stream}" not in args.overlay:
        raise UsageError(
            f"--overlay {args.overlay}: several inputs need a file each, as in --overlay '{{stream}}.mp4'"
        )


def _job(args: argparse.Namespace, source: str, name: str, out: TextIO) -> Any:
    from edge_attp.pipeline import Job, Options
    from edge_attp.sources.live import ConnectionOptions, LiveOptions, LiveSource, is_live

    live = is_live(source)
    options = Options(
        every=args.every,
        anchor=args.anchor,
        threads=args.threads or 1,
        limit=args.limit,
        transcode=not args.no_transcode,
        wait=not live,
        track=args.track,
    )
    opened: Any = source
    if live:
        connection = ConnectionOptions(transcode=options.transcode, track=args.track)
        opened = LiveSource(source, options=LiveOptions(connection, first_fails=True))
    return Job(opened, lambda: _sinks(args, name, out), options, name)


def _sinks(args: argparse.Namespace, name: str, out: TextIO) -> List[Any]:
    from edge_attp.sinks import CsvSink, JsonLinesSink, ProgressSink, TextSink

    if args.format == "jsonl":
        sinks: List[Any] = [JsonLinesSink(out, args.top, args.timing)]
    elif args.format == "csv":
        sinks = [CsvSink(out, args.top, with_header=not name)]
    else:
        sinks = [TextSink(out, args.top, with_names=bool(name))]
    if args.overlay:
        from edge_attp.sinks.overlay import OverlaySink

        sinks.append(OverlaySink(args.overlay.replace("{stream}", name.replace(os.sep, "_"))))
    # Lines of results on the same terminal show the progress by themselves.
    if not name and sys.stderr.isatty() and not sys.stdout.isatty():
        sinks.append(ProgressSink(sys.stderr))
    return sinks


class _Shared:
    """A stream of text that several threads write whole lines to."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def write(self, text: str) -> int:
        with self._lock:
            return self._stream.write(text)

    def flush(self) -> None:
        with self._lock:
            self._stream.flush()


def _exit_code(streams: Sequence[Any]) -> int:
    """Raises the error of a single input. Of several, each error is reported, and the first one's code
    returned."""
    errors = [stream.error for stream in streams if stream.error is not None]
    if len(streams) == 1 and errors:
        raise errors[0]
    from edge_attp.log import logger

    for error in errors:
        if not isinstance(error, (EdgeAttpError, OSError)):
            raise error
        logger.error("%s", " ".join(str(error).split()))
    return getattr(errors[0], "exit_code", 1) if errors else 0


def _print_timings(streams: Sequence[Any]) -> None:
    for stream in streams:
        summary = stream.status.clock.summary()
        if summary:
            _print_timing(stream.job.name, summary, isinstance(stream.job.source, str))


def _print_timing(name: str, summary: Any, is_file: bool) -> None:
    from edge_attp.timing import TARGET_MS

    lines = [name] if name else []
    lines += [
        f"{'stage, ms'!s:12} {'runs'!s:>8} {'mean'!s:>9} {'p50'!s:>9} {'p90'!s:>9} {'p99'!s:>9}"
    ]
    for name, times in summary.items():
        lines.append(
            "{!s:12} {:8d} {:9.3f} {:9.3f} {:9.3f} {:9.3f}".format(*(name,) + tuple(times))
        )
    if "total" in summary:
        total_ms = summary["total"].mean_ms
        rate = f"total is {total_ms:.1f} ms a scored picture, {1000 / total_ms:.1f} pictures/s; "
        if is_file:
            margin = _margin(TARGET_MS / total_ms)
            lines.append(rate + f"the target is {TARGET_MS:.0f} ms: {margin}")
        else:
            lines.append(rate + "a live source sets the pace")
    print("\n".join(lines), file=sys.stderr)


def _margin(ratio: float) -> str:
    return f"{ratio:.1f} times as fast" if ratio >= 1 else f"{ratio:.2f} of what is needed"


def _every(text: str) -> int:
    words = {"picture": 1, "gop": 0}
    return words[text] if text in words else count(text)


def _anchor(text: str) -> Optional[int]:
    return None if text == "keyframe" else count(text)
