"""Things that stand in a place: posts, trees, cars. Metres; textures as in `textures`."""

from __future__ import annotations

from typing import List

import numpy as np

from .meshes import Surface, box, cylinder

DARK = np.full((4, 4, 3), 40, np.uint8)  # tyres, windows


def post(x: float, z: float, high: float, paint: np.ndarray) -> Surface:
    """Return a lamp post or a pole."""
    return cylinder((x, 0, z), (0.07, 0.05), high, paint, 1.0)


def tree(
    x: float, z: float, high: float, wide: float, wood: np.ndarray, leaves: np.ndarray
) -> List[Surface]:
    """Return a tree; high, wide: the size of its crown."""
    trunk = cylinder((x, 0, z), (0.16, 0.1), 2.2, wood, 0.6)
    low = cylinder((x, 1.7, z), (0.6 * wide, wide), 0.35 * high, leaves, 1.5)
    top = cylinder((x, 1.7 + 0.35 * high, z), (wide, 0.3 * wide), 0.65 * high, leaves, 1.5)
    return [trunk, low, top]


def car(x: float, z: float, turn: float, tall: float, paint: np.ndarray) -> List[Surface]:
    """Return a car that is turned about the vertical; tall: its cabin, above the doors."""
    ahead = np.array([np.cos(turn), 0, -np.sin(turn)])
    parts = [
        box((x, 0.3, z), (4.2, 0.55, 1.75), turn, paint, 2.0),
        box((x, 0.85, z), (2.3, tall, 1.55), turn, DARK, 2.0),
        box((x, 0.85 + tall, z), (2.1, 0.05, 1.5), turn, paint, 2.0),
    ]
    for end in (-1.3, 1.3):
        at = np.array([x, 0, z]) + end * ahead
        parts.append(box((at[0], 0, at[2]), (0.62, 0.6, 1.78), turn, DARK, 2.0))
    return parts
