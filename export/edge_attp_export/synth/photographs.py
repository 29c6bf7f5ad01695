"""The user's photographs as backgrounds, distributed so that no two splits share one."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Dict, List, NamedTuple

import cv2
import numpy as np

from edge_attp.errors import UsageError

_DEAL = ("train", "val", "test", "train", "train")
_ENDINGS = {".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}


class Photograph(NamedTuple):
    """An image file and the digest of its bytes."""

    path: Path
    sha256: str


def deal(folder: Path, seed: int) -> Dict[str, List[Photograph]]:
    """Find the images in a folder and its subfolders, and distribute them to train, val and test.

    Files with the same bytes count once. Raises UsageError if there are fewer than three, or if one
    cannot be read.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: is not a folder of photographs")
    found: Dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in _ENDINGS and path.is_file():
            found.setdefault(_digest(path), path)
    if len(found) < 3:
        raise UsageError(
            f"{folder}: {len(found)} different photographs ({', '.join(sorted(_ENDINGS))}); "
            "at least three are needed, one for each split"
        )
    # By digest: neither the order of files on a disk nor their names may matter.
    photographs = [Photograph(found[digest], digest) for digest in sorted(found)]
    dealt: Dict[str, List[Photograph]] = {"train": [], "val": [], "test": []}
    for place, chosen in enumerate(np.random.default_rng(seed).permutation(len(photographs))):
        dealt[_DEAL[place % len(_DEAL)]].append(photographs[chosen])
    return dealt


def _digest(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    if not cv2.haveImageReader(str(path)):
        raise UsageError(f"{path}: cannot be read as a picture; remove it from the folder")
    return hashlib.sha256(content).hexdigest()
