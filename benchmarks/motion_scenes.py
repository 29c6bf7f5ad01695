"""Drawn scenes in which it is known what moves: people before a background, a camera, and what disturbs.

For benchmarks/motion.py. A scene is drawn from its description alone, so the same description always gives the same
pictures.
"""

import itertools
from typing import List, NamedTuple, Tuple

import cv2
import numpy as np

PICTURES = 100
RATE = 25
ENTERS = 25  # the picture in which people begin to move
STOPS = 60  # the picture in which those of "stops" stand still again

BODIES = ("nothing", "one", "two", "small", "slow", "stops")
CAMERAS = ("still", "shake", "pan")
CONDITIONS = ("clean", "noise", "rain", "light", "flicker")
CODECS = ("h264", "hevc")

Box = Tuple[float, float, float, float]  # left, top, right, bottom in pixels


class Scene(NamedTuple):
    """What to draw."""

    body: str
    camera: str
    condition: str
    codec: str
    width: int
    height: int
    seed: int

    @property
    def name(self) -> str:
        """A file name."""
        return "-".join(map(str, self))


def all_scenes(width: int, height: int, first_seed: int, codecs=CODECS) -> List[Scene]:
    """Every body, camera and condition once with each codec. Each has a seed of its own."""
    kinds = itertools.product(BODIES, CAMERAS, CONDITIONS, codecs)
    return [
        Scene(*kind, width=width, height=height, seed=first_seed + number)
        for number, kind in enumerate(kinds)
    ]


def draw(scene: Scene):
    """Yields (luma, boxes) of each picture: uint8 (height, width), and a box around each person who moves."""
    random = np.random.default_rng(scene.seed)
    unit = scene.height / 256  # sizes below are those of a picture 256 pixels high
    margin = int(110 * unit)
    wall = texture(random, scene.height + 2 * margin, scene.width + 2 * margin, unit)
    way = camera_way(random, scene.camera, unit)
    people = [Person(random, scene, place, way) for place in range(_people(scene.body))]
    disturb = Disturbance(random, scene, unit)
    for number in range(PICTURES):
        x, y = way[number]
        luma = shifted(wall, x - margin, y - margin, scene.width, scene.height)
        boxes = []
        for person in people:
            box = person.draw_on(luma, number)
            if box is not None and person.moves(number):
                boxes.append(box)
        yield disturb(luma, number), boxes


def _people(body: str) -> int:
    return {"nothing": 0, "two": 2}.get(body, 1)


def texture(random, height: int, width: int, unit: float) -> np.ndarray:
    """A photograph, to an encoder: noise of many scales, and shapes with edges. float32 around 128."""
    plane = np.full((height, width), 128, np.float32)
    for cell, strength in ((64, 40), (32, 30), (12, 18), (5, 10), (2, 5)):
        size = max(2, int(width / (cell * unit))), max(2, int(height / (cell * unit)))
        noise = random.uniform(-1, 1, size[::-1]).astype(np.float32)
        plane += strength * cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    for _ in range(60):
        x, y = int(random.integers(width)), int(random.integers(height))
        w, h = (random.uniform(6, 60, 2) * unit).astype(int)
        shade = float(random.uniform(20, 235))
        patch = plane[y : y + h, x : x + w]
        patch += 0.7 * (shade - patch)
    return cv2.GaussianBlur(plane, (0, 0), 0.6)


def camera_way(random, camera: str, unit: float) -> np.ndarray:
    """The shift of the background in each picture, pixels (PICTURES, 2)."""
    way = np.zeros((PICTURES, 2))
    if camera == "shake":  # a mast in the wind
        jolts = random.normal(0, 4.5, (PICTURES + 10, 2))
        way = np.array([jolts[n : n + 10].mean(axis=0) for n in range(PICTURES)])
    elif camera == "pan":
        way = np.arange(PICTURES)[:, None] * [random.choice([-0.8, 0.8]), random.uniform(-0.1, 0.1)]
    return way * unit


def shifted(plane: np.ndarray, x: float, y: float, width: int, height: int) -> np.ndarray:
    """The plane moved by (x, y) pixels, the part of this size from the upper left corner."""
    matrix = np.array([[1, 0, x], [0, 1, y]], np.float64)
    return cv2.warpAffine(
        plane, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )


