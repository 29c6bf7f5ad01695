"""What is around people: streets, yards, fields and halls, things that stand there, and the light."""

from __future__ import annotations

from typing import List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from .. import backgrounds
from . import textures, things
from .meshes import Surface, box, cylinder, grouped, quad
from .renderer import Light
from .staging import Staging

STREET, YARD, FIELD, HALL, PHOTOGRAPH = KINDS = ("street", "yard", "field", "hall", "photograph")
_WIDE_M = 45.0
_FREE_M = 0.9  # around the ways of people
_HORIZON = {"landscape": 0.52, "street": 0.66}  # rows of drawn backgrounds


class Place(NamedTuple):
    """backdrop: a picture that is far behind, and the row of it at the horizon (-1: it has its own place).

    The floor is invisible in a photograph, but for the shadows upon it.
    """

    floor: Surface
    surfaces: Tuple[Surface, ...]
    light: Light
    backdrop: Optional[np.ndarray]
    horizon: float


def build(
    kind: str,
    photograph: Optional[np.ndarray],
    staging: Staging,
    occluder: str,
    seed: int,
    random: np.random.Generator,
) -> Place:
    """Build what is around the people of a staging. occluder: "", "post" or "block"."""
    ways = np.concatenate([placed.way() for placed in staging.people])
    far = float(-ways[:, 2].min())
    stand = _things(staging, random) if kind != PHOTOGRAPH else []
    if occluder:
        stand += _occluder(occluder, staging, random)
    light = _light(kind, staging, random)
    if kind == PHOTOGRAPH:
        floor = _floor(things.DARK, 1.0, 80.0)
        return Place(floor, tuple(grouped(stand)), light, photograph, -1.0)
    if kind == HALL:
        floor, around = _hall(ways, far, staging, random)
        return Place(floor, tuple(grouped(around + stand)), light, None, -1.0)
    scenery = "landscape" if kind == FIELD or random.random() < 0.4 else "street"
    floor, around = _open(kind, ways, far, random)
    backdrop = backgrounds.drawn(scenery, seed)
    return Place(floor, tuple(grouped(around + stand)), light, backdrop, _HORIZON[scenery])


def _open(
    kind: str, ways: np.ndarray, far: float, random: np.random.Generator
) -> Tuple[Surface, List[Surface]]:
    """A floor without a roof, and walls behind."""
    names = ("grass",) if kind == FIELD else ("asphalt", "paving", "concrete")
    name = names[random.integers(len(names))]
    floor = _floor(textures.GROUNDS[name](random), random.uniform(1.2, 4.0), 120.0)
    if kind == FIELD and random.random() < 0.5:
        return floor, []
    behind = -(far + random.uniform(1.0, 4.0 if kind == YARD else 14.0))
    high = random.uniform(2.0, 3.5) if kind != STREET else random.uniform(5.0, 14.0)
    walls = {
        STREET: ("facade", "bricks", "facade"),
        YARD: tuple(textures.WALLS),
        FIELD: ("leaves",),
    }
    surfaces = _wall(walls[kind], behind, high, random)
    if kind != FIELD and random.random() < 0.35:
        surfaces.append(_side_wall(ways, behind, high, random))
    return floor, surfaces


def _hall(
    ways: np.ndarray, far: float, staging: Staging, random: np.random.Generator
) -> Tuple[Surface, List[Surface]]:
    name = tuple(textures.FLOORS)[random.integers(len(textures.FLOORS))]
    behind = -(far + random.uniform(0.9, 5.0))
    high = staging.view.height + random.uniform(0.3, 2.5)
    floor = _floor(textures.FLOORS[name](random), random.uniform(1.0, 3.0), -behind)
    surfaces = _wall(("plaster", "bricks", "plaster", "metal"), behind, high, random)
    surfaces.append(_side_wall(ways, behind, high, random))
    ceiling = textures.plaster(random)
    surfaces.append(
        quad((-_WIDE_M, high, behind), (2 * _WIDE_M, 0, 0), (0, 0, 9 - behind), ceiling, 2.0)
    )
    return floor, surfaces


def _floor(texture: np.ndarray, texture_m: float, deep: float) -> Surface:
    return quad((-90, 0, 9), (180, 0, 0), (0, 0, -9 - deep), texture, texture_m)


def _wall(
    names: Sequence[str], behind: float, high: float, random: np.random.Generator
) -> List[Surface]:
    """Buildings side by side, at about the same distance."""
    surfaces, left = [], -_WIDE_M
    chosen = [names[int(random.integers(len(names)))] for _ in range(3)]
    made = [textures.WALLS[name](random) for name in chosen]
    while left < _WIDE_M:
        wide, one = random.uniform(6, 30), int(random.integers(3))
        name, texture = chosen[one], made[one]
        texture_m = random.uniform(5, 9) if name == "facade" else random.uniform(1.2, 3.0)
        tall = high * random.uniform(0.8, 1.25)
        z = behind - random.uniform(0, 0.4)
        surfaces.append(quad((left, 0, z), (wide, 0, 0), (0, tall, 0), texture, texture_m))
        left += wide
    return surfaces


def _side_wall(
    ways: np.ndarray, behind: float, high: float, random: np.random.Generator
) -> Surface:
    side = (-1, 1)[random.integers(2)]
    x = side * (max(float((side * ways[:, 0]).max()), 0.0) + random.uniform(0.9, 5.0))
    texture = textures.WALLS[("plaster", "bricks")[random.integers(2)]](random)
    start, along = (
        ((x, 0, 9), (0, 0, behind - 9)) if side < 0 else ((x, 0, behind), (0, 0, 9 - behind))
    )
    return quad(start, along, (0, high, 0), texture, random.uniform(1.2, 3.0))


