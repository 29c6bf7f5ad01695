"""Makes a prepared set: its settings, what exists already, and the work on one clip."""

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
from .source_facts import source_facts
from .transcode import RATE, Encoder, transcode


class Settings(NamedTuple):
    """The settings of every file of a set."""

    encoder: Encoder
    extraction: Extraction

    def check(self) -> None:
        """Raise UsageError for missing packages or settings that the encoder rejects."""
        self.encoder.check()
        if self.extraction.optical_flow is not None:
            still = np.zeros((self.encoder.height, self.encoder.width), np.uint8)
            optical_flow(still, still, self.extraction.optical_flow)

    def describe(self, out: Path, dataset: Dataset, clips: Sequence[SourceClip]) -> Prepared:
        """The contents of dataset.json for a set of `clips`."""
        encoder: Dict[str, Any] = dict(
            self.encoder._asdict(), rate=RATE, per_gop=self.extraction.per_gop
        )
        entries = tuple(clip.entry for clip in clips)
        return Prepared(
            out, dataset.labels, dataset.mirror, entries, encoder, self.extraction.optical_flow
        )


class Made(NamedTuple):
    """The result for a clip. refused: why there is none. pictures: number of P and B pictures."""

    name: str
    refused: Optional[str]
    pictures: int = 0
    cache_bytes: int = 0


def begin(prepared: Prepared, force: bool) -> None:
    """Prepare the folder and write dataset.json, so that an interrupted set can be recognised.

    Raises UsageError if the folder holds something else, or a set with other settings. `force`
    removes such a set.
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
        raise UsageError(f"{out}: is neither empty nor a prepared set: choose another folder")
    out.mkdir(parents=True, exist_ok=True)
    write_description(prepared)


def _compare(there: Prepared, wanted: Prepared) -> None:
    """Raise UsageError for the first setting that differs."""
    pairs: List[Tuple[str, Any, Any]] = [
        (key.replace("_", " "), there.encoder.get(key), value)
        for key, value in wanted.encoder.items()
    ]
    pairs.append(("optical flow", there.optical_flow, wanted.optical_flow))
    pairs.append(("labels", list(there.labels), list(wanted.labels)))
    for name, old, new in pairs:
        if old != new:
            raise UsageError(
                f"{there.folder}: was made with {name} {old}, not {new}: choose another folder, or "
                "--force to make everything again"
            )


def is_made(prepared: Prepared, clip: SourceClip) -> bool:
    """Whether both files of a clip exist and are newer than its source; the cache is written last."""
    name = clip.entry.name
    video, cached = prepared.video(name), prepared.cached(name)
    if not (video.exists() and cached.exists()):
        return False
    return min(video.stat().st_mtime, cached.stat().st_mtime) >= clip.path.stat().st_mtime


def make(prepared: Prepared, settings: Settings, clip: SourceClip) -> Made:
    """Transcode and extract. An unusable source is refused; all other errors are raised."""
    name = clip.entry.name
    video = prepared.video(name)
    try:
        transcode(clip.path, video, settings.encoder)
    except (SourceError, CorruptStream, UnsupportedStream) as error:
        return Made(name, str(error))
    cached, facts = prepared.cached(name), source_facts(clip.path)
    extracted = extract(video, cached, settings.extraction, name, facts)
    return Made(name, None, extracted.pictures, extracted.size_bytes)
