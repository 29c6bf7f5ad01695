"""Captured motion: folders with `joints.npz` and `clips.csv`, as captures of named performers.

`joints.npz` has `joints`, the names, and `delta`, int16 (frames, joints, 3): positions are its running sum along
the frames, in int16, divided by 2000: metres, y up. `clips.csv` has a line for each capture: name, label, subject,
start, frames, fps, flag. Flagged captures have glitches and are left out.
"""

from __future__ import annotations

import csv
import functools
import itertools
from pathlib import Path
from typing import Dict, List, NamedTuple, Sequence, Tuple

import numpy as np

from edge_attp.errors import UsageError

# The order of joints everywhere in this package. sh: shoulder, el: elbow, wr: wrist, fin: fingers.
JOINTS: Tuple[str, ...] = ("spine", "neck", "head")
JOINTS += ("hipL", "kneeL", "ankleL", "toeL", "shL", "elL", "wrL", "finL")
JOINTS += ("hipR", "kneeR", "ankleR", "toeR", "shR", "elR", "wrR", "finR")
AT = {name: place for place, name in enumerate(JOINTS)}

_PER_METRE = 2000.0
_COLUMNS = ("name", "label", "subject", "start", "frames", "fps")
_LIMBS = (("hip", "knee", "ankle"), ("sh", "el", "wr"))
_SAME_RAD = 0.05  # mean difference of hinges below which two captures are the same one
_SAME_FRAMES = 6  # and of their lengths
_SHIFTS = 4


class Capture(NamedTuple):
    """One capture. performer: "" if the set does not name one. start, frames: in its set's arrays."""

    folder: Path
    name: str
    label: str
    performer: str
    start: int
    frames: int
    rate: float  # frames per second
    faulty: bool = False

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.frames / self.rate

    def positions(self) -> np.ndarray:
        """Return the joints in metres, y up: float64 (frames, joints, 3), in the order of JOINTS."""
        whole = joints_of(self.folder)
        return whole[self.start : self.start + self.frames].astype(np.float64)


def read(folder: Path) -> List[Capture]:
    """Read the captures of a folder and of its subfolders.

    A capture without a performer that repeats one with a performer gets that performer's name: sets are made from
    others. Raises UsageError if there is none, or a set cannot be read.
    """
    sets = sorted(path.parent for path in folder.rglob("joints.npz"))
    if not sets:
        raise UsageError(f"{folder}: has no captured motion (joints.npz and clips.csv)")
    # Named first: a faulty capture still says who performs the sound copy of it.
    named = _named(
        [capture for path in sets for capture in _read_set(path, _name_of(path, folder))]
    )
    captures = [capture for capture in named if not capture.faulty]
    if not captures:
        raise UsageError(f"{folder}: all captures are flagged as faulty")
    return captures


@functools.lru_cache(maxsize=8)
def joints_of(folder: Path) -> np.ndarray:
    """Return the positions of a whole set in metres: float32 (frames, joints, 3)."""
    path = folder / "joints.npz"
    try:
        with np.load(path, allow_pickle=False) as content:
            names, delta = [str(name) for name in content["joints"]], content["delta"]
    except (OSError, KeyError, ValueError) as error:
        raise UsageError(f"{path}: is not a set of joints ({error})") from error
    lacking = set(JOINTS) - set(names)
    if lacking or delta.dtype != np.int16 or delta.shape[1:] != (len(names), 3):
        raise UsageError(
            f"{path}: expected 'delta' int16 (frames, {len(names)}, 3) and joints "
            f"{', '.join(JOINTS)}; lacks {', '.join(sorted(lacking)) or 'none of them'}"
        )
    # The sum is meant to wrap.
    summed = np.cumsum(delta, axis=0, dtype=np.int16)[:, [names.index(joint) for joint in JOINTS]]
    return np.asarray(summed / np.float32(_PER_METRE), np.float32)


def _name_of(path: Path, folder: Path) -> str:
    return "" if path == folder else path.relative_to(folder).as_posix() + "/"


def _read_set(folder: Path, prefix: str) -> List[Capture]:
    path = folder / "clips.csv"
    frames = len(joints_of(folder))
    found = []
    for line, row in _rows(path):
        try:
            start, length, rate = int(row["start"]), int(row["frames"]), float(row["fps"])
        except ValueError as error:
            raise UsageError(f"{path}:{line}: {error}") from error
        if start < 0 or length < 1 or start + length > frames or not 1 <= rate <= 1000:
            raise UsageError(
                f"{path}:{line}: {length} frames from {start} at {rate}/s: joints.npz has {frames}"
            )
        performer = prefix + row["subject"] if row["subject"] else ""
        name, faulty = prefix + row["name"], bool(row.get("flag"))
        found.append(Capture(folder, name, row["label"], performer, start, length, rate, faulty))
    return found


def _rows(path: Path) -> List[Tuple[int, Dict[str, str]]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, restval="")
            lacking = set(_COLUMNS) - set(reader.fieldnames or ())
            if lacking:
                raise UsageError(f"{path}:1: no column {', '.join(sorted(lacking))}")
            return [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: cannot be read ({error})") from error


def _named(captures: Sequence[Capture]) -> List[Capture]:
    """Give repetitions of a named performer's capture that performer's name."""
    known = [(capture, _hinges(capture)) for capture in captures if capture.performer]
    named = []
    for capture in captures:
        if not capture.performer:
            angles = _hinges(capture)
            for other, theirs in known:
                if _are_same(angles, theirs):
                    capture = capture._replace(performer=other.performer)
                    break
        named.append(capture)
    return named


def _hinges(capture: Capture) -> np.ndarray:
    """Angles of knees and elbows, which no choice of origin, heading or body size changes: (frames, 4) radians."""
    positions = capture.positions()
    angles = []
    for (before, hinge, after), side in itertools.product(_LIMBS, "LR"):
        one = positions[:, AT[before + side]] - positions[:, AT[hinge + side]]
        other = positions[:, AT[after + side]] - positions[:, AT[hinge + side]]
        length = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
        cosine = np.einsum("ij,ij->i", one, other) / np.maximum(length, 1e-9)
        angles.append(np.arccos(np.clip(cosine, -1, 1)))
    return np.stack(angles, axis=1)


def _are_same(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether these are the hinges of one recording, but for a few frames at its ends."""
    if abs(len(one) - len(other)) > _SAME_FRAMES:
        return False
    length = min(len(one), len(other)) - _SHIFTS
    if length < 2 * _SHIFTS:
        return False
    for shift in range(_SHIFTS + 1):
        for first, second in ((one[shift:], other), (one, other[shift:])):
            if np.abs(first[:length] - second[:length]).mean() < _SAME_RAD:
                return True
    return False
