"""Which pictures of a clip are used: random in training, even in evaluation. Reads no pixels.

As in the paper (section 3.3), a sample is the I picture of a GOP and a random P or B picture, whose
vectors and residual belong together, as they do on a device. The I picture of the adjacent GOP follows
the rule of eq. (7), `temporal.temporal_offset`.
"""

from __future__ import annotations

from typing import List, NamedTuple, Optional, Sequence, TypeVar

import numpy as np
import torch

from ..b_frames import B_FRAMES, FRAME_TYPES
from ..temporal import temporal_offset
from .cache import Entry

T = TypeVar("T")


class View(NamedTuple):
    """One sample of a clip. picture: index into Clip.pictures, None if only I pictures are used."""

    gop: int
    neighbour: int
    picture: Optional[int]


def candidates(
    pictures: Sequence[Entry], gops: int, frame_types: str, b_frames: str
) -> List[List[Optional[int]]]:
    """Usable pictures of each GOP; an empty list for a GOP without any."""
    assert frame_types in FRAME_TYPES and b_frames in B_FRAMES
    if frame_types == "I":
        return [[None] for _ in range(gops)]
    kinds = set(frame_types.split("+")) - ({"B"} if b_frames == "ignore" else set())
    found: List[List[Optional[int]]] = [[] for _ in range(gops)]
    for index, entry in enumerate(pictures):
        if entry.kind in kinds:
            found[entry.gop].append(index)
    return found


def draw(
    found: Sequence[Sequence[Optional[int]]], segments: int, random: torch.Generator
) -> List[View]:
    """A random GOP from each of `segments` equal parts of the clip, and a random picture of it.

    Temporal segments as in TSN (Wang et al., ECCV 2016); a clip with fewer GOPs gives some twice.
    """
    gops = [gop for gop, pictures in enumerate(found) if pictures]
    views = []
    for segment in range(segments if gops else 0):
        begin = segment * len(gops) // segments
        end = max((segment + 1) * len(gops) // segments, begin + 1)
        gop = gops[begin + _below(end - begin, random)]
        picture = found[gop][_below(len(found[gop]), random)]
        views.append(View(gop, gop + temporal_offset(gop, len(found), random), picture))
    return views


def evenly(
    found: Sequence[Sequence[Optional[int]]], gops: int = 0, pictures: int = 0
) -> List[View]:
    """`gops` GOPs of the clip and `pictures` pictures of each, evenly spread; 0 means all."""
    usable = [gop for gop, candidates in enumerate(found) if candidates]
    return [
        View(gop, gop + temporal_offset(gop, len(found)), picture)
        for gop in _spread(usable, gops)
        for picture in _spread(found[gop], pictures)
    ]


def _spread(items: Sequence[T], count: int) -> List[T]:
    """The centres of `count` equal parts."""
    if count == 0 or count >= len(items):
        return list(items)
    return [items[int(place)] for place in (np.arange(count) + 0.5) * len(items) / count]


def _below(size: int, random: torch.Generator) -> int:
    return int(torch.randint(size, (), generator=random))
