"""A clip as pictures: background, distractors and subject through the camera, then light and noise."""

from __future__ import annotations

from typing import Iterator, Optional, Protocol

import cv2
import numpy as np

from .attributes import Attributes, stream
from .backgrounds import WORLD
from .camera import HEIGHT, MARGIN_Y, WIDTH, views
from .classes import CROUCH, DOOR, DRIVE, LABELS, WALK, clock
from .door import Door
from .figure import STRIDE, Figure, crouching, walking, waving
from .pen import DARK, FINE, PALE, Pen, mix
from .vehicle import Vehicle

_SLOW_WAVE = 0.09  # radians per picture, and up to a quarter more: 0.36 Hz at 25 pictures/s
_NOISE_ROOM = 64  # the grain of a picture is cut from a field that is larger by this


class Actor(Protocol):
    """Something that moves."""

    def draw(self, pen: Pen, time: float) -> None:
        """Draw the state at this time, in picture intervals."""


class Subject:
    """The subject, which performs the class; `time` is its own clock, see `classes.clock`."""

    def __init__(self, action: str, traits: Attributes, pictures: int) -> None:
        self._action = action
        self._traits = traits
        self._pictures = pictures
        self._x = WORLD[0] / 2 + traits.x
        self._ground = MARGIN_Y + traits.ground
        self._figure = Figure(traits, traits.height, traits.facing)
        self._vehicle = Vehicle(traits)
        self._door = Door(traits, self._x, self._ground)

    def draw(self, pen: Pen, time: float) -> None:
        traits = self._traits
        if self._action == DOOR:
            self._door.draw(pen, self._share(time))
        elif self._action == DRIVE:
            travelled = self._travelled(time)
            self._vehicle.draw(pen, self._x + traits.facing * travelled, self._ground, travelled)
        elif self._action == WALK:
            travelled = self._travelled(time)
            turn = traits.phase + 2 * np.pi * travelled / (STRIDE * traits.height)
            x = self._x + traits.facing * travelled
            self._figure.draw(pen, x, self._ground, walking(turn))
        elif self._action == CROUCH:
            pose = crouching(self._share(time) * (0.75 + 0.25 * traits.reach))
            x = self._x - traits.facing * self._figure.foot(pose)  # the feet stay
            self._figure.draw(pen, x, self._ground, pose)
        else:
            turn = traits.phase + time * _SLOW_WAVE * (1 + 0.25 * traits.speed)
            pose = waving(turn, traits.variant, 0.5 + 0.15 * traits.reach)
            self._figure.draw(pen, self._x, self._ground, pose)

    def _travelled(self, time: float) -> float:
        """Return the distance from the place at half time, in pixels."""
        return (1.8 + 1.6 * self._traits.speed) * (time - (self._pictures - 1) / 2)

    def _share(self, time: float) -> float:
        """Return the completed share of an action that happens once, with a smooth speed."""
        begin, length = (
            part * self._pictures for part in (self._traits.start, self._traits.duration)
        )
        part = min(max((time - begin) / length, 0.0), 1.0)
        return part * part * (3 - 2 * part)


class Ball:
    """A ball that is thrown up again and again as it crosses the picture."""

    def __init__(self, traits: Attributes, seed: int) -> None:
        random = stream(seed, "ball")
        self._x = random.uniform(0.2, 0.8) * WORLD[0]
        self._speed = random.uniform(1.0, 5.0) * (-1) ** int(random.integers(2))
        self._ground = MARGIN_Y + random.uniform(205, 245)
        self._top = random.uniform(50, 130)
        self._phase, self._period = random.uniform(0, 1), random.uniform(16, 30)
        self._radius = random.uniform(5, 10)
        self._colour = mix(traits.accent, PALE, 0.2)

    def draw(self, pen: Pen, time: float) -> None:
        x = self._x + self._speed * time
        x = WORLD[0] - abs(x % (2 * WORLD[0]) - WORLD[0])  # it bounces off the edge of the world
        fall = 2 * ((time / self._period + self._phase) % 1.0) - 1
        y = self._ground - self._radius - self._top * (1 - fall * fall)
        pen.shadow((x, self._ground), self._radius * 1.2, self._radius * 0.3)
        pen.disc((x, y), self._radius, mix(self._colour, DARK, 0.35))
        pen.disc((x - self._radius * 0.2, y - self._radius * 0.2), self._radius * 0.7, self._colour)


