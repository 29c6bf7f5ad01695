"""The whole set: its clips, their splits, and the files beside them.

OUT/clips/<class>/<number>.mp4, OUT/bodies.npz (the people), OUT/manifest.csv (a line for each clip: path, label,
split, seed and every random choice) and OUT/synth.json (version, seed, parameters).
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from edge_attp.errors import UsageError

from ...files import write_json, write_text
from .. import attributes, clips, listing
from ..backgrounds import photograph as read_photograph
from ..dataset import SPLITS
from ..photographs import Photograph, deal
from . import VERSION, captures, casting, encoding, renderer, scene, wardrobe
from .actions import ACTIONS, action_of, present
from .captures import Capture

_BODIES = "bodies.npz"


class Parameters(NamedTuple):
    """The parameters of the set. clips: per class. Width and height in pixels."""

    motion: Path
    clips: int
    seconds: float
    width: int
    height: int
    seed: int
    photographs: Optional[Path] = None


class Clip(NamedTuple):
    """A clip to draw. motion_sha256: of the captures that were found."""

    path: Path  # relative to the set's folder
    label: str
    split: str
    seed: int
    parameters: Parameters
    motion_sha256: str
    photograph: Optional[Photograph]

    def recipe(self) -> Dict[str, Any]:
        """Return everything that determines its pictures."""
        return {
            "edge_attp_synth_bodies": VERSION,
            "label": self.label,
            "seed": self.seed,
            "seconds": self.parameters.seconds,
            "size": [self.parameters.width, self.parameters.height],
            "captures": self.motion_sha256,
            "photograph": self.photograph.sha256 if self.photograph else None,
        }


def plan(parameters: Parameters) -> List[Clip]:
    """Return the clips, class by class. A class that no performer of a split does has none there.

    Raises UsageError for unusable captures or photographs.
    """
    encoding.check()
    cast, digest = _cast(parameters.motion)
    there = {split: present(found) for split, found in cast.items()}
    photographs = _photographs(parameters)
    listed = []
    for number, label in enumerate(ACTIONS):
        for index in range(parameters.clips):
            split = SPLITS[index % len(SPLITS)]
            if label not in there[split]:
                continue
            seed = _seed(parameters.seed, number, index)
            picture = None
            if photographs:
                lot = attributes.stream(seed, "photograph").integers(len(photographs[split]))
                picture = photographs[split][lot]
            path = Path("clips", label.replace(" ", "_"), f"{index:04d}.mp4")
            listed.append(Clip(path, label, split, seed, parameters, digest, picture))
    if not listed:
        raise UsageError(f"{parameters.motion}: none of the captures is of {', '.join(ACTIONS)}")
    return listed


def prepare(out: Path, parameters: Parameters) -> None:
    """Make what all clips of the set need. Raises MissingExtra for packages, UsageError."""
    renderer.check()
    wardrobe.make(out / _BODIES, parameters.seed)


def missing(out: Path, planned: Sequence[Clip], replace: bool) -> List[Clip]:
    """Return the clips that are missing from folder `out`.

    A clip made with other parameters raises UsageError, or is drawn again with `replace`.
    """
    return listing.missing(planned, lambda clip: out / clip.path, replace, _difference)


def make_clip(out: Path, clip: Clip) -> int:
    """Draw a clip into folder `out`; return its size in bytes."""
    parameters = clip.parameters
    cast, _ = _cast(parameters.motion)
    everyone = cast[clip.split]
    people = wardrobe.read(out / _BODIES)
    composed = scene.compose(
        [capture for capture in everyone if action_of(capture) == clip.label],
        everyone,
        people,
        parameters.seconds,
        parameters.width / parameters.height,
        clip.photograph is not None,
        clip.seed,
    )
    image = read_photograph(clip.photograph.path, clip.seed) if clip.photograph else None
    size = (parameters.width, parameters.height)
    drawn = scene.pictures(composed, people, image, parameters.seconds, *size, clip.seed)
    comment = {**clip.recipe(), "choices": composed.columns()}
    path = out / clip.path
    try:
        encoding.write(path, drawn, composed.encoding, comment)
    except OSError as error:
        raise UsageError(f"{path}: cannot write the clip: {error.strerror}") from error
    return path.stat().st_size


def describe(out: Path, parameters: Parameters, planned: Sequence[Clip]) -> None:
    """Write manifest.csv and synth.json into folder `out`, whose clips are complete."""
    write_text(out / "manifest.csv", _manifest(out, planned))
    cast, _ = _cast(parameters.motion)
    classes = [label for label in ACTIONS if any(clip.label == label for clip in planned)]
    content = {
        "version": VERSION,
        "kind": "bodies",
        "seed": parameters.seed,
        "clips_per_class": parameters.clips,
        "seconds": parameters.seconds,
        "size": [parameters.width, parameters.height],
        "labels": classes,
        "mirror": {},
        "splits": dict(Counter(clip.split for clip in planned)),
        "performers": {
            split: sorted({capture.performer or "(unnamed)" for capture in found})
            for split, found in cast.items()
        },
        "captures": {split: len(found) for split, found in cast.items()},
        "photographs": len({clip.photograph.sha256 for clip in planned if clip.photograph}),
        "drawn_with": listing.drawn_with(),
    }
    write_json(out / "synth.json", content)


@lru_cache(maxsize=2)
def _cast(motion: Path) -> Tuple[Dict[str, List[Capture]], str]:
    """The captures of each split, and a digest of them all."""
    found = captures.read(motion)
    digest = hashlib.sha256()
    for capture in found:
        said = [capture.name, capture.label, capture.performer, capture.frames, capture.rate]
        digest.update(json.dumps(said).encode())
        digest.update(np.ascontiguousarray(capture.positions(), np.float32).tobytes())
    return casting.deal(found), digest.hexdigest()


def _photographs(parameters: Parameters) -> Optional[Dict[str, List[Photograph]]]:
    if parameters.photographs is None:
        return None
    return deal(parameters.photographs, parameters.seed)


def _seed(seed: int, action: int, index: int) -> int:
    """The seed of a clip, below 2**64, other than that of any drawn one."""
    state = np.random.SeedSequence([seed, 1000 + action, index]).generate_state(1, np.uint64)
    return int(state[0])


def _manifest(out: Path, planned: Sequence[Clip]) -> str:
    return listing.table(
        {
            "path": clip.path.as_posix(),
            "label": clip.label,
            "split": clip.split,
            "seed": clip.seed,
            "background": listing.background(clip.photograph, clip.seed),
            **clips.comment_of(out / clip.path).get("choices", {}),
        }
        for clip in planned
    )


def _difference(recipe: Dict[str, Any], wanted: Dict[str, Any]) -> str:
    command = "this command with --bodies"
    return listing.difference(recipe, wanted, "edge_attp_synth_bodies", command)
