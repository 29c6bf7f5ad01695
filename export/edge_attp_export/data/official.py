"""UCF-101 and HMDB-51 by their official lists of three splits. The user provides the videos."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Callable, Dict, Iterator, List, NamedTuple, Tuple

from edge_attp.errors import UsageError

from .datasets import Dataset, SourceClip, few, videos
from .prepared import ClipEntry

_UCF_LIST = re.compile(r"(train|test)list(\d+)\.txt")
_UCF_CLIP = re.compile(r"v_.+_(g\d+)_c\d+")
_HMDB_LIST = re.compile(r"(.+)_test_split(\d+)\.txt")
_HMDB_USES = {"0": None, "1": "train", "2": "test"}


class _Line(NamedTuple):
    """A line of a list: clip `stem` of `label` belongs to `split` in division `number`."""

    where: str
    number: str
    label: str
    stem: str
    split: str


def read_ucf101(source: Path, lists: Path) -> Dataset:
    """SOURCE/<class>/v_<class>_gNN_cNN.avi; lists: classInd.txt, trainlistNN.txt, testlistNN.txt."""
    labels = _ucf_labels(lists / "classInd.txt")
    return _dataset(source, labels, list(_ucf_lines(lists, labels)), _ucf_group)


def read_hmdb51(source: Path, lists: Path) -> Dataset:
    """SOURCE/<class>/<clip>.avi; lists: <class>_test_splitN.txt, 0 unused, 1 train, 2 test."""
    lines = list(_hmdb_lines(lists))
    labels = tuple(sorted({line.label for line in lines}))
    return _dataset(source, labels, lines, _hmdb_group)


def _ucf_labels(path: Path) -> Tuple[str, ...]:
    labels: List[str] = []
    for where, text in _lines(path):
        number, _, label = text.partition(" ")
        if number != str(len(labels) + 1) or not label:
            raise UsageError(f"{where}: '{text}': expected '{len(labels) + 1} <class>'")
        labels.append(label)
    return tuple(labels)


def _ucf_lines(lists: Path, labels: Tuple[str, ...]) -> Iterator[_Line]:
    for path, (split, number) in _named(lists, _UCF_LIST, "trainlistNN.txt and testlistNN.txt"):
        for where, text in _lines(path):
            file = text.split(" ")[0]  # lines of a train list continue with the class number
            label, _, clip = file.partition("/")
            if label not in labels or not _UCF_CLIP.fullmatch(Path(clip).stem):
                raise UsageError(f"{where}: '{text}': expected <class>/v_<class>_gNN_cNN.avi")
            yield _Line(where, str(int(number)), label, Path(clip).stem, split)


def _hmdb_lines(lists: Path) -> Iterator[_Line]:
    for path, (label, number) in _named(lists, _HMDB_LIST, "<class>_test_splitN.txt"):
        for where, text in _lines(path):
            clip, _, use = text.rpartition(" ")
            if not clip or use not in _HMDB_USES:
                raise UsageError(f"{where}: '{text}': expected a file name and 0, 1 or 2")
            split = _HMDB_USES[use]
            if split is not None:
                yield _Line(where, str(int(number)), label, Path(clip).stem, split)


def _named(
    lists: Path, pattern: "re.Pattern[str]", expected: str
) -> List[Tuple[Path, Tuple[str, ...]]]:
    """Files of a folder whose names match, with the match."""
    if not lists.is_dir():
        raise UsageError(f"--splits {lists}: is not a folder")
    fitting = [(path, pattern.fullmatch(path.name)) for path in sorted(lists.iterdir())]
    named = [(path, match.groups()) for path, match in fitting if match]
    if not named:
        raise UsageError(f"--splits {lists}: has no lists named {expected}")
    return named


def _lines(path: Path) -> Iterator[Tuple[str, str]]:
    """Place and text of each line that is not empty."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from error
    for count, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield f"{path}:{count}", line.strip()


def _dataset(
    source: Path, labels: Tuple[str, ...], lines: List[_Line], group: Callable[[str, str], str]
) -> Dataset:
    """Match the lists with the videos."""
    splits: Dict[Tuple[str, str], Dict[str, str]] = {}
    for line in lines:
        mine = splits.setdefault((line.label, line.stem), {})
        if line.number in mine:
            raise UsageError(f"{line.where}: {line.stem} occurs twice in split {line.number}")
        mine[line.number] = line.split
    there = _videos_by_clip(source)
    clips: List[SourceClip] = []
    lacking: List[SourceClip] = []
    for (label, stem), mine in splits.items():
        path = there.get((label, stem))
        entry = ClipEntry(f"{label}/{stem}", label, mine, f"{label}/{group(label, stem)}")
        found = SourceClip(path or source / label / stem, entry)
        (lacking if path is None else clips).append(found)
    if not clips:
        raise UsageError(
            f"{source}: all {len(lacking)} clips of the lists are missing: {few(lacking)}"
        )
    notes = [f"{source}: {len(lacking)} clips of the lists are missing: {few(lacking)}"]
    return Dataset(labels, {}, tuple(clips), tuple(notes if lacking else []))


def _videos_by_clip(source: Path) -> Dict[Tuple[str, str], Path]:
    """Find the videos with any suffix: many keep these sets in other containers."""
    there: Dict[Tuple[str, str], Path] = {}
    for path in videos(source):
        other = there.setdefault((path.parent.name, path.stem), path)
        if other != path:
            raise UsageError(f"{path}: the same clip as {other}")
    return there


def _ucf_group(label: str, stem: str) -> str:
    match = _UCF_CLIP.fullmatch(stem)
    assert match  # _ucf_lines accepts nothing else
    return match.group(1)


def _hmdb_group(label: str, stem: str) -> str:
    """The film of the clip: <film>_<label>_<what is seen>_<number>."""
    return stem.split(f"_{label}_")[0]
