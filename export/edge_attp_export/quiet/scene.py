"""A quiet scene as pictures: a background, whoever passes by, and the conditions."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Optional, Tuple

import cv2
import numpy as np

from ..synth.attributes import Colour, stream
from ..synth.camera import HEIGHT, WIDTH
from ..synth.clips import RATE
from ..synth.pen import FINE, Pen, Point
from .conditions import MARGIN, Mast, Sensor, draw_conditions
from .passers import Car, Passer, Waiter, Walker, Way
from .places import SCENERIES, Tree, place

WIDE = WIDTH + 2 * MARGIN, HEIGHT + 2 * MARGIN  # what is drawn, before the camera shakes
_SHIFT = 4  # fractional bits of OpenCV's coordinates
_BODIES_A_SECOND = 0.8  # how far somebody walks, in body heights


class Scene:
    """Everything that a seed decides. traits: what to tell of it."""

    def __init__(self, seed: int, pictures: int) -> None:
        self._seed, self._pictures = seed, pictures
        random = stream(seed, "quiet scene")
        self._scenery = SCENERIES[random.integers(3)]
        self._conditions = draw_conditions(random)
        if self._scenery == "room":
            self._conditions = self._conditions._replace(rain=0, sway_px=0.0, shake_px=0.0)
        self._horizon = MARGIN + random.uniform(0.1, 0.4) * HEIGHT
        self._nearest = random.uniform(45, 115)  # pixels, of somebody at the lower edge
        self._passers = self._cast(random, pictures / RATE)
        self.traits: Dict[str, Any] = {
            "scenery": self._scenery,
            "passers": len(self._passers),
            "nearest_px": round(self._nearest, 1),
            **{name: _rounded(value) for name, value in self._conditions._asdict().items()},
        }

    def pictures(self) -> Iterator[np.ndarray]:
        """yuv420p uint8 (HEIGHT * 3 / 2, WIDTH)."""
        random = stream(self._seed, "quiet conditions")
        sensor, mast = Sensor(self._conditions, random), Mast(self._conditions, random)
        trees = self._trees(random)
        stage = _Stage(place(self._scenery, self._seed, *WIDE, self._horizon))
        for index in range(self._pictures):
            time_s = index / RATE
            wide = stage.seen(self._passers, time_s)
            for tree in trees:
                tree.draw(wide, time_s)
            yield sensor(mast(wide), time_s)

    def _trees(self, random: np.random.Generator) -> List[Tree]:
        sway_px = self._conditions.sway_px
        found = []
        for _ in range(random.integers(1, 4) if sway_px else 0):
            height = random.uniform(1.2, 2.2) * self._nearest
            ground = self._horizon + random.uniform(0, 0.5) * (WIDE[1] - self._horizon)
            found.append(Tree(random, random.uniform(0, WIDE[0]), ground, height, sway_px))
        return found

    def _cast(self, random: np.random.Generator, seconds: float) -> List[Passer]:
        """Those who pass, the farthest first."""
        passers: List[Passer] = []
        for _ in range(random.poisson(seconds * random.uniform(0.01, 0.1))):
            passers += self._walkers(random, seconds)
        for _ in range(int(random.integers(0, 4))):
            height, ground = self._place(random)
            passers.append(Waiter(_seed(random), height, ground, random.uniform(20, WIDTH)))
        if self._scenery != "room":
            for _ in range(random.poisson(seconds * random.uniform(0, 0.04))):
                passers.append(self._car(random, seconds))
        return sorted(passers, key=lambda passer: passer.ground)

    def _walkers(self, random: np.random.Generator, seconds: float) -> List[Passer]:
        """Somebody, or two who walk together."""
        height, ground = self._place(random)
        direction = -1 if random.random() < 0.5 else 1
        speed = direction * height * _BODIES_A_SECOND * random.uniform(0.7, 1.4)
        x = -0.6 * height if direction > 0 else WIDE[0] + 0.6 * height
        crossing_s = (WIDE[0] + 2 * height) / abs(speed)
        begin_s = random.uniform(-crossing_s, seconds)
        pause_s = random.uniform(1, 20) if random.random() < 0.3 else 0.0
        way = Way(x, begin_s, speed, random.uniform(0.2, 0.8) * crossing_s, pause_s)
        found: List[Passer] = [Walker(_seed(random), height, ground, way)]
        if random.random() < 0.3:
            beside = way._replace(x=x - direction * height * random.uniform(0.15, 0.6))
            deeper = ground - height * random.uniform(0.02, 0.12)
            found.append(Walker(_seed(random), height * random.uniform(0.9, 1.05), deeper, beside))
        return found

    def _car(self, random: np.random.Generator, seconds: float) -> Car:
        height, ground = self._place(random)
        length = 2.4 * height
        direction = -1 if random.random() < 0.5 else 1
        speed = direction * height * random.uniform(2, 7)
        x = -0.7 * length if direction > 0 else WIDE[0] + 0.7 * length
        crossing_s = (WIDE[0] + 2 * length) / abs(speed)
        way = Way(x, random.uniform(-crossing_s, seconds), speed, 0.0, 0.0)
        return Car(_seed(random), length, ground, way)

    def _place(self, random: np.random.Generator) -> Tuple[float, float]:
        """Height of a body and ground of its feet: small and high in the picture if it is far, as most are."""
        depth = random.uniform(0.15, 1.0) ** 1.5
        depth = max(depth, 9 / self._nearest)
        return self._nearest * depth, self._horizon + (WIDE[1] - 4 - self._horizon) * depth


class _Stage:
    """A background before which passers are drawn; only what they cover is drawn anew."""

    def __init__(self, background: np.ndarray) -> None:
        self._fine = background
        self._canvas = background.copy()
        self._empty = _small(self._fine)
        self._pen = QuickPen(self._canvas)

    def seen(self, passers: List[Passer], time_s: float) -> np.ndarray:
        """The background with the passers at this time, RGB uint8 (HEIGHT + 2 * MARGIN, WIDTH + 2 * MARGIN, 3)."""
        wide: np.ndarray = self._empty.copy()
        covered = []
        for passer in passers:
            box = _clipped(passer.box(time_s))
            if box is not None:
                passer.draw(self._pen, time_s)
                covered.append(box)
        for left, top, right, bottom in covered:
            fine = slice(top * FINE, bottom * FINE), slice(left * FINE, right * FINE)
            wide[top:bottom, left:right] = _small(self._canvas[fine])
        for left, top, right, bottom in covered:
            fine = slice(top * FINE, bottom * FINE), slice(left * FINE, right * FINE)
            self._canvas[fine] = self._fine[fine]
        return wide


class QuickPen(Pen):
    """Draws limbs as lines of even thickness, five times as fast: nobody tells at this distance."""

    def __init__(self, canvas: np.ndarray) -> None:
        super().__init__(canvas, np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))
        self._fine = canvas

    def capsule(self, start: Point, end: Point, radii: Tuple[float, float], colour: Colour) -> None:
        (x0, y0), (x1, y1) = (_fixed(start), _fixed(end))
        thickness = max(1, round((radii[0] + radii[1]) * FINE))
        cv2.line(self._fine, (x0, y0), (x1, y1), colour, thickness, cv2.LINE_AA, _SHIFT)


def _fixed(point: Point) -> Tuple[int, int]:
    """In OpenCV's fractions of a sample of the fine picture."""
    x, y = ((float(at) * FINE + (FINE - 1) / 2) * (1 << _SHIFT) for at in point)
    return round(x), round(y)


def _small(fine: np.ndarray) -> np.ndarray:
    size = fine.shape[1] // FINE, fine.shape[0] // FINE
    return np.asarray(cv2.resize(fine, size, interpolation=cv2.INTER_AREA))


def _clipped(box: Tuple[float, float, float, float]) -> Optional[Tuple[int, int, int, int]]:
    """The part of a box that is in the picture, None if nothing is."""
    left, top = max(int(box[0]) - 1, 0), max(int(box[1]) - 1, 0)
    right, bottom = min(int(box[2]) + 2, WIDE[0]), min(int(box[3]) + 2, WIDE[1])
    return (left, top, right, bottom) if left < right and top < bottom else None


def _seed(random: np.random.Generator) -> int:
    return int(random.integers(2**32))


def _rounded(value: Any) -> Any:
    return round(value, 3) if isinstance(value, float) else value
