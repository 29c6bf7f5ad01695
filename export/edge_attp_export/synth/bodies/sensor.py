"""What lens, weather, light and sensor do to a picture."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from ..attributes import stream

_ROOM = 48  # the grain of a picture is cut from a field that is larger by this

NONE, RAIN, SNOW = WEATHER = ("", "rain", "snow")
STEADY, DRIFT, FLICKER, LAMP = CHANGES = ("steady", "drift", "flicker", "lamp")


class Sensor(NamedTuple):
    """gain, contrast, warmth: of all pictures. change: of the light, by `depth`, a share of it.

    blur: sigma in pixels. noise: standard deviation in sample values, of the dark; the bright has less. drops: of
    rain or snow, in a picture.
    """

    gain: float
    contrast: float
    warmth: float
    grey: bool
    change: str
    depth: float
    blur: float
    noise: float
    vignette: float
    weather: str
    drops: int


def draw(random: np.random.Generator) -> Sensor:
    """Draw a camera and its weather."""
    uniform, chance = random.uniform, random.random
    night = chance() < 0.2
    change = CHANGES[random.choice(4, p=[0.6, 0.2, 0.1, 0.1])]
    weather = WEATHER[random.choice(3, p=[0.88, 0.08, 0.04])]
    depth = {STEADY: 0.0, DRIFT: 0.25, FLICKER: 0.06, LAMP: 0.35}[change] * uniform(0.3, 1.0)
    return Sensor(
        gain=uniform(0.45, 0.8) if night else uniform(0.85, 1.2),
        contrast=uniform(0.75, 1.15),
        warmth=uniform(-0.08, 0.08),
        grey=bool(chance() < (0.4 if night else 0.04)),
        change=change,
        depth=depth * (-1) ** int(random.integers(2)),
        blur=uniform(0.0, 1.1) if chance() < 0.7 else 0.0,
        noise=uniform(2.0, 7.0) if night else uniform(0.3, 3.0),
        vignette=uniform(0.0, 0.35) if chance() < 0.4 else 0.0,
        weather=weather,
        drops=int(random.integers(15, 160)) if weather else 0,
    )


class Exposure:
    """Finishes pictures one after the other, RGB uint8 (height, width, 3)."""

    def __init__(self, sensor: Sensor, seed: int, pictures: int, width: int, height: int) -> None:
        self._sensor = sensor
        self._random = stream(seed, "sensor")
        self._size = (width, height)
        self._light = self._changes(pictures)
        self._taken = 0
        shape = (height + _ROOM, width + _ROOM, 3)
        grain = self._random.standard_normal(shape, np.float32) * sensor.noise
        # A camera's own processing leaves more of the brightness' noise than of the colour's.
        even = 1.0 if sensor.grey else 0.75
        self._grain = (1 - even) * grain + even * grain.mean(axis=2, keepdims=True) * 3**0.5
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        self._edge = (1 - sensor.vignette * (x * x + y * y) / 2).astype(np.float32)[:, :, None]
        self._drops = self._random.uniform(0, 1, (sensor.drops, 4))

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        sensor = self._sensor
        light: np.ndarray = picture.astype(np.float32)
        if sensor.weather:
            self._fall(light)
        if sensor.blur > 0.2:
            light = cv2.GaussianBlur(light, (0, 0), sensor.blur)
        if sensor.grey:
            light = np.repeat(light.mean(axis=2, keepdims=True), 3, axis=2)
        tint = np.array([1 + sensor.warmth, 1.0, 1 - sensor.warmth], np.float32)
        if sensor.grey:
            tint[:] = 1.0
        light *= tint * (sensor.gain * self._light[self._taken]) * self._edge
        light = (light - 110) * sensor.contrast + 110
        light += self._noise(light)
        self._taken += 1
        return np.asarray(np.clip(np.rint(light), 0, 255), np.uint8)

    def _changes(self, pictures: int) -> np.ndarray:
        """Factors of the light: (pictures,)."""
        time = np.linspace(0, 1, pictures)
        sensor = self._sensor
        if sensor.change == DRIFT:
            phase = self._random.uniform(0, 2 * np.pi)
            return np.asarray(1 + sensor.depth * np.sin(2 * np.pi * 0.7 * time + phase))
        if sensor.change == FLICKER:
            return 1 + sensor.depth * self._random.normal(size=pictures)
        if sensor.change == LAMP:
            return np.asarray(1 + sensor.depth * (time > self._random.uniform(0.2, 0.8)))
        return np.ones(pictures)

    def _noise(self, light: np.ndarray) -> np.ndarray:
        top, left = self._random.integers(0, _ROOM, 2)
        width, height = self._size
        cut = self._grain[top : top + height, left : left + width]
        return np.asarray(cut * (1.15 - 0.5 * np.clip(light, 0, 255) / 255))

    def _fall(self, light: np.ndarray) -> None:
        """Draw the drops, which are somewhere else in every picture."""
        width, height = self._size
        snow = self._sensor.weather == SNOW
        speed = 0.04 if snow else 0.3
        layer = np.zeros((height, width), np.uint8)
        self._drops[:, 1] += speed * (0.6 + 0.8 * self._drops[:, 2])
        self._drops[:, 0] += 0.01 * (self._drops[:, 3] - 0.3)
        gone = self._drops[:, 1] > 1.1
        self._drops[gone, 0] = self._random.uniform(0, 1, int(gone.sum()))
        self._drops[gone, 1] -= 1.2
        for x, y, near, _ in self._drops:
            at = (int(x % 1 * width), int(y * height))
            if snow:
                cv2.circle(layer, at, 1 + int(near > 0.7), 255, -1, cv2.LINE_AA)
            else:
                end = (at[0] - 2, at[1] - int((0.04 + 0.08 * near) * height))
                cv2.line(layer, at, end, 150, 1, cv2.LINE_AA)
        share = layer[:, :, None].astype(np.float32) / 255 * (0.8 if snow else 0.5)
        light += (215 - light) * share
