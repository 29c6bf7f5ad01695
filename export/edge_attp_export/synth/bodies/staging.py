"""Where the camera is and where people are, so that the main one is seen and nobody walks through another."""

from __future__ import annotations

from typing import List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from edge_attp.errors import EdgeAttpError

from .people import Member, Placed
from .viewpoint import Viewpoint, projected
from .wardrobe import Wardrobe

SMALLEST, LARGEST = 1 / 12, 1.0  # height of the main person, in picture heights
_OTHERS = (0.3, 0.8)  # of the others, in heights of the main one
_INSIDE = 0.92  # of the way from the picture's middle to its edge
_SEEN = 0.75  # share of the clip in which the main person is inside
_APART_M = 0.8
_NEAREST_M = 1.0
_TRIES = 400


class Staging(NamedTuple):
    """The main person comes first. share: its height over the picture's, as intended."""

    view: Viewpoint
    people: Tuple[Placed, ...]
    share: float


def stage(
    cast: Sequence[Member], wardrobe: Wardrobe, aspect: float, random: np.random.Generator
) -> Staging:
    """Place a camera and people; those for whom there is no room are left out.

    Raises EdgeAttpError if the first one cannot be placed.
    """
    heights = [wardrobe.bodies[member.body].height for member in cast]
    share = float(np.exp(random.uniform(np.log(SMALLEST), np.log(LARGEST))))
    for attempt in range(_TRIES):
        # Who runs past needs more room than who squats: farther away only if other directions do not help.
        share = max(share * (0.9 if attempt % 15 == 14 else 1.0), SMALLEST)
        view, distance = _camera(share, heights[0], random)
        across = random.uniform(-0.5, 0.5)
        main = _placed(cast[0], view, aspect, distance, across, random)
        if _is_well_seen(main, view, aspect):
            break
    else:
        raise EdgeAttpError(f"{cast[0].capture.name}: does not fit into a picture")
    people = [main]
    for member, height in zip(cast[1:], heights[1:]):
        found = _other(member, height, people, view, aspect, share, random)
        if found:
            people.append(found)
    return Staging(view, tuple(people), share)


def _camera(share: float, height: float, random: np.random.Generator) -> Tuple[Viewpoint, float]:
    """A camera that sees someone of this height at this share of the picture; and their distance on the floor."""
    fov = np.radians(random.uniform(28, 60))
    kind = random.random()
    # Held by hand, on a wall, on a mast.
    above = (1.3, 1.8) if kind < 0.3 else (2.2, 4.0) if kind < 0.85 else (4.0, 7.0)
    straight = height / (share * 2 * np.tan(fov / 2))
    # Not more than 40 degrees from above, and never from below the knees.
    lens = min(random.uniform(*above), 0.45 * height + 0.64 * straight)
    distance = float(np.sqrt(straight**2 - (lens - height / 2) ** 2))
    down = np.arctan2(lens - height / 2, distance)
    pitch = down - np.arctan(random.uniform(-0.3, 0.3) * (1 - 0.8 * share) * np.tan(fov / 2))
    return Viewpoint(lens, float(fov), float(pitch)), distance


def _placed(
    member: Member,
    view: Viewpoint,
    aspect: float,
    distance: float,
    across: float,
    random: np.random.Generator,
) -> Placed:
    x = across * np.tan(view.fov / 2) * aspect * distance
    return Placed(member, random.uniform(0, 2 * np.pi), float(x), -distance)


def _is_well_seen(placed: Placed, view: Viewpoint, aspect: float) -> bool:
    seen = projected(placed.way(), view, aspect)
    inside = (np.abs(seen[:, :2]) < _INSIDE).all(axis=1)
    heads = projected(placed.moved(placed.member.moves.heads), view, aspect)
    middle = heads[len(heads) // 2, :, 1]
    return bool(
        inside.mean() >= _SEEN
        and seen[:, 2].min() > _NEAREST_M
        and middle.min() > -1.1
        and middle.max() < 1.1
    )


def _other(
    member: Member,
    height: float,
    people: Sequence[Placed],
    view: Viewpoint,
    aspect: float,
    share: float,
    random: np.random.Generator,
) -> Optional[Placed]:
    """Someone smaller than the main person, or None if there is no room."""
    ways = [placed.way() for placed in people]
    for _ in range(30):
        size = max(share * random.uniform(*_OTHERS), 1 / 16)
        straight = height / (size * 2 * np.tan(view.fov / 2))
        drop = view.height - height / 2
        if straight <= abs(drop) + 0.5:
            continue
        distance = float(np.sqrt(straight**2 - drop**2))
        found = _placed(member, view, aspect, distance, random.uniform(-0.9, 0.9), random)
        way = found.way()
        seen = projected(way, view, aspect)
        middle = seen[len(seen) // 2]
        if seen[:, 2].min() < _NEAREST_M or np.abs(middle[:2]).max() > 1.0:
            continue
        gaps: List[float] = [float(np.hypot(*(way - w)[:, ::2].T).min()) for w in ways]
        if min(gaps) > _APART_M:
            return found
    return None
