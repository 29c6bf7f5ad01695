"""What disturbs a quiet camera: wind in its mast, rain, light, the noise of its sensor."""

from __future__ import annotations

from typing import NamedTuple, Tuple

import cv2
import numpy as np

from ..synth.camera import HEIGHT, WIDTH

MARGIN = 8  # pixels around the picture that the shaking camera may see
_ROOM = 128  # grain and rain of a picture are cut from fields that are larger by this


class Conditions(NamedTuple):
    """shake_px: standard deviation of the camera's place, shake_s: how long it takes to forget it. sway_px: of leaves.

    rain: drops in a picture. light: share by which it changes, light_s: its period. flicker: share by which a lamp on
    the mains varies from picture to picture. noise: standard deviation in sample values. gain: about 1 by day.
    is_grey: as cameras are at night.
    """

    shake_px: float
    shake_s: float
    sway_px: float
    rain: int
    light: float
    light_s: float
    flicker: float
    noise: float
    gain: float
    is_grey: bool


def draw_conditions(random: np.random.Generator) -> Conditions:
    """Random conditions; two of three are by day."""

    def maybe(value: float, share: float) -> float:
        return value if random.random() < share else 0.0

    is_night = random.random() < 1 / 3
    return Conditions(
        shake_px=maybe(random.uniform(0.1, 1.2), 0.6),
        shake_s=random.uniform(0.15, 1.5),
        sway_px=maybe(random.uniform(0.5, 2.5), 0.5),
        rain=int(maybe(random.uniform(20, 120), 0.25)),
        light=maybe(random.uniform(0.03, 0.3), 0.5),
        light_s=random.uniform(4, 40),
        flicker=maybe(random.uniform(0.003, 0.02), 0.3),
        noise=random.uniform(2.0, 6.0) if is_night else random.uniform(0.3, 2.0),
        gain=random.uniform(0.35, 0.6) if is_night else random.uniform(0.8, 1.1),
        is_grey=bool(is_night and random.random() < 0.6),
    )


class Sensor:
    """Turns RGB uint8 (HEIGHT, WIDTH, 3) into yuv420p uint8 (HEIGHT * 3 / 2, WIDTH): light, rain and noise."""

    def __init__(self, conditions: Conditions, random: np.random.Generator) -> None:
        self._conditions, self._random = conditions, random
        self._phases = random.uniform(0, 2 * np.pi, 2)
        shape = HEIGHT + _ROOM, WIDTH + _ROOM
        grain = random.standard_normal(shape, np.float32) * conditions.noise
        self._grain = np.rint(grain).astype(np.int16)
        self._rain = _drops(conditions.rain, shape, random) if conditions.rain else None

    def __call__(self, picture: np.ndarray, time_s: float) -> np.ndarray:
        conditions = self._conditions
        lit = cv2.convertScaleAbs(picture, alpha=self._gain(time_s))
        planes = cv2.cvtColor(lit, cv2.COLOR_RGB2YUV_I420)
        luma = planes[:HEIGHT]
        if self._rain is not None:
            cv2.add(luma, self._cut(self._rain), dst=luma, dtype=cv2.CV_8U)
        cv2.add(luma, self._cut(self._grain), dst=luma, dtype=cv2.CV_8U)
        if conditions.is_grey:
            planes[HEIGHT:] = 128
        return np.asarray(planes)

    def _gain(self, time_s: float) -> float:
        conditions, (first, second) = self._conditions, self._phases
        slow = 2 * np.pi * time_s / conditions.light_s
        clouds = np.sin(first + slow) * np.sin(second + 0.31 * slow)
        lamp = self._random.normal(0, conditions.flicker) if conditions.flicker else 0.0
        return float(conditions.gain * (1 + conditions.light * clouds) * (1 + lamp))

    def _cut(self, field: np.ndarray) -> np.ndarray:
        top, left = self._random.integers(0, _ROOM, 2)
        return field[top : top + HEIGHT, left : left + WIDTH]


def _drops(count: int, shape: Tuple[int, int], random: np.random.Generator) -> np.ndarray:
    """Streaks of rain, int16."""
    field = np.zeros(shape, np.float32)
    share = shape[0] * shape[1] / (HEIGHT * WIDTH)
    for _ in range(int(count * share)):
        x, y, length = (random.uniform(0, limit) for limit in (shape[1], shape[0], 16))
        end = int(x + 0.12 * length), int(y + 6 + length)
        cv2.line(field, (int(x), int(y)), end, float(random.uniform(15, 60)), 1, cv2.LINE_AA)
    return field.astype(np.int16)


class Mast:
    """A camera that moves a little in the wind: cuts its picture out of one that is larger by MARGIN on each side."""

    def __init__(self, conditions: Conditions, random: np.random.Generator) -> None:
        self._conditions, self._random = conditions, random
        self._at = np.zeros(2)
        self._keep = 0.5 ** (0.04 / conditions.shake_s)

    def __call__(self, wide: np.ndarray) -> np.ndarray:
        if not self._conditions.shake_px:
            return np.ascontiguousarray(wide[MARGIN:-MARGIN, MARGIN:-MARGIN])
        push = self._conditions.shake_px * np.sqrt(1 - self._keep**2)
        self._at = self._keep * self._at + self._random.normal(0, push, 2)
        x, y = np.clip(self._at, 1 - MARGIN, MARGIN - 1) + MARGIN
        matrix = np.array([[1.0, 0.0, -x], [0.0, 1.0, -y]])
        return np.asarray(cv2.warpAffine(wide, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR))