class SecondWalker:
    """A smaller figure, farther away, that walks either way whatever the class."""

    def __init__(self, traits: Attributes, seed: int) -> None:
        random = stream(seed, "second walker")
        self._height = traits.height * random.uniform(0.35, 0.5)
        self._facing = int(random.integers(2)) * 2 - 1
        self._x = random.uniform(0.3, 0.7) * WORLD[0]
        self._speed = random.uniform(0.7, 1.4)
        self._ground = MARGIN_Y + traits.ground - random.uniform(14, 30)
        dress = traits._replace(shirt=traits.accent, trousers=traits.hair, accent=traits.shirt)
        self._figure = Figure(dress, self._height, self._facing)

    def draw(self, pen: Pen, time: float) -> None:
        travelled = self._speed * (time - 30)
        pose = walking(2 * np.pi * travelled / (STRIDE * self._height))
        self._figure.draw(pen, self._x + self._facing * travelled, self._ground, pose)


def render(
    label: str, attributes: Attributes, seed: int, background: np.ndarray, pictures: int
) -> Iterator[np.ndarray]:
    """Draw a clip: yields RGB uint8 (HEIGHT, WIDTH, 3), `pictures` of them in display order.

    `background`: RGB uint8, as from `backgrounds`; it stays unchanged.
    """
    subject = Subject(LABELS[label].action, attributes, pictures)
    times = clock(label, attributes.facing, pictures)
    second: Optional[Actor] = None
    ball: Optional[Actor] = None
    if attributes.second_walker:
        second = SecondWalker(attributes, seed)
    if attributes.ball:
        ball = Ball(attributes, seed)
    finish = _Finish(attributes, seed)
    for index, view in enumerate(views(attributes, seed, pictures)):
        canvas = _seen(background, view)
        pen = Pen(canvas, view)
        if second:
            second.draw(pen, index)
        subject.draw(pen, float(times[index]))
        if ball:
            ball.draw(pen, index)
        yield finish(cv2.resize(canvas, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA))


def _seen(background: np.ndarray, view: np.ndarray) -> np.ndarray:
    """Return the background through the camera, RGB uint8 (FINE * HEIGHT, FINE * WIDTH, 3)."""
    fine = view.copy()
    # Sample centres are half a sample from the edge, at either size.
    offset = (FINE - 1) / 2.0
    fine[:, 2] = view[:, 2] * FINE + offset - view[:, :2] @ np.array([offset, offset])
    return np.asarray(
        cv2.warpAffine(
            background,
            fine,
            (WIDTH * FINE, HEIGHT * FINE),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT,
        )
    )


class _Finish:
    """Adds light, its colour, contrast, and the grain of the sensor."""

    def __init__(self, traits: Attributes, seed: int) -> None:
        self._random = stream(seed, "noise")
        level = np.arange(256)[:, None] / 255.0
        tint = traits.gain * np.array([1 + traits.warmth, 1.0, 1 - traits.warmth])
        table = 255 * ((level - 0.5) * traits.contrast + 0.5) * tint
        self._table = np.clip(np.rint(table), 0, 255).astype(np.uint8).reshape(1, 256, 3)
        shape = (HEIGHT + _NOISE_ROOM, WIDTH + _NOISE_ROOM, 1)
        grain = self._random.standard_normal(shape, np.float32) * traits.noise
        self._grain = np.repeat(np.rint(grain).astype(np.int16), 3, axis=2)

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        top, left = self._random.integers(0, _NOISE_ROOM, 2)
        grain = self._grain[top : top + HEIGHT, left : left + WIDTH]
        lit = cv2.LUT(picture, self._table)
        return np.asarray(cv2.add(lit, grain, dtype=cv2.CV_8U))
