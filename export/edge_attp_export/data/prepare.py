"""`edge-attp-export prepare`: arguments and printing. The work is in `making`."""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Sequence, Tuple

from edge_attp.errors import EdgeAttpError, SourceError, UsageError

from ..workers import add_jobs_argument, in_processes, whole

if TYPE_CHECKING:  # these need OpenCV and PyAV, so they are imported late
    from .datasets import Dataset, SourceClip
    from .making import Made, Settings
    from .prepared import Prepared

DATASETS = ("auto", "folder", "csv", "ucf101", "hmdb51")
FITS = ("stretch", "pad")
METHODS = ("dis", "farneback", "tvl1", "none")
SHOWN = 10  # refused clips to name
SMALLEST_PX = 64


def add_arguments(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "prepare",
        help="transcode a set of videos and extract training samples",
        description="Transcode all clips alike, then extract motion vectors, residuals, key pictures "
        "and optical flow into a cache. Finished clips are kept.",
    )
    parser.add_argument(
        "source",
        type=Path,
        metavar="SOURCE",
        help="folder of videos, or a CSV file with columns path, label and optionally split, group",
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write")
    parser.add_argument(
        "--dataset",
        choices=DATASETS,
        default="auto",
        help="auto (default): csv for a .csv file or a synthetic set, else folder",
    )
    parser.add_argument(
        "--splits", type=Path, metavar="DIR", help="official lists of ucf101 or hmdb51"
    )
    _add_settings(parser)
    add_jobs_argument(parser)
    parser.add_argument("--force", action="store_true", help="make everything again")
    parser.set_defaults(run=run)


def _add_settings(parser: argparse.ArgumentParser) -> None:
    """How clips are encoded; the ranges suit x264, x265 and our parser."""
    parser.add_argument("--codec", choices=("h264", "hevc"), default="h264", help="(default h264)")
    parser.add_argument("--preset", default="fast", help="of the encoder (default fast)")
    parser.add_argument(
        "--crf", type=whole(1, 51), metavar="N", default=23, help="quality (default 23)"
    )
    parser.add_argument(
        "--gop", type=whole(2, 1000), metavar="N", default=12, help="pictures (default 12)"
    )
    parser.add_argument(
        "--b-pictures",
        type=whole(0, 16),
        metavar="N",
        default=3,
        help="between two others (default 3)",
    )
    parser.add_argument("--size", type=picture_size, default=(340, 256), help="(default 340x256)")
    parser.add_argument(
        "--fit",
        choices=FITS,
        default="stretch",
        help="stretch (default) clips to the size, or pad them with their border: for sets whose clips are "
        "cut to a size that depends on the class",
    )
    parser.add_argument("--optical-flow", choices=METHODS, default="dis", help="(default dis)")
    parser.add_argument(
        "--per-gop",
        type=whole(0, 1000),
        metavar="N",
        default=0,
        help="P and B pictures to keep of each GOP, drawn at random (default 0: all)",
    )


def run(options: argparse.Namespace) -> None:
    """Make what is missing, then write dataset.json."""
    from . import making
    from .prepared import write_description

    began = time.monotonic()
    settings = _settings(options)
    out = Path(os.path.abspath(options.out))
    dataset = _dataset(options, out)
    try:
        prepared = settings.describe(out, dataset, dataset.clips)
        making.begin(prepared, options.force)
        todo = [clip for clip in dataset.clips if not making.is_made(prepared, clip)]
        made = in_processes(partial(making.make, prepared, settings), todo, options.jobs)
        refused = {result.name for result in made if result.refused}
        clips = [clip for clip in dataset.clips if clip.entry.name not in refused]
        write_description(settings.describe(out, dataset, clips))
    except EdgeAttpError:
        raise
    except OSError as error:
        raise UsageError(f"{out}: cannot write the set: {error.strerror}") from error
    _report(prepared, clips, made, time.monotonic() - began)
    _refuse(made)


def _settings(options: argparse.Namespace) -> Settings:
    """The settings from the arguments, checked."""
    from .extract import Extraction
    from .making import Settings
    from .transcode import Encoder

    width, height = options.size
    encoder = Encoder(
        codec=options.codec,
        preset=options.preset,
        crf=options.crf,
        gop=options.gop,
        b_pictures=options.b_pictures,
        width=width,
        height=height,
        fit=options.fit,
    )
    flow = None if options.optical_flow == "none" else options.optical_flow
    settings = Settings(encoder, Extraction(flow, options.per_gop))
    settings.check()
    return settings


def _dataset(options: argparse.Namespace, out: Path) -> Dataset:
    """Read the set; print its notes."""
    from . import datasets, official

    source, kind = Path(os.path.abspath(options.source)), options.dataset
    if source == out or source in out.parents:
        raise UsageError(f"{out}: is inside the source, so its files would be read as sources")
    if kind == "auto":
        if (source / "synth.json").exists():
            source /= "manifest.csv"
        kind = "csv" if source.suffix.lower() == ".csv" else "folder"
    if (options.splits is not None) != (kind in ("ucf101", "hmdb51")):
        raise UsageError("--splits DIR belongs to --dataset ucf101 or hmdb51, which need it")
    if options.splits is not None:
        read = official.read_ucf101 if kind == "ucf101" else official.read_hmdb51
        dataset = read(source, options.splits)
    else:
        dataset = (datasets.read_csv if kind == "csv" else datasets.read_folder)(source)
    for note in dataset.notes:
        print(note, file=sys.stderr)
    return dataset


def _report(
    prepared: Prepared, clips: Sequence[SourceClip], made: Sequence[Made], seconds: float
) -> None:
    done = [result for result in made if not result.refused]
    names = [clip.entry.name for clip in clips]
    videos = sum(prepared.video(name).stat().st_size for name in names)
    cache = sum(prepared.cached(name).stat().st_size for name in names)
    pictures = sum(result.pictures for result in done)
    each = ""
    if pictures:
        size = sum(result.cache_bytes for result in done) / pictures
        each = f", {size / 1e3:.1f} kB for each of {pictures} P and B pictures"
    print(
        f"{prepared.folder}: {len(names)} clips, {len(names) - len(done)} of them kept; "
        f"videos {videos / 1e6:.1f} MB, cache {cache / 1e6:.1f} MB{each}; "
        f"{seconds:.1f} s, {len(made) / seconds:.2f} clips/s",
        file=sys.stderr,
    )


def _refuse(made: Sequence[Made]) -> None:
    """Raise SourceError if some clips could not be used."""
    reasons = sorted(result.refused for result in made if result.refused)
    for reason in reasons[:SHOWN]:
        print(reason, file=sys.stderr)
    if reasons:
        more = f", {SHOWN} of them named above" if len(reasons) > SHOWN else ""
        raise SourceError(f"{len(reasons)} clips cannot be used{more}; all others are prepared")


def picture_size(text: str) -> Tuple[int, int]:
    """Parse WIDTHxHEIGHT, for an argument."""
    match = re.fullmatch(r"(\d{2,4})x(\d{2,4})", text)
    width, height = (int(side) for side in match.groups()) if match else (0, 0)
    if not all(side >= SMALLEST_PX and side % 2 == 0 for side in (width, height)):
        raise argparse.ArgumentTypeError(
            f"{text} is not WIDTHxHEIGHT with even numbers from {SMALLEST_PX} to 9998"
        )
    return width, height
