"""Who is in a clip and what they do: captures, bodies, clothes."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple, Sequence

import numpy as np

from edge_attp.errors import EdgeAttpError

from . import clothing
from .captures import Capture
from .motion import excerpt, vertical
from .retarget import Moves, fastest_turn, retarget
from .wardrobe import Wardrobe

FASTEST_DEG = 70.0  # a bone that turns more within a picture is a fault of capture or retargeting
_PICTURE_S = 0.04
_TRIES = 40


class Member(NamedTuple):
    """Someone who does something: around the origin, in no particular direction."""

    capture: Capture
    speed: float  # over that of the capture
    mirrored: bool
    body: int  # in the wardrobe
    outfit: clothing.Outfit
    moves: Moves


class Placed(NamedTuple):
    """A member of the cast in the scene: turned about the vertical, then moved to (x, z) at half time."""

    member: Member
    turn: float
    x: float
    z: float

    def way(self) -> np.ndarray:
        """Return where the hips are: float64 (samples, 3), metres."""
        return self.moved(self.member.moves.heads[:, 0])

    def moved(self, points: np.ndarray) -> np.ndarray:
        """Return points (..., 3) of the member in the scene."""
        return np.asarray(points @ vertical(self.turn).T + (self.x, 0.0, self.z))

    def matrices(self, wardrobe: Wardrobe) -> np.ndarray:
        """Return what takes the body's vertices into the scene: float64 (samples, bones, 3, 4)."""
        own = self.member.moves.matrices(wardrobe.bodies[self.member.body])
        whole: np.ndarray = vertical(self.turn) @ own
        whole[..., 3] += (self.x, 0.0, self.z)
        return whole


def perform(
    captures: Sequence[Capture], wardrobe: Wardrobe, seconds: float, random: np.random.Generator
) -> Member:
    """Let a random body do a part of one of the captures.

    A performer with many captures is chosen more often than one with few, but not in proportion. Parts with faults
    are drawn again; raises EdgeAttpError if nothing else is found.
    """
    counts = Counter(capture.performer for capture in captures)
    shares = np.array([counts[capture.performer] ** -0.5 for capture in captures])
    for _ in range(_TRIES):
        capture = captures[random.choice(len(captures), p=shares / shares.sum())]
        speed, mirrored = random.uniform(0.85, 1.2), bool(random.integers(2))
        body = int(random.integers(len(wardrobe.bodies)))
        joints = excerpt(capture, seconds, speed, mirrored, random)
        moves = retarget(joints, wardrobe.bodies[body], wardrobe.skin)
        if fastest_turn(moves, _PICTURE_S) <= FASTEST_DEG:
            outfit = clothing.draw(random)
            return Member(capture, speed, mirrored, body, outfit, moves)
    raise EdgeAttpError(
        f"{captures[0].name} and {len(captures) - 1} other captures: limbs turn by more than "
        f"{FASTEST_DEG:.0f} degrees between pictures in all parts that were tried"
    )
