"""The vehicle: a car, van or lorry from the side, whose front and back are easy to distinguish."""

from __future__ import annotations

from typing import List, Sequence, Tuple

import numpy as np

from .attributes import Attributes, Colour
from .pen import DARK, PALE, Pen, mix

# Outlines in lengths: ahead of the centre, up from the ground. The front is on the right.
_CAR = (
    [(-0.5, 0.08), (0.5, 0.08), (0.5, 0.19), (0.46, 0.23), (0.24, 0.26), (0.08, 0.39)],
    [(-0.28, 0.39), (-0.44, 0.27), (-0.5, 0.25)],
)
_VAN = (
    [(-0.5, 0.08), (0.5, 0.08), (0.5, 0.2), (0.46, 0.25), (0.37, 0.28), (0.24, 0.48)],
    [(-0.48, 0.48), (-0.5, 0.45)],
)
_LORRY = (
    [(-0.5, 0.1), (0.5, 0.1), (0.5, 0.27), (0.44, 0.44), (0.24, 0.44), (0.24, 0.17)],
    [(-0.5, 0.17)],
)
_WINDOWS = (
    ([(-0.25, 0.26), (-0.02, 0.26), (-0.02, 0.365), (-0.23, 0.365)],
     [(0.01, 0.26), (0.19, 0.26), (0.075, 0.365), (0.01, 0.365)]),
    ([(0.08, 0.29), (0.32, 0.29), (0.22, 0.45), (0.08, 0.45)],),
    ([(0.3, 0.29), (0.475, 0.29), (0.42, 0.41), (0.3, 0.41)],),
)  # fmt: skip
_WHEELS = ((-0.3, 0.31), (-0.32, 0.33), (-0.33, 0.35))
RADIUS = 0.085


class Vehicle:
    """`variant`: 0 car, 1 van, 2 lorry; `facing` gives its direction."""

    def __init__(self, traits: Attributes) -> None:
        self._traits = traits
        self._length = traits.height * 1.3

    def draw(self, pen: Pen, x: float, ground: float, travelled: float) -> None:
        """Draw the vehicle with its centre at x; `travelled` pixels forwards turn the wheels."""
        traits, length, kind = self._traits, self._length, self._traits.variant

        def place(points: Sequence[Tuple[float, float]]) -> List[Tuple[float, float]]:
            return [(x + traits.facing * a * length, ground - b * length) for a, b in points]

        pen.shadow((x, ground), 0.58 * length, 0.045 * length)
        body, under = (_CAR, _VAN, _LORRY)[kind]
        pen.polygon(place([*body, *under]), traits.shirt)
        if kind == 2:
            pen.polygon(place([(-0.5, 0.19), (0.2, 0.19), (0.2, 0.5), (-0.5, 0.5)]), traits.accent)
            for rib in (-0.36, -0.22, -0.08, 0.06):
                ends = place([(rib, 0.2), (rib, 0.49)])
                pen.line(ends, 0.012 * length, mix(traits.accent, DARK, 0.3))
        for window in _WINDOWS[kind]:
            pen.polygon(place(window), (58, 72, 88))
        stripe = place([(-0.48, 0.17), (0.47, 0.17)])
        pen.line(stripe, 0.025 * length, mix(traits.accent, PALE, 0.2))
        pen.line(place([(-0.48, 0.1), (0.48, 0.1)]), 0.03 * length, mix(traits.shirt, DARK, 0.55))
        self._lamp(pen, place([(0.46, 0.205)])[0], (255, 244, 190))
        self._lamp(pen, place([(-0.465, 0.225)])[0], (206, 24, 24))
        for axle in _WHEELS[kind]:
            self._wheel(pen, place([(axle, RADIUS)])[0], travelled)

    def _lamp(self, pen: Pen, at: Tuple[float, float], colour: Colour) -> None:
        pen.disc(at, 0.042 * self._length, mix(colour, DARK, 0.5))
        pen.disc(at, 0.033 * self._length, colour)

    def _wheel(self, pen: Pen, at: Tuple[float, float], travelled: float) -> None:
        radius = RADIUS * self._length
        pen.disc(at, radius, (34, 34, 38))
        pen.disc(at, radius * 0.62, (178, 180, 186))
        turn = self._traits.phase + self._traits.facing * travelled / radius
        for spoke in range(3):
            angle = turn + spoke * 2 * np.pi / 3
            end = np.array(at) + radius * 0.55 * np.array([np.cos(angle), np.sin(angle)])
            pen.line([at, end], radius * 0.22, (52, 52, 60))