# Things. ----------------------------------------------------------------------------------


def _things(staging: Staging, random: np.random.Generator) -> List[Surface]:
    """Boxes, posts, cars and trees that nobody walks through, and that do not hide the main person."""
    ways = [placed.way() for placed in staging.people]
    main = ways[0]
    tangent = np.tan(staging.view.fov / 2)
    found: List[Surface] = []
    stuff = _Stuff(textures.metal(random), textures.boards(random), textures.leaves(random))
    for _ in range(int(random.integers(0, 9))):
        ahead = random.uniform(0.5, 2.2) * -main[:, 2].mean() + random.uniform(0, 4)
        x = random.uniform(-1.6, 1.6) * tangent * ahead
        radius, shapes = _thing(x, -ahead, stuff, random)
        clear = _FREE_M + radius
        if min(np.hypot(way[:, 0] - x, way[:, 2] + ahead).min() for way in ways) < clear:
            continue
        beside = np.abs(main[:, 0] / main[:, 2] + x / ahead) * ahead
        if ahead < -main[:, 2].min() and (beside < radius + 0.6).any():
            continue
        found += shapes
    return found


class _Stuff(NamedTuple):
    """What all things of a place are made of: textures are dear."""

    metal: np.ndarray
    wood: np.ndarray
    leaves: np.ndarray


def _thing(
    x: float, z: float, stuff: _Stuff, random: np.random.Generator
) -> Tuple[float, List[Surface]]:
    """A thing on the floor, and how far it reaches."""
    kind, turn = random.random(), random.uniform(0, np.pi)
    if kind < 0.3:
        size = (random.uniform(0.4, 1.6), random.uniform(0.4, 1.6), random.uniform(0.3, 1.0))
        texture = stuff.wood if random.random() < 0.5 else stuff.metal
        return max(size[0], size[2]) / 2, [box((x, 0, z), size, turn, texture, 1.0)]
    if kind < 0.55:
        return 0.1, [things.post(x, z, random.uniform(2.0, 6.0), stuff.metal)]
    if kind < 0.8:
        return 2.2, things.car(x, z, turn, random.uniform(0.55, 0.9), stuff.metal)
    high, wide = random.uniform(1.5, 3.5), random.uniform(0.8, 1.8)
    return 0.3, things.tree(x, z, high, wide, stuff.wood, stuff.leaves)


def _occluder(kind: str, staging: Staging, random: np.random.Generator) -> List[Surface]:
    """Something between the camera and the main person: a post, or a block that hides the legs at most."""
    way = staging.people[0].way()
    middle = way[len(way) // 2]
    share = random.uniform(0.55, 0.85)
    x, ahead = share * middle[0], -share * middle[2]
    near = [
        float(np.hypot(w[:, 0] - x, w[:, 2] + ahead).min())
        for w in (p.way() for p in staging.people)
    ]
    if ahead < 1.0 or min(near) < 0.6:
        return []
    if kind == "post":
        x += random.uniform(0.1, 0.4) * share * (-1) ** int(random.integers(2))
        radius = random.uniform(0.03, 0.08)
        texture = (textures.metal, textures.concrete, textures.boards)[random.integers(3)](random)
        return [cylinder((x, 0, -ahead), (radius, radius), 9.0, texture, 1.0)]
    # The line from the camera to the hips at their lowest passes here at this height.
    line = staging.view.height + share * (way[:, 1].min() - staging.view.height)
    high = line * random.uniform(0.5, 1.0)
    if high < 0.15:
        return []
    wide = random.uniform(0.6, 3.0)
    kinds = (textures.leaves, textures.boards, textures.metal, textures.bricks)
    texture = kinds[random.integers(4)](random)
    size = (wide, high, random.uniform(0.1, 0.4))
    x += random.uniform(-0.4, 0.4) * wide
    return [box((x, 0, -ahead), size, random.uniform(-0.3, 0.3), texture, 1.0)]


# Light. -----------------------------------------------------------------------------------


def _light(kind: str, staging: Staging, random: np.random.Generator) -> Light:
    turn, inside = random.uniform(0, 2 * np.pi), kind == HALL
    high = np.radians(random.uniform(55, 85) if inside else random.uniform(20, 70))
    sun = (np.cos(turn) * np.cos(high), np.sin(high), np.sin(turn) * np.cos(high))
    # A hall's lamps and an overcast sky cast soft, weak shadows.
    soft = inside or random.random() < 0.4
    strength = random.uniform(0.08, 0.35) if soft else random.uniform(0.4, 0.75)
    around = random.uniform(0.55, 0.85) if soft else random.uniform(0.35, 0.55)
    warm = random.uniform(-0.06, 0.1)
    middle = np.mean([placed.way()[:, ::2].mean(axis=0) for placed in staging.people], axis=0)
    spread = max(
        float(np.hypot(*(placed.way()[:, ::2] - middle).T).max()) for placed in staging.people
    )
    x, y, z = (float(value) for value in sun)
    return Light(
        (x, y, z),
        (strength * (1 + warm), strength, strength * (1 - warm)),
        (around * (1 - warm / 2), around, around * (1 + warm / 2)),
        random.uniform(1.2, 3.0) if soft else random.uniform(0.4, 1.0),
        (float(middle[0]), 0.5, float(middle[1])),
        min(max(spread + 2.5, 4.0), 25.0),
    )
