"""Runs a pack over long video as the service does, and keeps what events are taken from."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Iterator, List, NamedTuple, Optional, Sequence

import numpy as np

from edge_attp.engine import Pack, load_pack, open_backend
from edge_attp.engine.engine_cache import file_sha256
from edge_attp.errors import SourceError, UsageError
from edge_attp.pipeline import Job, Options, Session
from edge_attp.recognition import ScoredPicture
from edge_attp.sinks import Sink

from .false_events import Track
from .files import replacing
from .quiet.plan import DESCRIPTION, QuietFile, read_description

VERSION = 1
SETTLED_S = 2.0  # by then, smoothing has forgotten that the video began


class _Recorder(Sink):
    """Keeps the smoothed probabilities of pictures that events may begin or end with."""

    def __init__(self) -> None:
        self._times: List[List[float]] = []
        self._smoothed: List[np.ndarray] = []

    def picture(self, picture: ScoredPicture) -> None:
        if picture.smoothed is not None and (picture.regions or picture.is_idle):
            self._times.append([picture.start_s, picture.end_s])
            self._smoothed.append(picture.smoothed)

    def track(self, classes: int) -> Track:
        times = np.array(self._times, float).reshape(-1, 2)
        smoothed = np.array(self._smoothed, np.float32).reshape(-1, classes)
        return Track(times[:, 0], times[:, 1], smoothed)


class Scored(NamedTuple):
    """A quiet video and its track, from SETTLED_S on."""

    video: QuietFile
    track: Track


def find_videos(paths: Sequence[Path]) -> List[QuietFile]:
    """Videos, and those that the quiet.json of a folder lists. Raises UsageError."""
    found: List[QuietFile] = []
    for path in paths:
        if path.is_dir() or path.name == DESCRIPTION:
            found += read_description(path if path.is_dir() else path.parent)
        else:
            found.append(QuietFile(path, 0.0, 0.0))  # taken as it is: all of it is distinct
    return found


def score(
    folder: str, videos: Sequence[QuietFile], threads: Optional[int], kept: Optional[Path]
) -> Iterator[Scored]:
    """Run the pack over each video. kept: folder for tracks, so that another run need not score a video again.

    Raises SourceError for a video in which nothing could be scored, and what the runtime raises.
    """
    pack = load_pack(folder)
    with Session(pack, open_backend("auto", threads, pack)) as session:
        for number, video in enumerate(videos, 1):
            _show(f"{number} of {len(videos)}: {video.path.name}")
            place = None if kept is None else kept / _key(pack, video.path)
            track = None if place is None else _read(place)
            if track is None:
                track = _run(session, pack, video.path)
                if place is not None:
                    _write(place, track)
            settled = track.from_second(SETTLED_S)
            if not len(settled.start_s):
                raise SourceError(f"{video.path}: nothing was scored after {SETTLED_S:g} s")
            yield Scored(video, settled)
    _show("")


def _run(session: Session, pack: Pack, video: Path) -> Track:
    recorder = _Recorder()
    stream = session.submit(Job(str(video), lambda: [recorder], Options(wait=False)))
    session.run()
    if stream.error is not None:
        raise stream.error
    return recorder.track(len(pack.labels))


def _key(pack: Pack, video: Path) -> str:
    """A file name that changes with everything that decides the track."""
    parts = [str(VERSION), pack.view, *pack.labels, *pack.background, repr(pack.input)]
    parts += [file_sha256(path, UsageError) for path in (*sorted(pack.graphs.values()), str(video))]
    return f"{video.stem}-{hashlib.sha256(' '.join(parts).encode()).hexdigest()[:16]}.npz"


def _read(path: Path) -> Optional[Track]:
    try:
        with np.load(path) as content:
            return Track(*(content[name] for name in Track._fields))
    except FileNotFoundError:
        return None


def _write(path: Path, track: Track) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as part, part.open("wb") as file:
            np.savez_compressed(file, **track._asdict())
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error


def _show(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text}")
        sys.stderr.flush()
