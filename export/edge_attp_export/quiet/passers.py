"""Who passes before a quiet camera: people who walk, pause and wait, and cars."""

from __future__ import annotations

from typing import NamedTuple, Protocol, Tuple

import numpy as np

from ..synth.attributes import Attributes, draw
from ..synth.figure import STRIDE, Figure, Pose, walking
from ..synth.pen import Pen
from ..synth.vehicle import Vehicle

Box = Tuple[float, float, float, float]  # left, top, right, bottom in pixels


class Passer(Protocol):
    """Somebody or something. ground: of its feet, pixels from the top; who stands lower is nearer."""

    ground: float

    def box(self, time_s: float) -> Box:
        """Where it is drawn."""

    def draw(self, pen: Pen, time_s: float) -> None:
        """Draw it."""


class Way(NamedTuple):
    """A walk along the picture: from x at begin_s, at a speed (pixels a second, left is negative), with one pause."""

    x: float
    begin_s: float
    speed: float
    pause_at_s: float  # after the beginning
    pause_s: float

    def travelled(self, time_s: float) -> float:
        """The distance walked until then, in pixels, never negative."""
        walked_s = time_s - self.begin_s
        rest_s = min(max(walked_s - self.pause_at_s, 0.0), self.pause_s)
        return abs(self.speed) * max(walked_s - rest_s, 0.0)

    def place(self, time_s: float) -> float:
        return self.x + (1 if self.speed >= 0 else -1) * self.travelled(time_s)


class Walker:
    """Walks a way; stands as long as it pauses."""

    def __init__(self, seed: int, height: float, ground: float, way: Way) -> None:
        facing = 1 if way.speed >= 0 else -1
        traits = draw(seed)._replace(height=height, facing=facing)
        self.ground = ground
        self._height, self._way, self._phase = height, way, traits.phase
        self._figure = Figure(traits, height, facing)

    def box(self, time_s: float) -> Box:
        x, h = self._way.place(time_s), self._height
        return x - 0.5 * h, self.ground - 1.1 * h, x + 0.5 * h, self.ground + 0.1 * h

    def draw(self, pen: Pen, time_s: float) -> None:
        travelled = self._way.travelled(time_s)
        turn = self._phase + 2 * np.pi * travelled / (STRIDE * self._height)
        self._figure.draw(pen, self._way.place(time_s), self.ground, walking(turn))


class Waiter:
    """Stands and shifts its weight, as somebody who waits or talks does."""

    def __init__(self, seed: int, height: float, ground: float, x: float) -> None:
        self._traits: Attributes = draw(seed)._replace(height=height)
        self.ground = ground
        self._height, self._x = height, x
        self._figure = Figure(self._traits, height, self._traits.facing)

    def box(self, time_s: float) -> Box:
        x, h = self._x, self._height
        return x - 0.5 * h, self.ground - 1.1 * h, x + 0.5 * h, self.ground + 0.1 * h

    def draw(self, pen: Pen, time_s: float) -> None:
        phase, rate = self._traits.phase, 0.6 + self._traits.speed
        sway = np.sin(phase + rate * time_s) * np.sin(0.37 * rate * time_s)
        gesture = max(0.0, np.sin(2.1 * phase + 0.43 * time_s)) ** 3 * self._traits.reach
        pose = Pose(
            lean=0.03 + 0.03 * sway,
            thighs=(0.04 + 0.02 * sway, -0.04),
            knees=(0.03, 0.03),
            shoulders=(0.1 + 0.9 * gesture, 0.05 - 0.05 * sway),
            elbows=(0.2 + 1.1 * gesture, 0.2),
        )
        self._figure.draw(pen, self._x, self.ground, pose)


class Car:
    """Drives along the picture; its way has no pause."""

    def __init__(self, seed: int, length: float, ground: float, way: Way) -> None:
        facing = 1 if way.speed >= 0 else -1
        traits = draw(seed)._replace(height=length / 1.3, facing=facing)
        self.ground = ground
        self._length, self._way = length, way
        self._vehicle = Vehicle(traits)

    def box(self, time_s: float) -> Box:
        x, length = self._way.place(time_s), self._length
        return (
            x - 0.65 * length,
            self.ground - 0.6 * length,
            x + 0.65 * length,
            self.ground + 0.1 * length,
        )

    def draw(self, pen: Pen, time_s: float) -> None:
        travelled = self._way.travelled(time_s)
        self._vehicle.draw(pen, self._way.place(time_s), self.ground, travelled)