class Person:
    """Somebody who walks in from a side, or begins to walk: arms and legs swing."""

    def __init__(self, random, scene: Scene, place: int, way: np.ndarray) -> None:
        self._body, self._way = scene.body, way
        share = 1 / 12 if scene.body == "small" else random.uniform(0.28, 0.45)
        self._height = share * scene.height
        speed = self._height * random.uniform(0.026, 0.036)
        if scene.body == "slow":
            speed /= 4
        self._direction = 1 if (random.random() < 0.5) != (place == 1) else -1
        self._speed = speed * self._direction
        self._skin = texture(
            random, int(self._height) + 4, int(self._height) + 4, scene.height / 512
        )
        self._skin += float(random.choice([-50, 50]))
        self._y = self._choose_row(random, scene, place)
        half = 0.3 * self._height
        if scene.body in ("slow", "small"):  # stands there before
            self._x = random.uniform(0.3, 0.7) * scene.width - self._speed * 30
        else:
            self._x = -half if self._direction > 0 else scene.width + half

    def _choose_row(self, random, scene: Scene, place: int) -> float:
        room = scene.height - self._height
        if scene.body == "two":
            return room * (random.uniform(0.0, 0.1) if place == 0 else random.uniform(0.9, 1.0))
        return room * random.uniform(0.2, 0.9)

    def moves(self, number: int) -> bool:
        """Whether the person moves from the picture before to this one."""
        return number >= ENTERS and (self._body != "stops" or number < STOPS)

    def draw_on(self, luma: np.ndarray, number: int):
        """The box of what is seen of the person, or None."""
        steps = max(0, (min(number, STOPS - 1) if self._body == "stops" else number) - ENTERS + 1)
        sway = self._way[number] - self._way[ENTERS]
        x = self._x + self._speed * steps + sway[0]
        y = self._y + sway[1]
        size = int(self._height) + 4
        left, top = int(np.floor(x - size / 2)), int(np.floor(y))
        mask = self._mask(size, x - left, y - top, steps * abs(self._speed) / self._height)
        skin = shifted(self._skin, x - left - size / 2, y - top, size, size)
        height, width = luma.shape
        x0, y0 = max(left, 0), max(top, 0)
        x1, y1 = min(left + size, width), min(top + size, height)
        if x0 >= x1 or y0 >= y1:
            return None
        mask = mask[y0 - top : y1 - top, x0 - left : x1 - left]
        skin = skin[y0 - top : y1 - top, x0 - left : x1 - left]
        target = luma[y0:y1, x0:x1]
        target += mask * (skin - target)
        rows, columns = np.nonzero(mask > 0.5)
        if len(rows) == 0:
            return None
        left, right = x0 + int(columns.min()), x0 + int(columns.max()) + 1
        return left, y0 + int(rows.min()), right, y0 + int(rows.max()) + 1

    def _mask(self, size: int, x: float, y: float, walked: float) -> np.ndarray:
        """Opacity of head, trunk, arms and legs. walked: in body heights."""
        h = self._height
        mask = np.zeros((size, size), np.uint8)

        def at(dx, dy):
            return int(round((x + dx * h) * 16)), int(round((y + dy * h) * 16))

        def limb(begin, end, thickness):
            cv2.line(mask, at(*begin), at(*end), 255, max(1, round(thickness * h)), cv2.LINE_AA, 4)

        cv2.circle(mask, at(0, 0.09), int(0.075 * h * 16), 255, -1, cv2.LINE_AA, 4)
        limb((0, 0.22), (0, 0.5), 0.2)
        for side in (-1, 1):
            swing = 0.15 * np.sin(2 * np.pi * walked / 0.8) * side
            limb((0, 0.5), (swing, 0.96), 0.09)
            limb((0, 0.2), (-0.8 * swing + 0.06 * side, 0.52), 0.06)
        return mask.astype(np.float32) / 255


class Disturbance:
    """What happens to the whole picture: a sensor's noise, rain, light."""

    def __init__(self, random, scene: Scene, unit: float) -> None:
        self._random, self._condition, self._unit = random, scene.condition, unit
        self._phase, self._period = random.uniform(0, 6), random.uniform(30, 60)

    def __call__(self, luma: np.ndarray, number: int) -> np.ndarray:
        random, condition = self._random, self._condition
        if condition == "light":
            luma = luma * (0.9 + 0.2 * np.sin(self._phase + 2 * np.pi * number / self._period))
        elif condition == "flicker":  # a lamp on the mains, and a shutter that opens row by row
            rows = np.arange(luma.shape[0])[:, None] / luma.shape[0]
            luma = luma * (1 + 0.05 * np.sin(2 * np.pi * (1.5 * rows + 0.37 * number)))
            luma = luma * random.normal(1, 0.015)
        elif condition == "rain":
            luma = self._rain(luma)
        sigma = 4.0 if condition == "noise" else 1.0
        noise = random.standard_normal(luma.shape, np.float32) * np.float32(sigma)
        return np.clip(np.rint(luma + noise), 0, 255).astype(np.uint8)

    def _rain(self, luma: np.ndarray) -> np.ndarray:
        height, width = luma.shape
        drops = np.zeros_like(luma)
        for x, y, length in zip(
            self._random.integers(0, width, 60),
            self._random.integers(0, height, 60),
            self._random.uniform(8, 20, 60) * self._unit,
        ):
            end = int(x + 0.15 * length), int(y + length)
            cv2.line(drops, (int(x), int(y)), end, 70, max(1, round(self._unit)), cv2.LINE_AA)
        return luma + drops
