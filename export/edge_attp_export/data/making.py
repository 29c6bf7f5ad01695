"""A prepared set in the making: its settings, what is there already, and the work on one clip."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from edge_attp.errors import CorruptStream, SourceError, UnsupportedStream, UsageError

from ..optical_flow import optical_flow
from .datasets import Dataset, SourceClip
from .extract import Extraction, extract
from .prepared import DESCRIPTION, Prepared, load_prepared, write_description
from .transcode import RATE, Encoder, transcode


class Settings(NamedTuple):
    """What every file of a set is made with."""

    encoder: Encoder
    extraction: Extraction

    def check(self) -> None:
        """Raise UsageError for what is not installed, or what the encoder does not take."""
        self.encoder.check()
        if self.extraction.optical_flow is not None:
            still = np.zeros((self.encoder.height, self.encoder.width), np.uint8)
            optical_flow(still, still, self.extraction.optical_flow)

    def describe(self, out: Path, dataset: Dataset, clips: Sequence[SourceClip]) -> Prepared:
        """What dataset.json says of the set that consists of `clips`."""
        encoder: Dict[str, Any] = dict(
            self.encoder._asdict(), rate=RATE, per_gop=self.extraction.per_gop
        )
        entries = tuple(clip.entry for clip in clips)
        return Prepared(
            out, dataset.labels, dataset.mirror, entries, encoder, self.extraction.optical_flow
        )


class Made(NamedTuple):
    """A clip that was worked on. `refused` says why there is none. pictures: P and B pictures."""

    name: str
    refused: Optional[str]
    pictures: int = 0
    cache_bytes: int = 0


def begin(prepared: Prepared, force: bool) -> None:
    """Make the folder ready and write dataset.json, so that a set cut short is known for what it is.

    Raises UsageError if the folder holds something else, or a set made with other settings and not
    `force`, which removes what was made before.
    """
    out = prepared.folder
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out}: is not a folder")
    if (out / DESCRIPTION).exists():
        if force:
            for folder in ("videos", "cache"):
                shutil.rmtree(out / folder, ignore_errors=True)
        else:
            _compare(load_prepared(out), prepared)
    elif out.exists() and any(out.iterdir()):
        raise UsageError(f"{out}: is not empty, and no prepared set: choose another folder")
    out.mkdir(parents=True, exist_ok=True)
    write_description(prepared)


def _compare(there: Prepared, wanted: Prepared) -> None:
    """Raise UsageError naming the first setting that differs."""
    pairs: List[Tuple[str, Any, Any]] = [
        (key.replace("_", " "), there.encoder.get(key), value)
        for key, value in wanted.encoder.items()
    ]
    pairs.append(("optical flow", there.optical_flow, wanted.optical_flow))
    pairs.append(("labels", list(there.labels), list(wanted.labels)))
    for name, old, new in pairs:
        if old != new:
            raise UsageError(
                f"{there.folder}: was made with {name} {old}, asked for is {new}; choose another "
                "folder, or give --force to make everything again"
            )


def is_made(prepared: Prepared, clip: SourceClip) -> bool:
    """Whether both files of a clip are there and newer than its source; the cache is written last."""
    name = clip.entry.name
    video, cached = prepared.video(name), prepared.cached(name)
    if not (video.exists() and cached.exists()):
        return False
    return min(video.stat().st_mtime, cached.stat().st_mtime) >= clip.path.stat().st_mtime


def make(prepared: Prepared, settings: Settings, clip: SourceClip) -> Made:
    """Transcode and extract. A source that cannot be used is refused; all other errors are raised."""
    name = clip.entry.name
    video = prepared.video(name)
    try:
        transcode(clip.path, video, settings.encoder)
    except (SourceError, CorruptStream, UnsupportedStream) as error:
        return Made(name, str(error))
    extracted = extract(video, prepared.cached(name), settings.extraction, name)
    return Made(name, None, extracted.pictures, extracted.size_bytes)
