"""`edge-attp run`: recognises what happens in videos."""

import argparse
import os
import sys
import threading
from typing import Dict, List, Sequence, TextIO, Union, cast

from edge_attp.choices import NO_MODEL
from edge_attp.engine import default_pack, load_pack, open_backend
from edge_attp.errors import EdgeAttpError, UsageError
from edge_attp.log import configure, logger, without_password
from edge_attp.pipeline import Job, Options, Session, Stream
from edge_attp.recognition import Thresholds
from edge_attp.sinks import (
    CsvSink,
    JsonLinesSink,
    ProgressSink,
    Sink,
    TextSink,
    write_csv_header,
)
from edge_attp.sinks.overlay import OverlaySink
from edge_attp.sources.live import ConnectionOptions, LiveOptions, LiveSource, is_live
from edge_attp.timing import TARGET_MS, StageTimes


def main(args: argparse.Namespace) -> int:
    """Runs the command; returns the exit code."""
    configure()
    names = _stream_names(args.inputs)
    _check_overlay(args, names)
    pack = None if args.model == NO_MODEL else load_pack(args.model or default_pack())
    if pack is None and args.regions == 0:
        raise UsageError(
            "--model none finds regions in which something moves; leave out --regions off"
        )
    if pack is not None and not pack.trained:
        logger.warning(
            "the model %s is NOT TRAINED: its labels and scores mean nothing. It only shows that "
            "everything runs; name a trained pack with --model.",
            pack.name,
        )
    batch = args.batch or len(args.inputs)
    backend = None if pack is None else open_backend(args.backend, args.threads, pack, batch=batch)
    out = cast(TextIO, _SharedOutput(sys.stdout))
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


def _stream_names(inputs: Sequence[str]) -> List[str]:
    """What results call each input: "" for a single one, otherwise the name of the file, or the whole input
    where two files share a name."""
    if len(inputs) == 1:
        return [""]
    whole = [without_password(path) for path in inputs]
    short = [os.path.splitext(os.path.basename(path))[0] for path in whole]
    names = [name if name and short.count(name) == 1 else path for name, path in zip(short, whole)]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise UsageError(f"{repeated[0]}: is given twice; name each input once")
    return names


def _check_overlay(args: argparse.Namespace, names: Sequence[str]) -> None:
    if args.overlay and len(names) > 1 and "{stream}" not in args.overlay:
        raise UsageError(
            f"--overlay {args.overlay}: several inputs need a file each, as in --overlay '{{stream}}.mp4'"
        )


def _job(args: argparse.Namespace, source: str, name: str, out: TextIO) -> Job:
    live = is_live(source)
    options = Options(
        every=args.every,
        anchor=args.anchor,
        parse_threads=args.parse_threads,
        limit=args.limit,
        transcode=not args.no_transcode,
        wait=not live,
        track=args.track,
        regions=args.regions,
        thresholds=Thresholds(start=args.threshold),
    )
    opened: Union[str, LiveSource] = source
    if live:
        connection = ConnectionOptions(transcode=options.transcode, track=args.track)
        opened = LiveSource(source, options=LiveOptions(connection, first_fails=True))
    return Job(opened, lambda: _new_sinks(args, name, out), options, name)


def _new_sinks(args: argparse.Namespace, name: str, out: TextIO) -> List[Sink]:
    sinks: List[Sink] = []
    if args.format == "jsonl":
        sinks.append(JsonLinesSink(out, args.top, args.timing))
    elif args.format == "csv":
        sinks.append(CsvSink(out, args.top, with_header=not name))
    else:
        sinks.append(TextSink(out, args.top, with_names=bool(name)))
    if args.overlay:
        sinks.append(OverlaySink(args.overlay.replace("{stream}", name.replace(os.sep, "_"))))
    # Results on the same terminal already show the progress.
    if not name and sys.stderr.isatty() and not sys.stdout.isatty():
        sinks.append(ProgressSink(sys.stderr))
    return sinks


class _SharedOutput:
    """A text stream to which several threads write whole lines."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def write(self, text: str) -> int:
        with self._lock:
            return self._stream.write(text)

    def flush(self) -> None:
        with self._lock:
            self._stream.flush()


def _exit_code(streams: Sequence[Stream]) -> int:
    """Raises the error of a single input. With several inputs, reports every error and returns the code of the
    first."""
    errors = [stream.error for stream in streams if stream.error is not None]
    if len(streams) == 1 and errors:
        raise errors[0]
    for error in errors:
        if not isinstance(error, (EdgeAttpError, OSError)):
            raise error
        logger.error("%s", " ".join(str(error).split()))
    return getattr(errors[0], "exit_code", 1) if errors else 0


def _print_timings(streams: Sequence[Stream]) -> None:
    for stream in streams:
        summary = stream.status.clock.summary()
        if summary:
            is_file = isinstance(stream.job.source, str)
            print("\n".join(_timing_lines(stream.job.name, summary, is_file)), file=sys.stderr)


def _timing_lines(stream: str, summary: Dict[str, StageTimes], is_file: bool) -> List[str]:
    lines = [stream] if stream else []
    lines.append(f"{'stage, ms':12} {'runs':>8} {'mean':>9} {'p50':>9} {'p90':>9} {'p99':>9}")
    for name, times in summary.items():
        runs, *milliseconds = times
        cells = "".join(f" {value:9.3f}" for value in milliseconds)
        lines.append(f"{name:12} {runs:8d}{cells}")
    if "total" in summary:
        total_ms = summary["total"].mean_ms
        rate = f"total is {total_ms:.1f} ms a scored picture, {1000 / total_ms:.1f} pictures/s; "
        if is_file:
            margin = _margin(TARGET_MS / total_ms)
            lines.append(f"{rate}the target is {TARGET_MS:.0f} ms: {margin}")
        else:
            lines.append(rate + "a live source sets the pace")
    return lines


def _margin(ratio: float) -> str:
    return f"{ratio:.1f} times as fast" if ratio >= 1 else f"{ratio:.2f} of what is needed"
