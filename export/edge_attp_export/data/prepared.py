"""A prepared set: a folder with dataset.json, the transcoded videos, and the cache made from them.

FOLDER/dataset.json, FOLDER/videos/<name>.mp4, FOLDER/cache/<name>.clip; a name is a relative path
without suffix.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Tuple

from edge_attp.errors import UsageError

from ..files import write_json
from .cache import SUFFIX, Clip

VERSION = 1
DESCRIPTION = "dataset.json"


class ClipEntry(NamedTuple):
    """splits: "train", "val" or "test" for each split of the set, by its number ("1", "2", ...).

    group: clips of one group (a source video, a person) stay together; by default the clip's name.
    """

    name: str
    label: str
    splits: Dict[str, str]
    group: str


class Prepared(NamedTuple):
    """labels: in the order of their class numbers. mirror: what a label becomes in a mirrored clip.

    encoder: how every video was transcoded. optical_flow: the method, or None.
    """

    folder: Path
    labels: Tuple[str, ...]
    mirror: Dict[str, str]
    clips: Tuple[ClipEntry, ...]
    encoder: Dict[str, Any]
    optical_flow: Any

    def video(self, name: str) -> Path:
        """The transcoded video, H.264 or HEVC."""
        return self.folder / "videos" / f"{name}.mp4"

    def cached(self, name: str) -> Path:
        return self.folder / "cache" / f"{name}{SUFFIX}"

    def clip(self, name: str) -> Clip:
        return Clip(self.cached(name))


def write_description(prepared: Prepared) -> None:
    """Write dataset.json atomically."""
    content = {
        "format_version": VERSION,
        "labels": list(prepared.labels),
        "mirror": prepared.mirror,
        "encoder": prepared.encoder,
        "optical_flow": prepared.optical_flow,
        "clips": [entry._asdict() for entry in prepared.clips],
    }
    write_json(prepared.folder / DESCRIPTION, content, indent=1)


def load_prepared(folder: Path) -> Prepared:
    """Read dataset.json. Raises UsageError with file and reason."""
    path = folder / DESCRIPTION
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format_version"] != VERSION:
            raise UsageError(f"{path}: format {content['format_version']}; run prepare --force")
        clips: List[ClipEntry] = [ClipEntry(**entry) for entry in content["clips"]]
        return Prepared(
            folder,
            tuple(content["labels"]),
            content["mirror"],
            tuple(clips),
            content["encoder"],
            content["optical_flow"],
        )
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; make it with prepare") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path}: was not written by prepare ({error})") from error
