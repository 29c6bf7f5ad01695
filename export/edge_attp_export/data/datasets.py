"""The clips of a data set: files, labels, splits and groups. Opens no video.

This file reads folders and CSV files; `official` reads the lists of UCF-101 and HMDB-51.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections import Counter, defaultdict
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

from edge_attp.errors import UsageError

from .prepared import ClipEntry

SPLITS = ("train", "val", "test")
ONLY = "1"  # number of the only split
SUFFIXES: Tuple[str, ...] = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg")
SUFFIXES += (".wmv", ".flv", ".ts", ".264", ".h264", ".265", ".h265", ".hevc")

# The five parts of a class in a split made here, in this order: two clips give train and test.
_FIFTHS = ("train", "test", "train", "val", "train")


class SourceClip(NamedTuple):
    """A source video."""

    path: Path
    entry: ClipEntry


class Dataset(NamedTuple):
    """labels: in the order of their class numbers. mirror: what a label becomes in a mirrored clip.

    notes: sentences for the user.
    """

    labels: Tuple[str, ...]
    mirror: Dict[str, str]
    clips: Tuple[SourceClip, ...]
    notes: Tuple[str, ...]


def read_folder(source: Path) -> Dataset:
    """SOURCE/<label>/**/<video>, or SOURCE/<train, val or test>/<label>/**/<video>."""
    if not source.is_dir():
        raise UsageError(f"{source}: is neither a folder of videos nor a CSV file")
    found = []
    has_splits = any((source / split).is_dir() for split in SPLITS)
    for path in videos(source):
        parts = path.relative_to(source).parts
        if len(parts) < 2 + has_splits:
            above = "<split>/<label>" if has_splits else "<label>"
            raise UsageError(f"{path}: is not in a folder {source / above}")
        if has_splits and parts[0] not in SPLITS:
            raise UsageError(f"{path}: folder '{parts[0]}': expected one of {', '.join(SPLITS)}")
        splits = {ONLY: parts[0]} if has_splits else {}
        name = _name(path.relative_to(source))
        found.append(SourceClip(path, ClipEntry(name, parts[has_splits], splits, name)))
    if not found:
        raise UsageError(f"{source}: contains no videos ({', '.join(SUFFIXES)})")
    return _checked(source, found)


def read_csv(source: Path) -> Dataset:
    """A CSV file with columns `path` and `label`, optionally `split` and `group` (or `source_group`).

    Paths are relative to the file's folder. A synth.json beside it gives the order of the labels,
    and how mirroring changes them.
    """
    rows = _rows(source)
    known = _synth(source.parent)
    found = [_csv_clip(source, line, row) for line, row in rows]
    lacking = [clip for clip in found if not clip.path.is_file()]
    if lacking:
        raise UsageError(
            f"{source}: {len(lacking)} of {len(found)} files are missing: {few(lacking)}"
        )
    return _checked(source, found, *known)


def _rows(source: Path) -> List[Tuple[int, Dict[str, str]]]:
    """Line number and columns of each row."""
    try:
        with source.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            header = reader.fieldnames or []
            for column in ("path", "label"):
                if column not in header:
                    given = ", ".join(header) or "none"
                    raise UsageError(f"{source}:1: no column '{column}'; columns are: {given}")
            rows = [(reader.line_num, row) for row in reader]
    except OSError as error:
        raise UsageError(f"{source}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{source}: is not a CSV file in UTF-8 ({error})") from error
    if not rows:
        raise UsageError(f"{source}: has a header but no rows")
    return rows


def _csv_clip(source: Path, line: int, row: Dict[str, str]) -> SourceClip:
    path, label, split = row["path"], row["label"], row.get("split", "")
    for column in ("path", "label"):
        if not row[column]:
            raise UsageError(f"{source}:{line}: no {column}")
    if "split" in row and split not in SPLITS:
        raise UsageError(f"{source}:{line}: split '{split}': expected one of {', '.join(SPLITS)}")
    name = _name(Path(path))
    group = row.get("group") or row.get("source_group") or name
    entry = ClipEntry(name, label, {ONLY: split} if split else {}, group)
    return SourceClip(source.parent / path, entry)


def _synth(folder: Path) -> Tuple[Optional[Sequence[str]], Dict[str, str]]:
    """Labels and mirror of a synthetic set; (None, {}) for any other set."""
    path = folder / "synth.json"
    if not path.exists():
        return None, {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return list(content["labels"]), dict(content["mirror"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path}: not what `synth` writes ({error})") from error


def videos(folder: Path) -> List[Path]:
    """All videos below a folder, sorted by name."""
    found = [
        os.path.join(root, name)
        for root, _, names in os.walk(folder)
        for name in names
        if name.lower().endswith(SUFFIXES)
    ]
    return [Path(path) for path in sorted(found)]


def few(clips: Sequence[SourceClip], most: int = 3) -> str:
    """The first few paths, for a message."""
    named = ", ".join(str(clip.path) for clip in clips[:most])
    return named + (", ..." if len(clips) > most else "")


def _name(path: Path) -> str:
    """Path relative to the set's folder, without suffix and without `..`."""
    inside = [
        part for part in Path(os.path.normpath(path)).parts if part not in ("..", path.anchor)
    ]
    return Path(*inside).with_suffix("").as_posix()


def _checked(
    source: Path,
    found: Sequence[SourceClip],
    labels: Optional[Sequence[str]] = None,
    mirror: Optional[Dict[str, str]] = None,
) -> Dataset:
    """Refuse sets that cannot be trained on, and split those that have no split."""
    names: Dict[str, Path] = {}
    for path, entry in found:
        if entry.name in names:
            raise UsageError(f"{source}: {path} and {names[entry.name]} would have the same name")
        names[entry.name] = path
    there = sorted({clip.entry.label for clip in found})
    if len(there) < 2:
        raise UsageError(f"{source}: all clips are '{there[0]}'; a model needs at least two labels")
    strange = set(there) - set(labels or there)
    if strange:
        raise UsageError(f"{source}: labels missing from synth.json: {', '.join(sorted(strange))}")
    notes: Tuple[str, ...] = ()
    if not all(clip.entry.splits for clip in found):
        found = divided(found)
        counts = Counter(clip.entry.splits[ONLY] for clip in found)
        shares = ", ".join(f"{split} {counts[split]}" for split in SPLITS)
        notes = (f"{source}: names no splits, so one was made from the file names: {shares}",)
    return Dataset(tuple(labels or there), mirror or {}, tuple(found), notes)


def divided(clips: Sequence[SourceClip]) -> List[SourceClip]:
    """3/5 train, 1/5 val, 1/5 test of the groups of each label: random, always the same.

    A group is never divided; groups with the same labels are dealt together.
    """
    labels: Dict[str, Set[str]] = defaultdict(set)
    for _, entry in clips:
        labels[entry.group].add(entry.label)
    kinds: Dict[Tuple[str, ...], List[str]] = defaultdict(list)
    for group in sorted(labels, key=_digest):
        kinds[tuple(sorted(labels[group]))].append(group)
    split = {
        group: _FIFTHS[place % len(_FIFTHS)]
        for groups in kinds.values()
        for place, group in enumerate(groups)
    }
    return [
        SourceClip(path, entry._replace(splits={ONLY: split[entry.group]})) for path, entry in clips
    ]


def _digest(group: str) -> bytes:
    return hashlib.sha256(group.encode()).digest()
