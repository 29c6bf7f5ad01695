"""The whole set: its clips, their splits, and the files beside them.

OUT/clips/<class>/<number>.mp4, OUT/manifest.csv (a line for each clip: path, label, split, seed,
background and random traits) and OUT/synth.json (version, seed, parameters).
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional

from edge_attp.errors import UsageError

from ..files import write_json, write_text
from . import VERSION, attributes, backgrounds, clips, listing
from .camera import HEIGHT, WIDTH
from .classes import LABELS, folder, mirror, pairs
from .photographs import Photograph, deal
from .scene import render

# Clip k is in split k modulo five, so extending a set keeps its splits.
SPLITS = ("train", "train", "train", "val", "test")


class Parameters(NamedTuple):
    """The parameters of the set. clips: per class."""

    clips: int
    pictures: int
    seed: int
    photographs: Optional[Path] = None


class Clip(NamedTuple):
    """A clip to draw. seed: of its world, shared with the other class of the action."""

    path: Path  # relative to the set's folder
    label: str
    split: str
    seed: int
    pictures: int
    photograph: Optional[Photograph]

    def recipe(self) -> Dict[str, Any]:
        """Return everything that determines its pictures."""
        return {
            "edge_attp_synth": VERSION,
            "label": self.label,
            "seed": self.seed,
            "pictures": self.pictures,
            "photograph": self.photograph.sha256 if self.photograph else None,
        }


def plan(parameters: Parameters) -> List[Clip]:
    """Return the clips, class by class. Raises UsageError for unusable photographs."""
    dealt = deal(parameters.photographs, parameters.seed) if parameters.photographs else None
    listed = []
    for label, (action, _) in LABELS.items():
        for index in range(parameters.clips):
            seed = attributes.clip_seed(parameters.seed, action, index)
            split = SPLITS[index % len(SPLITS)]
            photograph = None
            if dealt:
                lot = attributes.stream(seed, "photograph").integers(len(dealt[split]))
                photograph = dealt[split][lot]
            path = Path("clips", folder(label), f"{index:04d}.mp4")
            listed.append(Clip(path, label, split, seed, parameters.pictures, photograph))
    return listed


def missing(out: Path, planned: List[Clip], replace: bool) -> List[Clip]:
    """Return the clips that are missing from folder `out`.

    A clip made with other parameters raises UsageError, or is drawn again with `replace`.
    """
    return listing.missing(planned, lambda clip: out / clip.path, replace, _difference)


def make_clip(out: Path, clip: Clip) -> int:
    """Draw a clip into folder `out`; return its size in bytes."""
    traits = attributes.draw(clip.seed)
    if clip.photograph:
        background = backgrounds.photograph(clip.photograph.path, clip.seed)
    else:
        background = backgrounds.drawn(traits.scenery, clip.seed)
    path = out / clip.path
    pictures = render(clip.label, traits, clip.seed, background, clip.pictures)
    try:
        clips.write(path, pictures, clip.recipe())
    except OSError as error:
        raise UsageError(f"{path}: cannot write the clip: {error.strerror}") from error
    return path.stat().st_size


def describe(out: Path, parameters: Parameters, planned: List[Clip]) -> None:
    """Write manifest.csv and synth.json into folder `out`."""
    write_text(out / "manifest.csv", manifest(planned))
    content = {
        "version": VERSION,
        "seed": parameters.seed,
        "clips_per_class": parameters.clips,
        "pictures": parameters.pictures,
        "size": [WIDTH, HEIGHT],
        "rate": clips.RATE,
        "encoder": {"codec": "libx264", **clips.ENCODER},
        "labels": list(LABELS),
        "pairs": pairs(),
        "mirror": mirror(),
        "splits": dict(Counter(clip.split for clip in planned)),
        "photographs": len({clip.photograph.sha256 for clip in planned if clip.photograph}),
        "drawn_with": listing.drawn_with(),
    }
    write_json(out / "synth.json", content)


def manifest(planned: List[Clip]) -> str:
    """Return the table as CSV, one line for each clip."""
    return listing.table(
        {
            "path": clip.path.as_posix(),
            "label": clip.label,
            "split": clip.split,
            "seed": clip.seed,
            "action": LABELS[clip.label].action,
            "background": listing.background(clip.photograph, clip.seed),
            **attributes.columns(attributes.draw(clip.seed)),
        }
        for clip in planned
    )


def _difference(recipe: Dict[str, Any], wanted: Dict[str, Any]) -> str:
    return listing.difference(recipe, wanted, "edge_attp_synth", "this command")
