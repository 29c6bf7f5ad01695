"""The door: two leaves that part in the centre, seen in perspective, in a wall of their own."""

from __future__ import annotations

from typing import List, Sequence, Tuple

import numpy as np

from .attributes import Attributes, Colour
from .pen import DARK, PALE, Pen, mix

LEAF = 0.38  # width over height of the door
DISTANCE = 2.6  # distance of the eye, in heights: the strength of the perspective


class Door:
    """Variant 0 swings towards the camera, the others swing away from it."""

    def __init__(self, traits: Attributes, middle: float, ground: float) -> None:
        self._traits = traits
        self._h = traits.height * 1.15
        self._w = self._h * LEAF
        self._middle = middle
        self._ground = ground
        self._towards = traits.variant == 0

    def draw(self, pen: Pen, share: float) -> None:
        """Draw the door, from shut (0) to fully open (1)."""
        angle = 0.06 + share * (1.15 + 0.35 * self._traits.reach)
        self._wall(pen)
        for side in (-1, 1):
            self._leaf(pen, side, angle)

    def _wall(self, pen: Pen) -> None:
        traits, h, w = self._traits, self._h, self._w
        wall = mix(traits.trousers, PALE, 0.45)
        self._opening(pen, 1.35 * w, 1.22 * h, wall)
        for row in range(1, 10):  # boards
            y = self._ground - row * 0.122 * h
            ends = [(self._middle - 1.35 * w, y), (self._middle + 1.35 * w, y)]
            pen.line(ends, 0.006 * h, mix(wall, DARK, 0.3))
        self._opening(pen, 1.06 * w, 1.04 * h, mix(traits.accent, PALE, 0.3))
        inside = mix(traits.hair, DARK, 0.5)
        self._opening(pen, w, h, inside)
        floor = [(-w, 0), (w, 0), (0.7 * w, -0.12 * h), (-0.7 * w, -0.12 * h)]
        corners = [(self._middle + x, self._ground + y) for x, y in floor]
        pen.polygon(corners, mix(inside, PALE, 0.25))

    def _opening(self, pen: Pen, half: float, tall: float, colour: Colour) -> None:
        left, right = self._middle - half, self._middle + half
        top, ground = self._ground - tall, self._ground
        pen.polygon([(left, top), (right, top), (right, ground), (left, ground)], colour)

    def _leaf(self, pen: Pen, side: int, angle: float) -> None:
        # A turned leaf gets less light.
        paint = mix(self._traits.shirt, DARK, 0.45 * float(np.sin(angle)))

        def panel(left: float, right: float, low: float, high: float, colour: Colour) -> None:
            corners = [(left, low), (right, low), (right, high), (left, high)]
            pen.polygon(self._seen(corners, side, angle), colour)

        panel(0, 1, 0, 1, paint)
        for low, high in ((0.08, 0.42), (0.52, 0.92)):
            panel(0.16, 0.84, low, high, mix(paint, DARK, 0.28))
            panel(0.22, 0.78, low + 0.03, high - 0.03, mix(paint, PALE, 0.18))
        handle = self._seen([(0.92, 0.47), (0.82, 0.47)], side, angle)
        pen.capsule(handle[0], handle[1], (0.018 * self._h, 0.012 * self._h), (226, 206, 120))

    def _seen(
        self, points: Sequence[Tuple[float, float]], side: int, angle: float
    ) -> List[Tuple[float, float]]:
        """Project points of a leaf: across from its hinge and up from the floor, 0 to 1 each."""
        seen = []
        for across, up in points:
            depth = across * self._w * np.sin(angle) * (-1 if self._towards else 1)
            scale = DISTANCE * self._h / (DISTANCE * self._h + depth)
            # The eye is in front of the door's centre, at seven tenths of its height.
            away = side * self._w * (1 - across * np.cos(angle))
            rise = (up - 0.7) * self._h
            eye_y = self._ground - 0.7 * self._h
            seen.append((self._middle + away * scale, eye_y - rise * scale))
        return seen
