"""The files of a quiet set: which there are, making them, and quiet.json beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import av
import numpy as np

from edge_attp.engine.engine_cache import file_sha256
from edge_attp.errors import UsageError

from ..files import write_json
from ..synth import listing
from ..synth.attributes import stream
from ..synth.camera import HEIGHT, WIDTH
from ..synth.clips import RATE
from . import VERSION
from .encode import draw_encoder, write
from .loops import looped
from .scene import Scene

DESCRIPTION = "quiet.json"


class Item(NamedTuple):
    """A file to make. source: of a loop, None for a drawn one. pictures: of a drawn one; of a loop, 0."""

    name: str
    seed: int
    pictures: int
    source: Optional[Path]
    repeats: int

    def recipe(self) -> Dict[str, Any]:
        """Everything that determines its pictures."""
        return {
            "edge_attp_quiet": VERSION,
            "seed": self.seed,
            "pictures": self.pictures,
            "source": None if self.source is None else file_sha256(str(self.source), UsageError),
            "repeats": self.repeats,
        }


class QuietFile(NamedTuple):
    """A video of the set, and how much of it is there. distinct_seconds: without repetitions."""

    path: Path
    seconds: float
    distinct_seconds: float

    @property
    def distinct_share(self) -> float:
        return self.distinct_seconds / self.seconds if self.seconds else 1.0


def plan(
    seconds: float, each_s: float, loops: Sequence[Path], repeats: int, seed: int
) -> List[Item]:
    """Drawn files of `each_s` that make `seconds` together, then a loop of each of the videos `loops`."""
    left = round(seconds * RATE)
    each = round(each_s * RATE)
    items: List[Item] = []
    while left > 0:
        number = len(items)
        items.append(
            Item(f"drawn-{number:04d}.mp4", _seed(seed, 0, number), min(each, left), None, 1)
        )
        left -= each
    for number, source in enumerate(loops):
        items.append(Item(f"loop-{source.stem}.mp4", _seed(seed, 1, number), 0, source, repeats))
    names = [item.name for item in items]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two videos to loop are called {name[5:-4]}: rename one")
    return items


def missing(out: Path, items: Sequence[Item], replace: bool) -> List[Item]:
    """The files that are not in the folder. Raises UsageError for one that was made otherwise, unless `replace`."""
    told = "was made in another way; choose another folder, or --force to make it again"
    return listing.missing(items, lambda item: out / item.name, replace, lambda *_: told)


def make(out: Path, item: Item) -> int:
    """Make a file; return its pictures. Raises UsageError if it cannot be written."""
    encoder = draw_encoder(stream(item.seed, "quiet encoder"))
    try:
        return write(out / item.name, _pictures(item), encoder, item.recipe())
    except OSError as error:
        raise UsageError(f"{out / item.name}: cannot be written: {error.strerror}") from error


def _pictures(item: Item) -> Iterator[Tuple[bool, np.ndarray]]:
    if item.source is not None:
        return looped(item.source, item.seed, item.repeats)
    return ((False, picture) for picture in Scene(item.seed, item.pictures).pictures())


def describe(out: Path, items: Sequence[Item], seed: int) -> List[QuietFile]:
    """Write quiet.json; return what it says of each file. Raises OSError."""
    found = [_described(out, item) for item in items]
    content = {
        "version": VERSION,
        "seed": seed,
        "size": [WIDTH, HEIGHT],
        "rate": RATE,
        "files": found,
        "drawn_with": listing.drawn_with(),
    }
    write_json(out / DESCRIPTION, content, indent=1)
    return read_description(out)


def _described(out: Path, item: Item) -> Dict[str, Any]:
    with av.open(str(out / item.name)) as container:
        pictures = container.streams.video[0].frames
    found: Dict[str, Any] = {
        "name": item.name,
        "seconds": round(pictures / RATE, 3),
        "distinct_seconds": round(pictures / item.repeats / RATE, 3),
        "seed": item.seed,
        "encoder": draw_encoder(stream(item.seed, "quiet encoder")),
    }
    if item.source is None:
        return {**found, "traits": Scene(item.seed, item.pictures).traits}
    return {**found, "loop_of": item.source.name, "repeats": item.repeats}


def read_description(folder: Path) -> List[QuietFile]:
    """The files of quiet.json. Raises UsageError with file and reason."""
    path = folder / DESCRIPTION
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return [
            QuietFile(folder / one["name"], one["seconds"], one["distinct_seconds"])
            for one in content["files"]
        ]
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; make it with quiet") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path}: was not written by quiet ({error})") from error


def _seed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0])
